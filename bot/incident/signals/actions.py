"""Actions: unapproved writes, claims without a tool call, and writes larger or more numerous than ever before."""

from collections.abc import Iterable, Iterator, Sequence

from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, share, share_of
from bot.incident.signals.scope import Scope
from bot.incident.statistics import quantile

FEWEST_AMOUNTS = 8  # earlier amounts needed before one can be an outlier
OVER_LARGEST = 2.0  # times the largest amount seen before
OVER_MEDIAN = 5.0  # times the usual amount
FEWEST_TASKS = 25  # earlier tasks needed before a number of writes can be unusual
NEARLY_ALL = 0.97
MORE_WRITES = 2  # distinct writes beyond the most seen in nearly all tasks before


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Writes without approval, tasks with unbacked claims, tasks with more writes, and amounts out of range."""
    age = scope.span_age
    most, known = unusual_number(scope.before), len(scope.before) >= FEWEST_TASKS
    writing = [reading for reading in scope.now if reading.use.writes]
    wrote = [reading for reading in scope.before if reading.use.writes]
    comparable = (scope.now, scope.before) if known else ((), ())
    return (
        share_of(
            scope,
            "unapproved_writes",
            "writing tasks had a write without approval",
            writing,
            wrote,
            lambda reading: reading.use.unapproved,
            fresh_seconds=age,
        ),
        share_of(
            scope,
            "unbacked_claims",
            "tasks that claim an action have no tool call behind it",
            claiming(scope.now),
            claiming(scope.before),
            lambda reading: bool(reading.unbacked),
            fresh_seconds=age,
        ),
        share_of(
            scope,
            "many_writes",
            f"tasks made {most} or more different writes",
            *comparable,
            lambda reading: reading.use.writes >= most,
            fresh_seconds=age,
        ),
        share(scope, "write_amounts", "writes were of an unusual amount", *outliers(scope), fresh_seconds=age),
        share_of(
            scope,
            "write_share",
            "tasks wrote",
            scope.now,
            scope.before,
            lambda reading: reading.use.writes > 0,
            fresh_seconds=age,
        ),
    )


def claiming(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that told the user of an action."""
    return [reading for reading in readings if reading.claims]


def unusual_number(before: Iterable[Reading]) -> int:
    """Different writes in one task beyond nearly all that was seen before: one odd task must not hide the next."""
    return round(quantile([reading.use.writes for reading in before] or [0], NEARLY_ALL)) + MORE_WRITES


def outliers(scope: Scope) -> tuple[list[Seen], list[Seen]]:
    """Amounts now and before, one observation per write that tells one; bad when far beyond all seen before."""
    return oversized(scope.now, scope.before), oversized(scope.before, scope.before)


def oversized(readings: Iterable[Reading], before: Sequence[Reading]) -> list[Seen]:
    """One observation per amount that can be compared with those before."""
    limits = amount_limits(before)
    return [
        Seen(trace_id, at_ns, value > limits[key]) for key, value, at_ns, trace_id in told(readings) if key in limits
    ]


def amount_limits(before: Iterable[Reading]) -> dict[tuple[str, str], float]:
    """The amount beyond which a write of that tool and field is unusual, where enough is known."""
    known: dict[tuple[str, str], list[float]] = {}
    for key, value, _, _ in told(before):
        known.setdefault(key, []).append(value)
    return {
        key: max(OVER_LARGEST * max(values), OVER_MEDIAN * quantile(values, 0.5))
        for key, values in known.items()
        if len(values) >= FEWEST_AMOUNTS
    }


def told(readings: Iterable[Reading]) -> Iterator[tuple[tuple[str, str], float, int, str]]:
    """(tool and field, amount, time, trace) of each amount in the arguments of a write."""
    for reading in readings:
        for step in reading.tools:
            for field, value in step.amounts:
                yield (step.name, field), value, step.at_ns, reading.id
