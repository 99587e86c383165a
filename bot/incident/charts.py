"""Pictures as Vega-Lite specs (https://vega.github.io/vega-lite/docs/), one source for Slack, pages and documents.

Each chart carries the same figures in words as alternative text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.incident.evidence import Course, Direction, EvidenceBundle, Onset, Signal, StepsDistribution, Unit
from bot.incident.facts.classifying import ClassificationOverdue, Classified
from bot.incident.facts.closing import Resolved
from bot.incident.facts.declaring import Declared
from bot.incident.facts.mitigating import MitigationApplied, MitigationExpired, MitigationProven, MitigationReverted
from bot.incident.quantities import percent
from bot.incident.signals.courses import pass_rate
from bot.incident.statistics import wilson
from bot.incident.summary import ALWAYS, is_part
from bot.incident.timeline import Event
from bot.incident.wording import measured


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture for the document: a Vega-Lite spec and the same figures in words."""

    name: str
    alt: str
    spec: dict[str, Any]


WIDTH = 560
SHARES_WIDTH = 380  # its labels take as much again
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MOST_SHARES = 8
_NOW, _BEFORE, _GOOD, _MUTED = "#b3261e", "#5b6470", "#0b57d0", "#8a929c"
_MILESTONES = (
    Declared,
    Classified,
    ClassificationOverdue,
    MitigationApplied,
    MitigationReverted,
    MitigationExpired,
    Resolved,
)


def shares_chart(bundle: EvidenceBundle) -> Chart | None:
    """Shares now against before, each with its 95 % interval; None when nothing was measured."""
    shares = [s for s in bundle.signals if s.unit is Unit.SHARE and s.value is not None and s.n and not is_part(s)]
    shown = sorted(shares, key=_weight, reverse=True)[:MOST_SHARES]
    if not shown:
        return None
    rows = [row for signal in shown for row in _rows(signal)]
    spec = _spec(rows, SHARES_WIDTH, 34 * len(shown), "Now against before, with 95 % intervals")
    order = [signal.label for signal in shown]
    y = {"field": "signal", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 330}}
    color, shape = _by_when([_NOW, _BEFORE]), _by_when(["circle", "diamond"])
    offset = {"field": "when", "type": "nominal", "sort": ["now", "before"]}
    x = {"field": "value", "type": "quantitative", "title": None, "axis": {"format": "%", "tickCount": 6}}
    spec["layer"] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "y": y,
                "yOffset": offset,
                "color": color,
                "x": {**x, "field": "low"},
                "x2": {"field": "high"},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {"y": y, "yOffset": offset, "color": color, "shape": shape, "x": x},
        },
    ]
    alt = "Shares now against before. " + "; ".join(measured(signal) for signal in shown) + "."
    return Chart("shares", alt, spec)


def _by_when(look: list[str]) -> dict[str, Any]:
    """Now and before told apart by ``look``, with one legend for all that uses it."""
    scale = {"domain": ["now", "before"], "range": look}
    return {"field": "when", "type": "nominal", "scale": scale, "title": None, "legend": {"orient": "top"}}


def _weight(signal: Signal) -> tuple[bool, bool, float]:
    """What moved first, then what people ask for first, then by the size of the difference."""
    moved = signal.direction in {Direction.UP, Direction.DOWN}
    return moved, signal.name in ALWAYS, _moved_by(signal)


def _moved_by(signal: Signal) -> float:
    return abs((signal.value or 0.0) - (signal.baseline if signal.baseline is not None else (signal.value or 0.0)))


def _rows(signal: Signal) -> list[dict[str, Any]]:
    value = signal.value or 0.0
    interval = signal.interval
    low, high = (interval.low, interval.high) if interval else (value, value)
    rows = [{"signal": signal.label, "when": "now", "value": value, "low": low, "high": high}]
    if signal.baseline is not None:
        base, k0, n0 = signal.baseline, signal.baseline_k, signal.baseline_n
        was = wilson(k0, n0) if k0 is not None and n0 else None
        low, high = (min(was.low, base), max(was.high, base)) if was else (base, base)
        rows.append({"signal": signal.label, "when": "before", "value": base, "low": low, "high": high})
    return rows


def trouble_chart(bundle: EvidenceBundle) -> Chart | None:
    """What moved most, stretch by stretch, with its interval and the onset; None without such a course."""
    if not bundle.courses:
        return None
    return _over_time("over-time", bundle.courses[0], bundle.onset, _NOW)


def pass_rate_chart(bundle: EvidenceBundle) -> Chart | None:
    """The share of answers judged right, stretch by stretch, with its interval and the onset; None without verdicts."""
    course = pass_rate(bundle)
    return _over_time("pass-rate", course, bundle.onset, _GOOD) if course else None


def _over_time(name: str, course: Course, onset: Onset | None, color: str) -> Chart:
    rows = [_stretch(course, *point) for point in course.points]
    label = f"{course.label[:1].upper()}{course.label[1:]}"
    spec = _spec(rows, WIDTH, 170, f"{label}, every {course.seconds // 60} min, with 95 % interval")
    x = {"field": "at", "type": "temporal", "title": "UTC", "scale": {"type": "utc"}, "axis": {"format": "%H:%M"}}
    axis = {"format": "%", "tickCount": 5}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, 1]}, "axis": axis}
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    spec["layer"] = [
        {"mark": {"type": "area", "color": color, "opacity": 0.18}, "encoding": band},
        {"mark": {"type": "line", "color": color, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "point", "filled": True, "color": color, "size": 36}, "encoding": {"x": x, "y": y}},
        *(_onset_layers(onset) if onset else ()),
    ]
    told = "; ".join(f"{_clock(start)} {k} of {n} ({percent(k / n)})" for start, k, n in course.points)
    began = (
        f" Began about {_clock(onset.at_ns)} (between {_clock(onset.low_ns)} and {_clock(onset.high_ns)})."
        if onset
        else ""
    )
    return Chart(name, f"{label}, every {course.seconds // 60} min, UTC: {told}.{began}", spec)


def _stretch(course: Course, start: int, k: int, n: int) -> dict[str, Any]:
    """One stretch, drawn in its middle."""
    doubt = wilson(k, n)
    middle = _moment(start + course.seconds * 500_000_000)
    low, high = min(doubt.low, k / n), max(doubt.high, k / n)  # rounding must not put it outside
    return {"at": middle, "value": k / n, "low": low, "high": high, "k": k, "n": n}


def _onset_layers(onset: Onset) -> tuple[dict[str, Any], ...]:
    """A grey stretch for the interval, a dashed line with its name for the estimate."""
    row = {"at": _moment(onset.at_ns), "low": _moment(onset.low_ns), "high": _moment(onset.high_ns), "name": "began"}
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc"}}
    data = {"values": [row]}
    words = {"type": "text", "align": "right", "baseline": "top", "dx": -4, "dy": 2, "fontSize": 12, "color": _BEFORE}
    return (
        {
            "data": data,
            "mark": {"type": "rect", "color": _BEFORE, "opacity": 0.15},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "data": data,
            "mark": {"type": "rule", "color": _BEFORE, "strokeDash": [5, 4], "strokeWidth": 2},
            "encoding": {"x": x},
        },
        {"data": data, "mark": words, "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "name"}}},
    )


def steps_chart(bundle: EvidenceBundle) -> Chart | None:
    """How many steps tasks take now (filled bars) and took before (outlines); None when no task made a step."""
    if bundle.steps is None:
        return None
    steps = bundle.steps
    rows = [
        row for when, counts in (("now", steps.now), ("before", steps.before)) for row in _bars(steps, when, counts)
    ]
    spec = _spec(rows, WIDTH, 170, "Steps per task: bars filled now, outlined before")
    bins = [_bin(steps, place) for place in range(len(steps.now))]
    x = {
        "field": "steps",
        "type": "ordinal",
        "scale": {"domain": bins},
        "title": "steps per task",
        "axis": {"labelAngle": 0},
    }
    y = {"field": "share", "type": "quantitative", "title": "share of tasks", "axis": {"format": "%", "tickCount": 4}}
    offset = {"field": "when", "type": "nominal", "sort": ["before", "now"]}
    look = {
        "fill": _by_when([_NOW, "white"]),
        "stroke": _by_when([_NOW, _BEFORE]),
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


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()


def _clock(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%H:%M}"


def course_chart(events: Sequence[Event], bundle: EvidenceBundle | None) -> Chart | None:
    """The course of the incident on a time axis, from the estimated onset on; None before the declaration."""
    points = [(event.at, _milestone(event)) for event in events if isinstance(event.fact, _MILESTONES)]
    points += [(event.at, "proven") for event in events if _is_proof(event)][:1]
    if not points:
        return None
    if bundle and bundle.onset:
        points.append((datetime.fromtimestamp(bundle.onset.at_ns / 1e9, UTC), "onset (estimate)"))
    points.sort()
    rows = [{"at": at.isoformat(), "step": step, "order": order} for order, (at, step) in enumerate(points)]
    spec = _spec(rows, WIDTH, 26 * len(rows))
    x = {"field": "at", "type": "temporal", "title": "UTC", "scale": {"type": "utc"}, "axis": {"format": "%H:%M:%S"}}
    y = {"field": "step", "type": "nominal", "sort": {"field": "order"}, "title": None, "axis": {"labelLimit": 240}}
    spec["mark"] = {"type": "point", "filled": True, "size": 90, "color": _NOW}
    spec["encoding"] = {"x": x, "y": y}
    alt = "Course in UTC: " + "; ".join(f"{at:%H:%M:%S} {step}" for at, step in points) + "."
    return Chart("course", alt, spec)


def _is_proof(event: Event) -> bool:
    return isinstance(event.fact, MitigationProven) and event.fact.proof.effect.verdict.value == "observed"


def _milestone(event: Event) -> str:
    match event.fact:
        case Classified(incident_class=named):
            return f"classified {named.value}"
        case MitigationApplied(mitigation=mitigation):
            return f"{mitigation.label} applied"
        case ClassificationOverdue():
            return "class overdue"
        case MitigationReverted():
            return "mitigation undone"
        case MitigationExpired():
            return "mitigation expired"
        case Resolved():
            return "resolved"
        case _:
            return "declared"


def _spec(rows: list[dict[str, Any]], width: int, height: int, title: str = "") -> dict[str, Any]:
    named = {"title": {"text": title, "anchor": "start", "fontSize": 13, "fontWeight": "normal"}} if title else {}
    return named | {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "background": "white",
        "data": {"values": rows},
        "config": {
            "axis": {"labelFontSize": 13, "gridColor": "#e6e8eb", "domainColor": _MUTED},
            "view": {"stroke": None},
        },
    }


def charts_for(bundle: EvidenceBundle | None, events: Sequence[Event] = ()) -> tuple[Chart, ...]:
    """Every chart there is something to draw for: the evidence, then the course of the incident."""
    told = course_chart(events, bundle) if events else None
    return (*(evidence_charts(bundle) if bundle else ()), *((told,) if told else ()))


def evidence_charts(bundle: EvidenceBundle) -> tuple[Chart, ...]:
    """Before and after, what moved most over time, the pass rate over time, steps per task."""
    drawn = (shares_chart(bundle), trouble_chart(bundle), pass_rate_chart(bundle), steps_chart(bundle))
    return tuple(chart for chart in drawn if chart is not None)
