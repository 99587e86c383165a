"""The evaluators themselves: a broken judge is not a drop in quality."""

from collections.abc import Iterable, Sequence

from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.freshness import JUDGED_WITHIN_NS
from bot.incident.signals.measure import Seen, share
from bot.incident.signals.scope import Scope
from bot.incident.telemetry import EvalScore


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Tasks that nobody judged, and verdicts that decide nothing. How old the newest one is says freshness."""
    return (
        share(
            scope,
            "unjudged",
            "tasks have no verdict yet",
            unjudged(scope.now, scope.scores_now, scope.at_ns),
            unjudged(scope.before, scope.scores_before, scope.at_ns),
            fresh_seconds=scope.score_age,
        ),
        share(
            scope,
            "judge_errors",
            "verdicts decide nothing",
            undecided(scope.scores_now),
            undecided(scope.scores_before),
            fresh_seconds=scope.score_age,
        ),
    )


def unjudged(readings: Iterable[Reading], scores: Iterable[EvalScore], at_ns: int) -> list[Seen]:
    """One observation per task that ended well and long enough ago; none where no score names a task at all."""
    judged = {score.trace_id for score in scores if score.trace_id}
    if not judged:
        return []
    due = at_ns - JUDGED_WITHIN_NS
    return [
        Seen(one.id, one.at_ns, one.id not in judged)
        for one in readings
        if one.finished and not one.failed and one.end_ns < due
    ]


def undecided(scores: Sequence[EvalScore]) -> list[Seen]:
    """One observation per verdict: bad when neither its label nor its value says pass or fail."""
    return [Seen(score.trace_id or "", score.at_ns, score.passed is None) for score in scores]
