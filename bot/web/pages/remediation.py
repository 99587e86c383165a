"""The page on which an incident is repaired: what may be done, why the rest may not, and the evaluations it waits for."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.incident.errors import BadInput, Refused
from bot.incident.model import Person
from bot.incident.remediation import Outcome, Wish
from bot.incident.rules import RemediationKind
from bot.response.override import waiting
from bot.web.pages.forms import form_of
from bot.web.pages.people import person_in
from bot.web.pages.rendering import Rendering
from bot.web.parts import Parts


@dataclass(frozen=True, slots=True)
class RemediationPages:
    """``/incidents/{key}/remediation``."""

    parts: Parts
    rendering: Rendering

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/incidents/{key}/remediation", self.show),
            Route("/incidents/{key}/remediation", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What may be done now."""
        return await self._page(request)

    async def act(self, request: Request) -> Response:
        """One of its buttons."""
        filled = await form_of(request)
        try:
            await self._done(request.path_params["key"], filled, person_in(filled))
        except Refused as error:
            return await self._page(request, 422 if isinstance(error, BadInput) else 409, str(error), filled)
        return RedirectResponse(f"/incidents/{request.path_params['key']}/remediation", 303)

    async def _done(self, key: str, filled: dict[str, str], by: Person) -> None:
        verbs, idem = self.parts.verbs, f"page:{filled.get('click') or self.parts.ids.new()}"
        target, text = filled.get("target", ""), filled.get("text", "")
        match filled.get("do"):
            case "start" if filled.get("kind") in set(RemediationKind):
                wish = Wish(RemediationKind(filled["kind"]), target)
                await verbs.remediate(key, wish, text, by, idem, filled.get("override"), filled.get("alone", ""))
            case "end" if filled.get("outcome") in set(Outcome):
                await verbs.remediate.end(key, filled.get("id", ""), Outcome(filled["outcome"]), text, by, idem)
            case "ask":
                await verbs.evaluate.ask(key, target, by, idem)
            case "report":
                passed, of = (_whole(filled.get(name, "")) for name in ("passed", "of"))
                await verbs.evaluate.report(key, target, passed, of, by, idem)
            case _:
                raise BadInput("do", "Press one of the buttons of the page.")

    async def _page(
        self, request: Request, status: int = 200, error: str = "", filled: dict[str, str] | None = None
    ) -> Response:
        state = await self.parts.verbs.look.state(request.path_params["key"])
        return self.rendering.page(
            "remediation",
            status,
            state=state,
            incident=state.incident,
            is_open=state.status.is_open,
            offers=await self.parts.verbs.remediations(state.incident.key),
            started=list(state.remediations.values()),
            waiting=waiting(state),
            outcomes=list(Outcome),
            error=error,
            filled=filled or {},
            click=self.parts.ids.new(),
        )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1  # noqa: PLR2004  a million verdicts at most
