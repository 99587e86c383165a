"""Security: alarms, destinations nobody sent to before, and untrusted content that reaches power."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.incident.detectors.security import is_security
from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals import actions
from bot.incident.signals.measure import Seen, share, share_of, tasks
from bot.incident.signals.scope import Scope
from bot.incident.signals.shipped import shipped

FEWEST_SENDS = 40  # below it a usual destination may not have been seen yet


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Tasks with an alarm, tasks led from untrusted content to a privileged call, new destinations, and odd writes among them."""
    age = scope.span_age
    return (
        share_of(
            scope,
            "security_hits",
            "tasks raised a security alarm",
            watched(scope.now),
            watched(scope.before),
            alarmed,
            fresh_seconds=age,
        ),
        share_of(
            scope,
            "untrusted_privileged",
            "tasks with untrusted content made a privileged call after it",
            exposed(scope.now),
            exposed(scope.before),
            led_astray,
            fresh_seconds=age,
        ),
        destinations(scope),
        share(
            scope,
            "led_actions",
            "tasks with odd writes show signs of an attack",
            led_actions(scope.now, scope.before),
            [],
            fresh_seconds=age,
        ),
    )


def watched(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that a security guardrail looked at."""
    return [reading for reading in readings if reading.guarded and _for_security(reading.guarded)]


@lru_cache(1024)  # most tasks pass the same guardrails
def _for_security(guardrails: tuple[str, ...]) -> bool:
    return any(is_security(name) for name in guardrails)


def alarmed(reading: Reading) -> bool:
    """A security guardrail raised an alarm."""
    return bool(reading.security_hits)


def exposed(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that read untrusted content."""
    return [reading for reading in readings if reading.reads_untrusted]


def led_astray(reading: Reading) -> bool:
    """It made a privileged call after untrusted content."""
    return reading.led_astray


def destinations(scope: Scope) -> Signal:
    """Sends to destinations never seen before; the baseline is how many its own second half had."""
    half = len(scope.before) // 2
    early, late = scope.before[:half], scope.before[half:]
    known = enough(scope.before)
    expected = targets(scope.before) | innocent(scope.seen, targets(scope.before))
    now = novel(scope.now, expected)
    new = sorted(targets(scope.now) - expected)
    return share(
        scope,
        "new_destinations",
        "sending tasks sent to a destination not seen before",
        now if known else [],
        novel(late, targets(early)) if known else [],
        fresh_seconds=scope.span_age,
        note=", ".join(new[:5]),
    )


def led_actions(readings: Iterable[Reading], before: Sequence[Reading]) -> list[Seen]:
    """One observation per task that wrote what it should not have, or too much: bad when an attack may explain it."""
    most, known = actions.unusual_number(before), targets(before)
    odd = (one for one in readings if one.unapproved or one.unbacked or one.use.writes >= most)
    return tasks(odd, lambda one: bool(one.security_hits or one.led_astray or not one.destinations <= known))


def enough(readings: Iterable[Reading], fewest: int = FEWEST_SENDS) -> bool:
    """Enough sends are known to call a destination new."""
    return sum([bool(reading.use.destinations) for reading in readings]) >= fewest


def targets(readings: Iterable[Reading]) -> frozenset[str]:
    """All destinations the tasks sent to."""
    return frozenset().union(*{reading.use.destinations for reading in readings})


def innocent(readings: Sequence[Reading], known: frozenset[str]) -> frozenset[str]:
    """Destinations beyond the known that are no sign of an attack: a new version brought them, or they lie beneath a known one.

    A destination is never innocent where a task that sent there shows another sign; one alarm alone may be false.
    """
    alarms = Counter(target for one in readings if one.security_hits for target in one.destinations)
    suspect = targets(one for one in readings if one.led_astray or one.unapproved)
    suspect |= {target for target, times in alarms.items() if times > 1}
    brought = shipped(readings, lambda one: one.destinations, known, lambda _: lambda one: one.destinations)
    beneath = {target for target in targets(readings) - known if any(target.endswith(f".{one}") for one in known)}
    return (brought | beneath) - suspect


def novel(readings: Sequence[Reading], known: frozenset[str]) -> list[Seen]:
    """One observation per task that sends: bad when one of its destinations is not among the known."""
    sending = [reading for reading in readings if reading.use.destinations]
    return tasks(sending, lambda reading: not reading.use.destinations <= known)
