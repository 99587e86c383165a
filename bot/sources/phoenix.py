"""Arize Phoenix over its REST API.

What a Phoenix can do differs from release to release, so its own OpenAPI description is read first and
remembered. Traces are listed newest first; their spans and annotations follow in small batches, so that
whatever ends a look early costs the oldest traces and leaves whole the ones that were read.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx

from bot.incident.errors import Unavailable
from bot.incident.telemetry import EvalScore, Span
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.normalise import span_from
from bot.sources.phoenix_rows import Abilities, abilities_in, naming, read_annotation, read_span
from bot.sources.raw_spans import RawSpan
from bot.sources.scores import scores_of_span
from bot.sources.vendor_evidence import because, paced, scores_of_agent, traces_of_agent
from bot.sources.vendor_pages import FOR_READING, Page, chunks, cursor_in, missing_rows, read_pages
from bot.sources.vendor_rows import identifier_in, iso, map_in, readable, trace_id_of
from bot.sources.visiting import Api, Parameters, Visit, client_for

NAME = "Phoenix"
SETTING = "FIRSTFIVE_PHOENIX_URL and its key"
REQUESTS = 80  # of one look; time ends it long before
DESCRIPTION = "/openapi.json"
REMEMBERED = timedelta(hours=1)
CHANGED = frozenset({400, 404, 422})  # an update may have changed what it can do
BAD_FILTER = 400

TRACES_A_PAGE = 1000  # the most there is
SPANS_A_PAGE = 500  # with all their bodies; 1000 is the most there is
ANNOTATIONS_A_PAGE = 1000  # without it, only 10 come
TRACES_AT_A_TIME = 50  # their ids in one URL: about 2 kB
SPANS_AT_A_TIME = 250  # their ids in one URL: about 6 kB, below what proxies allow
MOST_WINDOW_PAGES = 5  # where traces cannot be listed


def open_source(url: str, api_key: str, project: str, clock: Clock) -> "Phoenix":
    """Phoenix under that address; ``api_key`` is empty where authentication is off."""
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    client = client_for(url, headers)
    return Phoenix(Api(NAME, SETTING, client, clock), project, url)


@dataclass(slots=True)
class Reading:
    """What a look has read so far, and what ended each kind of it."""

    spans: list[Span] = field(default_factory=list)
    annotated: list[EvalScore] = field(default_factory=list)
    told: list[EvalScore] = field(default_factory=list)  # by the spans themselves
    pages: dict[str, str] = field(default_factory=dict)  # trace id -> the id Phoenix knows it by
    bad_spans: int = 0
    bad_annotations: int = 0
    missing: list[str] = field(default_factory=list)
    without_annotations: Unavailable | None = None
    is_outdated: bool = False  # what we believe Phoenix can do

    def take(self, rows: Sequence[object]) -> list[RawSpan]:
        """Keep these rows of spans; returns them as they can be read."""
        raw, bad = readable(rows, read_span)
        self.spans += [span_from(one) for one in raw]
        self.told += chain.from_iterable(scores_of_span(one) for one in raw)
        self.bad_spans += bad
        return raw


@dataclass(frozen=True, slots=True)
class Project:
    """One look at one project."""

    name: str
    visit: Visit
    can: Abilities

    async def rows(self, what: str, params: Parameters, most: int | None = None) -> list[Any]:
        """All rows of an endpoint of the project, at most about ``most``.

        Raises:
            Unavailable: a page could not be read; pages before it are dropped.
        """

        async def ask_page(cursor: str) -> Page:
            path = f"/v1/projects/{quote(self.name, safe='')}/{what}"
            answer = await self.visit.get(path, {**params, **({"cursor": cursor} if cursor else {})})
            return self.visit.rows(answer, "data"), cursor_in(answer, "next_cursor")

        pages = await read_pages(ask_page, None if most is None else lambda rows: len(rows) >= most)
        if pages.failure:
            raise pages.failure
        return pages.rows

    async def listed(self, ask: SourceAsk) -> list[Any]:
        """The traces of that time, newest first: those whose root names the agent, else all of the project.

        Only one more than asked for is read, which shows that there are more.
        """
        params = {
            **_window(ask),
            "sort": "start_time",
            "order": "desc",
            "limit": min(ask.most_traces + 1, TRACES_A_PAGE),
        }
        params = {name: value for name, value in params.items() if name in self.can.traces}
        if ask.project is None and "filter" in self.can.traces:
            try:
                if named := await self.rows("traces", {**params, "filter": naming(ask.names)}, ask.most_traces + 1):
                    return named
            except Unavailable:
                if self.visit.last_status != BAD_FILTER:
                    raise
        return await self.rows("traces", params, ask.most_traces + 1)


class Phoenix:
    """Traces of a project with their spans, and the annotations of both as scores."""

    name = NAME

    def __init__(self, api: Api, project: str, public_url: str = "") -> None:
        """``public_url`` is where people open Phoenix; without it there are no links."""
        self._api = api
        self._project = project
        self._public_url = public_url.rstrip("/")
        self._abilities: Abilities | None = None
        self._described_at: datetime | None = None

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`. ``ask.project`` is the name or id of the agent's own project."""
        visit = self._api.visit(ask.seconds * FOR_READING, REQUESTS)
        reading = Reading()
        try:
            project = Project(ask.project or self._project, visit, await self._can(visit))
            await self._read(project, ask, reading)
        finally:
            if reading.is_outdated or visit.last_status in CHANGED:
                self._abilities = None
        return await asyncio.to_thread(self._found, reading, ask)

    def _found(self, reading: Reading, ask: SourceAsk) -> SourceFound:
        traces = traces_of_agent(reading.spans, ask)
        return SourceFound(
            traces=traces,
            scores=scores_of_agent(reading.annotated, reading.told, traces, ask),
            links={trace.id: self._page(reading.pages[trace.id]) for trace in traces} if self._public_url else {},
            missing=(*reading.missing, *_unreadable(reading)),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _can(self, visit: Visit) -> Abilities:
        now = self._api.clock.now()
        if self._abilities is None or self._described_at is None or now - self._described_at > REMEMBERED:
            self._abilities = abilities_in(await visit.get(DESCRIPTION, absent=httpx.codes.NOT_FOUND))
            self._described_at = now
        return self._abilities

    async def _read(self, project: Project, ask: SourceAsk, reading: Reading) -> None:
        if not project.can.spans:
            raise Unavailable(f"{NAME} offers no spans over its API; update it, or check {SETTING}.")
        try:
            await (_read_traces if project.can.lists_traces else _read_window)(project, ask, reading)
        except Unavailable as failure:
            if project.visit.last_status == httpx.codes.NOT_FOUND:
                sentence = f"{NAME} has no project {project.name!r}; check FIRSTFIVE_PHOENIX_PROJECT or the catalogue."
                raise Unavailable(sentence, failure.retry_after) from failure
            raise

    def _page(self, trace_id: str) -> str:
        return f"{self._public_url}/redirects/traces/{quote(trace_id, safe='')}"


async def _read_traces(project: Project, ask: SourceAsk, reading: Reading) -> None:
    listed, bad = readable(await project.listed(ask), lambda row: identifier_in(row, "trace_id"))
    reading.missing += missing_rows(NAME, "traces", bad)
    if len(listed) > ask.most_traces:
        reading.missing.append(f"{NAME}: only the newest {ask.most_traces} traces were read; there are older ones.")
    wanted = list(dict.fromkeys(listed))[: ask.most_traces]
    done = 0
    for batch in paced(wanted, TRACES_AT_A_TIME):
        try:
            rows = await project.rows("spans", {"trace_id": list(batch), "limit": SPANS_A_PAGE})
        except Unavailable as failure:
            if not done:
                raise
            left = f"the oldest {len(wanted) - done} of {len(wanted)} traces were not read"
            reading.missing.append(f"{NAME}: {left}; {because(failure)}.")
            break
        done += len(batch)
        reading.pages |= {trace_id_of(said): said for said in batch}
        raw = await asyncio.to_thread(reading.take, rows)  # thousands of spans would hold up the loop
        await _read_annotations(project, batch, raw, reading)
    if reading.without_annotations:
        reading.missing.append(f"{NAME}: annotations are not all there; {because(reading.without_annotations)}.")


async def _read_window(project: Project, ask: SourceAsk, reading: Reading) -> None:
    """All spans of that time, for a Phoenix that cannot list traces."""
    most = MOST_WINDOW_PAGES * SPANS_A_PAGE
    rows = await project.rows("spans", {**_window(ask), "limit": SPANS_A_PAGE}, most)
    if len(rows) >= most:
        reading.missing.append(f"{NAME}: only the newest {most} spans were read; older traces may lack steps.")
    raw = await asyncio.to_thread(reading.take, rows)
    said, _ = readable(rows, lambda row: identifier_in(map_in(row, "context"), "trace_id"))
    reading.pages |= {trace_id_of(trace): trace for trace in said}
    await _read_annotations(project, list(dict.fromkeys(said)), raw, reading)
    if reading.without_annotations:
        reading.missing.append(f"{NAME}: annotations are not all there; {because(reading.without_annotations)}.")


async def _read_annotations(
    project: Project, traces: Sequence[str], spans: Sequence[RawSpan], reading: Reading
) -> None:
    of_span = {span.span_id: span.trace_id for span in sorted(spans, key=lambda span: span.parent_id != "")}
    rows: list[Any] = []
    for what, name, ids in _questions(project.can, traces, list(of_span)):
        if reading.without_annotations:
            break
        try:
            rows += await project.rows(what, {name: ids, "limit": ANNOTATIONS_A_PAGE})
        except Unavailable as failure:
            reading.without_annotations = failure
            reading.is_outdated = project.visit.last_status in CHANGED
    scores, bad = readable(rows, lambda row: read_annotation(row, of_span))
    reading.annotated += filter(None, scores)
    reading.bad_annotations += bad


def _questions(can: Abilities, traces: Sequence[str], spans: Sequence[str]) -> Iterator[tuple[str, str, list[str]]]:
    if can.trace_annotations:
        yield from (("trace_annotations", "trace_ids", list(part)) for part in chunks(traces, TRACES_AT_A_TIME))
    if can.span_annotations:
        yield from (("span_annotations", "span_ids", list(part)) for part in chunks(spans, SPANS_AT_A_TIME))


def _window(ask: SourceAsk) -> dict[str, str | int]:
    """Phoenix keeps microseconds: the end is the first one after the asked time."""
    return {"start_time": iso(ask.start_ns), "end_time": iso(ask.end_ns + 999)}


def _unreadable(reading: Reading) -> tuple[str, ...]:
    spans = missing_rows(NAME, "spans", reading.bad_spans)
    return spans + missing_rows(NAME, "annotations", reading.bad_annotations)
