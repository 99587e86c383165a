"""A share, stretch by stretch, and when it began."""

from typing import Any

from bot.incident.charts.chart import BEFORE, GOOD, NOW, WIDTH, Chart, by_time, clock, framed, moment
from bot.incident.evidence import Course, EvidenceBundle, Onset
from bot.incident.quantities import percent
from bot.incident.signals.courses import pass_rate
from bot.incident.statistics import wilson


def trouble_chart(bundle: EvidenceBundle) -> Chart | None:
    """What moved most, stretch by stretch, with its interval and the onset; None without such a course."""
    if not bundle.courses:
        return None
    return _over_time("over-time", bundle.courses[0], bundle.onset, NOW)


def pass_rate_chart(bundle: EvidenceBundle) -> Chart | None:
    """The share of answers judged right, stretch by stretch, with its interval and the onset; None without verdicts."""
    course = pass_rate(bundle)
    return _over_time("pass-rate", course, bundle.onset, GOOD) if course else None


def _over_time(name: str, course: Course, onset: Onset | None, color: str) -> Chart:
    rows = [_stretch(course, *point) for point in course.points]
    label = f"{course.label[:1].upper()}{course.label[1:]}"
    spec = framed(rows, WIDTH, 170, f"{label}, every {course.seconds // 60} min, with 95 % interval")
    x = by_time("%H:%M")
    axis = {"format": "%", "tickCount": 5}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": {"domain": [0, 1]}, "axis": axis}
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    spec["layer"] = [
        {"mark": {"type": "area", "color": color, "opacity": 0.18}, "encoding": band},
        {"mark": {"type": "line", "color": color, "strokeWidth": 2}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "point", "filled": True, "color": color, "size": 36}, "encoding": {"x": x, "y": y}},
        *(_onset_layers(onset) if onset else ()),
    ]
    told = "; ".join(f"{clock(start)} {k} of {n} ({percent(k / n)})" for start, k, n in course.points)
    began = (
        f" Began about {clock(onset.at_ns)} (between {clock(onset.low_ns)} and {clock(onset.high_ns)})."
        if onset
        else ""
    )
    return Chart(name, f"{label}, every {course.seconds // 60} min, UTC: {told}.{began}", spec)


def _stretch(course: Course, start: int, k: int, n: int) -> dict[str, Any]:
    """One stretch, drawn in its middle."""
    doubt = wilson(k, n)
    middle = moment(start + course.seconds * 500_000_000)
    low, high = min(doubt.low, k / n), max(doubt.high, k / n)  # rounding must not put it outside
    return {"at": middle, "value": k / n, "low": low, "high": high, "k": k, "n": n}


def _onset_layers(onset: Onset) -> tuple[dict[str, Any], ...]:
    """A grey stretch for the interval, a dashed line with its name for the estimate."""
    row = {"at": moment(onset.at_ns), "low": moment(onset.low_ns), "high": moment(onset.high_ns), "name": "began"}
    x = {"field": "at", "type": "temporal", "scale": {"type": "utc"}}
    data = {"values": [row]}
    words = {"type": "text", "align": "right", "baseline": "top", "dx": -4, "dy": 2, "fontSize": 12, "color": BEFORE}
    return (
        {
            "data": data,
            "mark": {"type": "rect", "color": BEFORE, "opacity": 0.15},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "data": data,
            "mark": {"type": "rule", "color": BEFORE, "strokeDash": [5, 4], "strokeWidth": 2},
            "encoding": {"x": x},
        },
        {"data": data, "mark": words, "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "name"}}},
    )
