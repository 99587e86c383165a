"""Shares now against before."""

from textwrap import wrap
from typing import Any

from bot.incident.charts.chart import APART, BEFORE, NOW, Chart, by_when, framed
from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit
from bot.incident.statistics import wilson
from bot.incident.summary import ALWAYS, is_part
from bot.incident.wording import measured

SHARES_WIDTH = 380  # its labels take as much again
MOST_SHARES = 8
LABEL_CHARACTERS = 26
LINES = "split(datum.value, '\\n')"  # of a label, as the drawing counts them


def shares_chart(bundle: EvidenceBundle) -> Chart | None:
    """Shares now against before, each with its 95 % interval; None when nothing was measured."""
    shares = [s for s in bundle.signals if s.unit is Unit.SHARE and s.value is not None and s.n and not is_part(s)]
    shown = sorted(shares, key=_weight, reverse=True)[:MOST_SHARES]
    if not shown:
        return None
    rows = [row for signal in shown for row in _rows(signal)]
    most_lines = max(_in_lines(signal.label).count("\n") + 1 for signal in shown)
    height = max(34, 16 * most_lines + 4) * len(shown)
    spec = framed(rows, SHARES_WIDTH, height, "Now against before, with 95 % intervals")
    order = [_in_lines(signal.label) for signal in shown]
    lines = {"labelLimit": 330, "labelExpr": LINES, "labelOffset": _raised(most_lines)}
    y = {"field": "signal", "type": "nominal", "sort": order, "title": None, "axis": lines}
    color, shape = by_when([NOW, BEFORE]), by_when(["circle", "diamond"])
    offset = {"field": "when", "type": "nominal", "sort": ["now", "before"]}
    axis = {"format": "%", "tickCount": 6, **APART}
    x = {"field": "value", "type": "quantitative", "title": None, "axis": axis}
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


def _in_lines(label: str) -> str:
    """A label in lines of a few words, so that it is whole and leaves room for the picture on a phone."""
    return "\n".join(wrap(label, LABEL_CHARACTERS))


def _raised(most_lines: int) -> dict[str, Any]:
    """By how much a label is raised, so that the middle of its lines stands at its mark: drawings place the first line there."""
    higher = [{"test": f"length({LINES}) == {n}", "value": -7.5 * (n - 1)} for n in range(2, most_lines + 1)]
    return {"condition": higher, "value": 0}


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
    rows = [{"signal": _in_lines(signal.label), "when": "now", "value": value, "low": low, "high": high}]
    if signal.baseline is not None:
        base, k0, n0 = signal.baseline, signal.baseline_k, signal.baseline_n
        was = wilson(k0, n0) if k0 is not None and n0 else None
        low, high = (min(was.low, base), max(was.high, base)) if was else (base, base)
        rows.append({"signal": _in_lines(signal.label), "when": "before", "value": base, "low": low, "high": high})
    return rows
