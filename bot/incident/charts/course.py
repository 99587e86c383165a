"""The course of an incident."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.incident.charts.chart import NOW, WIDTH, Chart, by_time, framed
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import ClassificationOverdue, Classified
from bot.incident.facts.closing import Resolved
from bot.incident.facts.declaring import Declared
from bot.incident.facts.mitigating import MitigationApplied, MitigationExpired, MitigationProven, MitigationReverted
from bot.incident.timeline import Event

_MILESTONES = (
    Declared,
    Classified,
    ClassificationOverdue,
    MitigationApplied,
    MitigationReverted,
    MitigationExpired,
    Resolved,
)


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
    spec = framed(rows, WIDTH, 26 * len(rows))
    x = by_time("%H:%M:%S")
    y = {"field": "step", "type": "nominal", "sort": {"field": "order"}, "title": None, "axis": {"labelLimit": 240}}
    spec["mark"] = {"type": "point", "filled": True, "size": 90, "color": NOW}
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
