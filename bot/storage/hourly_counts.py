"""What is counted of each hour, so that the same hour of the week can be compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, or_, select, union_all

from bot.incident.signals.quality import Judgement, judgement_of
from bot.storage.tables.telemetry import hours as hours_table
from bot.storage.tables.telemetry import scores as scores_table
from bot.storage.tables.telemetry import traces as traces_table

HOUR_NS = 3_600_000_000_000
_T, _S = traces_table.c, scores_table.c
_DONE = func.sum(case((_T.complete, 1), else_=0))
# As outcomes.MOSTLY_TOLD: where fewer end, their spans do not tell of all ends, and only those count that do
_ALL_TOLD = 4 * func.count() <= 5 * _DONE
ENDED = case((_ALL_TOLD, func.count()), else_=_DONE)


def _of_those_with_any(column: Any) -> tuple[Any, Any]:
    return func.sum(case((column == 1, 1), else_=0)), func.sum(case((column >= 0, 1), else_=0))


TASK_COUNTS: Mapping[str, tuple[Any, Any]] = {  # signal -> (bad, all), each a sum over traces
    "task_failures": (
        case(
            (_ALL_TOLD, func.sum(case((or_(_T.failed == 1, _T.complete.is_(False)), 1), else_=0))),
            else_=func.sum(case((and_(_T.failed == 1, _T.complete), 1), else_=0)),
        ),
        ENDED,
    ),
    "model_errors": _of_those_with_any(_T.model_failed),
    "repeats": _of_those_with_any(_T.looping),
    "escalations": (
        case((_ALL_TOLD, func.sum(_T.escalated)), else_=func.sum(case((_T.complete, _T.escalated), else_=0))),
        ENDED,
    ),
    "tool_errors": (func.sum(_T.tool_errors), func.sum(_T.tool_calls)),
}
VERDICTS = (func.sum(case((_S.passed.is_(False), 1), else_=0)), func.count(_S.passed))
_ANSWER = func.coalesce(_S.trace_id, _S.id)
ANSWERS = (  # those that some verdict failed, and all that were judged
    func.count(case((_S.passed.is_(False), _ANSWER)).distinct()),
    func.count(case((_S.passed.is_not(None), _ANSWER)).distinct()),
)
POOLED = {
    Judgement.QUALITY: "quality",
    Judgement.CONDUCT: "policy_verdicts",
    Judgement.FEEDBACK: "feedback",
    Judgement.PROBE: "probes",
}
OF_ANSWERS = frozenset({"quality", "policy_verdicts"})
Count = tuple[str, int | None, int | None]  # a signal, how many were bad, of how many


def together_of(signal: str) -> tuple[Any, Any]:
    """How several evaluators are counted together, as the signal does: verdicts on one answer count once, ratings each."""
    return ANSWERS if signal in OF_ANSWERS else VERDICTS


def pooled(evaluators: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The evaluators by the signal that their verdicts count to besides their own."""
    found: dict[str, list[str]] = {}
    for name in evaluators:
        found.setdefault(POOLED[judgement_of(name)], []).append(name)
    return found


def counts_in(hours: Sequence[int], names: Sequence[str], connection: Connection) -> list[Count]:
    """Everything that was counted of these agents in these hours: of what is forgotten, and of what is stored."""
    among = hours_table.c.agent.in_(names), hours_table.c.hour.in_(hours)
    kept = (
        select(hours_table.c.signal, func.sum(hours_table.c.bad), func.sum(hours_table.c.seen))
        .where(*among)
        .group_by(hours_table.c.signal)
    )
    columns = [column for pair in TASK_COUNTS.values() for column in pair]
    # Each hour is a search of its own: one search for any of them would walk all that the agent ever sent
    tasks = [select(*columns).where(_T.agent.in_(names), *_within(_T.start_ns, hour)) for hour in hours]
    counted = [(name, bad, seen) for name, bad, seen in connection.execute(kept)]
    for row in connection.execute(union_all(*tasks)):
        counted += [(name, row[2 * at], row[2 * at + 1]) for at, name in enumerate(TASK_COUNTS)]
    return counted + _verdicts_in(hours, names, connection)


def _verdicts_in(hours: Sequence[int], names: Sequence[str], connection: Connection) -> list[Count]:
    """What evaluators said there, each for itself and those of one kind together."""
    within = [(_S.agent.in_(names), *_within(_S.at_ns, hour)) for hour in hours]
    judged = [select(_S.name, *VERDICTS).where(*hour).group_by(_S.name) for hour in within]
    of_each = [(name, bad, seen) for name, bad, seen in connection.execute(union_all(*judged))]
    together = [
        select(literal(signal), *together_of(signal)).where(*hour, _S.name.in_(evaluators))
        for signal, evaluators in pooled({name for name, _, _ in of_each}).items()
        for hour in within
    ]
    counted: list[Count] = [(f"eval:{name}", bad, seen) for name, bad, seen in of_each]
    if together:
        counted += [(signal, bad, seen) for signal, bad, seen in connection.execute(union_all(*together))]
    return counted


def _within(column: Any, hour: int) -> tuple[Any, Any]:
    return column >= hour * HOUR_NS, column < (hour + 1) * HOUR_NS
