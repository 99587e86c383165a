"""Figures of a metrics store as signals: unknown where a series is missing, with their interval where n is known."""

from collections.abc import Sequence

from bot.incident.evidence import Direction, Signal, Unit
from bot.incident.metrics import Metric
from bot.incident.signals.measure import RELEVANT_SHARE, direction
from bot.incident.statistics import newcombe, wilson

MOVED = 0.5  # of its baseline: a quantity without an interval has moved only then
STALE_SECONDS = 900.0  # evals run every few minutes, and their age is that of the last run


def signals(metrics: Sequence[Metric], at_ns: int) -> tuple[Signal, ...]:
    """One signal per figure, named "metric:<name>"; stale and missing ones are unknown."""
    return tuple(_share(metric, at_ns) if metric.unit is Unit.SHARE else _level(metric, at_ns) for metric in metrics)


def _share(metric: Metric, at_ns: int) -> Signal:
    n, n0 = round(metric.n or 0), round(metric.baseline_n or 0)
    k = round((metric.value or 0.0) * n) if metric.value is not None else None
    k0 = round((metric.baseline or 0.0) * n0) if metric.baseline is not None else None
    difference = newcombe(k, n, k0, n0) if k is not None and k0 is not None and n and n0 else None
    return _signal(
        metric,
        at_ns,
        direction(difference, n, n0, RELEVANT_SHARE),
        k=k,
        baseline_k=k0,
        interval=wilson(k, n) if k is not None and n else None,
        difference=difference,
    )


def _level(metric: Metric, at_ns: int) -> Signal:
    if metric.value is None or not metric.baseline:
        return _signal(metric, at_ns, Direction.UNKNOWN)
    ratio = metric.value / metric.baseline - 1
    moved = Direction.UP if ratio > MOVED else Direction.DOWN if ratio < -MOVED else Direction.FLAT
    return _signal(metric, at_ns, moved)


def _signal(metric: Metric, at_ns: int, moved: Direction, **known: object) -> Signal:
    age = None if metric.sampled_ns is None else max(0.0, (at_ns - metric.sampled_ns) / 1e9)
    told = metric.value is not None and age is not None and age <= STALE_SECONDS
    values: dict[str, object] = {
        "name": f"metric:{metric.name}",
        "label": metric.label,
        "unit": metric.unit,
        "value": metric.value,
        "baseline": metric.baseline,
        "n": round(metric.n or 0),
        "baseline_n": round(metric.baseline_n or 0),
        "window": metric.window,
        "direction": moved if told else Direction.UNKNOWN,
        "fresh_seconds": age,
        **known,
    }
    return Signal(**values)  # type: ignore[arg-type]  # the names are those of Signal, the types of Metric
