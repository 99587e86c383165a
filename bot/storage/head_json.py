"""The heads of tasks as compact JSON, kept in the row of their trace: what a list says of a task besides its steps.

A head stands as long as it is of all spans of its trace; whoever adds spans and no head leaves one that no longer counts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bot.incident.telemetry import Span, Task, Trace
from bot.storage.compact_json import parsed, written

HEADED = ("trace_id", "agent", "start_ns", "end_ns", "error", "complete", "spans", "head")  # columns of traces


class Head(NamedTuple):
    """A trace without its spans. ``as_recorded`` where its steps are just those spans: none was inferred or merged."""

    trace: Trace
    as_recorded: bool


def head_to_json(trace: Trace, recorded: Sequence[Span]) -> str:
    """The head of the trace that these spans make, without what other columns of its row hold."""
    given = set(map(id, recorded))
    task = trace.task
    fields = [
        len(recorded),
        all(id(step) in given for step in trace.spans),
        trace.agent_version,
        trace.prompt_version,
        trace.environment,
        trace.session_id,
        trace.tenant,
        trace.user,
        trace.provider,
        task.type,
        task.outcome,
        task.claimed_actions,
        task.turn,
        task.step_limit,
        task.locale,
    ]
    return written(fields)


def head_of(row: Sequence[Any]) -> Head | None:
    """The head in a row of the columns :data:`HEADED`; None where it has none that is of all its spans."""
    trace_id, agent, start_ns, end_ns, error, complete, spans, head = row
    if head is None:
        return None
    of, as_recorded, version, prompt, place, session, tenant, user, provider, *said = parsed(head)
    if of != spans:
        return None
    kind, outcome, claimed, turn, limit, locale = said
    task = Task(kind, outcome, tuple(claimed), turn, limit, locale)
    told = (version, prompt, place, session, tenant, user, provider)
    return Head(Trace(trace_id, agent, start_ns, end_ns, *told, error, complete, task), as_recorded)
