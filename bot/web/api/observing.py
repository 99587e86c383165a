"""Routes that look at agents and telemetry: agents, evidence, classification, traces."""

from datetime import timedelta

from fastapi import APIRouter

from bot.incident.detectors.findings import findings_of
from bot.incident.errors import BadInput, NotFound
from bot.incident.evidence import EvidenceBundle
from bot.response.gather import nanoseconds
from bot.web.api import models as m
from bot.web.api import shapes
from bot.web.moments import moment_in
from bot.web.parts import Parts

RECENT = timedelta(hours=1)


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["evidence"])

    @routes.get("/agents")
    async def agents() -> list[m.AgentShape]:
        """Agents of the catalogue, and those that only telemetry knows."""
        now = nanoseconds(parts.clock.now())
        sending = await parts.traces.agents(now - int(RECENT.total_seconds() * 1e9), now)
        seen = {parts.catalogue.agent(name).name for name in sending}
        names = [agent.name for agent in parts.catalogue.agents]
        names += sorted(seen - set(names))
        return [
            shapes.agent(parts.catalogue.agent(name), parts.control.controls(name, ""), sends=name in seen)
            for name in names
        ]

    @routes.get("/agents/{agent}/evidence")
    async def evidence(agent: str, at: str | None = None, window: str | None = None) -> m.EvidenceShape:
        """What telemetry says about an agent, now or ``at`` a moment (ISO 8601 or seconds since the epoch)."""
        bundle = await parts.verbs.gather(agent, moment_in(at))
        check_window(window, bundle)
        return shapes.evidence(bundle)

    @routes.get("/agents/{agent}/classification")
    async def classification(agent: str, at: str | None = None) -> m.ClassificationShape:
        """The class telemetry suggests; ``class`` is null when nothing is wrong."""
        bundle, said = await parts.verbs.suggest(agent, moment_in(at))
        return shapes.classification(said, bundle)

    @routes.get("/traces/{trace_id}")
    async def trace(trace_id: str) -> m.TraceShape:
        """One task with its steps and findings."""
        task = await parts.traces.trace(trace_id.lower())
        if task is None:
            raise NotFound(f"No trace {trace_id[:40]} is kept here; it may be older than the retention.")
        return shapes.trace(task, findings_of(task))

    return routes


def check_window(window: str | None, bundle: EvidenceBundle) -> None:
    """A window that is asked for must be the one that was measured.

    Raises:
        BadInput: it is another; an answer over the wrong window would be worse than none.
    """
    measured = round(bundle.window.seconds)
    if window is not None and window.strip() not in {str(measured), f"{measured}s", f"{measured // 60}m"}:
        raise BadInput("window", f"Evidence is measured over {measured // 60}m; leave window out, or say {measured}.")
