"""The runbook: a class's page, and the checklist of an incident with its buttons."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.incident.checklist import groups_of
from bot.incident.errors import BadInput
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import DEFAULT_TTL
from bot.incident.runbook import Action, Deed, Phase, Runbook
from bot.incident.state import IncidentState
from bot.web.pages.forms import form_of
from bot.web.pages.people import person_in
from bot.web.pages.rendering import Rendering
from bot.web.parts import Parts


@dataclass(frozen=True, slots=True)
class RunbookPages:
    """``/runbooks`` and the checklist under ``/incidents``."""

    parts: Parts
    rendering: Rendering

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/runbooks/{name}", self.runbook),
            Route("/incidents/{key}/checklist", self.checklist),
            Route("/incidents/{key}/runbook", self.act, methods=["POST"]),
        ]

    async def runbook(self, request: Request) -> Response:
        """One class's runbook."""
        found = self.parts.verbs.runbook.named(request.path_params["name"])
        return self.rendering.page(
            "runbook",
            runbook=found,
            phases=phases_of(found),
            passages=passages(found.body),
            facts=self.parts.taxonomy.facts(found.incident_class),
            button=button,
        )

    async def checklist(self, request: Request) -> Response:
        """The part of an incident's page that follows its runbook."""
        state = await self.parts.verbs.look.state(request.path_params["key"])
        return self.rendering.fragment(request, "checklist", **checklist_values(self.parts, state))

    async def act(self, request: Request) -> Response:
        """Tick or untick a step, or pull its lever and tick it."""
        filled = await form_of(request)
        key = request.path_params["key"]
        by = person_in(filled)
        verbs, click = self.parts.verbs, self.parts.ids.new()
        if step := filled.get("tick"):
            state = await verbs.tick(key, step, by, f"page:{click}")
        elif step := filled.get("untick"):
            state = await verbs.tick(key, step, by, f"page:{click}", done=False)
        elif step := filled.get("pull"):
            await verbs.pull(key, step, by, f"page:{filled.get('click') or click}:{step}")
            state = await verbs.look.state(key)
        else:
            raise BadInput("step", "Press the button beside a step.")
        return RedirectResponse(f"/incidents/{state.incident.key}#runbook", 303)


def checklist_values(parts: Parts, state: IncidentState) -> dict[str, Any]:
    """What the checklist's template shows."""
    checklist = parts.verbs.runbook.of(state)
    return {
        "state": state,
        "incident": state.incident,
        "is_open": state.status.is_open,
        "checklist": checklist,
        "groups": groups_of(checklist, state.cause) if checklist else (),
        "lever": lever,
        "hint": hint,
        "owners": parts.catalogue.agent(state.incident.agent).owners,
    }


def phases_of(runbook: Runbook) -> list[tuple[Phase, Any]]:
    """The same without an incident."""
    found = [(phase, [step for step in runbook.steps if step.phase is phase]) for phase in Phase]
    return [(phase, steps) for phase, steps in found if steps]


def lever(action: Action | None, agent: str) -> str:
    """What the button that pulls a lever says: which one, on what, for how long; empty for other steps."""
    if not isinstance(action, MitigationKind):
        return ""
    return f"{action.label} · {agent} · {DEFAULT_TTL.total_seconds() / 60:.0f} min"


def hint(action: Action | None, owners: tuple[str, ...]) -> str:
    """Where the other things are done."""
    match action:
        case Deed.SNAPSHOT:
            return "The telemetry is frozen at the declaration; memory and index are yours to copy."
        case Deed.UPDATE:
            return "Post it with /incident update."
        case Deed.PAGE_OWNER:
            return f"Owner: {', '.join(owners)}." if owners else "The catalogue names no owner."
        case _:
            return ""


def button(action: Action | None) -> str:
    """The name of what a step's button does; empty where there is none."""
    return action.label if action else ""


def passages(body: str) -> list[tuple[str, list[str]]]:
    """The Markdown of a runbook as headings, lists and paragraphs; anything richer stays as it was typed."""
    found: list[tuple[str, list[str]]] = []
    for block in body.split("\n\n"):
        lines = [line for line in block.strip().splitlines() if line.strip()]
        if lines and lines[0].startswith("#"):
            found.append(("heading", [lines.pop(0).lstrip("# ")]))
        if lines and all(line.startswith(("- ", "  ")) for line in lines):
            items = "\n".join(lines).removeprefix("- ").split("\n- ")
            found.append(("list", [" ".join(item.split()) for item in items]))
        elif lines:
            found.append(("paragraph", [" ".join(lines)]))
    return found
