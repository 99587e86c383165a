"""Grafana Tempo: searched with TraceQL, then the traces themselves as OTLP JSON, one request each.

A search gives any N traces of its time, without order and without pages, so the time is searched in slices,
newest first, and what comes back full again in halves. Where not all that was found can be read, a part is drawn
as if by lot: picked by outcome, every share computed from it would mislead.
Reading needs Tempo 2.7 or later.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote

import httpx

from bot.incident.errors import Unavailable
from bot.incident.evidence import Window
from bot.incident.telemetry import Trace
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.trace_stores import SECOND_NS, Sliced, Starts, Steps, read_slices
from bot.sources.vendor_evidence import because
from bot.sources.vendor_pages import FOR_READING
from bot.sources.vendor_rows import said_in, sound
from bot.sources.visiting import Api, Visit, authorization, client_for

NAME = "Tempo"
SETTING = "FIRSTFIVE_TEMPO_URL, FIRSTFIVE_TEMPO_TOKEN and FIRSTFIVE_TEMPO_TENANT"
FOR_SEARCHING = 0.4  # of the seconds; the rest is for reading what was found
SEARCHES = 24  # requests
READS = 250  # requests for traces
AT_ONCE = 8
FOUND_FOR_EACH = 4  # found for each that is read, so that the sample reaches far back
MOST_FOUND = 250  # traces a search is asked for; some installations refuse more than a few hundred
SPANS_SHOWN = 1  # of each trace found; they come with the trace later
BEFORE_S, AFTER_S = 300, 3600  # around a trace's start, where its spans are looked for
MOST_REASON = 160  # characters of what Tempo says about a trace


def open_source(url: str, token: str, tenant: str, grafana_url: str, clock: Clock) -> "Tempo":
    """Tempo under that address.

    ``token`` is a bearer token, user:password, or empty; ``tenant`` is empty where there is only one;
    ``grafana_url`` is where people look at traces, empty for no links.
    """
    headers = authorization(token) | ({"x-scope-orgid": tenant} if tenant else {})
    client = client_for(url, headers)
    return Tempo(Api(NAME, SETTING, client, clock), grafana_url)


@dataclass(slots=True)
class Reading:
    """What was read of the traces that were found."""

    steps: Steps = field(default_factory=Steps)
    absent: int = 0  # found, and gone or unreadable when asked for
    partial: list[str] = field(default_factory=list)  # why, of each that came in part
    failures: list[Unavailable] = field(default_factory=list)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, answer: object) -> None:
        """Keep one trace as Tempo answers with it; None where it has none."""
        trace = answer.get("trace") if isinstance(answer, dict) else None
        if not self.steps.take(trace):
            self.absent += 1
        if isinstance(answer, dict) and answer.get("status") in {"PARTIAL", 1}:
            self.partial.append(" ".join(said_in(answer, "message").split())[:MOST_REASON].rstrip("."))

    def missing(self, wanted: int) -> Iterator[str]:
        """What of the wanted traces did not come, one sentence each."""
        if self.failures:
            left = f"{len(self.failures)} of {wanted} traces were not read"
            yield f"{NAME}: {left}; {because(self.failures[0])}."
        if self.absent:
            yield f"{NAME}: traces found and then not there to be read: {self.absent}. Reading needs Tempo 2.7 or later."
        if self.partial:
            reason = next((f"; {why}" for why in self.partial if why), "")
            yield f"{NAME}: traces that came only in part: {len(self.partial)}{reason}."


class Tempo:
    """Traces in which the agent or its service took part; ``ask.project`` is that service, where the catalogue has one."""

    name = NAME

    def __init__(self, api: Api, grafana_url: str = "", datasource: str = "tempo") -> None:
        """``datasource`` is the uid under which that Grafana knows this Tempo."""
        self._api = api
        self._grafana_url = grafana_url.rstrip("/")
        self._datasource = datasource

    async def find(self, ask: SourceAsk) -> SourceFound:
        """As :meth:`bot.ports.TelemetrySource.find`."""
        reading_visit = self._api.visit(ask.seconds * FOR_READING, READS)
        every = await self._search(of_agent(ask), ask, FOUND_FOR_EACH * ask.most_traces)
        if every.failure and not every.starts:
            raise every.failure
        found = in_time(every.starts, ask)
        wanted = drawn(found, min(ask.most_traces, READS))
        reading = Reading()
        await self._read(reading_visit, wanted, found, reading)
        if reading.failures and not reading.steps.spans:
            raise reading.failures[0]
        missing = [*every.missing(NAME), *_more(every, len(found), len(wanted)), *reading.missing(len(wanted))]
        return await asyncio.to_thread(reading.steps.found, NAME, ask, self._page, missing)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _search(self, query: str, ask: SourceAsk, most: int) -> Sliced:
        visit, limit = self._api.visit(ask.seconds * FOR_SEARCHING, SEARCHES), min(MOST_FOUND, ask.most_traces)

        async def ask_slice(window: Window) -> tuple[Starts, bool]:
            params: dict[str, str | int] = {
                "q": query,
                "start": window.start_ns // SECOND_NS,
                "end": window.end_ns // SECOND_NS,
                "limit": limit,
                "spss": SPANS_SHOWN,
            }
            rows = visit.rows(await visit.get("/api/search", params), "traces")
            return starts_in(rows, window), len(rows) >= limit

        return await read_slices(ask_slice, ask, most)

    async def _read(self, visit: Visit, wanted: Sequence[str], starts: Starts, reading: Reading) -> None:
        free = asyncio.Semaphore(AT_ONCE)

        async def read(trace_id: str) -> None:
            async with free:
                around = starts[trace_id] // SECOND_NS
                params = {"start": max(0, around - BEFORE_S), "end": around + AFTER_S}
                try:
                    answer = await visit.get(f"/api/v2/traces/{trace_id}", params, absent=httpx.codes.NOT_FOUND)
                except Unavailable as failure:
                    reading.failures.append(failure)
                    return
                async with reading.taking:
                    await asyncio.to_thread(reading.take, answer)  # a long trace would hold up the loop

        await asyncio.gather(*map(read, wanted))

    def _page(self, trace: Trace) -> str:
        """The trace in Grafana's Explore."""
        if not self._grafana_url:
            return ""
        source = {"type": "tempo", "uid": self._datasource}
        query = {"refId": "A", "datasource": source, "queryType": "traceql", "query": trace.id}
        around = {"from": str(trace.start_ns // 1_000_000 - 60_000), "to": str(trace.end_ns // 1_000_000 + 60_000)}
        panes = {"trace": {"datasource": self._datasource, "queries": [query], "range": around}}
        return f"{self._grafana_url}/explore?schemaVersion=1&panes={quote(json.dumps(panes, separators=(',', ':')))}"


def of_agent(ask: SourceAsk) -> str:
    """The TraceQL of traces with a span of the agent or of its service."""
    if ask.project:
        return f"{{ resource.service.name = {traceql_string(ask.project)} }}"
    either = (
        f"{field_name} = {traceql_string(name)}"
        for name in sorted(ask.names)
        for field_name in ("span.gen_ai.agent.name", "resource.service.name")
    )
    return f"{{ {' || '.join(either)} }}"


def traceql_string(text: str) -> str:
    """A string literal of TraceQL, on one line; its escapes are Go's."""
    escaped = sound(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def starts_in(rows: Sequence[object], window: Window) -> dict[str, int]:
    """The traces of a search with their start; one whose root is still under way begins with its slice."""
    found: dict[str, int] = {}
    for row in rows:
        said = row.get("traceID") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(said, str) or not said:
            continue
        start = said_in(row, "startTimeUnixNano")
        known = start.isascii() and start.isdigit() and len(start) <= len(str(window.end_ns)) and int(start) > 0
        found[said.lower().zfill(32)] = int(start) if known else window.start_ns  # Tempo leaves out leading zeros
    return {one: start for one, start in found.items() if one.isalnum() and one.isascii()}


def in_time(starts: Starts, ask: SourceAsk) -> dict[str, int]:
    """Those that began in the asked time; a search also gives traces that only reach into it."""
    begin_ns = ask.start_ns // SECOND_NS * SECOND_NS
    return {trace_id: at for trace_id, at in starts.items() if begin_ns <= at < ask.end_ns}


def drawn(found: Starts, most: int) -> list[str]:
    """At most so many traces, drawn as if by lot and the same every time; every beginning of the order is such a draw."""
    return sorted(found, key=lambda one: sha256(one.encode()).digest())[:most]


def _more(every: Sliced, found: int, read: int) -> Iterator[str]:
    if found > read:
        yield f"{NAME}: {read} of {found} traces were read, drawn as if by lot."
    if every.enough:
        yield f"{NAME}: there are more traces than can be searched for at once; the oldest of the time are missing."
