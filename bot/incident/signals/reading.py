"""A task as the signals see it: each trace is walked once and reduced to what is counted."""

from dataclasses import dataclass

from bot.incident.detectors.actions import unapproved, unbacked_claims, writes_of
from bot.incident.detectors.change import swapped
from bot.incident.detectors.loop import Loop, loop_in
from bot.incident.detectors.security import is_security, sends, untrusted_then_privileged
from bot.incident.telemetry import Span, Trace

UNFINISHED_OUTCOMES = frozenset({"step_limit", "timeout"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One task. Counts are of spans; ``finished`` is False while the root span is missing."""

    trace: Trace
    finished: bool
    failed: bool
    at_limit: bool
    escalated: bool
    loop: Loop | None
    tools: tuple[Span, ...]
    models: tuple[Span, ...]
    tokens: int
    model_errors: int
    tool_errors: int
    first_chunk: float | None  # the slowest of the task, seconds
    security_hits: tuple[str, ...]
    policy_hits: tuple[str, ...]
    guarded: tuple[str, ...]  # guardrails that looked at it
    writes: tuple[Span, ...]
    unapproved: tuple[Span, ...]
    unbacked: tuple[str, ...]
    sends: tuple[Span, ...]
    led_astray: tuple[Span, ...]  # untrusted content, then privileged calls
    reads_untrusted: bool
    mismatched: bool  # another model answered than was asked

    @property
    def id(self) -> str:
        """The trace's id."""
        return self.trace.id

    @property
    def at_ns(self) -> int:
        """When the task started."""
        return self.trace.start_ns

    @property
    def steps(self) -> int:
        """Model and tool calls."""
        return len(self.tools) + len(self.models)

    @property
    def looping(self) -> bool:
        """It repeats itself without a failing tool as the cause."""
        return self.loop is not None and not self.loop.failing

    @property
    def failed_alone(self) -> bool:
        """It failed although models and tools answered, and it neither looped nor hit its limit."""
        return self.failed and not (self.at_limit or self.loop or self.model_errors or self.tool_errors)


def read(trace: Trace) -> Reading:
    """One trace, walked once."""
    tools = trace.tool_spans
    models = trace.model_spans
    checks = [span.guardrail for span in trace.spans if span.guardrail]
    hits = [check.name for check in checks if check.triggered]
    writes = writes_of(trace)
    chunks = [span.model.first_chunk_seconds for span in models if span.model and span.model.first_chunk_seconds]
    limit = trace.task.step_limit
    return Reading(
        trace=trace,
        finished=trace.complete,
        failed=trace.failed,
        at_limit=trace.task.outcome == "step_limit" or (limit is not None and len(tools) >= limit),
        escalated=trace.task.outcome == "escalated" or any(hands_over(span) for span in tools),
        loop=loop_in(trace),
        tools=tools,
        models=models,
        tokens=sum((span.model.input_tokens or 0) + (span.model.output_tokens or 0) for span in models if span.model),
        model_errors=sum(span.error for span in models),
        tool_errors=sum(span.error for span in tools),
        first_chunk=max(chunks, default=None),
        security_hits=tuple(name for name in hits if is_security(name)),
        policy_hits=tuple(name for name in hits if not is_security(name)),
        guarded=tuple(check.name for check in checks),
        writes=writes,
        unapproved=unapproved(writes),
        unbacked=unbacked_claims(trace),
        sends=sends(trace),
        led_astray=untrusted_then_privileged(trace),
        reads_untrusted=any(span.tool.untrusted_content for span in tools if span.tool),
        mismatched=any(swapped(span) for span in models),
    )


def hands_over(span: Span) -> bool:
    """The call hands the task to a person, judged by the tool's name."""
    name = span.tool.name.lower() if span.tool else ""
    return "human" in name or "escalate" in name or "handoff" in name or "hand_off" in name
