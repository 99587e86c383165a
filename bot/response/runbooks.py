"""Runbooks in use: the checklist of an incident, and ticking its steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.checklist import Checklist, checklist_of
from bot.incident.errors import BadInput, NotFound
from bot.incident.facts.classifying import StepTicked
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records
from bot.response.mitigate import Apply, Offers
from bot.response.orders import Order
from bot.response.recording import open_state_of, record, state_of

Runbooks = Mapping[IncidentClass, Runbook]


def runbook_of(state: IncidentState, runbooks: Runbooks) -> Runbook | None:
    """The runbook of the class that is set; before that, the one of UNKN."""
    return runbooks.get(state.incident_class or IncidentClass.UNKN)


@dataclass(frozen=True, slots=True)
class ReadRunbook:
    """The checklist of an incident, or a class's runbook."""

    records: Records
    runbooks: Runbooks

    async def __call__(self, key: str) -> Checklist:
        """The steps of the incident's class with who ticked them.

        Raises:
            NotFound: no such incident, or its class has no runbook.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        return checklist_of(state, self.named(state.incident_class or IncidentClass.UNKN))

    def of(self, state: IncidentState) -> Checklist | None:
        """The same for a state at hand; None when its class has no runbook."""
        runbook = runbook_of(state, self.runbooks)
        return checklist_of(state, runbook) if runbook else None

    def named(self, incident_class: IncidentClass | str) -> Runbook:
        """The runbook of one class, whatever the case of its name.

        Raises:
            NotFound: there is no such class, or it has no runbook.
        """
        wanted = incident_class.strip().upper()
        found = next((book for name, book in self.runbooks.items() if name.value == wanted), None)
        if found is None:
            known = ", ".join(name.value for name in self.runbooks) or "none"
            raise NotFound(f"No runbook for {incident_class[:20]} here. These have one: {known}.")
        return found


@dataclass(frozen=True, slots=True)
class TickStep:
    """Tick or untick a step of the incident's runbook. The last word counts; each one stays on the timeline."""

    records: Records
    clock: Clock
    runbooks: Runbooks

    async def __call__(self, key: str, step: str, by: Person, idem: str, *, done: bool = True) -> IncidentState:
        """The state after ticking; a step that is already so changes nothing.

        Raises:
            NotFound: no such incident, or its runbook has no such step.
            Closed: it is resolved or reviewed.
        """
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "step of its runbook")
            runbook = runbook_of(state, self.runbooks)
            wanted = runbook.step(step) if runbook else None
            if runbook is None or wanted is None:
                named = state.incident_class or IncidentClass.UNKN
                raise NotFound(f"The runbook of {named.value} has no step {step[:60]!r}. Look at the checklist again.")
            tick = state.ticks.get((runbook.incident_class, wanted.id))
            if done is (tick is not None and tick.fact.done):
                return state
            fact = StepTicked(runbook.incident_class, wanted.id, wanted.text, done, runbook.edition)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"tick:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class PullStep:
    """The button beside a step: pull its lever as it is offered, then tick the step."""

    read: ReadRunbook
    tick: TickStep
    offers: Offers
    apply: Apply

    async def __call__(self, key: str, step: str, by: Person, idem: str) -> Mitigation:
        """The mitigation in force, with the figure that the offers learned; the same click again makes no second one.

        Raises:
            NotFound: no such incident, or its runbook has no such step.
            BadInput: the step has no lever.
            Closed: it is resolved or reviewed.
            Contraindicated: the lever would make this class worse.
        """
        runbook = (await self.read(key)).runbook
        wanted = runbook.step(step)
        if wanted is None:
            raise NotFound(f"The runbook of {runbook.incident_class.value} has no step {step[:60]!r}.")
        if not isinstance(wanted.action, MitigationKind):
            raise BadInput("step", f"Step {wanted.id} has no lever; do it by hand and tick it.")
        offered = next((offer for offer in await self.offers(key, every=True) if offer.kind is wanted.action), None)
        value = offered.value if offered else None
        order = Order(wanted.action, value, reason=f"runbook {runbook.incident_class.value}, step {wanted.id}")
        mitigation = await self.apply(key, order, by, idem)
        await self.tick(key, step, by, idem)
        return mitigation
