"""Freshness: how old the newest span and score are, against the gap that is usual."""

from collections.abc import Sequence
from heapq import nlargest
from itertools import pairwise

from bot.incident.detectors.onset import BATCHES, LATE, pauses
from bot.incident.evidence import Direction, Signal, Unit
from bot.incident.signals.scope import Scope
from bot.incident.statistics import cut

GAPS = 7.0  # usual gaps after which silence is no chance (0.1 % when tasks come at random)
SPANS_AT_LEAST = 180.0  # seconds that are never called stale
SPANS_UNKNOWN_GAP = 900.0  # the same where too few tasks are known to say what gap is usual
SCORES_AT_LEAST = 900.0
LONGER = 1.5  # times an evaluator's longest pause so far
FEWEST = 3
FEWEST_FOR_A_GAP = 10  # tasks
FEWEST_UNJUDGED = 10  # tasks without a verdict before their judges count as silent
JUDGED_WITHIN_NS = 180 * 1_000_000_000


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Ages in seconds: of spans, of scores, of other agents' spans, and of what the most silent of several evaluators said.

    The baseline is the age at which it is stale.
    """
    others = fleet_limit(scope)
    silent = scope.fleet_age is not None and scope.fleet_age > others
    own = min(span_limit(scope), others) if silent else span_limit(scope)  # nothing arrives from anybody: then sooner
    return (
        age(scope, "span_age", "age of the newest span", scope.span_age, own, len(scope.before)),
        age(
            scope, "score_age", "age of the newest score", scope.score_age, score_limit(scope), len(scope.scores_before)
        ),
        age(scope, "fleet_age", "age of other agents' newest span", scope.fleet_age, others, len(scope.others)),
        *silent_judge(scope),
    )


def silent_judge(scope: Scope) -> tuple[Signal, ...]:
    """Of several evaluators the one that has been silent for longest, by its own pace: the others' scores hide it."""
    return tuple(sorted(_judges(scope), key=lambda one: (one.value or 0.0) / (one.baseline or 1.0))[-1:])


def judges_ages(scope: Scope) -> tuple[float | None, ...]:
    """Seconds since the newest score of each evaluator, and of any probe."""
    return (*(scope.heard_age([name]) for name in scope.heard), scope.probe_age)


def silent_ages(scope: Scope) -> tuple[float | None, ...]:
    """Seconds since the newest score of each of several evaluators that is silent for too long by its own pace."""
    return tuple(one.value for one in _judges(scope) if one.direction is Direction.UP)


def _judges(scope: Scope) -> list[Signal]:
    if len(scope.heard) < 2:  # noqa: PLR2004 - one alone is what the newest score says
        return []
    tasks_due = due(scope)
    return [
        age(
            scope, "judge_age", f"age of the newest score of {name}", (scope.at_ns - times[-1]) / 1e9, limit, len(times)
        )
        for name, times in sorted(scope.heard.items())
        if (limit := judge_limit(tasks_due, times)) is not None
    ]


def judge_limit(tasks_due: Sequence[int], times: Sequence[int]) -> float | None:
    """Seconds after which this evaluator's silence is no chance; None while too few tasks came that it would have judged.

    ``tasks_due`` are from :func:`due`, ``times`` when its scores came. One that judges in batches is silent between them.
    """
    waiting = sum(end > times[-1] for end in tasks_due)
    of_each = max(1.0, (len(tasks_due) - waiting) / len(times))  # tasks to one of its verdicts
    if len(times) < FEWEST_FOR_A_GAP or waiting < max(FEWEST_UNJUDGED, GAPS * of_each):
        return None
    longest = max(later - earlier for earlier, later in pairwise(times)) / 1e9
    return max(SCORES_AT_LEAST, GAPS * usual_gap(times), LONGER * longest)


def age(scope: Scope, name: str, label: str, value: float | None, limit: float | None, n: int) -> Signal:
    """One age with its limit; UP when it is stale."""
    known = value is not None
    stale = value is not None and limit is not None and value > limit
    return Signal(
        name=name,
        label=label,
        unit=Unit.SECONDS,
        value=value,
        baseline=limit,
        n=int(known),
        baseline_n=n,
        window=scope.window,
        direction=Direction.UNKNOWN if not known else Direction.UP if stale else Direction.FLAT,
        fresh_seconds=value,
    )


def span_limit(scope: Scope) -> float:
    """Seconds after which silence of this agent is no chance: between batches it is silent for as long as twice before."""
    before = scope.starts[cut(scope.starts, scope.baseline.start_ns) : cut(scope.starts, scope.baseline.end_ns)]
    pause = LATE * batch_pause(scope)
    if len(before) < FEWEST_FOR_A_GAP:
        return max(SPANS_UNKNOWN_GAP, pause)
    return max(SPANS_AT_LEAST, GAPS * usual_gap(before), pause)


def batch_pause(scope: Scope) -> float:
    """Seconds for which no task came, at least, as often as it takes to call that the agent's way; 0 where it never was."""
    starts = scope.every_start
    gaps = [starts[cut(starts, time + 1)] - time for time in pauses(starts, scope.starts, scope.at_ns)]
    longest = nlargest(BATCHES, gaps)
    return longest[-1] / 1e9 if len(longest) == BATCHES else 0.0


def fleet_limit(scope: Scope) -> float:
    """Seconds after which silence of all other agents is no chance."""
    times = [one.at_ns for theirs in scope.others.values() for one in theirs if one.at_ns < scope.baseline.end_ns]
    return max(SPANS_AT_LEAST, GAPS * usual_gap(times))


def score_limit(scope: Scope) -> float | None:
    """Seconds after which silence of its evaluators is no chance; without tasks to judge, no silence is one."""
    if unjudged(scope) < FEWEST_UNJUDGED:
        return None
    return max(SCORES_AT_LEAST, GAPS * usual_gap([score.at_ns for score in scope.scores_before]))


def unjudged(scope: Scope) -> int:
    """Tasks that ended well after the newest score, long enough ago to have been judged."""
    return sum(end > (scope.score_ns or 0) for end in due(scope))


def due(scope: Scope) -> list[int]:
    """When tasks ended that should have been judged by now: they ended well; failed ones are not evaluated everywhere."""
    until = scope.at_ns - JUDGED_WITHIN_NS
    return [one.end_ns for one in scope.seen if one.finished and not one.failed and one.end_ns < until]


def usual_gap(times: Sequence[int]) -> float:
    """Mean seconds between observations; 0 when too few are known."""
    if len(times) < FEWEST:
        return 0.0
    moments = len(set(times))  # several verdicts on one task count once
    return (max(times) - min(times)) / 1e9 / max(1, moments - 1)
