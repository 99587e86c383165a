"""A task as it is handed on: nouns for the whole, plain values for its steps, which come by the thousand."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from bot.incident.telemetry import EvalScore, ModelCall, Span, ToolCall, Trace
from bot.incident.verdicts import verdicts_on

Plain = dict[str, Any]  # what JSON can carry, and moments

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOOL_FIELDS = tuple(field.name for field in fields(ToolCall))
MODEL_FIELDS = tuple(field.name for field in fields(ModelCall) if field.name != "heard")  # that is for detectors only
_of_tool, _of_model = attrgetter(*TOOL_FIELDS), attrgetter(*MODEL_FIELDS)


@dataclass(frozen=True, slots=True)
class Outline:
    """One task: its ``head`` is the trace without spans. ``steps`` is None where nobody asked for them."""

    head: Trace
    scores: tuple[EvalScore, ...] = ()
    steps: Sequence[Plain] | None = None


def outline(trace: Trace, scores: Sequence[EvalScore], *, steps: bool, names: Collection[str] = ()) -> Outline:
    """The outline of a trace; ``scores`` may be of other traces, too, and ``names`` are further ones of its agent."""
    plain = [plain_step(span) for span in trace.spans] if steps else None
    return Outline(replace(trace, spans=()), judged(trace, scores, names), plain)


def judged(trace: Trace, scores: Iterable[EvalScore], names: Collection[str] = ()) -> tuple[EvalScore, ...]:
    """Those of the scores that are verdicts on this trace, as :func:`~bot.incident.verdicts.verdicts_on`."""
    taking_part = {trace.agent, *names, *(span.agent for span in trace.spans if span.agent)}
    return verdicts_on(trace.agent, taking_part, (score for score in scores if score.trace_id == trace.id))


def moment(ns: int) -> datetime:
    """The moment ``ns`` nanoseconds after the epoch, to the microsecond."""
    return EPOCH + timedelta(0, 0, ns // 1000)  # by place: half the time of a named microseconds=


def plain_step(span: Span) -> Plain:
    """One step with all that is known of it but its attributes."""
    check = span.guardrail
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "kind": span.kind.value,
        "name": span.name,
        "start": moment(span.start_ns),
        "seconds": span.seconds,
        "error": span.error,
        "error_type": span.error_type,
        "error_message": span.error_message,
        "tool": _plain_tool(span.tool) if span.tool else None,
        "model": _plain_model(span.model) if span.model else None,
        "guardrail": {"name": check.name, "triggered": check.triggered} if check else None,
        "inferred": span.inferred,
    }


def _plain_tool(tool: ToolCall) -> Plain:
    plain = dict(zip(TOOL_FIELDS, _of_tool(tool), strict=True))
    plain["side_effect"] = tool.side_effect.value if tool.side_effect else None
    return plain


def _plain_model(model: ModelCall) -> Plain:
    plain = dict(zip(MODEL_FIELDS, _of_model(model), strict=True))
    plain["asked"] = [list(asked) for asked in model.asked]
    plain["told"] = [list(told) for told in model.told]
    return plain
