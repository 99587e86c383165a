"""Routes for an incident's runbook: its checklist, and a tick."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from bot.incident.checklist import Checklist, Item
from bot.incident.codec import encode
from bot.web.api.actors import Acting, acting
from bot.web.api.bodies import Body
from bot.web.api.models.shape import PersonShape, Shape
from bot.web.api.shapes import person
from bot.web.parts import Parts


class TickBody(Body):
    """Whether the step is done."""

    done: bool


class RunbookStepShape(Shape):
    """One step as it stands; ``by`` and ``at`` are of the last word on it."""

    id: str
    phase: str = Field(description="containment, diagnosis, remediation, communication or recovery")
    text: str
    action: str | None = Field(description="a lever, or snapshot, evidence, update, page-owner; null: by hand")
    verify: str
    undo: str
    causes: list[str] = Field(description="of a remediation step; empty: any cause")
    rollback: bool
    done: bool
    by: PersonShape | None
    at: datetime | None
    locked: str = Field(description="why a remediation step is not open yet; empty when it is")


class FormerStepShape(Shape):
    """A step ticked under a former class."""

    incident_class: str = Field(serialization_alias="class")
    id: str
    text: str
    by: PersonShape
    at: datetime


class WatchShape(Shape):
    """One condition of the recovery gate."""

    signal: str
    trouble: str = Field(description="the direction that means trouble: up, down or either")
    at_least: int
    minutes: int
    at_most: int | None


class RecoveryShape(Shape):
    """When it is over."""

    text: str
    lifted: bool = Field(description="measured with no mitigation in force")
    watches: list[WatchShape]


class DoNotShape(Shape):
    """What makes the class worse, and why."""

    text: str
    because: str


class RunbookShape(Shape):
    """The runbook of the incident's class as a checklist."""

    incident_class: str = Field(serialization_alias="class")
    title: str
    version: str
    own: bool = Field(description="written by the organisation; otherwise it came along")
    first_five: list[str]
    do_not: list[DoNotShape]
    steps: list[RunbookStepShape]
    done: int
    recovery: RecoveryShape | None
    former: list[FormerStepShape]


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["response"])
    verbs = parts.verbs

    @routes.get("/incidents/{key}/runbook")
    async def runbook(key: str) -> RunbookShape:
        """The steps of the class that is set (of UNKN before), with who ticked them."""
        return shape(await verbs.runbook(key))

    @routes.post("/incidents/{key}/runbook/steps/{step}")
    async def tick(
        key: str, step: str, body: TickBody, act: Annotated[Acting, Depends(acting(parts.ids))]
    ) -> RunbookShape:
        """Tick or untick a step; the last word counts."""
        await verbs.tick(key, step, act.by, act.idem, done=body.done)
        return shape(await verbs.runbook(key))

    return routes


def shape(checklist: Checklist) -> RunbookShape:
    """The checklist as JSON."""
    book = checklist.runbook
    return RunbookShape(
        incident_class=book.incident_class.value,
        title=book.title,
        version=book.version,
        own=book.own,
        first_five=list(book.first_five),
        do_not=[DoNotShape(text=one.text, because=one.because) for one in book.do_not],
        steps=[_step(item) for item in checklist.items],
        done=checklist.done,
        recovery=RecoveryShape(**encode(book.recovery)) if book.recovery else None,
        former=[
            FormerStepShape(
                incident_class=tick.fact.incident_class.value,
                id=tick.fact.step,
                text=tick.fact.text,
                by=person(tick.by),
                at=tick.at,
            )
            for tick in checklist.former
        ],
    )


def _step(item: Item) -> RunbookStepShape:
    return RunbookStepShape(
        **encode(item.step),
        done=item.done,
        by=person(item.by) if item.by else None,
        at=item.at,
        locked=item.locked,
    )
