"""What looks new in a draw of tasks, and may only have been missed by it: that is looked for in all of them.

A value that every third task shows is not missed by a draw of a thousand. One that every thousandth shows mostly is,
and then its first sight in the draw says nothing of when it was first there.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.incident.environments import Wanted, counting, kept
from bot.incident.reading import Reading
from bot.incident.signals.changes import NAMED, SETTLED
from bot.incident.tool_use import MANIFEST_SEPARATOR

COMMON = 30  # sightings from which it is known how common a value is
MISSED = 0.001  # chance that the tasks drawn before miss a value that was as common then, below which nobody asks
MOST_SOUGHT = 12  # values of one look, those seen last; each costs a search through the records of all earlier tasks

Values = Callable[[Reading], Iterable[str | None]]


@dataclass(frozen=True, slots=True)
class Sought:
    """A value looked for in tasks that started before ``before_ns``. The record of one that has it holds the ``word``."""

    word: str
    before_ns: int
    value: str
    values: Values
    counts: Callable[[Reading], bool]  # it is of the environment that is looked at

    def is_in(self, reading: Reading) -> bool:
        """The task has it and counts; the word alone may be that of something else."""
        return self.value in self.values(reading) and self.counts(reading)


def sought_in(readings: Sequence[Reading], wanted: Wanted) -> tuple[Sought, ...]:
    """The values that look new among the tasks drawn, in order of start, although the draw may well have missed them.

    In the order in which they were seen first; tasks of another environment than the ``wanted`` tell nothing of it.
    """
    counts = counting(readings, wanted)
    readings = kept(readings, wanted).readings
    if not readings:
        return ()
    starts = [reading.at_ns for reading in readings]
    found = [
        Sought(_word(value), at_ns, value, values, counts)
        for values in (*NAMED.values(), _destinations)
        for value, at_ns in _doubtful(readings, starts, values)
    ]
    return tuple(sorted(found, key=lambda one: one.before_ns))


def _doubtful(readings: Sequence[Reading], starts: Sequence[int], values: Values) -> list[tuple[str, int]]:
    first: dict[str, int] = {}
    times: Counter[str] = Counter()
    for reading in readings:
        for value in {*values(reading)}:
            if value:
                first.setdefault(value, reading.at_ns)
                times[value] += 1
    return [
        (value, at_ns)
        for value, at_ns in first.items()
        if at_ns > starts[0] + SETTLED and _missed(times[value], bisect_left(starts, at_ns), len(starts)) > MISSED
    ]


def _missed(times: int, before: int, every: int) -> float:
    """The chance that none of the tasks before shows it, if it was as common then as it is since; 1 where it is seldom seen."""
    return 1.0 if times < COMMON else float((1 - times / (every - before)) ** before)


def _word(value: str) -> str:
    """What stands of it in a task's record: of a tool's description the hash."""
    return value.rsplit(MANIFEST_SEPARATOR, maxsplit=1)[-1]


def _destinations(reading: Reading) -> Iterable[str]:
    return reading.destinations
