"""Look before the click: gather what the preview of one order needs. Nothing is written."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.incident.composition import compose
from bot.incident.direction import change, direction
from bot.incident.environments import Wanted, kept
from bot.incident.errors import Conflict, FirstfiveError, NeedsSecondPerson, NotFound, Unsupported
from bot.incident.fitness import judge
from bot.incident.lasting import within_maximum
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import Agent, Catalogue
from bot.incident.offer import Standing
from bot.incident.preview import Preview, conflicts_of, proofs_of, undo_of
from bot.incident.proof import Delivery
from bot.incident.reach import reach, running, sessions_of, sharing
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.state import IncidentState
from bot.incident.suggestions import too_tight
from bot.ports import Clock, Records, Traces
from bot.response.driving import Drivers
from bot.response.gather import MOST_TASKS, nanoseconds
from bot.response.known import warnings_for
from bot.response.mitigate import wrong_share
from bot.response.orders import Order, checked_order, contraindication, drafted, supersession
from bot.response.recording import state_of

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
NEIGHBOURS, OF_EACH = 20, 60  # other agents looked at, and tasks of each
PATIENCE = 2.0  # seconds for what is only nice to know


@dataclass(frozen=True, slots=True)
class PreviewOrder:
    """What an order would do, for an incident or for an agent before there is one."""

    records: Records
    clock: Clock
    traces: Traces
    catalogue: Catalogue
    drivers: Drivers
    taxonomy: Taxonomy

    async def __call__(self, order: Order, *, key: str | None = None, agent: str = "") -> Preview:
        """The preview.

        Raises:
            NotFound: there is no such incident.
            BadInput: minutes, value or scope cannot be used.
        """
        checked_order(order)
        async with self.records.look() as work:
            state = await state_of(work, key) if key else None
            live, revisions = await work.mitigations.live()
        name = state.incident.agent if state else self.catalogue.agent(agent).name
        now = self.clock.now()
        wanted, plan, refusal = self._wanted(name, order, state, now)
        entry, where = self.catalogue.agent(name), order.scope.environment
        failing = await wrong_share(self.traces, entry, state.incident.environment if state else where, now)
        hour, day = await self._traffic(entry, where, HOUR, now), await self._traffic(entry, where, DAY, now)
        busy = running(hour.tasks, nanoseconds(now))
        standing, why = self._judged(wanted, state, failing, day.tasks)
        delivery = await self._delivery(wanted)
        before = compose(name, order.scope, live, revisions.get(name, 0))
        after = compose(name, order.scope, [*live, replace(wanted, state=MitigationState.APPLIED)], 0)
        against = contraindication(state, order, self.taxonomy, failing) if state else None
        blocked, approval = _superseding(live, wanted)
        wanted, sooner, too_long = _lasting(live, wanted, now)
        known = await warnings_for(self.traces, self.catalogue, name, order.kind, order.value, order.scope, now)
        return Preview(
            wanted=wanted,
            standing=standing,
            why=why,
            running=len(busy),
            reaches=tuple(reach(order.kind, wanted.value, tasks, hours, cut=cut) for tasks, hours, cut in (hour, day)),
            sessions=sessions_of(busy),
            instances=delivery.instances,
            stale=delivery.stale,
            before=before.in_words,
            after=after.in_words,
            direction=direction(before, after).direction,
            conflicts=conflicts_of(wanted, live),
            shared=sharing(hour.tasks[-OF_EACH:], await self._others(name, now)),
            warnings=(*sooner, *known),
            plan=plan,
            proof=proofs_of(wanted),
            undo=undo_of(wanted),
            refusal=refusal or against or blocked or too_long,
            approval=approval,
        )

    def _wanted(
        self, agent: str, order: Order, state: IncidentState | None, now: datetime
    ) -> tuple[Mitigation, tuple[str, ...], str]:
        wanted = drafted(agent, order, state, now)
        try:
            driver = self.drivers.serving(agent, order.kind)
            wanted = replace(wanted, driver=driver.name)
            applied = replace(wanted, state=MitigationState.APPLIED)
            return wanted, driver.plan(applied, compose(agent, order.scope, [applied], 0)).words, ""
        except Unsupported as error:
            return wanted, (), str(error)

    def _judged(
        self, wanted: Mitigation, state: IncidentState | None, failing: float, day: Sequence[Reading]
    ) -> tuple[Standing, str]:
        """How it stands to the class, and why; what fits is only allowed where it would end usual tasks of the day."""
        known = state.incident_class if state else None
        harm = state.harm_now if state else False
        standing, why = judge(wanted.kind, known, self.taxonomy, harm_now=harm, failing=failing)
        tight = too_tight(wanted.kind, wanted.value, day) if standing is Standing.FITS else ""
        return (Standing.ALLOWED, tight) if tight else (standing, why)

    async def _traffic(self, agent: Agent, environment: str, back: timedelta, now: datetime) -> "_Traffic":
        start, end = nanoseconds(now - back), nanoseconds(now) + 1
        tasks = await self.traces.readings(agent.telemetry_names, start, end, MOST_TASKS)
        counted = kept(tasks, Wanted(environment, agent.environments)).readings
        return _Traffic(counted, back // HOUR, len(tasks) >= MOST_TASKS)

    async def _delivery(self, wanted: Mitigation) -> Delivery:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.drivers.of(wanted).delivery(wanted)
        except (TimeoutError, FirstfiveError):
            return Delivery(0, 0)

    async def _others(self, agent: str, now: datetime) -> Mapping[str, tuple[Reading, ...]]:
        start, end = nanoseconds(now - HOUR), nanoseconds(now) + 1
        own = self.catalogue.agent(agent).telemetry_names
        try:
            async with asyncio.timeout(PATIENCE):
                sending = await self.traces.agents(start, end)
                names = [name for name in sending if name not in own][:NEIGHBOURS]
                return await self.traces.sampled(names, start, end, OF_EACH) if names else {}
        except (TimeoutError, FirstfiveError):
            return {}


class _Traffic(NamedTuple):
    """Tasks of the environment in the last hours, in order of time."""

    tasks: Sequence[Reading]
    hours: int
    cut: bool  # there are more than were read


def _lasting(live: Sequence[Mitigation], wanted: Mitigation, now: datetime) -> tuple[Mitigation, tuple[str, ...], str]:
    """The order with the end it would get, what is said where that is sooner, and why it would be refused."""
    try:
        wanted, cut = within_maximum(live, wanted, now)
    except NeedsSecondPerson as error:
        return wanted, (), str(error)
    return wanted, (cut,) if cut else (), ""


def _superseding(live: Sequence[Mitigation], wanted: Mitigation) -> tuple[str, str]:
    """Why it would be refused beside what is in force, and why a second person would have to approve it."""
    try:
        superseded = supersession(live, wanted)
    except (Conflict, NotFound) as error:
        return str(error), ""
    if superseded is None:
        return "", ""
    way = change(live, superseded, replace(wanted, state=MitigationState.APPLIED))
    return "", way.reason if way.is_riskier else ""
