"""Routes for what repairs an incident, and for the evaluations it waits for."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from bot.incident.codec import encode
from bot.incident.errors import BadInput
from bot.incident.remediation import RemediationOffer, Wish
from bot.incident.state import IncidentState, RemediationStatus
from bot.response.override import waiting, waiting_for
from bot.web.api import bodies as b
from bot.web.api import shapes
from bot.web.api.actors import Acting, acting
from bot.web.api.models.remediations import EvaluationShape, RemediationOfferShape, RemediationShape, RemediationsShape
from bot.web.parts import Parts


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["response"])
    _remediations(parts, routes)
    _evaluations(parts, routes)
    return routes


def _remediations(parts: Parts, routes: APIRouter) -> None:
    verbs, who = parts.verbs, acting(parts.ids)

    @routes.get("/incidents/{key}/remediations")
    async def remediations(key: str) -> RemediationsShape:
        """What may be done to repair it, each with its reasons, and what was started."""
        return await _shown(parts, await verbs.look.state(key))

    @routes.post("/incidents/{key}/remediations", status_code=201)
    async def remediate(
        key: str, body: b.RemediateBody, act: Annotated[Acting, Depends(who)], response: Response
    ) -> RemediationsShape:
        """Record that a rollback, prompt fix or restart is being done; 202 while an override waits for a second person."""
        wish = Wish(body.kind, body.target.strip())
        state = await verbs.remediate(key, wish, body.reason, act.by, act.idem, body.override, body.alone)
        if waiting_for(state, wish):
            response.status_code = 202
        return await _shown(parts, state)

    @routes.post("/incidents/{key}/remediations/{remediation}/outcome")
    async def end(
        key: str, remediation: str, body: b.OutcomeBody, act: Annotated[Acting, Depends(who)]
    ) -> RemediationsShape:
        """Record how a remediation ended; the first outcome counts."""
        return await _shown(
            parts, await verbs.remediate.end(key, remediation, body.outcome, body.detail, act.by, act.idem)
        )


def _evaluations(parts: Parts, routes: APIRouter) -> None:
    verbs, who = parts.verbs, acting(parts.ids)

    @routes.post("/incidents/{key}/evaluations", status_code=201)
    async def evaluate(key: str, body: b.EvaluationBody, act: Annotated[Acting, Depends(who)]) -> RemediationsShape:
        """Ask for an evaluation of a version now, or report one that ran elsewhere."""
        if body.passed is None and body.of is None:
            return await _shown(parts, await verbs.evaluate.ask(key, body.version, act.by, act.idem))
        if body.passed is None or body.of is None:
            raise BadInput("passed", "Give both `passed` and `of`, or neither to ask for an evaluation.")
        return await _shown(
            parts, await verbs.evaluate.report(key, body.version, body.passed, body.of, act.by, act.idem)
        )


async def _shown(parts: Parts, state: IncidentState) -> RemediationsShape:
    return shape_of(state, await parts.verbs.remediations(state.incident.key))


def shape_of(state: IncidentState, offers: Sequence[RemediationOffer]) -> RemediationsShape:
    """Remediations: those on offer, and those that were started, oldest first."""
    return RemediationsShape(
        offers=[_remediation_offer(one) for one in offers],
        started=[_remediation(one) for one in state.remediations.values()],
        waiting=[shapes.approval(asked) for asked in waiting(state)],
        evaluations_asked=list(state.evaluations_asked),
    )


def _remediation_offer(put: RemediationOffer) -> RemediationOfferShape:
    return RemediationOfferShape(
        kind=put.wish.kind.value,
        target=put.wish.target,
        label=put.wish.label,
        allowed=put.permission.granted,
        because=list(put.permission.because),
        evaluation=EvaluationShape(**encode(put.evaluation)) if put.evaluation else None,
    )


def _remediation(one: RemediationStatus) -> RemediationShape:
    return RemediationShape(
        id=one.fact.remediation,
        kind=one.fact.wish.kind.value,
        target=one.fact.wish.target,
        label=one.fact.wish.label,
        reason=one.fact.reason,
        grounds=list(one.fact.grounds),
        override=one.fact.override,
        approved_by=shapes.person(one.fact.approved_by) if one.fact.approved_by else None,
        alone=one.fact.alone,
        by=shapes.person(one.by),
        at=one.at,
        outcome=one.ended.outcome.value if one.ended else None,
        detail=one.ended.detail if one.ended else "",
        ended_at=one.ended_at,
    )
