"""The way through the mitigation dialog: the levers, a preview, and the order. Nothing is remembered here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.incident.choices import full_label
from bot.incident.errors import BadInput, Closed, Conflict, Contraindicated, FirstfiveError
from bot.incident.facts.control import (
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationLifting,
    MitigationNotLifted,
    MitigationStrayed,
)
from bot.incident.facts.mitigating import MitigationApplied, MitigationExpired, MitigationExtended, MitigationReverted
from bot.incident.kinds import LEVERS
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.narration import narrate
from bot.incident.preview import Preview
from bot.incident.state import IncidentState
from bot.incident.timeline import Event
from bot.incident.wishes import value_of
from bot.response.choices import NamesSeen
from bot.response.orders import Order
from bot.slack.blocks import View
from bot.slack.desk import Desk
from bot.slack.views import mitigate
from bot.slack.views import preview as previewed

CHANGED = (
    MitigationApplied,
    MitigationReverted,
    MitigationExpired,
    MitigationExtended,
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationLifting,
    MitigationNotLifted,
    MitigationStrayed,
)
SHOWN_CHANGES = 3


@dataclass(frozen=True, slots=True)
class Levers:
    """Makes the screens and carries the order out."""

    desk: Desk

    async def listed(self, state: IncidentState) -> View:
        """Every lever, best first, and what repairs with what it waits for."""
        verbs, key = self.desk.verbs, state.incident.key
        offers = await verbs.offers(key, every=True)
        repairs = await verbs.remediations(key)
        return mitigate.list_view(state, offers, repairs, self.desk.public_url)

    async def preview(self, key: str, order: Order, news: str = "") -> View:
        """What the order would do. Without a value, and where none is on offer, the fields to choose it.

        Raises:
            NotFound, Closed: no such incident, or it is over.
        """
        state = await self.desk.verbs.look.state(key)
        if not state.status.is_open:
            raise Closed(f"{state.incident.key} is {state.status.value}, so it takes no mitigation any more.")
        order = await self._valued(state, order)
        live, _ = await self.desk.verbs.in_force(state.incident.agent)
        known = await NamesSeen(self.desk.traces, self.desk.catalogue, self.desk.clock)(state.incident.agent)
        found = await self._found(state, order)
        return previewed.preview(state, found, order, known, live, news=news)

    async def ordered(self, asked: previewed.Asked, by: Person, idem: str) -> View | None:
        """None when it was applied; else the preview of what changed, with the reason why nothing was applied.

        Raises:
            Refused: it was not applied; the sentence says why.
        """
        state = await self.desk.verbs.look.state(asked.key)
        if not asked.shown:
            label = full_label(asked.order.kind, value_of(asked.order.kind, asked.order.value), asked.order.scope)
            return await self.preview(
                asked.key, asked.order, f"Changed to {label}. Look again: nothing was applied yet."
            )
        live, _ = await self.desk.verbs.in_force(state.incident.agent)
        if previewed.fingerprint(live) != asked.seen:
            return await self.preview(asked.key, asked.order, await self._meanwhile(state, asked.since))
        try:
            await self.desk.verbs.apply(asked.key, asked.order, by, idem)
        except (Contraindicated, Conflict) as error:  # the class or what is in force changed while it stood open
            return await self.preview(asked.key, asked.order, f"Nothing was applied. {error}")
        return None

    async def _valued(self, state: IncidentState, order: Order) -> Order:
        """The order with the value on offer, where it names none."""
        if order.value is not None or LEVERS[order.kind].is_switch:
            return order
        offers = await self.desk.verbs.offers(state.incident.key, every=True)
        return replace(order, value=next((offer.value for offer in offers if offer.kind is order.kind), None))

    async def _found(self, state: IncidentState, order: Order) -> Preview | None:
        try:
            value_of(order.kind, order.value)
        except BadInput:
            return None
        return await self.desk.verbs.preview(order, key=state.incident.key)

    async def _meanwhile(self, state: IncidentState, since: int) -> str:
        """Who changed what in the meantime, for whoever is about to do the opposite."""
        events = await self.desk.verbs.look.timeline(state.incident.key)
        return meanwhile(state, [event for event in events if event.seq > since])


def meanwhile(state: IncidentState, events: Sequence[Event]) -> str:
    """What happened to the controls, and by whom, with what to do now."""
    said = [f"{event.by.name}: {narrate(event, state)}" for event in events if isinstance(event.fact, CHANGED)]
    what = " ".join(said[-SHOWN_CHANGES:]) or "somebody changed this agent's controls for another incident."
    return f"Meanwhile, {what} Nothing was applied: look again."


def ended_by(status_of: IncidentState, mitigation_id: str) -> str:
    """Who ended or changed it, in one sentence; empty where nothing is known."""
    status = status_of.mitigations.get(mitigation_id)
    if status is None or status.ended_by is None or status.ended_at is None:
        return ""
    ended: Mitigation = status.mitigation
    return f"{status.ended_by.name} ended {ended.label} at {status.ended_at:%H:%M} UTC."


async def told_who(desk: Desk, key: str, mitigation_id: str, error: FirstfiveError) -> str:
    """The sentence for a click that came too late, with who was first."""
    if not isinstance(error, Closed) or not key:
        return str(error)
    state = await desk.verbs.look.state(key)
    return f"{error} {ended_by(state, mitigation_id)}".strip()
