"""The pages of incidents: the list, one incident with its live parts, its postmortem."""

import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.incident.charts.drawn import charts_for
from bot.incident.control_words import proof_line
from bot.incident.errors import BadInput, Refused
from bot.incident.model import Status
from bot.incident.narration import narrate
from bot.incident.postmortem import Section
from bot.incident.state import IncidentState
from bot.incident.timeline import Event
from bot.web.pages.forms import form_of
from bot.web.pages.latest import Latest, Measured
from bot.web.pages.people import person_in
from bot.web.pages.rendering import Rendering
from bot.web.pages.runbooks import checklist_values
from bot.web.pages.snapshots import snapshots_of
from bot.web.pages.words import rows
from bot.web.parts import Parts

PAGE = 30


@dataclass(frozen=True, slots=True)
class IncidentPages:
    """``/`` and everything under ``/incidents``."""

    parts: Parts
    rendering: Rendering
    latest: Latest

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/", self.index),
            Route("/incidents", self.index),
            Route("/agents", self.index),
            Route("/agents/", self.index),
            Route("/incidents/{key}", self.incident),
            Route("/incidents/{key}/story", self.story),
            Route("/incidents/{key}/figures", self.figures),
            Route("/incidents/{key}/postmortem", self.postmortem),
            Route("/incidents/{key}/postmortem/sections/{section}", self.write, methods=["POST"]),
            Route("/incidents/{key}/postmortem/review", self.review, methods=["POST"]),
        ]

    async def index(self, request: Request) -> Response:
        """Incidents, open ones first, and the agents at a glance."""
        cursor = request.query_params.get("before", "")
        before = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else None  # noqa: PLR2004
        found = await self.parts.verbs.look.recent(PAGE + 1, before)
        page = sorted(found[:PAGE], key=lambda state: not state.status.is_open)
        older = found[PAGE - 1].incident.number if len(found) > PAGE else None
        return self.rendering.page(
            "index", incidents=page, older=older, facts_of=self.parts.taxonomy.facts, first=before is None
        )

    async def incident(self, request: Request) -> Response:
        """One incident; its parts renew themselves."""
        state, events = await self._read(request)
        known = None
        if state.status.is_open:
            known = self.latest.known(state.incident.agent, state.incident.environment)
        values = {
            **self._story(state, events),
            **await self._figures(state, events, known),
            **checklist_values(self.parts, state),
        }
        return self.rendering.page("incident", **values, click=self.parts.ids.new())

    async def story(self, request: Request) -> Response:
        """The part that follows the timeline."""
        state, events = await self._read(request)
        return self.rendering.fragment(request, "story", **self._story(state, events))

    async def figures(self, request: Request) -> Response:
        """The part that follows telemetry."""
        state, events = await self._read(request)
        live = None
        if state.status.is_open:
            live = await self.latest.measured(state.incident.agent, state.incident.environment)
        return self.rendering.fragment(
            request, "figures", facts_of=self.parts.taxonomy.facts, **await self._figures(state, events, live)
        )

    async def postmortem(self, request: Request) -> Response:
        """The document as it stands, and the form that fills its gaps."""
        return await self._document(request, 200)

    async def write(self, request: Request) -> Response:
        """Fill one section from the form."""
        filled = await form_of(request)
        section = next((s for s in Section if s.value == request.path_params["section"]), None)
        try:
            if section is None:
                raise BadInput("section", "There is no such section. Go back to the postmortem and choose one.")
            by = person_in(filled)
            state = await self.parts.verbs.write_section(
                request.path_params["key"], section, filled.get("text", ""), by, f"page:{filled.get('click', '')}"
            )
        except Refused as error:
            return await self._document(request, 422, str(error), filled, section)
        return RedirectResponse(f"/incidents/{state.incident.key}/postmortem#write-{section.value}", 303)

    async def review(self, request: Request) -> Response:
        """Mark it reviewed from the form."""
        filled = await form_of(request)
        try:
            by = person_in(filled)
            state = await self.parts.verbs.accept_review(
                request.path_params["key"], filled.get("text", ""), by, f"page:{filled.get('click', '')}"
            )
        except Refused as error:
            return await self._document(request, 422, str(error), filled)
        return RedirectResponse(f"/incidents/{state.incident.key}/postmortem", 303)

    async def _read(self, request: Request) -> tuple[IncidentState, tuple[Event, ...]]:
        look = self.parts.verbs.look
        state = await look.state(request.path_params["key"])
        return state, await look.timeline(state.incident.key)

    def _story(self, state: IncidentState, events: tuple[Event, ...]) -> dict[str, Any]:
        return {
            "state": state,
            "incident": state.incident,
            "ladder": ladder(state.status),
            "entries": [(event, narrate(event, state)) for event in reversed(events)],
            "proof_line": proof_line,
            "facts_of": self.parts.taxonomy.facts,
            "next_step": next_step(state),
            "failed_steps": [step for step in state.room_steps if step.failed],
            "ended": [s for s in state.mitigations.values() if not s.mitigation.state.is_live],
        }

    async def _figures(self, state: IncidentState, events: tuple[Event, ...], live: Measured | None) -> dict[str, Any]:
        frozen = await self.parts.verbs.look.bundle(state)
        shown = live.bundle if live else frozen
        return {
            "key": state.incident.key,
            "is_open": state.status.is_open,
            "live": live,
            "snapshot": state.snapshot,
            "frozen": frozen,
            "live_rows": rows(live.bundle) if live else (),
            "frozen_rows": rows(frozen) if frozen else (),
            "charts": charts_for(shown, events),
        }

    async def _document(
        self,
        request: Request,
        status: int,
        error: str = "",
        filled: dict[str, str] | None = None,
        section: Section | None = None,
    ) -> Response:
        document = await self.parts.verbs.postmortem(request.path_params["key"])
        state = document.state
        texts = {s: state.review.get(s.value, "") for s in Section}
        if section is not None and filled is not None:
            texts[section] = filled.get("text", "")  # what was typed is not lost
        return self.rendering.page(
            "postmortem",
            status,
            state=state,
            incident=state.incident,
            document=Markup(body_of(self.parts.renderer.postmortem(document, "html"))),  # noqa: S704  escaped by its own templates
            snapshots=snapshots_of(state),
            todos={todo.section: todo.question for todo in document.todos},
            reviewable=document.reviewable,
            sections=tuple(Section),
            texts=texts,
            charts=document.charts,
            error=error,
            name=(filled or {}).get("name", ""),
            click=self.parts.ids.new(),
        )


def ladder(status: Status) -> tuple[tuple[str, str], ...]:
    """Every rung with ``done``, ``now`` or ``ahead``."""
    order = list(Status)
    here = order.index(status)
    return tuple(
        (rung.value, "now" if place == here else "done" if place < here else "ahead")
        for place, rung in enumerate(order)
    )


def next_step(state: IncidentState) -> str:
    """What is to be done next, in one sentence."""
    match state.status:
        case Status.DECLARED:
            return "Classify it: a few questions say which class it is and what not to do."
        case Status.CLASSIFIED:
            return "Mitigate: choose a lever that fits the class."
        case Status.MITIGATED:
            return "Watch the proof and the figures; resolve once they are back to normal."
        case Status.RESOLVED:
            return "Fill the gaps of the postmortem, then mark it reviewed."
        case Status.REVIEWED:
            return "Nothing is left to do."


def body_of(page: str) -> str:
    """What stands inside the body of a whole HTML page; the page itself where there is no body."""
    found = re.search(r"<body[^>]*>(.*)</body>", page, re.DOTALL | re.IGNORECASE)
    return found.group(1) if found else page
