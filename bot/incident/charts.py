"""Pictures as Vega-Lite specs (https://vega.github.io/vega-lite/docs/), one source for Slack, pages and documents.

Each chart carries the same figures in words as alternative text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit
from bot.incident.summary import ALWAYS, is_part
from bot.incident.timeline import (
    ClassificationOverdue,
    Classified,
    Declared,
    Event,
    MitigationApplied,
    MitigationExpired,
    MitigationProven,
    MitigationReverted,
    Resolved,
)
from bot.incident.wording import measured


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture for the document: a Vega-Lite spec and the same figures in words."""

    name: str
    alt: str
    spec: dict[str, Any]


SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MOST_SHARES = 8
_NOW, _BEFORE, _MUTED = "#b3261e", "#5b6470", "#8a929c"
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
    spec = _spec(rows, 560, 34 * len(shown))
    order = [signal.label for signal in shown]
    y = {"field": "signal", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 240}}
    color = {
        "field": "when",
        "type": "nominal",
        "scale": {"domain": ["now", "before"], "range": [_NOW, _BEFORE]},
        "title": None,
        "legend": {"orient": "top"},
    }
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
            "mark": {"type": "point", "filled": True, "size": 60},
            "encoding": {"y": y, "yOffset": offset, "color": color, "x": x},
        },
    ]
    alt = "Shares now against before. " + "; ".join(measured(signal) for signal in shown) + "."
    return Chart("shares", alt, spec)


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
        base = signal.baseline
        rows.append({"signal": signal.label, "when": "before", "value": base, "low": base, "high": base})
    return rows


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
    spec = _spec(rows, 560, 26 * len(rows))
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


def _spec(rows: list[dict[str, Any]], width: int, height: int) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "background": "white",
        "data": {"values": rows},
        "config": {
            "axis": {"labelFontSize": 12, "gridColor": "#e6e8eb", "domainColor": _MUTED},
            "view": {"stroke": None},
        },
    }


def charts_for(bundle: EvidenceBundle | None, events: Sequence[Event] = ()) -> tuple[Chart, ...]:
    """Every chart there is something to draw for."""
    drawn = (shares_chart(bundle) if bundle else None, course_chart(events, bundle) if events else None)
    return tuple(chart for chart in drawn if chart is not None)
