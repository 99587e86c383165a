"""The pages of agents and of single traces."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.charts import charts_for
from bot.incident.detectors.findings import findings_of
from bot.incident.errors import NotFound
from bot.incident.evidence import Finding
from bot.incident.model import Agent
from bot.incident.taxonomy import CLASSES, IncidentClass
from bot.incident.telemetry import Span, Trace
from bot.response.gather import nanoseconds
from bot.web.moments import EPOCH
from bot.web.pages.latest import Latest, Measured
from bot.web.pages.rendering import Rendering
from bot.web.pages.words import rows
from bot.web.parts import Parts

RECENT = timedelta(hours=1)
MOST_AGENTS = 40
MOST_INCIDENTS = 50
MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Glance:
    """One agent at a glance. ``mark`` is good, bad or unknown, and never the only sign."""

    agent: Agent
    mark: str
    words: str
    because: str
    sends: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace. ``offset`` and ``width`` place its bar, in per cent of the whole."""

    span: Span
    depth: int
    offset: int
    width: int
    what: str
    repeated: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class AgentPages:
    """``/agents`` and ``/traces``."""

    parts: Parts
    rendering: Rendering
    latest: Latest

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/glance", self.glance),
            Route("/agents/{name:path}/figures", self.figures),
            Route("/agents/{name:path}", self.agent),
            Route("/traces/{trace_id}", self.trace),
        ]

    async def glance(self, request: Request) -> Response:
        """All agents, the worst first; a part of the first page."""
        now = nanoseconds(self.parts.clock.now())
        sending = await self.parts.traces.agents(now - int(RECENT.total_seconds() * 1e9), now)
        catalogue = self.parts.catalogue
        seen = {catalogue.agent(name).name for name in sending}
        names = list(dict.fromkeys([*(agent.name for agent in catalogue.agents), *sorted(seen)]))[:MOST_AGENTS]
        glances = [
            glance_at(catalogue.agent(name), await self.latest.measured(name), sends=name in seen) for name in names
        ]
        order = {"bad": 0, "unknown": 1, "good": 2}
        return self.rendering.fragment(request, "glance", glances=sorted(glances, key=lambda g: order[g.mark]))

    async def agent(self, request: Request) -> Response:
        """One agent: its controls, figures, incidents."""
        agent = self.parts.catalogue.agent(request.path_params["name"])
        recent = await self.parts.verbs.look.recent(MOST_INCIDENTS)
        return self.rendering.page(
            "agent",
            controls=self.parts.control.controls(agent.name, ""),
            incidents=[state for state in recent if state.incident.agent == agent.name],
            classes=CLASSES,
            **figures_of(agent, self.latest.known(agent.name)),
        )

    async def figures(self, request: Request) -> Response:
        """The part that follows telemetry."""
        agent = self.parts.catalogue.agent(request.path_params["name"])
        live = await self.latest.measured(agent.name)
        return self.rendering.fragment(request, "agent_figures", classes=CLASSES, **figures_of(agent, live))

    async def trace(self, request: Request) -> Response:
        """One trace: its steps, errors and repeats."""
        trace_id = request.path_params["trace_id"]
        task = await self.parts.traces.trace(trace_id.lower())
        if task is None:
            raise NotFound(f"No trace {trace_id[:40]} is kept here; it may be older than the retention.")
        findings = findings_of(task)
        return self.rendering.page(
            "trace",
            trace=task,
            agent=self.parts.catalogue.agent(task.agent),
            started=EPOCH + timedelta(microseconds=task.start_ns // 1000),
            seconds=max(0, task.end_ns - task.start_ns) / 1e9,
            findings=findings,
            steps=steps_of(task, findings)[:MOST_STEPS],
            hidden=max(0, len(task.spans) - MOST_STEPS),
            errors=sum(span.error for span in task.spans),
            repeats=repeats(task.spans),
        )


def figures_of(agent: Agent, live: Measured | None) -> dict[str, Any]:
    """What the part with the figures needs."""
    return {
        "agent": agent,
        "live": live,
        "live_rows": rows(live.bundle) if live else (),
        "charts": charts_for(live.bundle) if live else (),
    }


def glance_at(agent: Agent, measured: Measured, *, sends: bool) -> Glance:
    """One agent at a glance."""
    said = measured.said
    because = said.because[0] if said.because else ""
    if not sends:
        return Glance(agent, "unknown", "no telemetry in the last hour", "", sends=False)
    if said.incident_class is None:
        return Glance(agent, "good", "nothing unusual", because, sends=True)
    if said.incident_class is IncidentClass.UNKN:
        return Glance(agent, "unknown", "can't tell", because, sends=True)
    name = f"looks like {said.incident_class.value}: {CLASSES[said.incident_class].name} ({said.confidence.value})"
    return Glance(agent, "bad", name, because, sends=True)


def steps_of(trace: Trace, findings: Sequence[Finding]) -> list[Step]:
    """The steps of a trace with their place in it."""
    known = {span.span_id: span for span in trace.spans}
    counted = Counter(call_of(span) for span in trace.spans if span.tool)
    whole = max(1, trace.end_ns - trace.start_ns)
    return [
        Step(
            span=span,
            depth=depth_of(span, known),
            offset=min(99, max(0, round(100 * (span.start_ns - trace.start_ns) / whole))),
            width=min(100, max(1, round(100 * (span.end_ns - span.start_ns) / whole))),
            what=what_of(span),
            repeated=counted[call_of(span)] if span.tool else 1,
            findings=tuple(found for found in findings if span.span_id in found.span_ids),
        )
        for span in trace.spans
    ]


def depth_of(span: Span, known: dict[str, Span]) -> int:
    """How many known ancestors a span has, 6 at most."""
    depth, parent = 0, span.parent_id
    while parent in known and depth < 6:  # noqa: PLR2004  deeper is not readable on a phone
        depth, parent = depth + 1, known[parent].parent_id
    return depth


def call_of(span: Span) -> tuple[str, str | None]:
    """What makes two tool calls the same: the tool and its arguments."""
    return (span.tool.name, span.tool.arguments_hash) if span.tool else ("", None)


def what_of(span: Span) -> str:
    """What a step was about, beyond its name."""
    if span.tool:
        effect = f" · {span.tool.side_effect.value}" if span.tool.side_effect else ""
        return f"{span.tool.name}{effect} {span.tool.arguments_preview}".strip()
    if span.model:
        return f"{span.model.answering or span.model.requested or ''} {span.model.output_preview}".strip()
    if span.guardrail:
        return f"{span.guardrail.name}: {'triggered' if span.guardrail.triggered else 'passed'}"
    return ""


def repeats(spans: Sequence[Span]) -> list[tuple[str, int]]:
    """Tools called with the same arguments three times or more, most often first."""
    counted = Counter(call_of(span) for span in spans if span.tool)
    return [(name, times) for (name, _), times in counted.most_common() if times >= 3]  # noqa: PLR2004  twice is a retry
