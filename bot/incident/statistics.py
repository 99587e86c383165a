"""Small statistics on counts and quantiles, with their doubt. Checked in tests against scipy.

Shares are in 0..1. Evidence is in nats: the logarithm of how much better two different
rates explain the counts than one common rate does; its sign is the direction of the change.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from bot.incident.evidence import Interval

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(k: int, n: int, z: float = Z95) -> Interval:
    """The Wilson score interval of the share k of n; all of 0..1 when n is 0."""
    if n <= 0:
        return Interval(0.0, 1.0)
    share = k / n
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def newcombe(k: int, n: int, k0: int, n0: int) -> Interval:
    """The interval of the difference k/n - k0/n0 (Newcombe's hybrid score method); -1..1 when a side is empty."""
    if n <= 0 or n0 <= 0:
        return Interval(-1.0, 1.0)
    here, there = k / n, k0 / n0
    a, b = wilson(k, n), wilson(k0, n0)
    low = here - there - math.hypot(here - a.low, b.high - there)
    high = here - there + math.hypot(a.high - here, there - b.low)
    return Interval(max(-1.0, low), min(1.0, high))


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile with linear interpolation between order statistics; values in any order, at least one."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a quantile needs at least one value")
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def quantile_interval(values: Sequence[float], q: float) -> Interval:
    """A conservative interval of the q-quantile between two order statistics.

    With few values the upper end is the largest one seen, which then covers less than 95 %.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        raise ValueError("a quantile needs at least one value")
    half = Z95 * math.sqrt(n * q * (1 - q))
    low = max(0, math.floor(n * q - half) - 1)
    high = min(n - 1, math.ceil(n * q + half))
    return Interval(ordered[low], ordered[high])


def quantile_difference(now: Sequence[float], before: Sequence[float], q: float) -> Interval:
    """The interval of quantile(now) - quantile(before), combined from the two intervals as Newcombe does."""
    here, there = quantile(now, q), quantile(before, q)
    a, b = quantile_interval(now, q), quantile_interval(before, q)
    low = here - there - math.hypot(here - a.low, b.high - there)
    high = here - there + math.hypot(a.high - here, there - b.low)
    return Interval(low, high)


def evidence(k: float, n: float, k0: float, n0: float) -> float:
    """Signed binomial likelihood ratio that k of n comes from another rate than k0 of n0; 0 when a side is empty."""
    if n <= 0 or n0 <= 0:
        return 0.0
    pooled = (k + k0) / (n + n0)
    nats = _fit(k, n, k / n) + _fit(k0, n0, k0 / n0) - _fit(k, n, pooled) - _fit(k0, n0, pooled)
    return math.copysign(max(0.0, nats), k / n - k0 / n0)


def poisson_evidence(k: int, seconds: float, k0: int, seconds0: float) -> float:
    """As :func:`evidence` for counts of events in two spans of time."""
    if seconds <= 0 or seconds0 <= 0 or k + k0 == 0:
        return 0.0
    common = (k + k0) / (seconds + seconds0)
    nats = sum(count * math.log(count / (common * length)) for count, length in ((k, seconds), (k0, seconds0)) if count)
    return math.copysign(max(0.0, nats), k / seconds - k0 / seconds0)


def mix_evidence(now: Mapping[str, int], before: Mapping[str, int]) -> tuple[float, str]:
    """How strongly a mix of kinds differs (nats, never negative, less one per kind), and the kind that grew most."""
    n, n0 = sum(now.values()), sum(before.values())
    if not n or not n0:
        return 0.0, ""
    kinds = sorted({*now, *before})
    nats, grown = 0.0, (-1.0, "")
    for kind in kinds:
        k, k0 = now.get(kind, 0), before.get(kind, 0)
        common = (k + k0) / (n + n0)
        nats += k * math.log(k / n / common) if k else 0.0
        nats += k0 * math.log(k0 / n0 / common) if k0 else 0.0
        grown = max(grown, (k / n - k0 / n0, kind))
    return max(0.0, nats - (len(kinds) - 1)), grown[1]


def cut(times: Sequence[int], at: int) -> int:
    """How many of the sorted ``times`` lie before ``at``."""
    return bisect_left(times, at)


def _fit(k: float, n: float, share: float) -> float:
    """The log likelihood of k of n at ``share``, without the binomial coefficient."""
    hits = k * math.log(share) if k else 0.0
    misses = (n - k) * math.log1p(-share) if n > k else 0.0
    return hits + misses
