"""Spans into traces: what the root says about the task, and the steps in order."""

from collections.abc import Sequence

from bot.incident.telemetry import Span, SpanKind, Task, Trace

UNNAMED = "unnamed-agent"


def assemble(spans: Sequence[Span]) -> Trace:
    """The trace that ``spans`` (all of one trace, at least one, in any order) make.

    The root is the span without a parent; where several claim that, or none does, the earliest
    agent span counts, and without a true root the trace is not complete.
    """
    steps = tuple(sorted(spans, key=lambda span: (span.start_ns, span.parent_id is not None, span.span_id)))
    roots = [span for span in steps if span.parent_id is None]
    root = next((span for span in roots if span.kind is SpanKind.AGENT), roots[0] if roots else steps[0])
    said = root.attributes
    return Trace(
        id=root.trace_id,
        agent=agent_of(root, steps),
        start_ns=root.start_ns if roots else steps[0].start_ns,
        end_ns=max(span.end_ns for span in steps),
        agent_version=_text(said.get("gen_ai.agent.version")),
        prompt_version=_text(said.get("agent.prompt.version")) or _prompt_in(steps),
        environment=_text(said.get("deployment.environment.name")),
        session_id=_text(said.get("gen_ai.conversation.id")),
        provider=_text(said.get("gen_ai.provider.name")) or _provider_in(steps),
        error=root.error and bool(roots),
        complete=bool(roots),
        task=task_of(root),
        spans=steps,
    )


def agent_of(root: Span, steps: Sequence[Span]) -> str:
    """The root's agent, else the first one any step names, else the service."""
    named = root.agent or next((span.agent for span in steps if span.agent), None)
    service = next((_text(span.attributes.get("service.name")) for span in (root, *steps)), None)
    return named or service or UNNAMED


def task_of(root: Span) -> Task:
    """What the root span says about the task."""
    said = root.attributes
    claimed = said.get("task.claimed_actions")
    return Task(
        type=_text(said.get("task.type")),
        outcome=_text(said.get("task.outcome")),
        claimed_actions=tuple(str(item) for item in claimed) if isinstance(claimed, list | tuple) else (),
        turn=_whole(said.get("session.turn")),
        step_limit=_whole(said.get("agent.step.limit")),
        locale=_text(said.get("user.locale")),
    )


def _prompt_in(steps: Sequence[Span]) -> str | None:
    return next((span.model.prompt_version for span in steps if span.model and span.model.prompt_version), None)


def _provider_in(steps: Sequence[Span]) -> str | None:
    return next((span.model.provider for span in steps if span.model and span.model.provider), None)


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
