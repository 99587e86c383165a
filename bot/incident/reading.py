"""A task as the signals see it: each trace is walked once and reduced to what is counted.

A reading is small enough to be kept beside its trace, so that a look at thousands of tasks
never walks their spans again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.incident.detectors.actions import amounts, unapproved, unbacked_claims, writes_of
from bot.incident.detectors.findings import findings_with
from bot.incident.detectors.loop import loop_in
from bot.incident.detectors.security import is_security, untrusted_then_privileged
from bot.incident.detectors.swap import swapped
from bot.incident.evidence import Finding
from bot.incident.step_time import exclusive_seconds
from bot.incident.telemetry import SideEffect, Span, Trace
from bot.incident.tool_use import ToolUse, use_of

MOST_STEPS = 400  # tool and model calls kept of one task; a longer one is judged by its first ones and its counts
MOST_FINDINGS = 12  # of one task


class ToolStep(NamedTuple):
    """One call of a tool."""

    span_id: str
    name: str
    at_ns: int
    error: bool = False
    empty: bool = False  # answered nothing, without an error
    wrote: bool = False  # a successful write
    approved: bool = False
    destination: str | None = None
    manifest: str | None = None
    arguments: str | None = None  # their hash
    amounts: tuple[tuple[str, float], ...] = ()  # (field, amount) in the arguments of a write


class ModelStep(NamedTuple):
    """One call of a model."""

    requested: str | None = None
    answering: str | None = None
    provider: str | None = None
    seconds: float = 0.0
    error: bool = False


class Repetition(NamedTuple):
    """What the signals need of a loop."""

    failing: bool = False  # the repeated call errs or answers nothing
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One task. ``finished`` is False while the span that says how it ended is missing."""

    id: str
    at_ns: int  # when it started
    end_ns: int
    finished: bool = True
    failed: bool = False
    at_limit: bool = False
    escalated: bool = False
    loop: Repetition | None = None
    tools: tuple[ToolStep, ...] = ()
    models: tuple[ModelStep, ...] = ()
    steps: int = 0  # model and tool calls
    model_errors: int = 0  # calls that failed
    tool_errors: int = 0
    tokens: int = 0
    cost: float | None = None  # USD
    first_chunk: float | None = None  # the slowest of the task, seconds
    security_hits: tuple[str, ...] = ()
    policy_hits: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()  # guardrails that looked at it
    claims: bool = False  # it told the user of an action
    unbacked: tuple[str, ...] = ()  # actions it claimed without a tool call behind them
    led_astray: bool = False  # untrusted content, then privileged calls
    reads_untrusted: bool = False
    mismatched: bool = False  # another model answered than was asked
    agent_version: str | None = None
    prompt_version: str | None = None
    provider: str | None = None
    task_type: str | None = None
    turn: int | None = None
    locale: str | None = None
    spent: tuple[tuple[str, float], ...] = ()  # (step, seconds spent in it and in no step beneath it)
    findings: tuple[Finding, ...] = ()
    session: str | None = None
    tenant: str | None = None
    user: str | None = None
    environment: str | None = None  # where it ran, as it says itself
    _use: ToolUse | None = field(default=None, init=False, repr=False, compare=False)  # counted once asked for

    @property
    def looping(self) -> bool:
        """It repeats itself without a failing tool as the cause."""
        return self.loop is not None and not self.loop.failing

    @property
    def failed_alone(self) -> bool:
        """It failed although models and tools answered, and it neither looped nor hit its limit."""
        return self.failed and not (self.at_limit or self.loop or self.model_errors or self.tool_errors)

    @property
    def use(self) -> ToolUse:
        """What it did with its tools, summed up."""
        found = self._use
        if found is None:
            found = use_of(self.tools, self.spent)
            object.__setattr__(self, "_use", found)  # it says nothing new
        return found

    @property
    def unapproved(self) -> bool:
        """It wrote without an approval."""
        return self.use.unapproved

    @property
    def destinations(self) -> frozenset[str]:
        """Where it sent data to."""
        return self.use.destinations


def read(trace: Trace) -> Reading:
    """One trace, walked once."""
    tools, models = trace.tool_spans, trace.model_spans
    checks = [span.guardrail for span in trace.spans if span.guardrail]
    hits = [check.name for check in checks if check.triggered]
    writes = writes_of(trace)
    allowed = {span.span_id for span in writes} - {span.span_id for span in unapproved(writes)}
    chunks = [span.model.first_chunk_seconds for span in models if span.model and span.model.first_chunk_seconds]
    loop = loop_in(trace)
    task = trace.task
    return Reading(
        id=trace.id,
        at_ns=trace.start_ns,
        end_ns=trace.end_ns,
        finished=trace.complete,
        failed=trace.failed,
        at_limit=task.outcome == "step_limit" or 0 < (task.step_limit or 0) <= len(tools),
        escalated=task.outcome == "escalated" or any(hands_over(span) for span in tools),
        loop=Repetition(loop.failing, loop.writes) if loop else None,
        tools=tuple(_tool_step(span, approved=span.span_id in allowed) for span in tools[:MOST_STEPS]),
        models=tuple(_model_step(span) for span in models[:MOST_STEPS]),
        steps=len(tools) + len(models),
        model_errors=sum(span.error for span in models),
        tool_errors=sum(span.error for span in tools),
        tokens=sum((span.model.input_tokens or 0) + (span.model.output_tokens or 0) for span in models if span.model),
        cost=cost_of(models),
        first_chunk=max(chunks, default=None),
        security_hits=tuple(name for name in hits if is_security(name)),
        policy_hits=tuple(name for name in hits if not is_security(name)),
        guarded=tuple(dict.fromkeys(check.name for check in checks)),
        claims=bool(task.claimed_actions),
        unbacked=unbacked_claims(trace),
        led_astray=bool(untrusted_then_privileged(trace)),
        reads_untrusted=any(span.tool.untrusted_content for span in tools if span.tool),
        mismatched=any(swapped(span) for span in models),
        agent_version=trace.agent_version,
        prompt_version=trace.prompt_version,
        provider=trace.provider,
        task_type=task.type,
        turn=task.turn,
        locale=task.locale,
        spent=tuple(exclusive_seconds(trace.spans).items()),
        findings=findings_with(trace, loop)[:MOST_FINDINGS],
        session=trace.session_id,
        tenant=trace.tenant,
        user=trace.user,
        environment=trace.environment,
    )


def cost_of(models: Sequence[Span]) -> float | None:
    """What the model calls cost together, USD; None where none of them tells."""
    told = [span.model.cost for span in models if span.model and span.model.cost is not None]
    return round(sum(told), 6) if told else None


def hands_over(span: Span) -> bool:
    """The call hands the task to a person, judged by the tool's name."""
    name = span.tool.name.lower() if span.tool else ""
    return "human" in name or "escalate" in name or "handoff" in name or "hand_off" in name


def tool_steps(readings: Sequence[Reading]) -> Iterator[tuple[Reading, ToolStep]]:
    """Every tool call with its task."""
    for reading in readings:
        for step in reading.tools:
            yield reading, step


def _tool_step(span: Span, *, approved: bool) -> ToolStep:
    tool = span.tool
    if tool is None:
        raise ValueError("only a tool's span makes a tool step")
    wrote = tool.side_effect is SideEffect.WRITE and not span.error
    return ToolStep(
        span.span_id,
        tool.name,
        span.start_ns,
        span.error,
        tool.empty_result,
        wrote,
        approved,
        tool.destination,
        tool.manifest_hash,
        tool.arguments_hash if wrote else None,
        amounts(span) if wrote else (),
    )


def _model_step(span: Span) -> ModelStep:
    model = span.model
    if model is None:
        raise ValueError("only a model's span makes a model step")
    return ModelStep(model.requested, model.answering, model.provider, round(span.seconds, 3), span.error)
