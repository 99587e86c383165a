"""When it began: the moment that best splits a series of good and bad outcomes in two.

Several series that show the same trouble are split together: their evidence adds up. The
guard asks for more evidence than the best of some hundred splits of plain noise gives.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import accumulate, islice
from operator import sub

from bot.incident.evidence import Onset
from bot.incident.statistics import cut, evidence, poisson_evidence

SECOND = 1_000_000_000
STEP = 30 * SECOND
EARLIEST = 60 * 60 * SECOND  # how far back a beginning is looked for
LATEST = 120 * SECOND  # how young it may be
GUARD = 7.5  # nats; see the calibration test over ordinary hours
DROP = 2.5  # nats below the best split; the usual 1.92 held too few of 1,000 known beginnings of sparse series
COLLAPSE = 0.5  # of the usual pace
LATE = 1.5  # times the pause between batches; one that is not later than that may still come
LATELY = 180 * SECOND  # silence that is never called one
BUSY_FOR = 600 * SECOND
BUSY = 0.5  # of the usual number of tasks
MOST_GAPS = 1024  # from which those in busy hours are taken
MOST_PAUSES = 64  # looked at
BATCHES = 2  # pauses from which tasks are known to come in batches
PRIOR = (0.5, 10)  # bad of outcomes, added to those before: everyday noise is never quite absent
MORE_FREEDOM = 1.0  # nats that each further series of a trouble must bring: more of them fit noise better
FEWEST_BEFORE = 12  # outcomes before the split, or there is nothing to compare with


@dataclass(frozen=True, slots=True)
class Series:
    """Outcomes in order of time; ``bad`` counts the bad ones among the first i of them, ``weight`` is what their evidence counts."""

    times: tuple[int, ...]
    bad: tuple[int, ...]
    weight: float = 1.0

    def rise(self, at: int) -> float:
        """Evidence (nats, never negative) that outcomes are worse from ``at`` on."""
        before = cut(self.times, at)
        if before < FEWEST_BEFORE:
            return 0.0
        k0, k = self.bad[before], self.bad[-1] - self.bad[before]
        if not k:
            return 0.0
        after = len(self.times) - before
        nats = min(evidence(k, after, k0 + PRIOR[0], before + PRIOR[1]), evidence(k, after, k0, before))
        return max(0.0, self.weight * nats)


@dataclass(frozen=True, slots=True)
class Pace:
    """Starts of tasks in order of time; the trouble is that fewer come. Those ``before`` them only say how tasks come."""

    times: tuple[int, ...]
    end: int
    before: tuple[int, ...] = ()
    _known: list[Sequence[int]] = field(default_factory=list, init=False, repr=False, compare=False)  # once asked for

    def _all_and_pauses(self) -> list[Sequence[int]]:
        if not self._known:
            every = (*self.before, *self.times)
            self._known.extend([every, pauses(every, self.times, self.end)])
        return self._known

    def rise(self, at: int) -> float:
        """Evidence (nats, never negative) that less than half as many come from ``at`` on."""
        before = cut(self.times, at)
        if before < FEWEST_BEFORE:
            return 0.0
        later, known = len(self.times) - before, (at - self.times[0]) / SECOND
        left = (self.end - at) / SECOND
        if later * known > COLLAPSE * before * left:
            return 0.0
        nats = abs(poisson_evidence(later, left, before, known))
        if nats <= MORE_FREEDOM:
            return nats
        every, after = self._all_and_pauses()
        return 0.0 if comes_in_batches(every, at, self.end, after) else nats


def is_quiet(times: Sequence[int], at: int) -> bool:
    """Of the sorted ``times`` hardly half as many came lately as before: so it is for a while, or between two batches."""
    if not times or at <= times[0]:
        return False
    lately = len(times) - cut(times, at - LATELY)
    return lately * (at - times[0]) < COLLAPSE * len(times) * LATELY


def pauses(times: Sequence[int], lately: Sequence[int], end: int) -> Sequence[int]:
    """The sorted ``times`` with the longest pauses after them, in order; not those of the night.

    A pause in busy hours has half as many tasks in the ten minutes before it as ten minutes have of ``lately`` until ``end``.
    """
    least = BUSY * len(lately) * BUSY_FOR / max(BUSY_FOR, end - lately[0]) if lately else 0
    busy = (time for time in _longest_gaps(times) if bisect_right(times, time) - cut(times, time - BUSY_FOR) >= least)
    return sorted(islice(busy, MOST_PAUSES))


def _longest_gaps(times: Sequence[int]) -> list[int]:
    """Those of the sorted ``times`` after which it is longest until the next one, from the longest; of like ones the latest."""
    gaps = list(map(sub, times[1:], times))
    shortest = max(1, min(nlargest(MOST_GAPS, gaps), default=1))
    longer = [(gap, time) for gap, time in zip(gaps, times, strict=False) if gap > shortest]
    alike = (time for gap, time in zip(reversed(gaps), reversed(times[:-1]), strict=True) if gap == shortest)
    return [time for _, time in sorted(longer, reverse=True)] + list(islice(alike, MOST_GAPS - len(longer)))


def comes_in_batches(times: Sequence[int], at: int, end: int, after: Sequence[int]) -> bool:
    """Twice before ``at`` a stretch as long as [at, end), or nearly, held as few of the sorted ``times``: that is their way.

    Such a stretch is looked for ``after`` those of :func:`pauses`.
    """
    few = len(times) - cut(times, at)
    return any(_held_as_few(times, at, int((end - at) / part), few / part, after) for part in (1.0, LATE))


def _held_as_few(times: Sequence[int], at: int, length: int, few: float, after: Sequence[int]) -> bool:
    since, found = 0, 0
    for time in after:
        if since <= time <= at - length and cut(times, time + length) - bisect_right(times, time) <= few:
            found, since = found + 1, time + length
    return found >= BATCHES


def series(outcomes: Sequence[tuple[int, bool]], weight: float = 1.0) -> Series:
    """A series from (time, bad) in any order."""
    ordered = sorted(outcomes)
    return Series(
        tuple(time for time, _ in ordered),
        tuple(accumulate((int(bad) for _, bad in ordered), initial=0)),
        weight,
    )


def onset_of(
    troubles: Mapping[str, Sequence[Series | Pace]],
    at_ns: int,
    guards: Mapping[str, float],
    guard: float = GUARD,
    earliest_ns: int = EARLIEST,
) -> Onset | None:
    """The most convincing beginning among the named troubles, or None when none passes its guard (nats).

    ``at_ns`` of the result is the middle of what the evidence allows, not its best split: the first bad outcome
    comes some time after the trouble that causes it. Its interval holds 95 % of beginnings; only every :data:`STEP` is
    tried, so it reaches to the moments around those that fit, and where the first or last one fits, to where the
    outcomes begin or to now. ``earliest_ns`` is how far back a beginning is looked for.
    """
    moments = range(at_ns - earliest_ns, at_ns - LATEST + 1, STEP)
    best: tuple[float, str, list[float]] = (0.0, "", [])
    for name, parts in troubles.items():
        live = [part for part in parts if isinstance(part, Pace) or part.bad[-1]]
        if not live:
            continue
        rises = [sum(part.rise(moment) for part in live) - MORE_FREEDOM * (len(live) - 1) for moment in moments]
        top = max(rises)
        if top > max(best[0], guards.get(name, guard)):
            best = (top, name, rises)
    top, name, rises = best
    if not name:
        return None
    near = [moment for moment, rise in zip(moments, rises, strict=True) if rise >= top - DROP]
    first = min(part.times[0] for part in troubles[name] if part.times)
    low = near[0] - STEP if near[0] > moments[0] else min(first, near[0] - STEP)
    high = near[-1] + STEP if near[-1] < moments[-1] else at_ns
    return Onset(_middle(moments, rises, top), low, high, name)


def _middle(moments: Sequence[int], rises: Sequence[float], top: float) -> int:
    """The moment with half of the likelihood on either side of it."""
    weights = list(accumulate(math.exp(rise - top) for rise in rises))
    return moments[bisect_left(weights, weights[-1] / 2)]
