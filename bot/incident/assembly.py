"""Spans into traces: what the root says about the task, and the steps in order, those nobody recorded among them."""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from bot.incident.telemetry import AskedTool, Span, SpanKind, Task, ToldResult, ToolCall, Trace
from bot.incident.told_once import step_order, told_once

SESSION = "gen_ai.conversation.id"
ENVIRONMENT = "deployment.environment.name"
UNNAMED = "unnamed-agent"
UNSET_SERVICE = "unknown_service"  # what OpenTelemetry's SDKs call a service that nobody named
LAST = 2**63  # after every moment
COARSE_NS = 1_000_000  # JavaScript starts a span on a whole millisecond, and ends it on a finer clock


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


def inferred_calls(spans: Sequence[Span]) -> list[Span]:
    """Tool calls that a model asked for and that no span records, as steps of their own.

    A call is recorded when a tool's span has its id or its name (a framework that records one call of a tool
    records them all), or runs before the next turn with the same arguments, under a name of its own. An inferred step
    runs from the end of the model's turn to the start of the turn that was told its result; its id is made from that
    of the model's span, so that it is the same every time.
    """
    asking = [span for span in spans if span.model and span.model.asked]
    if not asking:
        return []
    recorded = recorded_as((span.tool.name, span.tool.call_id) for span in spans if span.tool)
    calls = sorted(
        (span.start_ns, span.tool.arguments_hash) for span in spans if span.tool and span.tool.arguments_hash
    )
    turns = sorted((span for span in spans if span.model), key=step_order)
    order = [step_order(turn) for turn in turns]
    ids = {asked.call_id for span in asking if span.model for asked in span.model.asked if asked.call_id}
    found = []
    for span in asking:
        over = max(span.start_ns, span.end_ns - COARSE_NS + 1)
        later = turns[max(bisect_right(order, step_order(span)), bisect_left(order, (over, False, ""))) :]
        until = later[0].start_ns if later else LAST
        made = {given for _, given in calls[bisect_left(calls, (over, "")) : bisect_left(calls, (until + 1, ""))]}
        for place, asked in enumerate(span.model.asked if span.model else ()):
            if not recorded & {asked.call_id, asked.name} and asked.arguments_hash not in made:
                found.append(_inferred(span, asked, place, later, ids))
    return found


def recorded_as(tools: Iterable[tuple[str, str | None]]) -> set[str]:
    """By what a call that was asked for is known as recorded; ``tools`` are (name, call id) of the tools' spans."""
    known = list(tools)
    return {call_id for _, call_id in known if call_id} | {name for name, _ in known}


def _inferred(span: Span, asked: AskedTool, place: int, later: Sequence[Span], ids: Container[str | None]) -> Span:
    told, end_ns = _answer(asked, place, later, ids)
    start_ns = min(span.end_ns, later[0].start_ns) if later else span.end_ns
    made = sha256(f"{span.span_id}/{place}".encode()).hexdigest()[:16]
    tool = ToolCall(
        asked.name,
        asked.call_id,
        asked.arguments_hash,
        told.result_hash if told else None,
        asked.arguments_preview,
        told.result_preview if told else "",
        empty_result=told is not None and told.empty,
    )
    return Span(
        span.trace_id,
        made,
        span.parent_id,
        SpanKind.TOOL,
        asked.name,
        start_ns,
        max(start_ns, end_ns),
        error=told is not None and told.error,
        agent=span.agent,
        tool=tool,
        inferred=True,
    )


def _answer(
    asked: AskedTool, place: int, later: Sequence[Span], ids: Container[str | None]
) -> tuple[ToldResult | None, int]:
    """What a later turn was told of the call, by its id or else by its place, and when that turn began.

    ``ids`` are those of all calls: a result with another id, or none, can only be told by its place (some
    instrumentations write another id where the call is asked for than where its result is told).
    """
    for turn in later:
        told = turn.model.told if turn.model else ()
        match = next((one for one in told if asked.call_id and one.call_id == asked.call_id), None)
        if match is None and place < len(told) and (not asked.call_id or told[place].call_id not in ids):
            match = told[place]
        if match is not None:
            return match, turn.start_ns
    return None, later[0].start_ns if later else 0


def agent_of(root: Span, steps: Iterable[Span]) -> str:
    """The root's agent, else the first one any step names, else the service; where that has no name, the root's own."""
    named = root.agent or next((span.agent for span in steps if span.agent), None)
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
