"""Watch mitigations until they are proven, or until it must be said that they are not."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.composition import Controls, compose
from bot.incident.errors import FirstfiveError
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState, Proof, Verdict
from bot.incident.model import FIRSTFIVE, Catalogue
from bot.incident.proof import Before, observe
from bot.incident.telemetry import Trace
from bot.incident.timeline import PROVABLE, MitigationProven, state_of
from bot.ports import Clock, Records, Traces
from bot.response.carry_out import escalate
from bot.response.driving import Drivers
from bot.response.gather import nanoseconds
from bot.response.recording import record
from bot.watching import watch

log = logging.getLogger(__name__)

INTERVAL = 0.4  # seconds between looks while something waits for proof
QUIET_AFTER_FAILURE = 2.0  # seconds
YOUNG = timedelta(minutes=3)
NOW_AND_THEN = timedelta(seconds=10)
COMPARED = timedelta(minutes=10)  # before a mitigation whose effect shows only in comparison
MOST_COMPARED = 4000


@dataclass(frozen=True, slots=True)
class ProofWatch:
    """Read back, count deliveries, look at new traces; put what changed on the timeline."""

    records: Records
    clock: Clock
    drivers: Drivers
    traces: Traces
    catalogue: Catalogue
    _looked: dict[str, datetime] = field(default_factory=dict)
    _unasked: set[str] = field(default_factory=set)  # those whose control plane could not be asked, said once

    async def run(self) -> None:
        """Look again and again until cancelled; a database that is away is asked again a little later."""
        words = "Mitigations could not be watched; their proof comes later."
        await watch(self.look, log, words, INTERVAL, QUIET_AFTER_FAILURE)

    async def look(self) -> int:
        """Look once at every mitigation that waits for proof; returns how many there were."""
        async with self.records.look() as work:
            live, revisions = await work.mitigations.live()
        waiting = [m for m in live if not m.state.is_proven_or_given_up]
        for mitigation in [m for m in waiting if self._due(m)]:
            revision = revisions.get(mitigation.agent, 0)
            after = compose(mitigation.agent, mitigation.scope, live, revision)
            try:
                await self._prove(mitigation, after)
            except FirstfiveError as error:  # one control plane that is away keeps no other from being proven
                if mitigation.id not in self._unasked:
                    log.warning("%s on %s cannot be proven now: %s", mitigation.label, mitigation.agent, error)
                self._unasked.add(mitigation.id)
            else:
                self._unasked.discard(mitigation.id)
        return len(waiting)

    async def _prove(self, mitigation: Mitigation, after: Controls) -> None:
        driver = self.drivers.of(mitigation)
        proof = Proof(
            read_back=await driver.read_back(mitigation, after),
            delivery=await driver.delivery(mitigation),
            effect=observe(mitigation, await self._since(mitigation), self.clock.now(), await self._before(mitigation)),
        )
        moved = state_of(proof)
        stamp = int(mitigation.applied_at.timestamp() * 1000)  # another value, another proof
        idem = f"proof:{mitigation.id}:{stamp}:{milestone(proof)}"
        async with self.records.begin() as work:
            current = await work.mitigations.get(mitigation.id)
            if current is None or current.state not in PROVABLE or current.applied_at != mitigation.applied_at:
                return
            if await record(
                work, mitigation.incident, MitigationProven(mitigation.id, proof), FIRSTFIVE, self.clock.now(), idem
            ):
                await work.mitigations.put(current.moved(moved))
                if moved is MitigationState.INEFFECTIVE:
                    await escalate(work, current, proof.effect.detail, self.clock)

    def _due(self, mitigation: Mitigation) -> bool:
        """At every look while it is young, later now and then: an answer may still come, or change."""
        now = self.clock.now()
        if now - mitigation.applied_at < YOUNG:
            return True
        last = self._looked.get(mitigation.id)
        if last is not None and last <= now < last + NOW_AND_THEN:
            return False
        self._looked[mitigation.id] = now
        return True

    async def _before(self, mitigation: Mitigation) -> Before | None:
        """How many tasks there were before, for what only shows in comparison."""
        if mitigation.kind is not MitigationKind.CANARY_SHARE:
            return None
        at = mitigation.applied_at
        names = self.catalogue.agent(mitigation.agent).telemetry_names
        found = await self.traces.readings(names, nanoseconds(at - COMPARED), nanoseconds(at), MOST_COMPARED)
        return Before(len(found), COMPARED.total_seconds())

    async def _since(self, mitigation: Mitigation) -> tuple[Trace, ...]:
        start, end = nanoseconds(mitigation.applied_at), nanoseconds(self.clock.now())
        found: list[Trace] = []
        for name in sorted(self.catalogue.agent(mitigation.agent).telemetry_names):
            found.extend(await self.traces.traces(name, start, end, 200))
        return tuple(found)


def milestone(proof: Proof) -> str:
    """What is worth a new entry: a changed verdict, read-back, or first and full delivery. Counts alone are not."""
    delivery = proof.delivery
    reached = "all" if delivery.instances and delivery.reached == delivery.instances else "some"
    heard = reached if delivery.reached else "none"
    settled = proof.effect.verdict if proof.effect.verdict is not Verdict.WAITING else "waiting"
    return f"{proof.read_back.confirmed}:{heard}:{settled}"
