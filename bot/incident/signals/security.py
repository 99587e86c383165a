"""Security: alarms, destinations nobody sent to before, and untrusted content that reaches power."""

from collections.abc import Iterable, Sequence

from bot.incident.detectors.security import is_security
from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, share, tasks
from bot.incident.signals.scope import Scope

FEWEST_SENDS = 25  # below it every other destination is new


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Tasks with an alarm, tasks led from untrusted content to a privileged call, and new destinations."""
    age = scope.span_age
    return (
        share(
            scope,
            "security_hits",
            "tasks raised a security alarm",
            alarms(scope.now),
            alarms(scope.before),
            fresh_seconds=age,
        ),
        share(
            scope,
            "untrusted_privileged",
            "tasks with untrusted content made a privileged call after it",
            led(scope.now),
            led(scope.before),
            fresh_seconds=age,
        ),
        destinations(scope),
    )


def alarms(readings: Iterable[Reading]) -> list[Seen]:
    """One observation per task that a security guardrail looked at."""
    watched = [reading for reading in readings if any(is_security(name) for name in reading.guarded)]
    return tasks(watched, lambda reading: bool(reading.security_hits))


def led(readings: Iterable[Reading]) -> list[Seen]:
    """One observation per task that read untrusted content."""
    return tasks((reading for reading in readings if reading.reads_untrusted), lambda reading: reading.led_astray)


def destinations(scope: Scope) -> Signal:
    """Sends to destinations never seen before; the baseline is how many its own second half had."""
    half = len(scope.before) // 2
    early, late = scope.before[:half], scope.before[half:]
    known = enough(scope.before)
    now = novel(scope.now, targets(scope.before))
    new = sorted({target for reading in scope.now for target in reading.destinations} - targets(scope.before))
    return share(
        scope,
        "new_destinations",
        "sending tasks sent to a destination never seen before",
        now if known else [],
        novel(late, targets(early)) if known else [],
        fresh_seconds=scope.span_age,
        note=", ".join(new[:5]),
    )


def enough(readings: Iterable[Reading]) -> bool:
    """Enough sends are known to call a destination new."""
    return sum(bool(reading.destinations) for reading in readings) >= FEWEST_SENDS


def targets(readings: Iterable[Reading]) -> frozenset[str]:
    """All destinations the tasks sent to."""
    return frozenset(target for reading in readings for target in reading.destinations)


def novel(readings: Sequence[Reading], known: frozenset[str]) -> list[Seen]:
    """One observation per task that sends: bad when one of its destinations is not among the known."""
    return tasks(
        (reading for reading in readings if reading.destinations), lambda reading: not reading.destinations <= known
    )
