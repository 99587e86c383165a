"""Mitigate an agent before anybody has declared an incident, and read what is in force anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.incident.approval import Approval, incident_of
from bot.incident.errors import KeyReused, NotFound
from bot.incident.facts.approving import ApprovalRequested
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person, Via
from bot.incident.state import IncidentState, MitigationStatus
from bot.ports import Clock, Records
from bot.response.declare import Declaration, Declare
from bot.response.known import KnownAgent
from bot.response.mitigate import Apply
from bot.response.orders import Order, checked_order
from bot.response.recording import state_of

ASKED_WITHIN = timedelta(hours=24)  # a question stands for half an hour; its end may be late when we were away


@dataclass(frozen=True, slots=True)
class Contain:
    """Pull a lever on an agent; an incident is declared for it, so that the act has its timeline."""

    declare: Declare
    known: KnownAgent
    apply: Apply

    async def __call__(self, agent: str, order: Order, by: Person, idem: str, via: Via) -> Mitigation:
        """The mitigation, as :class:`bot.response.mitigate.Apply` answers it.

        Raises:
            NotFound: nobody has heard of the agent; the sentence names those that are near.
            BadInput: minutes, value or scope cannot be used; no incident is declared then.
            KeyReused: the key came for another agent before.
        """
        checked_order(order)
        name = await self.known(agent)
        title = f"{order.kind.label} on {name}, applied through {via.value}"
        state, _ = await self.declare(Declaration(title, name, via=via, detection=order.reason), by, idem)
        if state.incident.agent != name:
            raise KeyReused(
                f"This idempotency key was used for {state.incident.agent} before. Use a new key; {name} is untouched."
            )
        return await self.apply(state.incident.key, order, by, idem)


@dataclass(frozen=True, slots=True)
class InForce:
    """Mitigations of all agents, and the questions that are open."""

    records: Records
    clock: Clock

    async def __call__(self, agent: str | None = None) -> tuple[tuple[Mitigation, ...], Mapping[str, int]]:
        """Those that have not ended, oldest first, and every agent's revision."""
        async with self.records.look() as work:
            live, revisions = await work.mitigations.live()
        return tuple(m for m in live if agent in {None, m.agent}), revisions

    async def one(self, mitigation_id: str) -> tuple[Mitigation, MitigationStatus | None]:
        """One mitigation, ended or not, with what its incident's timeline knows of it.

        Raises:
            NotFound: there is none.
        """
        async with self.records.look() as work:
            found = await work.mitigations.get(mitigation_id)
            if found is None:
                raise NotFound("There is no such mitigation; `firstfive control list` shows what is in force.")
            state = await state_of(work, found.incident)
        return found, state.mitigations.get(mitigation_id)

    async def questions(self) -> tuple[Approval, ...]:
        """What waits for a second person, oldest first; none stands for longer than a day."""
        async with self.records.look() as work:
            live, _ = await work.mitigations.live()
            keys = {key for m in live if m.approval and (key := incident_of(m.approval))}
            keys |= set(await work.timelines.with_event(ApprovalRequested, self.clock.now() - ASKED_WITHIN))
            states: list[IncidentState] = [await state_of(work, key) for key in sorted(keys)]
        pending = [approval for state in states for approval in state.pending_approvals]
        return tuple(sorted(pending, key=lambda approval: approval.asked_at))
