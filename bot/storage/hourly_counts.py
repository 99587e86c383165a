"""What is counted of each hour, so that the same hour of the week can be compared."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, or_, select, union_all

from bot.incident.signals.quality import Judgement, judgement_of
from bot.storage.tables.telemetry import hours as hours_table
from bot.storage.tables.telemetry import scores as scores_table
from bot.storage.tables.telemetry import traces as traces_table

HOUR_NS = 3_600_000_000_000
_T, _S = traces_table.c, scores_table.c
TASK_COUNTS: Mapping[str, tuple[Any, Any]] = {  # signal -> (bad, all), each a sum over traces
    "task_failures": (func.sum(case((or_(_T.failed == 1, _T.complete.is_(False)), 1), else_=0)), func.count()),
    "model_errors": (func.sum(_T.model_failed), func.count()),
    "repeats": (func.sum(_T.looping), func.count()),
    "escalations": (func.sum(_T.escalated), func.count()),
    "tool_errors": (func.sum(_T.tool_errors), func.sum(_T.tool_calls)),
}
VERDICTS = (func.sum(case((_S.passed.is_(False), 1), else_=0)), func.count(_S.passed))

POOLED = {
    Judgement.QUALITY: "quality",
    Judgement.CONDUCT: "policy_verdicts",
    Judgement.FEEDBACK: "feedback",
    Judgement.PROBE: "probes",
}
Count = tuple[str, int | None, int | None]  # a signal, how many were bad, of how many


def of_evaluator(name: str, bad: int, seen: int) -> list[tuple[str, int, int]]:
    """The signals to which an evaluator's verdicts count: its own, and the one it is pooled in."""
    return [(f"eval:{name}", bad, seen), (POOLED[judgement_of(name)], bad, seen)]


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
    verdicts = [
        select(_S.name, *VERDICTS).where(_S.agent.in_(names), *_within(_S.at_ns, hour)).group_by(_S.name)
        for hour in hours
    ]
    counted = [(name, bad, seen) for name, bad, seen in connection.execute(kept)]
    for row in connection.execute(union_all(*tasks)):
        counted += [(name, row[2 * at], row[2 * at + 1]) for at, name in enumerate(TASK_COUNTS)]
    for verdict in connection.execute(union_all(*verdicts)):
        counted += of_evaluator(*verdict)
    return counted


def _within(column: Any, hour: int) -> tuple[Any, Any]:
    return column >= hour * HOUR_NS, column < (hour + 1) * HOUR_NS
