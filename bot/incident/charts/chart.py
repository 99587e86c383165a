"""One chart, and the frame that all of them are drawn in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture for the document: a Vega-Lite spec and the same figures in words."""

    name: str
    alt: str
    spec: dict[str, Any]


WIDTH = 560
APART = {"labelOverlap": True, "labelSeparation": 6}  # on a narrow screen some labels are left out, and none touch
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
NOW, BEFORE, GOOD, _MUTED = "#b3261e", "#5b6470", "#0b57d0", "#8a929c"


def by_time(clock_format: str) -> dict[str, Any]:
    """The axis from left to right: the rows' ``at``, in UTC."""
    axis = {"format": clock_format, **APART}
    return {"field": "at", "type": "temporal", "title": "UTC", "scale": {"type": "utc"}, "axis": axis}


def by_when(look: list[str]) -> dict[str, Any]:
    """Now and before told apart by ``look``, with one legend for all that uses it."""
    scale = {"domain": ["now", "before"], "range": look}
    return {"field": "when", "type": "nominal", "scale": scale, "title": None, "legend": {"orient": "top"}}


def moment(ns: int) -> str:
    """Nanoseconds since the epoch as Vega-Lite reads a moment."""
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()


def clock(ns: int) -> str:
    """``14:31``, in UTC."""
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%H:%M}"


def framed(rows: list[dict[str, Any]], width: int, height: int, title: str = "") -> dict[str, Any]:
    """A spec in the common frame, without its marks: its data are ``rows``, its size is in pixels."""
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
