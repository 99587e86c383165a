"""The small series behind the charts: shares over time, and how many steps tasks take now and took before."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.incident.evidence import Course, EvidenceBundle, Signal, StepsDistribution
from bot.incident.reading import Reading
from bot.incident.signals import models, outcomes, quality
from bot.incident.signals.measure import Seen, growth, tasks
from bot.incident.signals.scope import Scope
from bot.incident.telemetry import EvalScore

MOST_POINTS = 18
MOST_BINS = 12
FAILURES, QUALITY = "task_failures", "quality"
SECOND = 1_000_000_000
_OF_TASKS: Mapping[str, Callable[[Reading], bool]] = {
    "unapproved_writes": lambda reading: reading.unapproved,
    "security_hits": lambda reading: bool(reading.security_hits),
    "policy_hits": lambda reading: bool(reading.policy_hits),
    "repeats": lambda reading: reading.looping,
    "at_limit": lambda reading: reading.at_limit,
    "model_errors": models.erring,
    "model_mismatch": lambda reading: reading.mismatched,
    "tool_errors": lambda reading: reading.tool_errors > 0,
    "escalations": lambda reading: reading.escalated,
}
_LABELS = {"tool_errors": "tasks had a tool error"}  # the signal counts calls, its course counts tasks


def courses(scope: Scope, scores: Sequence[EvalScore], measured: Sequence[Signal]) -> tuple[Course, ...]:
    """At most three courses: what moved most, failures, and wrong answers; the most telling one first.

    ``scores`` stand at the start of the task they judge; ``measured`` are the signals of the same look.
    """
    known = {signal.name: signal for signal in measured}
    worst = max((known[name] for name in _OF_TASKS if name in known and known[name].moved), key=growth, default=None)
    stuck = outcomes.stuck_after(scope.before)
    ended = [reading for reading in scope.seen if outcomes.ended(reading, scope.at_ns, stuck)]
    found = [
        _course(scope, FAILURES, "tasks failed", tasks(ended, outcomes.failed)),
        _course(scope, QUALITY, "answers were judged wrong", quality.judged(scores, quality.Judgement.QUALITY)),
    ]
    if worst is not None:
        label = _LABELS.get(worst.name, worst.label)
        found.append(_course(scope, worst.name, label, tasks(scope.seen, _OF_TASKS[worst.name])))
    told = [course for course in found if course.points]
    return tuple(sorted(told, key=lambda course: growth(known[course.signal]), reverse=True))


def pass_rate(bundle: EvidenceBundle) -> Course | None:
    """The share of answers judged right over time; None when nothing was judged."""
    wrong = next((course for course in bundle.courses if course.signal == QUALITY), None)
    if wrong is None:
        return None
    points = tuple((start, n - k, n) for start, k, n in wrong.points)
    return Course("pass_rate", "answers were judged right", wrong.seconds, points)


def steps_distribution(scope: Scope) -> StepsDistribution | None:
    """Steps per task now and before, in at most twelve bins; None when no task made a step."""
    now = [reading.steps for reading in scope.now if reading.steps]
    before = [reading.steps for reading in scope.before if reading.steps]
    if not now:
        return None
    first, last = min([*now, *before]), max([*now, *before])
    width = math.ceil((last - first + 1) / MOST_BINS)
    bins = (last - first) // width + 1
    return StepsDistribution(first, width, _counted(now, first, width, bins), _counted(before, first, width, bins))


def _course(scope: Scope, signal: str, label: str, seen: Iterable[Seen]) -> Course:
    start = min(scope.baseline.start_ns, scope.window.start_ns)
    minutes = max(1, math.ceil((scope.at_ns - start) / MOST_POINTS / (60 * SECOND)))
    length = minutes * 60 * SECOND
    counts: dict[int, tuple[int, int]] = {}
    for one in seen:
        if start <= one.at_ns <= scope.at_ns:
            place = min(MOST_POINTS - 1, (one.at_ns - start) // length)
            k, n = counts.get(place, (0, 0))
            counts[place] = k + one.bad, n + 1
    points = tuple((start + place * length, k, n) for place, (k, n) in sorted(counts.items()))
    return Course(signal, label, minutes * 60, points)


def _counted(steps: Iterable[int], first: int, width: int, bins: int) -> tuple[int, ...]:
    counts = [0] * bins
    for number in steps:
        counts[(number - first) // width] += 1
    return tuple(counts)
