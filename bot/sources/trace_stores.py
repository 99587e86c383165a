"""What trace stores that speak OTLP JSON have in common: spans out of their answers, whose they are, time in slices."""

import binascii
import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from bot.incident.assembly import assemble
from bot.incident.errors import Unavailable
from bot.incident.evidence import Window
from bot.incident.quantities import duration
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.ports import SourceAsk, SourceFound
from bot.sources import otlp_json
from bot.sources.normalise import span_from
from bot.sources.raw_spans import LATEST_NS, RawSpan
from bot.sources.scores import scores_of_span
from bot.sources.vendor_evidence import clean, scores_of_agent
from bot.sources.vendor_pages import missing_rows, rows_in
from bot.sources.vendor_rows import clock_time, sound, span_id_of
from bot.vendor_answers import Decoder

TRACE_BYTES, SPAN_BYTES = 16, 8
SECOND_NS = 1_000_000_000
NAMES_SHOWN = 3

_HEX = re.compile(r"[0-9a-f]+")
_UNREADABLE = (TypeError, ValueError, AttributeError, KeyError, OverflowError, RecursionError)

Starts = Mapping[str, int]  # trace id -> when it began
AskSlice = Callable[[Window], Awaitable[tuple[Starts, bool]]]  # what began there, and whether there may be more


@dataclass(slots=True)
class Steps:
    """The spans that have come so far, each once, and how many could not be read."""

    spans: dict[tuple[str, str], Span] = field(default_factory=dict)
    told: list[EvalScore] = field(default_factory=list)
    bad: int = 0

    def take(self, answer: object) -> Starts:
        """Keep the spans of a TracesData in JSON; returns the traces it spoke of, and when their spans began."""
        raws, bad = read_spans(answer)
        self.bad += bad
        starts: dict[str, int] = {}
        for raw in raws:
            starts[raw.trace_id] = min(raw.start_ns, starts.get(raw.trace_id, LATEST_NS))
            key = raw.trace_id, raw.span_id
            if key not in self.spans:
                self.spans[key] = span_from(raw)
                self.told += scores_of_span(raw)
        return starts

    def found(self, source: str, ask: SourceAsk, page: Callable[[Trace], str], missing: Iterable[str]) -> SourceFound:
        """What the source hands on: the asked agent's traces with their scores and pages, and what is missing."""
        traces, others = traces_of_names(self.spans.values(), ask)
        return SourceFound(
            traces=traces,
            scores=scores_of_agent((), self.told, traces, ask),
            links={trace.id: link for trace in traces if (link := page(trace))},
            missing=(*missing, *_others(source, others), *missing_rows(source, "spans", self.bad)),
        )


def read_spans(answer: object) -> tuple[list[RawSpan], int]:
    """The spans of a TracesData in JSON, and how many could not be read; one bad span never loses the others."""
    good: list[RawSpan] = []
    bad = 0
    for group in [*rows_in(answer, "resourceSpans"), *rows_in(answer, "batches")]:
        if not isinstance(group, dict):
            continue
        scopes = [*rows_in(group, "scopeSpans"), *rows_in(group, "instrumentationLibrarySpans")]
        spans = list(chain.from_iterable(rows_in(scope, "spans") for scope in scopes))
        named = [with_hex_ids(span) for span in spans if isinstance(span, dict)]
        raws = list(_read(group.get("resource"), [span for span in named if span]))
        good += raws
        bad += len(spans) - len(raws)
    return good, bad


def _read(resource: object, spans: Sequence[Mapping[str, Any]]) -> Iterator[RawSpan]:
    """All at once where that goes well, else one by one."""
    try:
        raws = list(otlp_json.spans(_request(resource, spans)))
    except _UNREADABLE:
        if len(spans) > 1:
            yield from chain.from_iterable(_read(resource, [span]) for span in spans)
        return
    yield from (raw for raw in raws if 0 < raw.start_ns <= LATEST_NS >= raw.end_ns)


def _request(resource: object, spans: Sequence[Mapping[str, Any]]) -> bytes:
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    body = json.dumps(request).encode()
    return json.dumps(clean(request)).encode() if b"\\u0000" in body else body  # cleaning takes longer than reading


def with_hex_ids(span: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The span with ids in hex, however they are written; None where it has none that is valid.

    A parent that cannot be read stays some other span, so that this one is not taken for a root.
    """
    trace_id, span_id = hex_id(span.get("traceId"), TRACE_BYTES), hex_id(span.get("spanId"), SPAN_BYTES)
    if not trace_id or not span_id:
        return None
    parent = span.get("parentSpanId") or ""
    parent_id = (hex_id(parent, SPAN_BYTES) or _unknown_parent(str(parent))) if parent else ""
    return {**span, "traceId": trace_id, "spanId": span_id, "parentSpanId": parent_id}


def _unknown_parent(said: str) -> str:
    decoded = said.strip("0A=")  # all zeros, in hex or base64, means no parent
    return span_id_of(said) if decoded else ""


def hex_id(said: object, size: int) -> str:
    """An id of so many bytes in lower-case hex, from hex or base64; empty where it is none, or only zeros.

    Trace ids of 64 bits are filled up with zeros, as OpenTelemetry does.
    """
    if not isinstance(said, str):
        return ""
    plain = said.lower()
    if _HEX.fullmatch(plain) and len(plain) in {2 * size, 2 * SPAN_BYTES}:
        found = plain.zfill(2 * size)
    else:
        try:
            raw = b64decode(said + "=" * (-len(said) % 4), validate=True)
        except (binascii.Error, ValueError):
            return ""
        found = raw.hex() if len(raw) == size else ""
    return found if found.strip("0") else ""


def json_values(body: bytes) -> tuple[list[Any], bool]:
    """The JSON values that follow one another in a body, and whether it can be read to its end."""
    values: list[Any] = []
    text, at = body.decode("utf-8", "replace"), 0
    decoder = Decoder()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return values, False
        values.append(value)
    return values, True


def traces_of_names(spans: Iterable[Span], ask: SourceAsk) -> tuple[tuple[Trace, ...], Counter[str]]:
    """The agent's traces of the asked time in order of start, the newest of them; and the other agents that came along.

    A trace is of the agent it names first. One that names none was found by its service, so it is the asked one's.
    """
    grouped: dict[str, list[Span]] = {}
    for span in spans:
        grouped.setdefault(span.trace_id, []).append(span)
    ours: list[Trace] = []
    others: Counter[str] = Counter()
    for steps in grouped.values():
        trace = assemble(steps)
        if not ask.start_ns <= trace.start_ns < ask.end_ns:
            continue
        if trace.agent in ask.names or not any(span.agent for span in steps):
            ours.append(replace(trace, agent=ask.agent))
        else:
            others[trace.agent] += 1
    ours.sort(key=lambda trace: (trace.start_ns, trace.id))
    return tuple(ours[-ask.most_traces :]), others


def _others(source: str, others: Counter[str]) -> tuple[str, ...]:
    if not others:
        return ()
    most_first = sorted(others, key=lambda name: (-others[name], name))
    named = ", ".join(sound(name) for name in most_first[:NAMES_SHOWN])
    more = ", …" if len(others) > NAMES_SHOWN else ""
    return (f"{source}: traces of other agents were left out, {others.total()} in all ({named}{more}).",)


@dataclass(slots=True)
class Sliced:
    """What a search in slices found, and what it left out."""

    starts: dict[str, int] = field(default_factory=dict)
    unread: list[Window] = field(default_factory=list)  # newest first
    crowded: int = 0  # slices of the least length that hold more than one answer may
    failure: Unavailable | None = None
    enough: bool = False  # as many as were asked for came before the oldest slices were read

    def missing(self, source: str) -> Iterator[str]:
        """What it left out, one sentence each."""
        if self.failure and self.unread:
            oldest, newest = min(w.start_ns for w in self.unread), max(w.end_ns for w in self.unread)
            reason = str(self.failure).rstrip(".")
            yield f"{source}: the time from {clock_time(oldest)} to {clock_time(newest)} was not wholly searched; {reason}."
        if self.crowded:
            yield f"{source}: in {duration(self.crowded)} of the time there are more traces than one answer may hold."


async def read_slices(ask_slice: AskSlice, ask: SourceAsk, most: int) -> Sliced:
    """Search the asked time newest first, halving what comes back full, until ``most`` traces came or it ends."""
    found = Sliced()
    whole = Window(ask.start_ns // SECOND_NS * SECOND_NS, -(-ask.end_ns // SECOND_NS) * SECOND_NS)
    left = [whole]
    while left:
        window = left.pop()
        try:
            starts, full = await ask_slice(window)
        except Unavailable as failure:
            found.failure, found.unread = failure, [window, *reversed(left)]
            return found
        found.starts |= starts
        if full and window.end_ns - window.start_ns > SECOND_NS:
            middle = window.start_ns + (window.end_ns - window.start_ns) // SECOND_NS // 2 * SECOND_NS
            left += [Window(window.start_ns, middle), Window(middle, window.end_ns)]
            continue
        found.crowded += full
        if sum(start >= window.start_ns for start in found.starts.values()) >= most:
            found.enough = bool(left)
            return found
    return found
