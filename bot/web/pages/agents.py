"""The pages of agents."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.charts.drawn import charts_for
from bot.incident.control_values import label_of
from bot.incident.environments import ALL, same_environment
from bot.incident.errors import BadInput
from bot.incident.evidence import ENOUGH, EvidenceBundle
from bot.incident.model import Agent
from bot.incident.quantities import duration
from bot.incident.rules import Taxonomy
from bot.incident.taxonomy import IncidentClass
from bot.response.gather import nanoseconds
from bot.web.moments import EPOCH, moment_in
from bot.web.pages.latest import Latest, Measured
from bot.web.pages.rendering import Rendering
from bot.web.pages.words import rows
from bot.web.parts import Parts

SEEN_WITHIN = timedelta(hours=24)  # an agent that fell silent is looked for here
MOST_AGENTS = 40
MOST_INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Glance:
    """One agent at a glance. ``mark`` is good, bad or unknown, and never the only sign."""

    agent: Agent
    mark: str
    words: str
    because: str


@dataclass(frozen=True, slots=True)
class Place:
    """An environment to choose, with how many of the agent's tasks name it; ``shown`` is the one that is looked at."""

    name: str
    tasks: int
    shown: bool


@dataclass(frozen=True, slots=True)
class AgentPages:
    """``/agents`` and ``/glance``."""

    parts: Parts
    rendering: Rendering
    latest: Latest

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/glance", self.glance),
            Route("/agent", self.agent),
            Route("/agent/figures", self.figures),
            Route("/agents/{agent:path}/figures", self.figures),
            Route("/agents/{agent:path}", self.agent),
        ]

    async def glance(self, request: Request) -> Response:
        """All agents, the worst first; a part of the first page."""
        now = nanoseconds(self.parts.clock.now())
        sending = await self.parts.traces.agents(now - int(SEEN_WITHIN.total_seconds() * 1e9), now)
        catalogue = self.parts.catalogue
        seen = {catalogue.agent(name).name for name in sending}
        names = list(dict.fromkeys([*(agent.name for agent in catalogue.agents), *sorted(seen)]))[:MOST_AGENTS]
        glances = [
            glance_at(catalogue.agent(name), await self.latest.measured(name), self.parts.taxonomy) for name in names
        ]
        order = {"bad": 0, "unknown": 1, "good": 2}
        return self.rendering.fragment(request, "glance", glances=sorted(glances, key=lambda g: order[g.mark]))

    async def agent(self, request: Request) -> Response:
        """One agent: its controls, figures, incidents. With ``at`` the figures are of that moment and stay so.

        With ``environment`` they are of that one.

        Raises:
            BadInput: ``at`` is no moment.
        """
        agent = self._asked_for(request)
        at = moment_in(request.query_params.get("at"))
        environment = _environment(request)
        live = await self._then(agent, at, environment) if at else self.latest.known(agent.name, environment)
        recent = await self.parts.verbs.look.recent(MOST_INCIDENTS)
        return self.rendering.page(
            "agent",
            controls=self.parts.control.controls(agent.name),
            label_of=label_of,
            incidents=[state for state in recent if state.incident.agent == agent.name],
            facts_of=self.parts.taxonomy.facts,
            **figures_of(agent, live, environment, asked=at),
        )

    async def figures(self, request: Request) -> Response:
        """The part that follows telemetry."""
        agent = self._asked_for(request)
        environment = _environment(request)
        live = await self.latest.measured(agent.name, environment)
        newest = None if _spans_seen(live) else await self._newest(agent)
        return self.rendering.fragment(
            request,
            "agent_figures",
            facts_of=self.parts.taxonomy.facts,
            **figures_of(agent, live, environment, newest=newest),
        )

    def _asked_for(self, request: Request) -> Agent:
        name = request.path_params.get("agent") or request.query_params.get("name")
        if not name:
            raise BadInput("name", "Say which agent: /agents/NAME.")
        return self.parts.catalogue.agent(name)

    async def _then(self, agent: Agent, at: datetime, environment: str) -> Measured:
        bundle, said = await self.parts.verbs.suggest(agent.name, at, environment=environment)
        return Measured(at, bundle, said)

    async def _newest(self, agent: Agent) -> datetime | None:
        """When the newest task ended that is kept, for those who look at telemetry of another day."""
        traces = await self.parts.traces.listed(agent.telemetry_names, 1)
        return EPOCH + timedelta(microseconds=traces[-1].end_ns // 1000) if traces else None


def _environment(request: Request) -> str:
    """The environment somebody chose, or none."""
    return request.query_params.get("environment", "").strip()


def _spans_seen(live: Measured) -> bool:
    """Of the chosen environment, or of those that are not counted: then there is nothing older to look at."""
    age = live.bundle.signal("span_age")
    return bool(live.bundle.left_out) or (age is not None and age.value is not None)


def figures_of(
    agent: Agent,
    live: Measured | None,
    environment: str = "",
    *,
    asked: datetime | None = None,
    newest: datetime | None = None,
) -> dict[str, Any]:
    """What the part with the figures needs.

    ``environment`` and ``asked``, a moment, are what somebody chose; ``newest`` is a moment worth choosing.
    """
    return {
        "agent": agent,
        "environment": environment,
        "live": live,
        "live_rows": rows(live.bundle) if live else (),
        "charts": charts_for(live.bundle) if live else (),
        "places": places_of(live.bundle) if live else (),
        "asked": asked,
        "newest": newest,
    }


def places_of(bundle: EvidenceBundle) -> tuple[Place, ...]:
    """The environments that its tasks name, the most first, and all together; nothing where there is no choice."""
    found = [
        Place(name, tasks, shown=same_environment(name, bundle.environment))
        for name, tasks in sorted(bundle.environments.items(), key=lambda one: (-one[1], one[0]))
        if name
    ]
    if len(found) < 2 and not bundle.left_out:  # noqa: PLR2004 - one is no choice
        return ()
    together = not bundle.left_out and not any(place.shown for place in found)
    return (*found, Place(ALL, sum(bundle.environments.values()), shown=together))


def glance_at(agent: Agent, measured: Measured, taxonomy: Taxonomy) -> Glance:
    """One agent at a glance. Of too few tasks nobody can tell whether all is well."""
    said = measured.said
    because = said.because[0] if said.because else ""
    if said.incident_class is IncidentClass.UNKN:
        return Glance(agent, "unknown", "can't tell", because)
    if said.incident_class is None:
        return _well(agent, measured.bundle)
    name = (
        f"looks like {said.incident_class.value}: {taxonomy.facts(said.incident_class).name} ({said.confidence.value})"
    )
    return Glance(agent, "bad", name, because)


def _well(agent: Agent, bundle: EvidenceBundle) -> Glance:
    failures = bundle.signal("task_failures")
    n = failures.n if failures else 0
    within = f"{n} {'task' if n == 1 else 'tasks'} in {duration(bundle.window.seconds)}"
    if n < ENOUGH:
        return Glance(agent, "unknown", f"nothing unusual, but only {within}", "")
    return Glance(agent, "good", f"nothing unusual in {within}", "")
