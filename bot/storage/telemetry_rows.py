"""Spans, traces and scores as rows. Pure, and quick: every span that arrives passes through here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from bot.incident.assembly import UNNAMED, assemble
from bot.incident.logged_messages import NO_MESSAGES, LoggedMessages, Place, all_merged
from bot.incident.reading import read
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.storage.head_json import head_to_json
from bot.storage.reading_json import reading_to_json
from bot.storage.span_json import score_from_json, score_to_json, span_from_json, span_to_json

ROW_OVERHEAD = 160  # bytes a span's row takes besides its text, indexes included
NONE_TO_TELL = -1  # a task that called no model, or took no step, is none of those of which a share is taken
MOST_SPANS_READ = 2000  # of one trace; a longer one is judged by its first ones

SpanRow = tuple[str, str, int, str]  # trace id, span id, start, JSON
TraceRow = dict[str, Any]
ScoreRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One post as plain rows, ready to be stored: it crosses from one process to another.

    ``traces`` are the rows that its traces have if nothing else is stored of them. ``parts`` are traces that
    came in several posts: their rows here say too little. Scores may still lack their agent (None). ``messages``
    are those of log records, whether their spans are here or not.
    """

    spans: Sequence[SpanRow]
    traces: Mapping[str, TraceRow]
    scores: Sequence[ScoreRow]
    parts: frozenset[str] = frozenset()
    messages: Mapping[Place, LoggedMessages] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.spans or self.scores or self.messages)


def arrived(
    spans: Iterable[Span], scores: Iterable[EvalScore], messages: Mapping[Place, LoggedMessages] = NO_MESSAGES
) -> Arrived:
    """The rows of one post. A span that comes twice is kept once."""
    rows: dict[tuple[str, str], SpanRow] = {}
    by_trace: dict[str, list[Span]] = {}
    sizes: dict[str, int] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key not in rows:
            body = span_to_json(span)
            rows[key] = (span.trace_id, span.span_id, span.start_ns, body)
            by_trace.setdefault(span.trace_id, []).append(span)
            sizes[span.trace_id] = sizes.get(span.trace_id, 0) + len(body) + ROW_OVERHEAD
    traces = {trace_id: trace_row(assemble(found), found, sizes[trace_id]) for trace_id, found in by_trace.items()}
    return Arrived(list(rows.values()), traces, [score_row(score) for score in scores], messages=messages)


def together(posts: Sequence[Arrived]) -> Arrived:
    """Several posts as one."""
    if len(posts) == 1:
        return posts[0]
    traces: dict[str, TraceRow] = {}
    parts: set[str] = set()
    for post in posts:
        for trace_id, row in post.traces.items():
            earlier = traces.get(trace_id)
            if earlier is None:
                traces[trace_id] = row
            else:
                parts.add(trace_id)
                traces[trace_id] = {**earlier, "end_ns": max(earlier["end_ns"], row["end_ns"])}
    spans = [row for post in posts for row in post.spans]
    messages = all_merged(post.messages for post in posts)
    return Arrived(spans, traces, [row for post in posts for row in post.scores], frozenset(parts), messages)


def grown_rows(spans: Sequence[SpanRow]) -> list[TraceRow]:
    """The rows of traces from all that is stored of them."""
    written: dict[str, int] = {}
    for trace_id, _, _, body in spans:
        written[trace_id] = written.get(trace_id, 0) + len(body) + ROW_OVERHEAD
    return [trace_row(assemble(found), found, written[trace_id]) for trace_id, found in _by_trace(spans).items()]


def traces_of(rows: Sequence[Any]) -> list[Trace]:
    """Traces from span rows (trace id, span id, start, JSON) in any order."""
    return [assemble(spans) for spans in _by_trace(rows).values()]


def _by_trace(rows: Sequence[Any]) -> dict[str, list[Span]]:
    grouped: dict[str, list[Span]] = {}
    for trace_id, span_id, _, body in rows:
        grouped.setdefault(trace_id, []).append(span_from_json(trace_id, span_id, body))
    return grouped


def trace_row(trace: Trace, recorded: Sequence[Span], size: int) -> TraceRow:
    """The row of a trace that these spans make, with the reading of it; when it arrived is still to be filled in."""
    short = trace if len(trace.spans) <= MOST_SPANS_READ else replace(trace, spans=trace.spans[:MOST_SPANS_READ])
    reading = read(short)
    written, head = reading_to_json(reading), head_to_json(trace, recorded)
    return {
        "trace_id": trace.id,
        "agent": trace.agent,
        "start_ns": trace.start_ns,
        "end_ns": trace.end_ns,
        "error": trace.error,
        "complete": trace.complete,
        "spans": sum(not span.inferred for span in trace.spans),
        "failed": int(reading.failed),
        "model_failed": int(reading.model_errors > 0) if reading.models else NONE_TO_TELL,
        "looping": int(reading.looping) if reading.steps else NONE_TO_TELL,
        "escalated": int(reading.escalated),
        "tool_calls": len(reading.tools),
        "tool_errors": sum(step.error for step in reading.tools),  # of those that ``tool_calls`` counts
        "size": size + len(written) + len(head),
        "reading": written,
        "head": head,
    }


def score_row(score: EvalScore) -> ScoreRow:
    """The row without its moment of arrival; its id is a hash of the score as it was sent, whoever it belongs to.

    Of a task's score whose sender named no agent the agent is open; its body has the service that sent it.
    """
    sent = score_to_json(score)
    return {
        "id": sha256(sent.encode()).hexdigest()[:32],
        "agent": score.agent if score.agent_said or score.trace_id is None else None,
        "at_ns": score.at_ns,
        "name": score.name,
        "trace_id": score.trace_id,
        "value": score.value,
        "passed": score.passed,
        "body": sent,
    }


def attributed(row: ScoreRow, agent: str | None) -> ScoreRow:
    """The row of a score whose sender named no agent, as that of its task's; without a task it is the service's that sent it."""
    score = score_from_json(row["body"])
    if agent is None:
        return {**row, "agent": score.agent or UNNAMED}
    return {**row, "agent": agent, "body": score_to_json(score._replace(agent=agent))}
