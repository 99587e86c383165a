"""Spans, traces and scores as rows. Pure, and quick: every span that arrives passes through here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from bot.incident.assembly import UNNAMED, assemble
from bot.incident.reading import read
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.storage.reading_json import reading_to_json
from bot.storage.span_json import score_to_json, span_from_json, span_to_json

ROW_OVERHEAD = 160  # bytes a span's row takes besides its text, indexes included
MOST_SPANS_READ = 2000  # of one trace; a longer one is judged by its first ones

SpanRow = tuple[str, str, int, str]  # trace id, span id, start, JSON


@dataclass(frozen=True, slots=True)
class Arrived:
    """One post, ready to be stored. A span that comes twice is kept once."""

    rows: Mapping[tuple[str, str], SpanRow]
    spans: Mapping[str, list[Span]]  # by trace
    scores: Sequence[EvalScore]


def arrived(spans: Iterable[Span], scores: Sequence[EvalScore]) -> Arrived:
    """The rows of one post."""
    rows: dict[tuple[str, str], SpanRow] = {}
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key not in rows:
            rows[key] = (span.trace_id, span.span_id, span.start_ns, span_to_json(span))
            by_trace.setdefault(span.trace_id, []).append(span)
    return Arrived(rows, by_trace, scores)


def together(posts: Sequence[Arrived]) -> Arrived:
    """Several posts as one."""
    if len(posts) == 1:
        return posts[0]
    rows: dict[tuple[str, str], SpanRow] = {}
    by_trace: dict[str, list[Span]] = {}
    for post in posts:
        for spans in post.spans.values():
            for span in spans:
                key = (span.trace_id, span.span_id)
                if key not in rows:
                    rows[key] = post.rows[key]
                    by_trace.setdefault(span.trace_id, []).append(span)
    return Arrived(rows, by_trace, [score for post in posts for score in post.scores])


def trace_rows(
    fresh: Mapping[str, Sequence[Span]], grown: Sequence[SpanRow], sizes: Mapping[str, int], arrived_ns: int
) -> list[dict[str, object]]:
    """The rows of traces: new ones from their spans, those that have grown from all that is stored of them."""
    rows = [trace_row(assemble(spans), sizes.get(trace_id, 0), arrived_ns) for trace_id, spans in fresh.items()]
    stored = traces_of(grown)
    written: dict[str, int] = {}
    for trace_id, _, _, body in grown:
        written[trace_id] = written.get(trace_id, 0) + len(body) + ROW_OVERHEAD
    return rows + [trace_row(trace, written[trace.id], arrived_ns) for trace in stored]


def traces_of(rows: Sequence[Any]) -> list[Trace]:
    """Traces from span rows (trace id, span id, start, JSON) in any order."""
    grouped: dict[str, list[Span]] = {}
    for trace_id, span_id, _, body in rows:
        grouped.setdefault(trace_id, []).append(span_from_json(trace_id, span_id, body))
    return [assemble(spans) for spans in grouped.values()]


def trace_row(trace: Trace, size: int, arrived_ns: int) -> dict[str, object]:
    """A trace's row with the reading of it."""
    short = trace if len(trace.spans) <= MOST_SPANS_READ else replace(trace, spans=trace.spans[:MOST_SPANS_READ])
    reading = read(short)
    written = reading_to_json(reading)
    return {
        "trace_id": trace.id,
        "agent": trace.agent,
        "start_ns": trace.start_ns,
        "end_ns": trace.end_ns,
        "error": trace.error,
        "complete": trace.complete,
        "spans": sum(not span.inferred for span in trace.spans),
        "arrived_ns": arrived_ns,
        "failed": int(reading.failed),
        "model_failed": int(reading.model_errors > 0),
        "looping": int(reading.looping),
        "escalated": int(reading.escalated),
        "tool_calls": len(reading.tools),
        "tool_errors": reading.tool_errors,
        "size": size + len(written),
        "reading": written,
    }


def score_row(score: EvalScore, agent_of_trace: str | None, arrived_ns: int) -> dict[str, Any]:
    """The row; its id is a hash of the score as it was sent, whoever it is attributed to."""
    sent = score_to_json(score)
    known = score if score.agent is not None or agent_of_trace is None else replace(score, agent=agent_of_trace)
    return {
        "id": sha256(sent.encode()).hexdigest()[:32],
        "agent": known.agent or UNNAMED,
        "at_ns": known.at_ns,
        "name": known.name,
        "trace_id": known.trace_id,
        "value": known.value,
        "passed": known.passed,
        "arrived_ns": arrived_ns,
        "body": sent if known is score else score_to_json(known),
    }
