"""Routes for class and the review of an incident."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response

from bot.incident.classification import Answer
from bot.incident.model import Person
from bot.incident.postmortem import Section
from bot.incident.rules import Taxonomy
from bot.response.choosing import Choice, named_class, named_question
from bot.web.api import bodies as b
from bot.web.api import measured, shapes
from bot.web.api.actors import Acting, acting
from bot.web.api.models.classification import LinkShape, LinksShape, StoodShape
from bot.web.api.models.incidents import IncidentShape
from bot.web.api.models.postmortem import PostmortemShape
from bot.web.parts import Parts

Form = Literal["md", "html", "json"]


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["response"])
    _classification(parts, routes)
    _links(parts, routes)
    _review(parts, routes)
    return routes


def _classification(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)

    @routes.get("/incidents/{key}/classification")
    async def stood(key: str) -> StoodShape:
        """What telemetry suggested at the declaration, and what responders set."""
        state = await verbs.look.state(key)
        bundle = await verbs.look.bundle(state)
        chosen = state.classified.classification if state.classified else None
        return StoodShape(
            suggested=measured.classification(state.suggested, bundle) if state.suggested else None,
            set=measured.classification(chosen, bundle) if chosen else None,
            severity=state.severity.value,
        )

    @routes.post("/incidents/{key}/classification")
    async def classify(key: str, body: b.ClassifyBody, act: Annotated[Acting, Depends(who)]) -> IncidentShape:
        """Set or change class, suspected cause and severity."""
        choice = _choice(parts.taxonomy, body, act.by)
        return shapes.incident(await verbs.classify(key, choice, act.by, act.idem), parts.public_url)


def _choice(taxonomy: Taxonomy, body: b.ClassifyBody, by: Person) -> Choice:
    """What the body decides.

    Raises:
        BadInput: the taxonomy has no such class or question.
    """
    answers = tuple(
        Answer(named_question(taxonomy, given.question), given.reply, given.because or f"set by {by.name}", by=by.id)
        for given in body.answers
    )
    named = named_class(taxonomy, body.incident_class)
    return Choice(named, body.cause, body.severity, answers, body.comment)


def _links(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)

    @routes.post("/incidents/{key}/links", status_code=201)
    async def links(
        key: str, body: b.LinksBody, act: Annotated[Acting, Depends(who)], response: Response
    ) -> LinksShape:
        """Private links to the classification for the agent's owners. They are shown once and kept nowhere."""
        response.headers["Cache-Control"] = "no-store"
        good_for = timedelta(minutes=body.minutes)
        made = await verbs.invite(key, act.by, act.idem, body.owner, good_for)
        shown = [
            LinkShape(owner=one.owner, url=f"{parts.public_url}{one.path}", expires_at=one.expires_at) for one in made
        ]
        return LinksShape(links=shown)


def _review(parts: Parts, routes: APIRouter) -> None:
    verbs = parts.verbs
    who = acting(parts.ids)

    @routes.get("/incidents/{key}/postmortem", response_model=PostmortemShape)
    async def postmortem(key: str, format: Form = "json") -> Response | PostmortemShape:  # noqa: A002  the query's name
        """The postmortem as it stands, as values, Markdown or HTML."""
        document = await verbs.postmortem(key)
        if format == "json":
            return shapes.postmortem(document, parts.public_url)
        text = parts.renderer.postmortem(document, format)
        kind = "text/html; charset=utf-8" if format == "html" else "text/markdown; charset=utf-8"
        return Response(text, media_type=kind)

    @routes.put("/incidents/{key}/postmortem/sections/{section}")
    async def write(
        key: str, section: Section, body: b.TextBody, act: Annotated[Acting, Depends(who)]
    ) -> IncidentShape:
        """Fill a section; the last text counts."""
        state = await verbs.write_section(key, section, body.text, act.by, act.idem)
        return shapes.incident(state, parts.public_url)

    @routes.post("/incidents/{key}/postmortem/review")
    async def review(key: str, body: b.ReviewBody, act: Annotated[Acting, Depends(who)]) -> IncidentShape:
        """Mark it reviewed; the monitoring gap must be filled."""
        return shapes.incident(await verbs.accept_review(key, body.comment, act.by, act.idem), parts.public_url)
