"""Routes about mitigations: those of an incident, and those of all agents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from bot.incident.approval import Loosening
from bot.incident.errors import BadInput, Refused
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import Via
from bot.incident.state import MitigationStatus
from bot.response.orders import Order
from bot.web.api import bodies as b
from bot.web.api import shapes
from bot.web.api.actors import Acting, acting
from bot.web.api.models.mitigations import InForceShape, MitigationShape, MitigationsShape
from bot.web.api.models.preview import PreviewShape
from bot.web.parts import Parts

IfMatch = Annotated[str | None, Header(alias="If-Match", description="the revision the decision rests on")]


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["mitigations"])
    _of_incidents(parts, routes)
    _of_all(parts, routes)
    _of_one(parts, routes)
    _changes(parts, routes)
    return routes


def _of_incidents(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)

    @routes.get("/incidents/{key}/mitigations")
    async def of_incident(key: str) -> MitigationsShape:
        """The levers that fit, best first, those in force, and what waits for a second person."""
        state = await verbs.look.state(key)
        offers = await verbs.offers(key, every=True)
        return MitigationsShape(
            offers=[shapes.offer(put) for put in offers],
            live=[shapes.mitigation(status.mitigation, status) for status in state.live_mitigations],
            approvals=[shapes.approval(asked) for asked in state.pending_approvals],
        )

    @routes.post("/incidents/{key}/mitigations", status_code=201)
    async def apply(
        key: str,
        body: b.ApplyBody,
        act: Annotated[Acting, Depends(who)],
        response: Response,
        if_match: IfMatch = None,
        *,
        dry_run: bool = False,
    ) -> MitigationShape | PreviewShape:
        """Pull a lever. 202 with ``approval`` when a second person has to agree first; ``dry_run=1`` only looks."""
        order = ordered(body, revision_in(if_match))
        if dry_run:
            response.status_code = 200
            return shapes.preview(await verbs.preview(order, key=key))
        return await _applied(parts, await verbs.apply(key, order, act.by, act.idem), response)


def _of_all(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)

    @routes.get("/mitigations")
    async def every(agent: str | None = None) -> InForceShape:
        """Mitigations that have not ended, of all agents or one, and every agent's revision."""
        found, revisions = await verbs.in_force(agent)
        named = {name: revision for name, revision in revisions.items() if agent in {None, name}}
        return InForceShape(mitigations=[shapes.mitigation(one) for one in found], revisions=named)

    @routes.post("/mitigations", status_code=201)
    async def contain(
        body: b.ContainBody,
        act: Annotated[Acting, Depends(who)],
        response: Response,
        if_match: IfMatch = None,
        *,
        dry_run: bool = False,
    ) -> MitigationShape | PreviewShape:
        """Pull a lever on an agent, for the incident named or one that is declared for it; ``dry_run=1`` only looks."""
        order = ordered(body, revision_in(if_match))
        if dry_run:
            response.status_code = 200
            return shapes.preview(await verbs.preview(order, key=body.incident or None, agent=body.agent))
        return await _applied(parts, await _contained(parts, body, order, act), response)


def _of_one(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs

    @routes.post("/mitigations/preview")
    async def preview(body: b.ContainBody) -> PreviewShape:
        """What an order would touch, whom else, and what stands against it; nothing is changed."""
        return shapes.preview(await verbs.preview(ordered(body, None), key=body.incident or None, agent=body.agent))

    @routes.get("/mitigations/{mitigation_id}")
    async def one(mitigation_id: str, response: Response) -> MitigationShape:
        """One mitigation with its proof; its ETag goes into If-Match of what changes it."""
        found, status = await verbs.in_force.one(mitigation_id)
        response.headers["ETag"] = f'"{found.revision}"'
        return shapes.mitigation(found, status)


def _changes(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)
    Act = Annotated[Acting, Depends(who)]  # noqa: N806  a type

    @routes.post("/mitigations/{mitigation_id}/revert")
    async def revert(
        mitigation_id: str, body: b.RevertBody, act: Act, response: Response, if_match: IfMatch = None
    ) -> MitigationShape:
        """Undo a lever: 202 until a second person approves; at once for 30 min with ``alone``, the reason for that."""
        expected = revision_in(if_match)
        done = await verbs.revert(mitigation_id, body.reason, act.by, act.idem, expected=expected, alone=body.alone)
        return await _changed(parts, done, Loosening.REVERT, response)

    @routes.post("/mitigations/{mitigation_id}/extend")
    async def extend(
        mitigation_id: str, body: b.ExtendBody, act: Act, response: Response, if_match: IfMatch = None
    ) -> MitigationShape:
        """Give a lever more time; 202 past 72 hours, until a second person approves."""
        done = await verbs.extend(mitigation_id, body.minutes, act.by, act.idem, expected=revision_in(if_match))
        return await _changed(parts, done, Loosening.EXTEND, response)

    @routes.post("/mitigations/{mitigation_id}/adjust")
    async def adjust(
        mitigation_id: str, body: b.AdjustBody, act: Act, response: Response, if_match: IfMatch = None
    ) -> MitigationShape:
        """Another value: tighter at once, looser 202 until a second person approves."""
        expected = revision_in(if_match)
        done = await verbs.adjust(
            mitigation_id, body.value, body.reason, act.by, act.idem, expected=expected, alone=body.alone
        )
        return await _changed(parts, done, Loosening.ADJUST, response)

    @routes.post("/mitigations/{mitigation_id}/exit-plan")
    async def plan(mitigation_id: str, body: b.ExitPlanBody, act: Act, response: Response) -> MitigationShape:
        """Loosen it step by step behind the recovery gate; 202 until a second person approves the plan."""
        steps = tuple(body.steps)
        done = await verbs.plan_exit(mitigation_id, steps, body.minutes, body.reason, act.by, act.idem)
        return await _changed(parts, done, Loosening.EXIT_PLAN, response)


def ordered(body: b.ApplyBody, expected: int | None) -> Order:
    """The order in a body.

    Raises:
        BadInput: it gives two different figures.
    """
    if body.limit is not None and body.value not in (None, body.limit):
        raise BadInput("limit", "Give the figure as value or as limit; both are there, and they differ.")
    return Order(
        kind=body.kind,
        value=body.limit if body.value is None else body.value,
        minutes=body.minutes,
        reason=body.reason,
        override=body.override,
        scope=b.scope_of(body.scope),
        supersedes=body.supersedes,
        on_expiry=body.on_expiry,
        expected=expected,
    )


def revision_in(if_match: str | None) -> int | None:
    """The revision in If-Match; ``*`` and nothing mean any.

    Raises:
        BadInput: it is none that we gave.
    """
    said = (if_match or "*").strip().removeprefix("W/").strip('"')
    if said == "*":
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 10):  # noqa: PLR2004  fits any database integer
        raise BadInput("If-Match", "Use the revision or the ETag of the last answer in If-Match.")
    return int(said)


async def _contained(parts: Parts, body: b.ContainBody, order: Order, act: Acting) -> Mitigation:
    """The order on the incident that the body names, or on one that is declared for its agent.

    Raises:
        BadInput: it names neither, or an agent that the incident is not about.
    """
    verbs = parts.verbs
    if body.incident:
        state = await verbs.look.state(body.incident)
        if body.agent and body.agent != state.incident.agent:
            raise BadInput("agent", f"{state.incident.key} is about {state.incident.agent}, not {body.agent}.")
        return await verbs.apply(body.incident, order, act.by, act.idem)
    if not body.agent:
        raise BadInput("agent", "Name the agent, or the incident it belongs to.")
    return await verbs.contain(body.agent, order, act.by, act.idem, Via.API)


async def _applied(parts: Parts, mitigation: Mitigation, response: Response) -> MitigationShape:
    """A new mitigation with what its incident's timeline knows of it: warnings, and the snapshot taken first.

    Raises:
        Refused: its control plane declined, so it never came into force.
    """
    if mitigation.state is MitigationState.REFUSED:
        raise Refused(mitigation.never_in_force)
    _, status = await parts.verbs.in_force.one(mitigation.id)
    return _answered(mitigation, response, status)


async def _changed(parts: Parts, done: Mitigation, what: Loosening, response: Response) -> MitigationShape:
    """202 while this very thing waits for a second person; another question about the mitigation may wait as well."""
    answered = _answered(done, response)
    if done.approval:
        waiting = (await parts.verbs.look.state(str(done.incident))).pending_approvals
        this = any(one.id == done.approval and one.ask.action is what for one in waiting)
        response.status_code = 202 if this else 200
    return answered


def _answered(mitigation: Mitigation, response: Response, status: MitigationStatus | None = None) -> MitigationShape:
    response.headers["ETag"] = f'"{mitigation.revision}"'
    if mitigation.approval:
        response.status_code = 202
    return shapes.mitigation(mitigation, status)
