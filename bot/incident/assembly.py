"""Spans into traces: what the root says about the task, and the steps in order, those nobody recorded among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot.incident.inferred_calls import inferred_calls
from bot.incident.telemetry import Span, SpanKind, Task, Trace
from bot.incident.told_once import step_order, told_once

SESSION = "gen_ai.conversation.id"
ENVIRONMENT = "deployment.environment.name"
UNNAMED = "unnamed-agent"
UNSET_SERVICE = "unknown_service"  # what OpenTelemetry's SDKs call a service that nobody named


def assemble(spans: Sequence[Span]) -> Trace:
    """The trace that ``spans`` (all of one trace, at least one, in any order) make.

    The root is the span without a parent; where several claim that, the earliest agent span counts. Where none does,
    the caller's span went elsewhere, or is still to come: then the outermost agents speak for the task
    (:func:`heads_of`), and without any the trace is not complete.
    """
    spans = told_once(spans)
    steps = tuple(sorted((*spans, *inferred_calls(spans)), key=step_order))
    roots = [span for span in steps if span.parent_id is None]
    heads = [] if roots else heads_of(steps)
    root = next((span for span in roots if span.kind is SpanKind.AGENT), (*roots, *heads, *steps)[0])
    trace = headed(root, steps, max(span.end_ns for span in steps), steps, complete=bool(roots or heads))
    failed = max(heads, key=_end).error if heads else trace.complete and (trace.error or _agent_failed(root, steps))
    if failed != trace.error:
        trace = replace(trace, error=failed)
    session, environment = _told(trace.session_id, steps, SESSION), _told(trace.environment, steps, ENVIRONMENT)
    if (session, environment) == (trace.session_id, trace.environment):
        return trace
    return replace(trace, session_id=session, environment=environment)


def heads_of(steps: Sequence[Span]) -> list[Span]:
    """The outermost agents of a trace without a root, in order; none where a model or tool is called outside of them.

    An agent that somebody else's service calls, or whose web framework's spans go to another place, has a parent that
    never comes. A call outside all agents is one of an agent above them, whose own span is not there yet.
    """
    calling = {SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL}
    outside = _outside([span for span in steps if span.kind in calling], steps)
    return outside if all(map(_is_agent, outside)) else []


def headed(
    root: Span, steps: Iterable[Span], end_ns: int, spans: tuple[Span, ...] = (), *, complete: bool = True
) -> Trace:
    """The trace under ``root``, with ``spans`` where they are wanted; ``complete`` if the root's word is the task's.

    ``steps`` are all its spans in order; they are gone through, from the first, only for what ``root`` does not say.
    """
    said = root.attributes
    return Trace(
        id=root.trace_id,
        agent=agent_of(root, steps),
        start_ns=root.start_ns,
        end_ns=end_ns,
        agent_version=_text(said.get("gen_ai.agent.version")),
        prompt_version=_text(said.get("agent.prompt.version")) or _prompt_in(steps),
        environment=_text(said.get(ENVIRONMENT)),
        session_id=_text(said.get(SESSION)),
        tenant=_whose(said.get("tenant.id")),
        user=_whose(said.get("user.id")) or _whose(said.get("enduser.id")),
        provider=_text(said.get("gen_ai.provider.name")) or _provider_in(steps),
        error=root.error and complete,
        complete=complete,
        task=task_of(root),
        spans=spans,
    )


def _end(span: Span) -> int:
    return span.end_ns


def _agent_failed(root: Span, steps: Sequence[Span]) -> bool:
    """The last agent right below a root that is none itself failed: some frameworks' roots never say so."""
    if _is_agent(root):
        return False
    agents = [span for span in steps if _is_agent(span)]
    if not any(span.error for span in agents):
        return False
    outermost = _outside(agents, steps)
    return bool(outermost) and max(outermost, key=_end).error


def _is_agent(span: Span) -> bool:
    return span.kind is SpanKind.AGENT and bool(span.agent)


def _outside(wanted: Iterable[Span], steps: Iterable[Span]) -> list[Span]:
    """Those of the wanted steps that stand within no agent's."""
    above = {span.span_id: span for span in steps}
    known: dict[str, bool] = {}
    return [span for span in wanted if not _reaches_agent(above.get(span.parent_id or ""), above, known)]


def _reaches_agent(span: Span | None, above: Mapping[str, Span], known: dict[str, bool]) -> bool:
    """It is an agent's span, or one above it is; no step is walked over twice, as a deep trace has thousands."""
    walked = []
    while span is not None and span.span_id not in known and not _is_agent(span):
        known[span.span_id] = False  # for now, so that a circle ends
        walked.append(span.span_id)
        span = above.get(span.parent_id or "")
    found = span is not None and known.get(span.span_id, True)
    known.update(dict.fromkeys(walked, found))
    return found


def agent_of(root: Span, steps: Iterable[Span]) -> str:
    """The root's agent, else that of the first agent's step, else of any step, else the service.

    Where that has no name, it is the root's own.
    """
    named = root.agent or next((span.agent for span in steps if _is_agent(span)), None)
    named = named or next((span.agent for span in steps if span.agent), None)
    if named:
        return named
    service = _text(root.attributes.get("service.name"))
    if service and service.startswith(UNSET_SERVICE) and root.kind is SpanKind.AGENT:
        return root.name or service
    return service or UNNAMED


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


def _prompt_in(steps: Iterable[Span]) -> str | None:
    """The first prompt a model call names: "name@version", or as much of it as is told."""
    for span in steps:
        if span.model and (span.model.prompt_name or span.model.prompt_version):
            return "@".join(part for part in (span.model.prompt_name, span.model.prompt_version) if part)
    return None


def _told(by_root: str | None, steps: Iterable[Span], name: str) -> str | None:
    """What the root says of it, else what the first step says that names it."""
    return by_root or next((found for span in steps if (found := _text(span.attributes.get(name)))), None)


def _provider_in(steps: Iterable[Span]) -> str | None:
    return next((span.model.provider for span in steps if span.model and span.model.provider), None)


def _whose(value: object) -> str | None:
    """An id that tells one from another: what was redacted, and so reads ``[email]``, is everybody's."""
    name = _text(value)
    return None if name is None or "[" in name else name


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
