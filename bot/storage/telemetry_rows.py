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


TraceRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One post, ready to be stored. A span that comes twice is kept once.

    ``whole`` are the rows of traces that came with their root: most come at once, and these need no second look.
    """

    rows: Mapping[tuple[str, str], SpanRow]
    spans: Mapping[str, list[Span]]  # by trace
    scores: Sequence[EvalScore]
    whole: Mapping[str, TraceRow]


def arrived(spans: Iterable[Span], scores: Sequence[EvalScore]) -> Arrived:
    """The rows of one post."""
    rows: dict[tuple[str, str], SpanRow] = {}
    by_trace: dict[str, list[Span]] = {}
    roots: set[str] = set()
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key not in rows:
            rows[key] = (span.trace_id, span.span_id, span.start_ns, span_to_json(span))
            by_trace.setdefault(span.trace_id, []).append(span)
            if span.parent_id is None:
                roots.add(span.trace_id)
    return Arrived(rows, by_trace, scores, {trace: fresh_row(by_trace[trace], rows) for trace in roots})


def together(posts: Sequence[Arrived]) -> Arrived:
    """Several posts as one."""
    if len(posts) == 1:
        return posts[0]
    rows: dict[tuple[str, str], SpanRow] = {}
    by_trace: dict[str, list[Span]] = {}
    whole: dict[str, TraceRow] = {}
    for post in posts:
        for trace_id, spans in post.spans.items():
            if trace_id not in by_trace:
                by_trace[trace_id] = spans
                rows |= {(trace_id, span.span_id): post.rows[trace_id, span.span_id] for span in spans}
                if trace_id in post.whole:
                    whole[trace_id] = post.whole[trace_id]
                continue
            whole.pop(trace_id, None)  # it came in parts
            new = [span for span in spans if (trace_id, span.span_id) not in rows]
            by_trace[trace_id] = [*by_trace[trace_id], *new]
            rows |= {(trace_id, span.span_id): post.rows[trace_id, span.span_id] for span in new}
    return Arrived(rows, by_trace, [score for post in posts for score in post.scores], whole)


def trace_rows(post: Arrived, fresh: Iterable[str], grown: Sequence[SpanRow], arrived_ns: int) -> list[TraceRow]:
    """The rows of traces: new ones from their spans, those that have grown from all that is stored of them."""
    rows = [post.whole.get(trace_id) or fresh_row(post.spans[trace_id], post.rows) for trace_id in fresh]
    written: dict[str, int] = {}
    for trace_id, _, _, body in grown:
        written[trace_id] = written.get(trace_id, 0) + len(body) + ROW_OVERHEAD
    rows += [trace_row(trace, written[trace.id]) for trace in traces_of(grown)]
    return [{**row, "arrived_ns": arrived_ns} for row in rows]


def fresh_row(spans: Sequence[Span], rows: Mapping[tuple[str, str], SpanRow]) -> TraceRow:
    """The row of a trace of which nothing else is stored."""
    size = sum(len(rows[span.trace_id, span.span_id][3]) + ROW_OVERHEAD for span in spans)
    return trace_row(assemble(spans), size)


def traces_of(rows: Sequence[Any]) -> list[Trace]:
    """Traces from span rows (trace id, span id, start, JSON) in any order."""
    grouped: dict[str, list[Span]] = {}
    for trace_id, span_id, _, body in rows:
        grouped.setdefault(trace_id, []).append(span_from_json(trace_id, span_id, body))
    return [assemble(spans) for spans in grouped.values()]


def trace_row(trace: Trace, size: int) -> TraceRow:
    """A trace's row with the reading of it; when it arrived is still to be filled in."""
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
