"""The series of good and bad outcomes in which a beginning is looked for, one bundle per kind of trouble."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from bot.incident.detectors.onset import Pace, Series, series
from bot.incident.draw import Draw
from bot.incident.reading import Reading
from bot.incident.signals import actions, conduct, effort, models, outcomes, quality, security, shipped, tools
from bot.incident.signals.measure import Seen
from bot.incident.telemetry import EvalScore
from bot.incident.tool_use import MANIFEST_SEPARATOR

# Nats a beginning must bring where that differs from onset.GUARD: more where chance bunches, less where noise is rare
GUARDS: Mapping[str, float] = {
    "task_volume": 10.0,
    "policy_hits": 6.5,
    "quality": 6.8,
    "repeats": 6.0,
    "unexplained_failures": 6.5,
    "model_mismatch": 5.0,
    "security_hits": 5.0,
    "unapproved_writes": 4.0,
    "write_amounts": 4.0,
    "many_writes": 4.0,
}
SETTLED = 1 / 2  # of the tasks: what is first seen within them counts as known
FEWEST_FOR_A_TOOL = 10
_BAD = attrgetter("bad")


def troubles(
    readings: Sequence[Reading],
    scores: Sequence[EvalScore],
    at_ns: int,
    alive_ns: int,
    draw: Draw | None = None,
    starts_before: Sequence[int] = (),
) -> Mapping[str, tuple[Series | Pace, ...]]:
    """Series by the name of the signal that shows the trouble best. Parts of one trouble add up.

    ``alive_ns`` is the fleet's newest sign of life: after it, silence says nothing about the agent. ``starts_before`` is
    when tasks started before all of these, where the agent is quiet.
    """
    settled = readings[: int(len(readings) * SETTLED)]
    stuck = outcomes.stuck_after(settled)
    ended = [reading for reading in readings if outcomes.ended(reading, at_ns, stuck)]
    limit, heavy = effort.long_limit(settled), effort.heavy_limit(settled)
    most = actions.unusual_number(settled)
    waiting = [reading for reading in readings if reading.models]
    found: dict[str, tuple[Series | Pace, ...]] = {
        "security_hits": (
            *_of_tasks(security.watched(readings), security.alarmed),
            *_of_tasks(security.exposed(readings), security.led_astray),
            *_series(newcomers(readings)),
        ),
        "new_descriptions": _series(redescribed(readings)),
        "unapproved_writes": (
            *_of_tasks([reading for reading in readings if reading.use.writes], lambda reading: reading.use.unapproved),
            *_of_tasks(actions.claiming(readings), lambda reading: bool(reading.unbacked)),
        ),
        "write_amounts": _series(actions.oversized(readings, settled)),
        "many_writes": _of_tasks(readings, lambda reading: reading.use.writes >= most),
        "policy_hits": _series(conduct.breaches(readings, scores)),
        "model_errors": _of_tasks(waiting, models.erring),
        "slow_models": _series(models.slow_tasks(waiting, models.slow_limit(waiting))),
        "model_mismatch": _of_tasks(models.answered(readings), lambda reading: reading.mismatched),
        "unexplained_failures": _of_tasks(ended, outcomes.unexplained),
        "task_volume": _paces(
            [one.at_ns for one in readings] if draw is None else draw.starts, alive_ns, starts_before
        ),
        "repeats": _of_tasks(readings, lambda reading: reading.looping),
        "long_tasks": _of_tasks(readings, lambda reading: reading.steps > limit) if limit else (),
        "heavy_tasks": _of_tasks(effort.telling_tokens(readings), lambda reading: reading.tokens > heavy)
        if heavy
        else (),
        "quality": (
            *_series(quality.judged(scores, quality.Judgement.QUALITY), quality.probes(scores)),
            *_series(quality.ratings(scores), weight=quality.OF_A_RATING),
        ),
    }
    for (trouble, name), seen in tools.per_tool(readings, tools.usual_of(settled)).items():
        if len(seen) >= FEWEST_FOR_A_TOOL:
            found[f"{trouble}:{name}"] = _series(seen)
    return found


def _paces(starts: Sequence[int], alive_ns: int, before: Sequence[int]) -> tuple[Pace, ...]:
    return (Pace(tuple(starts), alive_ns, tuple(before)),) if starts else ()


def newcomers(readings: Sequence[Reading]) -> list[Seen]:
    """One observation per sending task: bad when it sends where nobody sent during the first half."""
    settled = readings[: int(len(readings) * SETTLED)]
    if not security.enough(settled, security.FEWEST_SENDS // 2):
        return []
    known = security.targets(settled)
    return security.novel(readings, known | security.innocent(readings, known))


def redescribed(readings: Sequence[Reading]) -> list[Seen]:
    """One observation per task with a tool known since the first half: bad when its description is a new one."""
    settled = readings[: int(len(readings) * SETTLED)]
    known: frozenset[str] = frozenset().union(*set(map(shipped.descriptions, settled)))
    names = set(map(_tool, known))
    expected = known | shipped.redescribed(readings, known)
    news: dict[frozenset[str], bool | None] = {}  # thousands of tasks have the same few tools
    for said in set(map(shipped.descriptions, readings)):
        of_known_tools = {one for one in said if _tool(one) in names}
        news[said] = not of_known_tools <= expected if of_known_tools else None
    found = [(one.id, one.at_ns, news[shipped.descriptions(one)]) for one in readings]
    return [Seen(trace_id, at_ns, bad) for trace_id, at_ns, bad in found if bad is not None]


def _tool(described: str) -> str:
    return described.split(MANIFEST_SEPARATOR, maxsplit=1)[0]


def _of_tasks(readings: Sequence[Reading], bad: Callable[[Reading], bool]) -> tuple[Series, ...]:
    """One outcome per task."""
    flags = [bad(reading) for reading in readings]
    return (series([(one.at_ns, flag) for one, flag in zip(readings, flags, strict=True)]),) if any(flags) else ()


def _series(*parts: Sequence[Seen], weight: float = 1.0) -> tuple[Series, ...]:
    """A series for each part in which something was bad: in the others nothing can have begun."""
    troubled = (part for part in parts if any(map(_BAD, part)))
    return tuple(series([(at_ns, bad) for _, at_ns, bad in part], weight) for part in troubled)
