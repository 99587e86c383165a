"""Jaeger v2 over its v3 query API: the traces of a service, as OTLP JSON.

One answer holds all traces it found, without pages: what comes back full is asked again in halves of its
time. A search that finds nothing is a 404. Early releases of version 2 spell the parameters differently.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from urllib.parse import quote

import httpx

from bot.incident.errors import Unavailable
from bot.incident.evidence import Window
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.trace_stores import Sliced, Starts, Steps, json_values, read_slices
from bot.sources.vendor_pages import FOR_READING
from bot.sources.vendor_rows import iso, map_in, said_in
from bot.sources.visiting import Api, Visit, authorization, client_for
from bot.vendor_answers import SMALL

NAME = "Jaeger"
SETTING = "FIRSTFIVE_JAEGER_URL and FIRSTFIVE_JAEGER_TOKEN"
REQUESTS = 24  # of one look
TRACES_PATH = "/api/v3/traces"
MOST_REASON = 160  # characters of what Jaeger says about a failure
TRACES_IN = frozenset({"result", "resourceSpans", "batches"})  # what an answer with traces has one of

Spelling = Mapping[str, str]
SPELLINGS: tuple[Spelling, ...] = (
    {
        "service": "query.serviceName",
        "start": "query.startTimeMin",
        "end": "query.startTimeMax",
        "depth": "query.searchDepth",
    },
    {
        "service": "query.service_name",
        "start": "query.start_time_min",
        "end": "query.start_time_max",
        "depth": "query.search_depth",
    },
)


def open_source(url: str, token: str, clock: Clock) -> "Jaeger":
    """Jaeger's query service under that address; ``token`` is for a proxy before it: bearer, user:password, or empty."""
    client = client_for(url, authorization(token))
    return Jaeger(Api(NAME, SETTING, client, clock), url)


@dataclass(slots=True)
class Look:
    """One look: what came, and what was wrong with the answers."""

    ask: SourceAsk
    steps: Steps = field(default_factory=Steps)
    wrong: dict[str, None] = field(default_factory=dict)  # sentences, in order
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, values: Iterable[object], *, whole: bool) -> Starts:
        """Keep the traces of an answer: one result, or several after one another; returns when they began."""
        if not whole:
            self.wrong.setdefault(f"{NAME}: an answer ends early; some traces are missing.")
        starts: dict[str, int] = {}
        for value in values:
            row = value if isinstance(value, dict) else {}
            if "error" in row:
                self.wrong.setdefault(f"{NAME}: some traces are missing; {_reason(row)}.")
            elif row.keys().isdisjoint(TRACES_IN) and value != {}:
                self.wrong.setdefault(f"{NAME} answers in another form than expected; check {SETTING}.")
            starts |= self.steps.take(map_in(row, "result") or row)
        return starts


class Jaeger:
    """Traces in which the agent's service took part; ``ask.project`` is that service, else it has the agent's name."""

    name = NAME

    def __init__(self, api: Api, public_url: str = "") -> None:
        """``public_url`` is where people open Jaeger; without it there are no links."""
        self._api = api
        self._public_url = public_url.rstrip("/")
        self._spelling = SPELLINGS[0]

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`."""
        look = Look(ask)
        services = [ask.project] if ask.project else sorted(ask.names)
        visits = [self._api.visit(ask.seconds * FOR_READING, max(2, REQUESTS // len(services))) for _ in services]
        searches = await asyncio.gather(*map(self._search, repeat(look), visits, services))
        failures = [search.failure for search in searches if search.failure]
        if failures and not look.steps.spans:
            raise failures[0]
        missing = [sentence for search in searches for sentence in search.missing(NAME)]
        if any(search.enough for search in searches):
            missing.append(f"{NAME}: only the newest {ask.most_traces} traces were read; there may be older ones.")
        said = dict.fromkeys([*missing, *look.wrong])
        return await asyncio.to_thread(look.steps.found, NAME, ask, lambda trace: self._page(trace.id), said)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _search(self, look: Look, visit: Visit, service: str) -> Sliced:
        async def ask_slice(window: Window) -> tuple[Starts, bool]:
            body = await self._traces(visit, service, window, look.ask.most_traces)
            if body is None:
                return {}, False
            values, whole = await asyncio.to_thread(json_values, body)  # thousands of spans would hold up the loop
            if not values:
                raise visit.misread(body)
            async with look.taking:
                starts = await asyncio.to_thread(look.take, values, whole=whole)
            return starts, len(starts) >= look.ask.most_traces

        return await read_slices(ask_slice, look.ask, look.ask.most_traces)

    async def _traces(self, visit: Visit, service: str, window: Window, most: int) -> bytes | None:
        """The traces that Jaeger has of a slice, None where it has none; an older Jaeger is asked in its own words."""
        said = {"service": service, "start": moment(window.start_ns), "end": moment(window.end_ns), "depth": str(most)}
        spellings = sorted(SPELLINGS, key=lambda one: one is not self._spelling)
        for spelling in spellings:
            try:
                params = {spelling[name]: value for name, value in said.items()}
                body = await visit.text("GET", TRACES_PATH, params=params, telling={httpx.codes.NOT_FOUND})
            except Unavailable:
                if visit.last_status != httpx.codes.BAD_REQUEST or spelling is spellings[-1]:
                    raise
                continue
            if visit.last_status == httpx.codes.NOT_FOUND:
                if not _is_object(body):  # the address has no Jaeger, or another path
                    raise visit.misread(body or b"")
                return None
            self._spelling = spelling
            return body
        return None

    def _page(self, trace_id: str) -> str:
        return f"{self._public_url}/trace/{quote(trace_id, safe='')}" if self._public_url else ""


def _is_object(body: bytes | None) -> bool:
    values, _ = json_values(body if body and len(body) <= SMALL else b"")
    return bool(values) and isinstance(values[0], dict)


def moment(at_ns: int) -> str:
    """A moment in nanoseconds as RFC 3339 says it."""
    return f"{iso(at_ns)[:-1]}{at_ns % 1000:03d}Z"


def _reason(row: Mapping[str, Any]) -> str:
    said = said_in(map_in(row, "error"), "message") or said_in(row, "error") or "it does not say why"
    return " ".join(said.split())[:MOST_REASON].rstrip(".")
