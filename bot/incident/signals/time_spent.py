"""Where the time of tasks goes: by step, each moment counted once."""

from collections import defaultdict
from collections.abc import Sequence

from bot.incident.evidence import SlowStep
from bot.incident.reading import Reading
from bot.incident.signals.scope import Scope

MOST = 5


def slow_steps(scope: Scope) -> tuple[SlowStep, ...]:
    """The steps that take most of a task's time now; those whose time grew most come first."""
    now, before = _by_step(scope.now), _means(scope.before)
    total = sum(seconds for found in now.values() for seconds, _ in found)
    steps = [
        SlowStep(
            name=name,
            seconds=sum(seconds for seconds, _ in found) / len(found),
            baseline_seconds=before.get(name),
            share=sum(seconds for seconds, _ in found) / total,
            n=len(found),
            trace_ids=tuple(trace_id for _, trace_id in sorted(found, reverse=True)[:3]),
        )
        for name, found in now.items()
    ]
    heavy = sorted(steps, key=lambda step: step.share, reverse=True)[:MOST]
    return tuple(sorted(heavy, key=_grown, reverse=True))


def _grown(step: SlowStep) -> float:
    """Seconds by which all tasks together got slower through this step."""
    return (step.seconds - (step.baseline_seconds or 0.0)) * step.n


def _by_step(readings: Sequence[Reading]) -> dict[str, list[tuple[float, str]]]:
    found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for reading in readings:
        for name, seconds in reading.spent:
            found[name].append((seconds, reading.id))
    return found


def _means(readings: Sequence[Reading]) -> dict[str, float]:
    """Mean seconds of each step, of the tasks that took it."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        for name, seconds in reading.spent:
            found[name].append(seconds)
    return {name: sum(each) / len(each) for name, each in found.items()}
