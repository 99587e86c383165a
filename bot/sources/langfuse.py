"""Langfuse v4: observations over its v2 read API, scores over v3.

The endpoints that v4 deprecates (traces, observations and scores of the first versions) are never called, and
pass rates come from the scores themselves: the metrics endpoint allows only 100 requests a day on the small plan.
Observations come newest first, so whatever ends a look early costs the oldest traces.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.langfuse_rows import NAME, Observed, is_root, read_all
from bot.sources.vendor_pages import (
    FOR_READING,
    AskPage,
    Page,
    Pages,
    chunks,
    cursor_in,
    enough_roots,
    read_pages,
    read_side_by_side,
    texts_of,
)
from bot.sources.vendor_rows import earliest, iso
from bot.sources.visiting import Api, Visit, client_for

SETTING = "FIRSTFIVE_LANGFUSE_URL and its keys"
REQUESTS_FOR_STEPS = 10  # of one look; the smallest plan allows 30 a minute
REQUESTS_FOR_THE_REST = 10
REQUESTS_FOR_WORDS = 5
FOR_STEPS = 0.6  # of the seconds, so that long traces leave time for their scores
OBSERVATIONS_PATH = "/api/public/v2/observations"
SCORES_PATH = "/api/public/v3/scores"
STEPS = "core,basic,time,metadata,model,usage,prompt,metrics,trace_context"
BODIES = "core,io"
UNCUT = "attributes,resourceAttributes"  # metadata is cut at 200 characters unless it is named here
STEPS_A_PAGE = 1000  # the most there is
BODIES_A_PAGE = 250  # bodies are long
SCORES_A_PAGE = 100  # the most there is; more is an error
TRACES_AT_A_TIME = 60  # ids in one URL, about 2 kB

Condition = Mapping[str, object]
Question = tuple[Condition, ...]


def open_source(url: str, public_key: str, secret_key: str, clock: Clock) -> "Langfuse":
    """Langfuse under that address, with the keys of one project."""
    client = client_for(url, auth=(public_key, secret_key))
    return Langfuse(Api(NAME, SETTING, client, clock), url)


class Langfuse:
    """Traces by their name or, where none has it, by their agent observations; scores of those traces."""

    name = NAME

    def __init__(self, api: Api, url: str) -> None:
        self._api = api
        self._url = url.rstrip("/")

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`. ``ask.project`` is the name of the agent's traces there."""
        early = self._api.visit(ask.seconds * FOR_STEPS, REQUESTS_FOR_STEPS)
        late = self._api.visit(ask.seconds * FOR_READING, REQUESTS_FOR_THE_REST)
        aside = self._api.visit(ask.seconds * FOR_READING, REQUESTS_FOR_WORDS)
        questions, steps = await self._steps(early, ask)
        if steps.failure and not steps.rows:
            raise steps.failure
        ids = list(dict.fromkeys(texts_of(steps.rows, "traceId")))[: ask.most_traces]
        seen = replace(ask, start_ns=earliest(steps.rows, "startTime") or ask.start_ns)  # older bodies help nobody
        calls, words, judged = await asyncio.gather(
            self._bodies(late, seen, questions, ["TOOL"]),
            self._bodies(aside, seen, questions, ["AGENT", "GENERATION"]),
            read_side_by_side(_scores_of(late, ids)),
        )
        # In a thread, as thousands of rows would hold up the loop
        return await asyncio.to_thread(read_all, Observed(steps, calls, words), judged, ask, self._url)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _steps(self, visit: Visit, ask: SourceAsk) -> tuple[list[Question], Pages]:
        """All observations without their bodies, and the questions that found them."""
        named: Question = (any_of("traceName", [ask.project] if ask.project else sorted(ask.names)),)
        steps = await read_pages(self._listing(visit, ask, named, STEPS), enough_roots(ask.most_traces, is_root))
        if steps.rows or steps.failure:
            return [named], steps
        questions: list[Question] = [(any_of("traceId", part),) for part in await self._traces_of_agents(visit, ask)]
        return questions, await read_side_by_side(self._listing(visit, ask, one, STEPS) for one in questions)

    async def _bodies(self, visit: Visit, ask: SourceAsk, questions: Sequence[Question], types: list[str]) -> Pages:
        """Inputs and outputs of the observations of those types."""
        wanted = any_of("type", types)
        return await read_side_by_side(self._listing(visit, ask, (*one, wanted), BODIES) for one in questions)

    async def _traces_of_agents(self, visit: Visit, ask: SourceAsk) -> list[tuple[str, ...]]:
        """Ids of the newest traces with an agent observation of one of the names, as many as one question takes."""
        question = (any_of("type", ["AGENT"]), any_of("name", sorted(ask.names)))
        rows, _ = await self._listing(visit, ask, question, "core")("")
        return chunks(list(dict.fromkeys(texts_of(rows, "traceId")))[: ask.most_traces], TRACES_AT_A_TIME)

    def _listing(self, visit: Visit, ask: SourceAsk, question: Question, fields: str) -> AskPage:
        # A filter makes Langfuse ignore the parameters for the time, so the time is part of it
        during = (since(ask.start_ns), {**since(ask.end_ns), "operator": "<"})
        params: dict[str, str | int] = {
            "fields": fields,
            "limit": STEPS_A_PAGE if fields != BODIES else BODIES_A_PAGE,
            "filter": json.dumps([*during, *question], separators=(",", ":")),
        }
        if "metadata" in fields:
            params["expandMetadata"] = UNCUT
        return _pages_of(visit, OBSERVATIONS_PATH, params)


def _scores_of(visit: Visit, trace_ids: Sequence[str]) -> list[AskPage]:
    plain: dict[str, str | int] = {"fields": "details,subject", "limit": SCORES_A_PAGE}
    parts = chunks([one for one in trace_ids if "," not in one], TRACES_AT_A_TIME)
    return [_pages_of(visit, SCORES_PATH, {**plain, "traceId": ",".join(part)}) for part in parts]


def _pages_of(visit: Visit, path: str, params: Mapping[str, str | int]) -> AskPage:
    async def ask_page(cursor: str) -> Page:
        answer = await visit.get(path, {**params, "cursor": cursor} if cursor else params)
        return visit.rows(answer, "data"), cursor_in(answer, "meta", "cursor")

    return ask_page


def any_of(column: str, values: Sequence[str]) -> Condition:
    """A condition of Langfuse's filter: the column is one of the values."""
    return {"type": "stringOptions", "column": column, "operator": "any of", "value": list(values)}


def since(at_ns: int) -> Condition:
    """A condition of Langfuse's filter: not before that moment."""
    return {"type": "datetime", "column": "startTime", "operator": ">=", "value": iso(at_ns)}
