"""Actions: unapproved writes, claims without a tool call, and writes larger or more numerous than ever before."""

from collections.abc import Iterable, Iterator, Sequence

from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, share, tasks
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
    writing = [reading for reading in scope.now if reading.writes]
    wrote = [reading for reading in scope.before if reading.writes]
    return (
        share(
            scope,
            "unapproved_writes",
            "writing tasks had a write without approval",
            tasks(writing, lambda reading: reading.unapproved),
            tasks(wrote, lambda reading: reading.unapproved),
            fresh_seconds=age,
        ),
        share(
            scope,
            "unbacked_claims",
            "tasks that claim an action have no tool call behind it",
            tasks(claiming(scope.now), lambda reading: bool(reading.unbacked)),
            tasks(claiming(scope.before), lambda reading: bool(reading.unbacked)),
            fresh_seconds=age,
        ),
        share(
            scope,
            "many_writes",
            f"tasks made {most} or more different writes",
            tasks(scope.now if known else (), lambda reading: distinct_writes(reading) >= most),
            tasks(scope.before if known else (), lambda reading: distinct_writes(reading) >= most),
            fresh_seconds=age,
        ),
        share(scope, "write_amounts", "writes were of an unusual amount", *outliers(scope), fresh_seconds=age),
        share(
            scope,
            "write_share",
            "tasks wrote",
            tasks(scope.now, lambda reading: bool(reading.writes)),
            tasks(scope.before, lambda reading: bool(reading.writes)),
            fresh_seconds=age,
        ),
    )


def claiming(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that told the user of an action."""
    return [reading for reading in readings if reading.claims]


def distinct_writes(reading: Reading) -> int:
    """Writes with different arguments; a write repeated unchanged belongs to loops."""
    return len({(step.name, step.arguments) for step in reading.tools if step.wrote})


def unusual_number(before: Iterable[Reading]) -> int:
    """Different writes in one task beyond nearly all that was seen before: one odd task must not hide the next."""
    return round(quantile([distinct_writes(reading) for reading in before] or [0], NEARLY_ALL)) + MORE_WRITES


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
