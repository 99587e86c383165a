"""How tasks end: failures, those without an explanation, hand-offs, and how many tasks there are."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.incident.detectors.onset import comes_in_batches, pauses
from bot.incident.evidence import Direction, Interval, Signal, Unit, Window
from bot.incident.reading import Reading
from bot.incident.signals.measure import share_of
from bot.incident.signals.scope import Scope
from bot.incident.statistics import cut, mix_evidence, poisson_evidence, quantile

STUCK_SECONDS = 180.0  # a task still without an end after this long is overdue, where nobody knows how long tasks take
STUCK_AT_LEAST = 90.0  # seconds: spans may arrive this late
STUCK_TIMES = 4.0  # times the 95th percentile of how long tasks take
FEWEST_ENDED = 20
FIRST_PART = 4  # a quarter of the tasks, the first ones, tells whether tasks are told to the end
MOSTLY_TOLD = 0.8  # of them; where fewer ever end, the span that says so goes elsewhere, or tasks take hours
HOUR_SECONDS = 3600.0  # over which the burn of an error budget is taken
PACE_SECONDS = 300.0  # the last stretch in which tasks are counted
RELEVANT_EVIDENCE = 2.0  # nats at which a count has moved


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Failures, failures that nothing explains, hand-offs, volume, and the mix of task types."""
    stuck = stuck_after(scope.before)
    now, before = ([one for one in tasks if ended(one, scope.at_ns, stuck)] for tasks in (scope.now, scope.before))
    age = scope.span_age
    return (
        replace(
            share_of(scope, "task_failures", "tasks failed", now, before, failed, fresh_seconds=age),
            hour=last_hour(scope, stuck),
        ),
        share_of(
            scope,
            "unexplained_failures",
            "tasks failed although models and tools answered",
            now,
            before,
            unexplained,
            fresh_seconds=age,
        ),
        share_of(
            scope,
            "escalations",
            "tasks were handed to people",
            now,
            before,
            lambda reading: reading.escalated,
            fresh_seconds=age,
        ),
        volume(scope),
        mix(scope),
    )


def last_hour(scope: Scope, stuck_seconds: float) -> tuple[int, int]:
    """(failed, ended) tasks of the last hour, whenever the trouble began: what an error budget is measured by."""
    since = scope.at_ns - int(HOUR_SECONDS * 1e9)
    over = [one for one in scope.seen if one.at_ns >= since and ended(one, scope.at_ns, stuck_seconds)]
    each = [1 if scope.draw is None else scope.draw.stands_for(one) for one in over]
    return sum(count for one, count in zip(over, each, strict=True) if failed(one)), sum(each)


def ended(reading: Reading, at_ns: int, stuck_seconds: float = STUCK_SECONDS) -> bool:
    """The task has ended, or is long overdue."""
    return reading.finished or (at_ns - reading.at_ns) / 1e9 > stuck_seconds


def stuck_after(readings: Sequence[Reading]) -> float:
    """Seconds after which a task is overdue, from how long those ``readings``, in order of start, took that did end.

    Where of the first of them too few ever did, their spans do not tell of all ends, and no task is overdue.
    """
    first = readings[: max(FEWEST_ENDED, len(readings) // FIRST_PART)]
    if len(first) >= FEWEST_ENDED and sum(one.finished for one in first) < MOSTLY_TOLD * len(first):
        return math.inf
    taken = [(reading.end_ns - reading.at_ns) / 1e9 for reading in readings if reading.finished]
    if len(taken) < FEWEST_ENDED:
        return STUCK_SECONDS
    return max(STUCK_AT_LEAST, STUCK_TIMES * quantile(taken, 0.95))


def failed(reading: Reading) -> bool:
    """It ended badly or, long overdue, not at all."""
    return reading.failed or not reading.finished


def unexplained(reading: Reading) -> bool:
    """Badly, and neither a model nor a tool nor a loop explains it."""
    return reading.failed_alone or not (reading.finished or reading.model_errors or reading.tool_errors)


def volume(scope: Scope) -> Signal:
    """Tasks started per minute, since the beginning where there is one, else during the last five, and of the window only.

    The baseline's length is that of the time in which it has tasks.
    """
    start = scope.window.start_ns if scope.began else scope.at_ns - int(PACE_SECONDS * 1e9)
    recent = Window(max(start, scope.window.start_ns), scope.at_ns)
    starts = scope.starts
    n = len(starts) - cut(starts, recent.start_ns)
    n0 = max(0, cut(starts, scope.baseline.end_ns) - cut(starts, scope.baseline.start_ns))
    minutes = recent.seconds / 60
    known = covered_seconds(scope) / 60
    nats = poisson_evidence(n, recent.seconds, n0, known * 60)
    moved = Direction.UP if nats > RELEVANT_EVIDENCE else Direction.DOWN if nats < -RELEVANT_EVIDENCE else None
    if moved is Direction.DOWN and _between_batches(scope, recent.start_ns if n or not starts else starts[-1] + 1):
        moved = None
    enough = n0 >= 5  # noqa: PLR2004  below it no rate is known
    spread = 1.96 * n**0.5
    return Signal(
        name="task_volume",
        label="tasks started",
        unit=Unit.RATE,
        value=n / minutes if minutes and (starts or scope.draw is None) else None,
        baseline=n0 / known if known else None,
        n=n,
        baseline_n=n0,
        window=recent,
        direction=(moved or Direction.FLAT) if enough else Direction.UNKNOWN,
        k=n,
        baseline_k=n0,
        interval=Interval(max(0.0, n - spread) / minutes, (n + spread) / minutes) if minutes else None,
        fresh_seconds=scope.span_age,
    )


def _between_batches(scope: Scope, since_ns: int) -> bool:
    """So few tasks since then are its way; silence counts for as long as it is, and not for the window alone."""
    every = scope.every_start
    return comes_in_batches(every, since_ns, scope.at_ns, pauses(every, scope.starts, scope.at_ns))


def covered_seconds(scope: Scope) -> float:
    """How much of the baseline window lies after the first task ever seen."""
    first = cut(scope.starts, scope.baseline.start_ns)
    if first >= cut(scope.starts, scope.baseline.end_ns):
        return 0.0
    return max(0, scope.baseline.end_ns - scope.starts[first]) / 1e9


def mix(scope: Scope) -> Signal:
    """Whether other kinds of tasks arrive than before; ``value`` is the share of the kind that grew most."""
    # a task that still runs has not said its type yet: its root span comes last
    now = Counter(reading.task_type or "" for reading in scope.now if reading.finished)
    before = Counter(reading.task_type or "" for reading in scope.before if reading.finished)
    nats, grown = mix_evidence(now, before)
    n, n0 = now.total(), before.total()
    return Signal(
        name="task_mix",
        label=f"tasks of type {grown}" if grown else "tasks without a type",
        unit=Unit.SHARE,
        value=now[grown] / n if n else None,
        baseline=before[grown] / n0 if n0 else None,
        n=n,
        baseline_n=n0,
        window=scope.window,
        direction=Direction.UP if nats > 2 * RELEVANT_EVIDENCE else Direction.FLAT if n0 else Direction.UNKNOWN,
        k=now[grown],
        baseline_k=before[grown],
        fresh_seconds=scope.span_age,
    )
