"""The two ways to measure: a share of observations, and a quantile of values."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bot.incident.evidence import ENOUGH, Direction, Interval, Signal, Unit
from bot.incident.reading import Reading
from bot.incident.signals.scope import Scope
from bot.incident.statistics import evidence, newcombe, quantile, quantile_difference, quantile_interval, wilson

RELEVANT_SHARE = 0.10  # a change of a share that matters to responders
NEGLIGIBLE_RATIO = 0.1  # of its baseline: a quantity that moved less is flat, however sure that is
RELEVANT_RATIO = 0.5  # a change of a quantity, relative to its baseline
WORST = 5  # traces linked from one signal


class Seen(NamedTuple):
    """One observation of something that is bad or not: in which trace, when, and whether."""

    trace_id: str
    at_ns: int
    bad: bool


def tasks(readings: Iterable[Reading], bad: Callable[[Reading], bool]) -> list[Seen]:
    """One observation per task."""
    return [tuple.__new__(Seen, (reading.id, reading.at_ns, bad(reading))) for reading in readings]


def share_of(
    scope: Scope,
    name: str,
    label: str,
    now: Sequence[Reading],
    before: Sequence[Reading],
    bad: Callable[[Reading], bool],
    *,
    fresh_seconds: float | None,
) -> Signal:
    """The share of bad tasks now and before: :func:`share` of one observation per task, in a fraction of the time."""
    worst = [reading.id for reading in reversed(now) if bad(reading)]
    counts = len(worst), len(now), sum(map(bad, before)), len(before)
    return counted(scope, name, label, counts, tuple(dict.fromkeys(worst)), fresh_seconds=fresh_seconds)


def share(
    scope: Scope,
    name: str,
    label: str,
    now: Sequence[Seen],
    before: Sequence[Seen],
    *,
    fresh_seconds: float | None,
    note: str = "",
) -> Signal:
    """The share of bad observations now and before."""
    worst = dict.fromkeys(seen.trace_id for seen in reversed(now) if seen.bad and seen.trace_id)
    counts = sum([bad for _, _, bad in now]), len(now), sum([bad for _, _, bad in before]), len(before)
    return counted(scope, name, label, counts, tuple(worst), fresh_seconds=fresh_seconds, note=note)


def counted(
    scope: Scope,
    name: str,
    label: str,
    counts: tuple[int, int, int, int],
    worst: Sequence[str] = (),
    *,
    fresh_seconds: float | None,
    note: str = "",
) -> Signal:
    """A share from ``counts``: bad and all now, bad and all before. ``worst`` are traces that show it, newest first."""
    k, n, k0, n0 = counts
    difference = newcombe(k, n, k0, n0) if n and n0 else None
    return Signal(
        name=name,
        label=label,
        unit=Unit.SHARE,
        value=k / n if n else None,
        baseline=k0 / n0 if n0 else None,
        n=n,
        baseline_n=n0,
        window=scope.window,
        direction=direction(difference, n, n0, RELEVANT_SHARE),
        k=k,
        baseline_k=k0,
        interval=wilson(k, n) if n else None,
        difference=difference,
        fresh_seconds=fresh_seconds,
        trace_ids=tuple(worst)[:WORST],
        note=note,
    )


def level(
    scope: Scope,
    name: str,
    label: str,
    unit: Unit,
    now: Sequence[tuple[float, str]],
    before: Sequence[tuple[float, str]],
    q: float,
    *,
    fresh_seconds: float | None,
) -> Signal:
    """The q-quantile of values now and before, in order of time; each value comes with the id of its trace."""
    values, earlier = [value for value, _ in now], [value for value, _ in before]
    baseline = quantile(earlier, q) if earlier else None
    difference = quantile_difference(values, earlier, q) if values and earlier else None
    newest_first = list(reversed(now))
    worst = dict.fromkeys(trace_id for _, trace_id in sorted(newest_first, key=_value, reverse=True))
    moved = direction(difference, len(values), len(earlier), RELEVANT_RATIO * (baseline or 0.0))
    if difference and values and abs(quantile(values, q) - (baseline or 0.0)) < NEGLIGIBLE_RATIO * abs(baseline or 0.0):
        moved = Direction.UNKNOWN if moved is Direction.UNKNOWN else Direction.FLAT
    return Signal(
        name=name,
        label=label,
        unit=unit,
        value=quantile(values, q) if values else None,
        baseline=baseline,
        n=len(values),
        baseline_n=len(earlier),
        window=scope.window,
        direction=moved,
        interval=quantile_interval(values, q) if values else None,
        difference=difference,
        fresh_seconds=fresh_seconds,
        trace_ids=tuple(worst)[:WORST],
    )


def _value(valued: tuple[float, str]) -> float:
    return valued[0]


def growth(signal: Signal) -> float:
    """Evidence in nats that a share grew; negative when it fell."""
    return evidence(signal.k or 0, signal.n, signal.baseline_k or 0, signal.baseline_n)


def direction(difference: Interval | None, n: int, n0: int, relevant: float) -> Direction:
    """UP or DOWN when the interval excludes no change; FLAT only when it also excludes a relevant one."""
    if difference is None or min(n, n0) < ENOUGH:
        return Direction.UNKNOWN
    if difference.low > 0:
        return Direction.UP
    if difference.high < 0:
        return Direction.DOWN
    return Direction.FLAT if -relevant < difference.low and difference.high < relevant else Direction.UNKNOWN
