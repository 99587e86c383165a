"""Watch whether what a lever should move does move, and ask about the class when it does not."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from bot.incident.errors import FirstfiveError
from bot.incident.facts.classifying import ClassDoubted
from bot.incident.mitigation import Mitigation
from bot.incident.model import FIRSTFIVE
from bot.incident.movement import Movement, movement
from bot.incident.quantities import in_minutes
from bot.incident.rules import LeverFit
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, Work
from bot.response.gather import Gather
from bot.response.recording import post, record, state_of
from bot.watching import watch

log = logging.getLogger(__name__)

INTERVAL = 30.0  # seconds between looks
LONGEST = timedelta(minutes=85)  # afterwards the time before the lever lies outside what a look reads


@dataclass(frozen=True, slots=True)
class MovementWatch:
    """For each lever in force: is the signal that its class should lose, lost?"""

    records: Records
    clock: Clock
    gather: Gather
    helped: set[tuple[str, IncidentClass]] = field(default_factory=set)  # levers that moved what they should

    async def run(self) -> None:
        """Look again and again until cancelled."""
        words = "Whether mitigations help could not be looked at; it is tried again."
        await watch(self.look, log, words, INTERVAL, INTERVAL)

    async def look(self) -> int:
        """Look once at every lever in force; returns about how many classes a question was asked."""
        async with self.records.look() as work:
            live, _ = await work.mitigations.live()
        return sum([await self._about(mitigation) for mitigation in live])

    async def _about(self, mitigation: Mitigation) -> bool:
        async with self.records.look() as work:
            state = await state_of(work, mitigation.incident)
        fit = self._fit(state, mitigation)
        if fit is None or not self._due(mitigation, state, fit):
            return False
        try:
            found = await self._moved(mitigation, fit, mitigation.environment or state.incident.environment)
        except FirstfiveError as error:
            log.warning("whether %s helps cannot be seen: %s", mitigation.label, error)
            return False
        if found.moved and state.incident_class:
            self.helped.add((mitigation.id, state.incident_class))
        if found.moved is not False:
            return False
        async with self.records.begin() as work:
            return await self._ask(work, mitigation, fit, found)

    def _fit(self, state: IncidentState, mitigation: Mitigation) -> LeverFit | None:
        """What the lever should move for the class that is set; None where nothing is expected or was asked."""
        named = state.incident_class
        if named is None or state.doubt is not None or not state.status.is_open:
            return None
        if (mitigation.id, named) in self.helped:
            return None
        fit = self.gather.taxonomy.facts(named).levers.get(mitigation.kind)
        return fit if fit is not None and fit.moves else None

    def _due(self, mitigation: Mitigation, state: IncidentState, fit: LeverFit) -> bool:
        """The lever, and the class, have had their time."""
        began = max(mitigation.applied_at, state.set_at or mitigation.applied_at)
        passed = self.clock.now() - began
        return passed >= timedelta(minutes=fit.within) and self.clock.now() - mitigation.applied_at <= LONGEST

    async def _moved(self, mitigation: Mitigation, fit: LeverFit, environment: str) -> Movement:
        then = await self.gather(mitigation.agent, mitigation.applied_at, environment=environment)
        now = self.clock.now()
        since = await self.gather(mitigation.agent, now, now - mitigation.applied_at, environment=environment)
        return movement(fit.moves, then, since)

    async def _ask(self, work: Work, mitigation: Mitigation, fit: LeverFit, found: Movement) -> bool:
        """Once for each lever and class, even where several of us look."""
        state = await state_of(work, mitigation.incident)
        named = state.incident_class
        if named is None or self._fit(state, mitigation) != fit:
            return False
        fact = ClassDoubted(mitigation.id, named, found.detail)
        task = f"doubt:{mitigation.id}:{named}"
        if not await record(work, mitigation.incident, fact, FIRSTFIVE, self.clock.now(), task):
            return False
        held = in_minutes((self.clock.now() - mitigation.applied_at).total_seconds() / 60)
        text = (
            f"{mitigation.label} has been in force for {held} and does not show: {found.detail}. Is it {named}? "
            "Look at the class again on the card: change it, or confirm it with a word why."
        )
        await post(work, mitigation.incident, task, text)
        return True
