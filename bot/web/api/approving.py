"""Routes for the questions to a second person."""

from typing import Annotated

from fastapi import APIRouter, Depends

from bot.incident.approval import incident_of
from bot.incident.errors import NotFound
from bot.web.api import bodies as b
from bot.web.api import shapes
from bot.web.api.actors import Acting, acting
from bot.web.api.models.mitigations import ApprovalsShape, MitigationShape
from bot.web.api.models.remediations import RemediationsShape
from bot.web.api.remediating import shape_of
from bot.web.parts import Parts


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["mitigations"])
    verbs = parts.verbs
    who = acting(parts.ids)
    Act = Annotated[Acting, Depends(who)]  # noqa: N806  a type
    Answered = MitigationShape | RemediationsShape  # noqa: N806  a type

    async def answered(approval_id: str, act: Acting, note: str, *, granted: bool) -> Answered:
        found = await verbs.decide.answer(approval_id, act.by, granted=granted, note=note)
        if found is not None:
            return shapes.mitigation(found)
        state = await verbs.look.state(incident_of(approval_id) or "")
        return shape_of(state, await verbs.remediations(state.incident.key))

    @routes.get("/approvals")
    async def questions() -> ApprovalsShape:
        """What waits for a second person, oldest first."""
        return ApprovalsShape(approvals=[shapes.approval(asked) for asked in await verbs.in_force.questions()])

    @routes.post("/approvals/{approval_id}/approve")
    async def approve(approval_id: str, body: b.AnswerApprovalBody, act: Act) -> Answered:
        """Say yes as a second person, who ``Firstfive-Actor`` names."""
        return await answered(approval_id, act, body.note, granted=True)

    @routes.post("/approvals/{approval_id}/refuse")
    async def refuse(approval_id: str, body: b.AnswerApprovalBody, act: Act) -> Answered:
        """Say no; whoever asked may take the question back this way."""
        return await answered(approval_id, act, body.note, granted=False)

    @routes.post("/mitigations/{mitigation_id}/approve")
    async def approve_open(mitigation_id: str, body: b.AnswerApprovalBody, act: Act) -> MitigationShape:
        """Say yes to the question that is open about this mitigation."""
        found, _ = await verbs.in_force.one(mitigation_id)
        if not found.approval:
            raise NotFound(f"Nothing about {found.label} waits for approval.")
        return shapes.mitigation(await verbs.decide(found.approval, act.by, granted=True, note=body.note))

    return routes
