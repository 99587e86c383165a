"""The page on which an incident is contained: every lever with its preview, what is in force, and open questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.incident.choices import UNITS, Choices, way_out
from bot.incident.composition import Rule
from bot.incident.control_values import figure_of, label_of
from bot.incident.control_words import proof_line
from bot.incident.errors import BadInput, Refused
from bot.incident.fitness import UNCLASSIFIED, stronger
from bot.incident.kinds import LEVERS, Joining, MitigationKind
from bot.incident.mitigation import DIMENSIONS, Mitigation, MitigationState, Scope
from bot.incident.model import Person
from bot.incident.offer import Standing
from bot.incident.preview import Preview
from bot.incident.state import IncidentState
from bot.response.choices import NamesSeen
from bot.response.orders import Order
from bot.web.pages.forms import form_of
from bot.web.pages.people import person_in
from bot.web.pages.rendering import Rendering
from bot.web.parts import Parts

MINUTES: Final = {"15": "15 min", "30": "30 min", "60": "60 min", "240": "4 h", "1440": "24 h", "4320": "72 h"}
EXTENSIONS: Final = {"30": "30 min", "60": "60 min", "240": "4 h"}
PACE = 20
MOST_DIGITS = 5


@dataclass(frozen=True, slots=True)
class LeverPages:
    """``/incidents/{key}/levers`` and the preview of one lever under it."""

    parts: Parts
    rendering: Rendering

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/incidents/{key}/levers", self.show),
            Route("/incidents/{key}/levers", self.act, methods=["POST"]),
            Route("/incidents/{key}/levers/{kind}", self.preview),
            Route("/incidents/{key}/levers/{kind}", self.apply, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What is in force, what waits, and every lever."""
        return await self._page(request)

    async def act(self, request: Request) -> Response:
        """One of its buttons: extend, undo, another value, steps, yes or no."""
        filled = await form_of(request)
        key = request.path_params["key"]
        try:
            await self._done(filled, person_in(filled))
        except Refused as error:
            return await self._page(request, _status(error), str(error), filled)
        return RedirectResponse(f"/incidents/{key}/levers", 303)

    async def preview(self, request: Request) -> Response:
        """What one lever would do as the address says it; nothing is changed."""
        return await self._lever(request, dict(request.query_params))

    async def apply(self, request: Request) -> Response:
        """Apply what the preview showed; anything else is previewed first, with what was typed."""
        filled, key = await form_of(request), request.path_params["key"]
        try:
            order = self._order(_kind_in(request), filled)
            if filled.get("shown") != _stamp(order):
                return await self._lever(request, filled, news="You changed it. Look again: nothing was applied yet.")
            by = person_in(filled)
            await self.parts.verbs.apply(key, order, by, f"page:{filled.get('click') or self.parts.ids.new()}")
        except Refused as error:
            return await self._lever(request, filled, str(error), _status(error))
        return RedirectResponse(f"/incidents/{key}/levers", 303)

    async def _done(self, filled: Mapping[str, str], by: Person) -> None:
        verbs, idem = self.parts.verbs, f"page:{filled.get('click') or self.parts.ids.new()}"
        one, text, alone = filled.get("id", ""), filled.get("text", ""), filled.get("alone", "")
        match filled.get("do"):
            case "extend":
                await verbs.extend(one, _whole(filled.get("minutes", "")), by, idem)
            case "undo":
                await verbs.revert(one, text, by, idem, alone=alone)
            case "adjust":
                await verbs.adjust(one, filled.get("value", ""), text, by, idem, alone=alone)
            case "steps":
                steps = tuple(step.strip() for step in filled.get("steps", "").split(",") if step.strip())
                await verbs.plan_exit(one, steps, _whole(filled.get("minutes", "")), text, by, idem)
            case "approve" | "refuse":
                await verbs.decide.answer(one, by, granted=filled["do"] == "approve", note=text)
            case _:
                raise BadInput("do", "Press one of the buttons of the page.")

    def _order(self, kind: MitigationKind, filled: Mapping[str, str]) -> Order:
        value = filled.get("value", "").strip() or None
        scope = Scope(**{name: filled.get(name, "").strip() for name in DIMENSIONS})
        minutes = _whole(filled.get("minutes") or "60")
        override, supersedes = filled.get("override", "").strip() or None, filled.get("supersedes", "")
        return Order(kind, value, minutes, filled.get("reason", ""), override, scope, supersedes)

    async def _lever(
        self, request: Request, filled: Mapping[str, str], error: str = "", status: int = 200, news: str = ""
    ) -> Response:
        kind, state = _kind_in(request), await self.parts.verbs.look.state(request.path_params["key"])
        agent = state.incident.agent
        names = await NamesSeen(self.parts.traces, self.parts.catalogue, self.parts.clock)(agent)
        found, order = None, self._order(kind, filled)
        try:
            found = await self.parts.verbs.preview(order, key=state.incident.key)
        except BadInput as problem:  # without a value there is nothing to preview yet
            error = error or (str(problem) if order.value is not None or problem.field != "value" else "")
        live, _ = await self.parts.verbs.in_force(agent)
        values = _lever_values(state, found, order, names, live)
        return self.rendering.page(
            "lever", status, **values, filled=filled, error=error, news=news, click=self.parts.ids.new()
        )

    async def _page(
        self, request: Request, status: int = 200, error: str = "", filled: Mapping[str, str] | None = None
    ) -> Response:
        verbs = self.parts.verbs
        state = await verbs.look.state(request.path_params["key"])
        is_open = state.status.is_open
        return self.rendering.page(
            "levers",
            status,
            state=state,
            incident=state.incident,
            is_open=is_open,
            unclassified=UNCLASSIFIED,
            groups=_groups(await verbs.offers(state.incident.key, every=True)) if is_open else (),
            figure=figure_of,
            repairs=await verbs.remediations(state.incident.key) if is_open else (),
            controls=[_control(one.mitigation) for one in state.live_mitigations],
            others=[rule for rule in self._in_force(state) if rule.incident != state.incident.key],
            label_of=label_of,
            status_of=state.mitigations,
            extensions=EXTENSIONS,
            proof_line=proof_line,
            error=error,
            filled=filled or {},
            click=self.parts.ids.new(),
            kinds=list(MitigationKind),
        )

    def _in_force(self, state: IncidentState) -> tuple[Rule, ...]:
        """What the agent reads now, whichever incident asked for it."""
        return self.parts.control.controls(state.incident.agent).rules


def _lever_values(
    state: IncidentState, found: Preview | None, order: Order, names: Choices, live: tuple[Mitigation, ...]
) -> dict[str, Any]:
    kind = order.kind
    pins = [m for m in live if m.kind is kind and m.state.is_live] if LEVERS[kind].joining is Joining.ALONE else []
    return {
        "state": state,
        "incident": state.incident,
        "kind": kind,
        "found": found,
        "order": order,
        "label": found.wanted.label if found else kind.label,
        "does": LEVERS[kind].does,
        "against": found is not None and found.standing is Standing.CONTRAINDICATED,
        "is_switch": LEVERS[kind].is_switch,
        "unit": UNITS.get(kind, ""),
        "options": [figure_of(one) for one in names.values(kind, found.wanted.value if found else None)],
        "value": figure_of(found.wanted.value) if found and not LEVERS[kind].is_switch else "",
        "scopes": {name: _seen(names, name) for name in DIMENSIONS},
        "chosen": {name: getattr(order.scope, name) for name in DIMENSIONS},
        "pins": pins,
        "minutes": MINUTES,
        "stamp": _stamp(order),
    }


def _seen(names: Choices, dimension: str) -> list[str]:
    return [value for scope in names.scopes if (value := str(getattr(scope, dimension)))]


def _control(m: Mitigation) -> dict[str, Any]:
    """One control in force, with what can be done about it."""
    ineffective = m.state is MitigationState.INEFFECTIVE
    return {
        "m": m,
        "is_switch": LEVERS[m.kind].is_switch,
        "unit": UNITS.get(m.kind, ""),
        "steps": ", ".join(figure_of(step) for step in way_out(m.kind, m.value)),
        "pace": PACE,
        "returns": LEVERS[m.kind].undone.format(figure_of(m.value)),
        "stronger": stronger(m.kind)[:1] if ineffective else (),
        "exit": [figure_of(step) for step in m.exit.steps[m.exit.done :]] if m.exit else None,
    }


def _groups(offers: Any) -> list[tuple[str, list[Any]]]:
    """The offers by standing, best first, then the kinds for which nothing could be suggested."""
    heads = {Standing.FITS: "Fits", Standing.ALLOWED: "Possible", Standing.CONTRAINDICATED: "Advised against"}
    return [
        (head, [one for one in offers if one.standing is standing])
        for standing, head in heads.items()
        if any(one.standing is standing for one in offers)
    ]


def _stamp(order: Order) -> str:
    """What a preview was of, so that an order can be told from another one. Reasons and minutes may change freely."""
    return repr((order.kind.value, str(order.value or ""), order.scope.in_words, order.supersedes))


def _kind_in(request: Request) -> MitigationKind:
    named = request.path_params["kind"]
    if named not in set(MitigationKind):
        raise BadInput("kind", "There is no such lever. Go back to the incident and choose one.")
    return MitigationKind(named)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def _status(error: Refused) -> int:
    return 422 if isinstance(error, BadInput) else 409
