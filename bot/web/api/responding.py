"""Routes that act on incidents, in the order of an incident."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from bot.incident.errors import BadInput
from bot.incident.model import Via
from bot.response.declare import Declaration
from bot.web.api import bodies as b
from bot.web.api import shapes
from bot.web.api.actors import Acting, acting
from bot.web.api.models.incidents import IncidentShape, IncidentsShape, TimelineShape
from bot.web.parts import Parts


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["incidents"])
    _declaring(parts, routes)
    _looking(parts, routes)
    _telling(parts, routes)
    return routes


def _declaring(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    Act = Annotated[Acting, Depends(acting(parts.ids))]  # noqa: N806  a type

    @routes.post("/incidents", status_code=201)
    async def declare(body: b.DeclareBody, act: Act, response: Response) -> IncidentShape:
        """Open an incident; the same ``Idempotency-Key`` again answers 200 with the one it opened."""
        said = Declaration(
            title=body.title,
            agent=body.agent,
            environment=body.environment,
            harm_now=body.harm_now,
            severity=body.severity,
            via=Via.API,
            detection=body.detection,
            test=body.test,
            private=body.private,
        )
        state, new = await verbs.declare(said, act.by, act.idem)
        response.status_code = 201 if new else 200
        response.headers["Location"] = f"/api/v1/incidents/{state.incident.key}"
        return shapes.incident(state, parts.public_url)


def _looking(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs

    @routes.get("/incidents")
    async def incidents(limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None) -> IncidentsShape:
        """Newest first."""
        before = number_in(cursor)
        found = await verbs.look.recent(limit + 1, before)
        page = found[:limit]
        more = str(page[-1].incident.number) if len(found) > limit else None
        return IncidentsShape(incidents=[shapes.incident(s, parts.public_url) for s in page], next=more)

    @routes.get("/incidents/{key}")
    async def incident(key: str) -> IncidentShape:
        """One incident as it stands."""
        return shapes.incident(await verbs.look.state(key), parts.public_url)

    @routes.get("/incidents/{key}/timeline")
    async def timeline(key: str) -> TimelineShape:
        """Everything that happened, oldest first."""
        state = await verbs.look.state(key)
        events = await verbs.look.timeline(key)
        return TimelineShape(events=[shapes.event(entry, state) for entry in events])


def _telling(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    Act = Annotated[Acting, Depends(acting(parts.ids))]  # noqa: N806  a type

    @routes.post("/incidents/{key}/notes")
    async def note(key: str, body: b.TextBody, act: Act) -> IncidentShape:
        """A note for the timeline, also after resolve."""
        state = await verbs.note(key, body.text, "api", act.by, act.by, act.idem)
        return shapes.incident(state, parts.public_url)

    @routes.post("/incidents/{key}/updates")
    async def update(key: str, body: b.TextBody, act: Act) -> IncidentShape:
        """A status update for those who wait; the room gets it as a message."""
        return shapes.incident(await verbs.update(key, body.text, act.by, act.idem), parts.public_url)

    @routes.post("/incidents/{key}/resolve")
    async def resolve(key: str, body: b.ResolveBody, act: Act) -> IncidentShape:
        """Harm has ended. Mitigations not kept are undone."""
        state = await verbs.resolve(key, body.summary, frozenset(body.keep), act.by, act.idem)
        return shapes.incident(state, parts.public_url)


def number_in(cursor: str | None) -> int | None:
    """The incident number before which the page starts.

    Raises:
        BadInput: the cursor is not one we gave.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):  # noqa: PLR2004  fits any database integer
        raise BadInput("cursor", "Use the cursor of the page before, or none.")
    return int(cursor)
