"""Every chart that there is something to draw for."""

from collections.abc import Sequence

from bot.incident.charts.chart import Chart
from bot.incident.charts.course import course_chart
from bot.incident.charts.over_time import pass_rate_chart, trouble_chart
from bot.incident.charts.shares import shares_chart
from bot.incident.charts.steps import steps_chart
from bot.incident.evidence import EvidenceBundle
from bot.incident.timeline import Event


def charts_for(bundle: EvidenceBundle | None, events: Sequence[Event] = ()) -> tuple[Chart, ...]:
    """Every chart there is something to draw for: the evidence, then the course of the incident."""
    told = course_chart(events, bundle) if events else None
    return (*(evidence_charts(bundle) if bundle else ()), *((told,) if told else ()))


def evidence_charts(bundle: EvidenceBundle) -> tuple[Chart, ...]:
    """Before and after, what moved most over time, the pass rate over time, steps per task."""
    drawn = (shares_chart(bundle), trouble_chart(bundle), pass_rate_chart(bundle), steps_chart(bundle))
    return tuple(chart for chart in drawn if chart is not None)
