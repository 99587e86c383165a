"""Routes that look at agents and telemetry: agents, evidence, classification, traces."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from bot.incident.detectors.findings import findings_of
from bot.incident.errors import NotFound
from bot.incident.outline import judged, outline
from bot.incident.telemetry import Trace
from bot.response.gather import nanoseconds
from bot.web.api import measured
from bot.web.api.listing import Written, cursor_in, page, written
from bot.web.api.models.classification import ClassificationShape
from bot.web.api.models.evidence import EvidenceShape
from bot.web.api.models.traces import AgentShape, TraceShape, TracesShape
from bot.web.moments import length_in, moment_in
from bot.web.parts import Parts
from bot.web.snapshot_file import snapshot_file

RECENT = timedelta(hours=1)
AgentName = Annotated[str, Path(min_length=1, description="percent-encoded: org%2Fhelpdesk")]


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["evidence"])
    _agents(parts, routes)
    _snapshots(parts, routes)
    _traces(parts, routes)
    return routes


def _agents(parts: Parts, routes: APIRouter) -> None:
    @routes.get("/agents")
    async def agents() -> list[AgentShape]:
        """Agents of the catalogue, and those that only telemetry knows."""
        now = nanoseconds(parts.clock.now())
        sending = await parts.traces.agents(now - int(RECENT.total_seconds() * 1e9), now)
        seen = {parts.catalogue.agent(name).name for name in sending}
        names = [agent.name for agent in parts.catalogue.agents]
        names += sorted(seen - set(names))
        return [
            measured.agent(parts.catalogue.agent(name), parts.control.controls(name), sends=name in seen)
            for name in names
        ]

    @routes.get("/agents/{agent:path}/evidence")
    async def evidence(
        agent: AgentName, at: str | None = None, window: str | None = None, environment: str = ""
    ) -> EvidenceShape:
        """What telemetry says about an agent, now or ``at`` a moment (ISO 8601 or seconds since the epoch).

        ``window`` is how long "now" is: 15m, 2h, 900s, PT15M, or seconds. Without it, since the trouble began.
        Counted are tasks that name ``environment`` or none (``all``: every one); without it, the catalogue's first.
        """
        bundle = await parts.verbs.gather(agent, moment_in(at), length_in(window), environment=environment)
        return measured.evidence(bundle)

    @routes.get("/agents/{agent:path}/classification")
    async def classification(agent: AgentName, at: str | None = None, environment: str = "") -> ClassificationShape:
        """The class telemetry suggests; ``class`` is null when nothing is wrong. ``environment`` as in the evidence."""
        bundle, said = await parts.verbs.suggest(agent, moment_in(at), environment=environment)
        return measured.classification(said, bundle)


def _snapshots(parts: Parts, routes: APIRouter) -> None:
    @routes.get("/incidents/{key}/snapshots/{snapshot}", response_class=Response)
    async def snapshot(key: str, snapshot: str) -> Response:
        """Evidence frozen for an incident, in canonical JSON: its SHA-256 is the one on the timeline."""
        event, body = await parts.verbs.look.snapshot(key, snapshot)
        return snapshot_file(event, snapshot, body)


def _traces(parts: Parts, routes: APIRouter) -> None:
    @routes.get("/traces", response_class=Response, responses={200: {"model": TracesShape}})
    async def traces(
        agent: str,
        *,
        failed: bool = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: str | None = None,
        spans: bool = False,
        findings: bool = False,
    ) -> Response:
        """The newest traces of an agent with their scores; only failed ones, with steps or findings, where wanted."""
        names, cursor = parts.catalogue.agent(agent).telemetry_names, cursor_in(before)
        if findings:
            tasks = await parts.traces.listed(names, limit, failed=failed, before_ns=cursor)
            found = await _with_findings(parts, tasks, names, steps=spans)
        else:
            make = partial(written, page_of=parts.page_of)
            found = await parts.traces.outlines(names, limit, make, failed=failed, before_ns=cursor, steps=spans)
        return Response(page(found, limit), media_type="application/json")

    @routes.get("/traces/{trace_id}")
    async def trace(trace_id: str) -> TraceShape:
        """One task with its steps and findings."""
        task = await parts.traces.trace(trace_id.lower())
        if task is None:
            raise NotFound(f"No trace {trace_id[:40]} is kept here; it may be older than the retention.")
        names = parts.catalogue.agent(task.agent).telemetry_names
        scores = judged(task, await parts.traces.scores_of([task.id]), names)
        return measured.trace(task, findings_of(task), scores, parts.page_of(task.id))


async def _with_findings(
    parts: Parts, tasks: Sequence[Trace], names: Collection[str], *, steps: bool
) -> Sequence[Written]:
    """These tasks, oldest first, as a list from the newest; detectors look at whole traces only."""
    scores = await parts.traces.scores_of([task.id for task in tasks])
    return [
        written(outline(task, scores, steps=steps, names=names), parts.page_of, findings_of(task))
        for task in reversed(tasks)
    ]
