"""Datadog LLM Observability (Agent Observability): spans over its search endpoint, evaluations inside them.

The window is always said, because Datadog looks 15 minutes back where it is not. Spans come newest first, so whatever
ends a look early costs the oldest traces. An evaluation has no time of its own: it counts from the end of its span.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.datadog_rows import NAME, is_root, read_spans
from bot.sources.vendor_pages import (
    FOR_READING,
    AskPage,
    Page,
    cursor_in,
    enough_roots,
    read_side_by_side,
)
from bot.sources.vendor_rows import iso
from bot.sources.visiting import Api, Visit, client_for

SETTING = "FIRSTFIVE_DATADOG_URL and its keys"
REQUESTS = 12  # of one look
SEARCH_PATH = "/api/v2/llm-obs/v1/spans/events/search"
SPANS_A_PAGE = 1000  # of 5000 at most; spans carry their inputs and outputs
NEWEST_FIRST = "-timestamp"


def open_source(url: str, api_key: str, application_key: str, clock: Clock) -> "Datadog":
    """Datadog's API under the address of one's site."""
    client = client_for(url, {"DD-API-KEY": api_key, "DD-APPLICATION-KEY": application_key})
    return Datadog(Api(NAME, SETTING, client, clock), url)


class Datadog:
    """Traces of the applications (``ml_app``) that bear the agent's names, with their evaluations."""

    name = NAME

    def __init__(self, api: Api, url: str) -> None:
        self._api = api
        self._site = site_of(url)

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`. ``ask.project`` is the agent's ``ml_app`` there."""
        visit = self._api.visit(ask.seconds * FOR_READING, REQUESTS)
        apps = [ask.project] if ask.project else sorted(ask.names)
        pages = await read_side_by_side(
            (_search(visit, app, ask) for app in apps), enough_roots(ask.most_traces, is_root)
        )
        if pages.failure and not pages.rows:
            raise pages.failure
        return await asyncio.to_thread(read_spans, pages, ask, self._site)  # thousands of rows would hold up the loop

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()


def _search(visit: Visit, app: str, ask: SourceAsk) -> AskPage:
    async def ask_page(cursor: str) -> Page:
        answer = await visit.post(SEARCH_PATH, search_body(app, ask, cursor))
        return visit.rows(answer, "data"), cursor_in(answer, "meta", "page", "after")

    return ask_page


def search_body(app: str, ask: SourceAsk, cursor: str) -> Mapping[str, object]:
    """The search for one application's spans of the asked time, one page of it."""
    return {
        "data": {
            "type": "spans",
            "attributes": {
                "filter": {"ml_app": app, "from": iso(ask.start_ns), "to": iso(ask.end_ns)},
                "page": {"limit": SPANS_A_PAGE, **({"cursor": cursor} if cursor else {})},
                "sort": NEWEST_FIRST,
            },
        }
    }


def site_of(url: str) -> str:
    """Where people look at what is read under ``url``: the ``app`` host, or the bare host of a numbered site."""
    host = urlsplit(url).hostname or ""
    site = host.removeprefix("api.")
    return f"https://{site}" if site.count(".") > 1 else f"https://app.{site}"
