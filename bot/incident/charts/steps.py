"""How many steps tasks take, now and before."""

from collections.abc import Sequence
from typing import Any

from bot.incident.charts.chart import APART, BEFORE, NOW, WIDTH, Chart, by_when, framed
from bot.incident.evidence import EvidenceBundle, StepsDistribution


def steps_chart(bundle: EvidenceBundle) -> Chart | None:
    """How many steps tasks take now (filled bars) and took before (outlines); None when no task made a step."""
    if bundle.steps is None:
        return None
    steps = bundle.steps
    rows = [
        row for when, counts in (("now", steps.now), ("before", steps.before)) for row in _bars(steps, when, counts)
    ]
    spec = framed(rows, WIDTH, 170, "Steps per task: bars filled now, outlined before")
    bins = [_bin(steps, place) for place in range(len(steps.now))]
    x = {
        "field": "steps",
        "type": "ordinal",
        "scale": {"domain": bins},
        "title": "steps per task",
        "axis": {"labelAngle": 0, **APART},
    }
    y = {"field": "share", "type": "quantitative", "title": "share of tasks", "axis": {"format": "%", "tickCount": 4}}
    offset = {"field": "when", "type": "nominal", "sort": ["before", "now"]}
    look = {
        "fill": by_when([NOW, "white"]),
        "stroke": by_when([NOW, BEFORE]),
    }
    spec["mark"] = {"type": "bar", "strokeWidth": 1.5}
    spec["encoding"] = {"x": x, "xOffset": offset, "y": y, **look}
    return Chart("steps", f"Steps per task. {_steps_in_words(steps)}", spec)


def _bars(steps: StepsDistribution, when: str, counts: Sequence[int]) -> list[dict[str, Any]]:
    n = sum(counts)
    if not n:
        return []
    return [
        {"steps": _bin(steps, place), "when": when, "share": count / n, "k": count, "n": n}
        for place, count in enumerate(counts)
        if count
    ]


def _bin(steps: StepsDistribution, place: int) -> str:
    low = steps.first + place * steps.width
    return str(low) if steps.width == 1 else f"{low}\u2013{low + steps.width - 1}"


def _steps_in_words(steps: StepsDistribution) -> str:
    sides = []
    for when, counts in (("Now", steps.now), ("Before", steps.before)):
        told = ", ".join(f"{_bin(steps, place)}: {count}" for place, count in enumerate(counts) if count)
        sides.append(f"{when}, tasks by steps: {told}." if told else f"{when}: no tasks.")
    return " ".join(sides)
