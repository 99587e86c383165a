"""Watch mitigations until they are proven, or until it must be said that they are not."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.incident.composition import Controls, compose
from bot.incident.errors import FirstfiveError
from bot.incident.facts.mitigating import MitigationProven
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.mitigation_folding import PROVABLE, proven_state
from bot.incident.model import FIRSTFIVE, Catalogue
from bot.incident.obedience import may_bind
from bot.incident.proof import Before, Proof, Verdict, observe
from bot.incident.telemetry import Trace
from bot.ports import Clock, Records, Traces
from bot.response.driving import Drivers
from bot.response.gather import nanoseconds
from bot.response.recording import record
from bot.response.settling import escalate
from bot.watching import watch

log = logging.getLogger(__name__)

INTERVAL = 0.4  # seconds between looks while something waits for proof
QUIET_AFTER_FAILURE = 2.0  # seconds
YOUNG = timedelta(minutes=3)
NOW_AND_THEN = timedelta(seconds=10)
COMPARED = timedelta(minutes=10)  # before a mitigation whose effect shows only in comparison
MOST_COMPARED = 4000
MOST_TASKS = 200  # of one agent, the newest
MOST_AT_ONCE = 20  # mitigations in one look, some 100 ms of work
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ProofWatch:
    """Read back, count deliveries, look at new traces; put what changed on the timeline."""

    records: Records
    clock: Clock
    drivers: Drivers
    traces: Traces
    catalogue: Catalogue
    _looked: dict[str, datetime] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)  # the proof of each that stands on the timeline already
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
        due = self._due(waiting)
        tasks = _Tasks(self, due)
        for mitigation in due:
            revision = revisions.get(mitigation.agent, 0)
            after = compose(mitigation.agent, mitigation.scope, live, revision)
            try:
                await self._prove(mitigation, after, await tasks.since(mitigation))
            except FirstfiveError as error:  # one control plane that is away keeps no other from being proven
                if mitigation.id not in self._unasked:
                    log.warning("%s on %s cannot be proven now: %s", mitigation.label, mitigation.agent, error)
                self._unasked.add(mitigation.id)
            else:
                self._unasked.discard(mitigation.id)
        return len(waiting)

    async def _prove(self, mitigation: Mitigation, after: Controls, tasks: Sequence[Trace]) -> None:
        driver = self.drivers.of(mitigation)
        proof = Proof(
            read_back=await driver.read_back(mitigation, after),
            delivery=await driver.delivery(mitigation),
            effect=observe(mitigation, tasks, self.clock.now(), await self._before(mitigation)),
        )
        moved = proven_state(proof)
        stamp = int(mitigation.applied_at.timestamp() * 1000)  # another value, another proof
        idem = f"proof:{mitigation.id}:{stamp}:{milestone(proof)}"
        if self._told.get(mitigation.id) == idem:
            return
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
        self._told[mitigation.id] = idem

    def _due(self, waiting: Sequence[Mitigation]) -> list[Mitigation]:
        """Young ones at every look, older ones now and then: an answer may still come, or change.

        Of many, those that were not looked at for longest, so that a look takes no more than a moment.
        """
        now, kept = self.clock.now(), {m.id for m in waiting}
        for gone in [name for name in {**self._looked, **self._told} if name not in kept]:
            self._looked.pop(gone, None)
            self._told.pop(gone, None)
        due = [m for m in waiting if now - m.applied_at < YOUNG or not self._just_looked(m, now)]
        due = sorted(due, key=lambda m: self._looked.get(m.id, BEFORE))[:MOST_AT_ONCE]
        for m in due:
            self._looked.pop(m.id, None)
            self._looked[m.id] = now
        return due

    def _just_looked(self, mitigation: Mitigation, now: datetime) -> bool:
        last = self._looked.get(mitigation.id)
        return last is not None and last <= now < last + NOW_AND_THEN

    async def _before(self, mitigation: Mitigation) -> Before | None:
        """How many tasks there were before, for what only shows in comparison."""
        if mitigation.kind is not MitigationKind.CANARY_SHARE:
            return None
        at = mitigation.applied_at
        agent = self.catalogue.agent(mitigation.agent)
        start, end = nanoseconds(at - COMPARED), nanoseconds(at)
        found = await self.traces.readings(agent.telemetry_names, start, end, MOST_COMPARED)
        bound = sum(may_bind(mitigation.scope, task) for task in found)
        return Before(bound, COMPARED.total_seconds())


class _Tasks:
    """Tasks since each of several mitigations was applied; an agent's are read once for all of its mitigations."""

    def __init__(self, watch: ProofWatch, due: Sequence[Mitigation]) -> None:
        self._watch = watch
        self._due = due
        self._read: dict[str, tuple[Trace, ...]] = {}

    async def since(self, mitigation: Mitigation) -> tuple[Trace, ...]:
        """The newest tasks of its agent that started since it was applied."""
        if mitigation.agent not in self._read:
            oldest = min(m.applied_at for m in self._due if m.agent == mitigation.agent)
            self._read[mitigation.agent] = await self._newest(mitigation.agent, oldest)
        start = nanoseconds(mitigation.applied_at)
        return tuple(task for task in self._read[mitigation.agent] if task.start_ns >= start)

    async def _newest(self, agent: str, since: datetime) -> tuple[Trace, ...]:
        start, end = nanoseconds(since), nanoseconds(self._watch.clock.now())
        found: list[Trace] = []
        for name in sorted(self._watch.catalogue.agent(agent).telemetry_names):
            found.extend(await self._watch.traces.traces(name, start, end, MOST_TASKS))
        return tuple(found)


def milestone(proof: Proof) -> str:
    """What is worth a new entry: a changed verdict, read-back, or first and full delivery. Counts alone are not."""
    delivery = proof.delivery
    reached = "all" if delivery.instances and delivery.reached == delivery.instances else "some"
    heard = reached if delivery.reached else "none"
    settled = proof.effect.verdict if proof.effect.verdict is not Verdict.WAITING else "waiting"
    return f"{proof.read_back.confirmed}:{heard}:{settled}"
