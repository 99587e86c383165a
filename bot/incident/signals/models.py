"""Models: errors, waiting for the first words, and whether the model asked is the one that answers."""

from collections.abc import Iterable

from bot.incident.evidence import Signal, Unit
from bot.incident.quantities import duration
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, counted, level, share, share_of
from bot.incident.signals.scope import Scope
from bot.incident.statistics import quantile

SLOW = 2.5  # times the usual wait
FEWEST_WAITS = 10


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Tasks with a model error, calls that failed, tasks that waited too long, waits, and tasks answered by another model."""
    now = [reading for reading in scope.now if reading.models]
    before = [reading for reading in scope.before if reading.models]
    age = scope.span_age
    limit = slow_limit(before)
    return (
        share_of(scope, "model_errors", "tasks had a model error", now, before, erring, fresh_seconds=age),
        counted(
            scope,
            "model_call_errors",
            "model calls failed",
            (*calls(now), *calls(before)),
            [reading.id for reading in reversed(now) if reading.model_errors],
            fresh_seconds=age,
        ),
        share(
            scope,
            "slow_models",
            f"tasks waited over {duration(limit)} for a model" if limit else "tasks waited long for a model",
            slow_tasks(now, limit),
            slow_tasks(before, limit),
            fresh_seconds=age,
        ),
        level(
            scope,
            "first_chunk_p95",
            "wait for a model's first words, P95",
            Unit.SECONDS,
            waits(now),
            waits(before),
            0.95,
            fresh_seconds=age,
        ),
        share_of(
            scope,
            "model_mismatch",
            "tasks were answered by another model than asked",
            answered(now),
            answered(before),
            lambda reading: reading.mismatched,
            fresh_seconds=age,
        ),
    )


def erring(reading: Reading) -> bool:
    """At least one model call failed, even if a retry succeeded."""
    return reading.model_errors > 0


def calls(readings: Iterable[Reading]) -> tuple[int, int]:
    """Failed model calls and all of them: tasks that call more models see more errors, their calls do not."""
    failed = total = 0
    for reading in readings:
        failed += failed_calls(reading)
        total += len(reading.models)
    return failed, total


def failed_calls(reading: Reading) -> int:
    """Model calls of the task that failed, of those that are kept: its own figure counts the others, too."""
    return sum(step.error for step in reading.models) if reading.model_errors else 0


def slow_limit(before: Iterable[Reading]) -> float | None:
    """Seconds beyond which a task's slowest wait counts as long; None when the usual wait is unknown."""
    known = [wait for wait, _ in waits(before)]
    return SLOW * quantile(known, 0.5) if len(known) >= FEWEST_WAITS else None


def waits(readings: Iterable[Reading]) -> list[tuple[float, str]]:
    """Each task's slowest wait: for the first chunk, or for the whole answer where that is not told."""
    found = []
    for reading in readings:
        wait = reading.first_chunk
        if wait is None:
            wait = max((step.seconds for step in reading.models if not step.error), default=None)
        if wait is not None:
            found.append((wait, reading.id))
    return found


def slow_tasks(readings: Iterable[Reading], limit: float | None) -> list[Seen]:
    """One observation per task with a known wait."""
    if limit is None:
        return []
    times = {reading.id: reading.at_ns for reading in readings}
    return [Seen(trace_id, times[trace_id], wait > limit) for wait, trace_id in waits(readings)]


def answered(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks in which some model said its name."""
    return [reading for reading in readings if any(step.answering and step.requested for step in reading.models)]
