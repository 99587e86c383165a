"""Carry a mitigation out through its control plane, and stay honest about what is not known.

A write is committed as "being applied" first; then the control plane is told, and only what it reads
back counts as in force. A durable job stands behind every try, so that a crash, a time-out or a
control plane that says yes and does nothing ends in a true state.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from bot.incident.composition import Controls, compose
from bot.incident.driving import Receipt
from bot.incident.errors import FirstfiveError, Misconfigured, Refused, Unavailable
from bot.incident.facts.control import (
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationEscalated,
    MitigationNotLifted,
    MitigationUncertain,
)
from bot.incident.facts.mitigating import MitigationExpired, MitigationReverted
from bot.incident.fitness import stronger
from bot.incident.kinds import Value
from bot.incident.mitigation import PROOF_DEADLINE, Ending, Mitigation, MitigationState, ReadBack
from bot.incident.model import FIRSTFIVE
from bot.incident.timeline import Fact
from bot.ports import Clock, Control, Driver, Job, JobName, Records, Work
from bot.response.driving import Drivers
from bot.response.recording import post, record
from bot.response.turns import Turn, WriteTurns

PATIENCE = 8.0  # seconds one try may take
PATIENCE_OF_PEOPLE = 2.0  # seconds somebody who clicked waits for it; the job goes on
PAUSES = (2, 5, 10, 20, 40, 60)  # seconds before the next try; the last one again and again

DECLINED = "declined"  # how the reason begins of a value that went back because its control plane said no
LIFT_AGAIN = (60, 300, 900, 3600)  # seconds after a control plane declined to lift; then somebody has to
UNHEARD = 8  # tries to lift without an answer, after which somebody is called
MOST_WRITES = 3  # in one turn, while what is in force moves on; the durable job goes on
_UNDER_WAY = frozenset({MitigationState.APPLYING, MitigationState.REVERTING, MitigationState.STILL_ON})


@dataclass(frozen=True, slots=True)
class Tried:
    """What one try came to. ``declined``: the control plane said no for good. ``why`` is for people."""

    read: ReadBack
    receipt: Receipt | None = None
    declined: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Tell the control plane, read back, and record what is true then."""

    records: Records
    clock: Clock
    control: Control
    drivers: Drivers

    async def __call__(
        self, mitigation_id: str, patience: float = PATIENCE, *, first: bool = False
    ) -> Mitigation | None:
        """Try once; the mitigation as it is known to be afterwards. One that is not under way is left alone.

        Unless it is the ``first`` try, an earlier one may have done it, so reading back comes before writing.
        """
        async with self.records.look() as work:
            mitigation = await work.mitigations.get(mitigation_id)
        if mitigation is None or mitigation.state not in _UNDER_WAY:
            return mitigation
        turns = WriteTurns(self.records, self.clock)
        turn = await turns.take(mitigation, 0)
        if turn is None and not first and (settled := await self._read(mitigation_id)) is not None:
            return settled
        turn = turn or await turns.take(mitigation, patience)
        if turn is None:
            return await self._later(mitigation)
        settled = mitigation
        try:
            for write in range(MOST_WRITES):
                settled, overtaken = await self._round(mitigation_id, turn, patience, first=first and not write)
                if not overtaken:
                    break
        finally:
            await turns.leave(turn)
        await self.control.publish()
        return settled

    async def _read(self, mitigation_id: str) -> Mitigation | None:
        """Settled by reading alone, while somebody else has the turn to write: whoever had it may have died."""
        async with self.records.look() as work:
            m = await work.mitigations.get(mitigation_id)
            live, revisions = await work.mitigations.live()
        if m is None or m.state not in _UNDER_WAY:
            return m
        after = _after(m, live, revisions)
        try:
            read = await read_back(self.drivers.of(m), m, after)
        except Misconfigured:
            return None
        if not read.confirmed:
            return None
        async with self.records.begin() as work:
            current = await work.mitigations.get(mitigation_id)
            if current is None or not await _stands(work, m, current, after):
                return None
            settled = await self._settle(work, current, Tried(read), after)
        await self.control.publish()
        return settled

    async def _later(self, m: Mitigation) -> Mitigation:
        """Another write to the same place goes on for long: look again after it."""
        job = drive_of(m, PAUSES[0], self.clock)
        async with self.records.begin() as work:
            await work.jobs.schedule(replace(job, id=f"{job.id}:{int(job.run_at.timestamp())}"))
        return m

    async def _round(
        self, mitigation_id: str, turn: Turn, patience: float, *, first: bool
    ) -> tuple[Mitigation | None, bool]:
        """One try in its turn, and whether what is in force has moved on meanwhile, so that it has to be told again."""
        async with self.records.look() as work:
            mitigation = await work.mitigations.get(mitigation_id)
            live, revisions = await work.mitigations.live()
        if mitigation is None or mitigation.state not in _UNDER_WAY:
            return mitigation, False
        after = _after(mitigation, live, revisions)
        tried = await self._try(mitigation, after, patience, first=first)
        async with self.records.begin() as work:
            current = await work.mitigations.get(mitigation_id)
            if current is None or (current.state, current.asked) != (mitigation.state, mitigation.asked):
                return current, False  # somebody else was quicker, or wants something else by now
            mine = await turn.is_mine(work)
            if mine and await _stands(work, mitigation, current, after):
                return await self._settle(work, current, tried, after), False
            return await self._overtaken(work, current, tried), mine

    async def _overtaken(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        """What was written is not what is in force by now; told again with a key of its own."""
        asked = sha256(f"{m.asked}\novertaken".encode()).hexdigest()
        requests = (*m.requests, *(tried.receipt.requests if tried.receipt else ()))
        again = await work.mitigations.put(replace(m, asked=asked, requests=requests, tried=m.tried + 1))
        await work.jobs.schedule(drive_of(again, PAUSES[0], self.clock))
        return again

    async def _try(self, mitigation: Mitigation, after: Controls, patience: float, *, first: bool) -> Tried:
        try:
            driver = self.drivers.of(mitigation)
        except Misconfigured as error:
            return Tried(ReadBack(confirmed=False, detail=str(error)), why=str(error))
        if not first:  # the last try may have done it without our hearing of it, or died before it could say so
            read = await read_back(driver, mitigation, after)
            if read.confirmed:
                return Tried(read)
        receipt, declined, why = await self._write(driver, mitigation, after, patience)
        read = await read_back(driver, mitigation, after)
        if receipt is not None and not read.confirmed:
            said = f" ({receipt.detail})" if receipt.detail else ""
            why = f"{driver.name} answered the write{said} and does not confirm it: {read.detail}"
        return Tried(read, receipt, declined=declined, why=why)

    async def _write(
        self, driver: Driver, mitigation: Mitigation, after: Controls, patience: float
    ) -> tuple[Receipt | None, bool, str]:
        lifting = mitigation.ending is not None
        key = f"{mitigation.id}:{'revert' if lifting else 'apply'}:{mitigation.asked[:12]}"
        try:
            plan = driver.plan(mitigation, after)
            if mitigation.ending:
                plan = replace(plan, asked_by=mitigation.ending.by)
            async with asyncio.timeout(patience):
                return await (driver.revert(plan, key) if lifting else driver.apply(plan, key)), False, ""
        except TimeoutError:
            return None, False, f"{driver.name} did not answer within {patience:g} s; the write may have happened"
        except Refused as error:
            return None, True, str(error)
        except Unavailable as error:
            return None, False, f"nothing was written to {driver.name}: {error}"
        except FirstfiveError as error:
            return None, False, str(error)

    async def _settle(self, work: Work, m: Mitigation, tried: Tried, after: Controls) -> Mitigation:
        requests = (*m.requests, *(tried.receipt.requests if tried.receipt else ()))
        m = replace(m, requests=requests, tried=m.tried + 1)
        if tried.read.confirmed:
            return await (self._ended(work, m, after) if m.ending else self._applied(work, m, tried))
        if tried.declined:
            return await self._declined(work, m, tried.why)
        return await self._again(work, m, tried)

    async def _applied(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        at = self.clock.now()
        detail = tried.read.detail
        fact = MitigationConfirmed(m.id, at, m.driver, detail, m.requests)
        await record(work, m.incident, fact, FIRSTFIVE, at, f"confirmed:{m.id}:{m.asked[:12]}:{m.tried}")
        return await work.mitigations.put(m.in_force(at))

    async def _ended(self, work: Work, m: Mitigation, after: Controls) -> Mitigation:
        ending = m.ending
        if ending is None:
            return m
        now = self.clock.now()
        fact: Fact
        if ending.state is MitigationState.EXPIRED:
            fact = MitigationExpired(m.id, ending.before, after.in_words)
        else:
            fact = MitigationReverted(
                m.id, ending.reason, ending.before, after.in_words, ending.alone, ending.approved_by
            )
        await record(work, m.incident, fact, ending.by, now, f"ended:{m.id}")
        return await work.mitigations.put(replace(m, state=ending.state, uncertain="", declined="", ending=None))

    async def _declined(self, work: Work, m: Mitigation, why: str) -> Mitigation:
        if m.ending:
            return await self._not_lifted(work, m, m.ending, why)
        before = await self._value_before(work, m)
        if before is not None:
            return await self._as_before(work, m, before, why)
        fact = MitigationDeclined(m.id, why)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), f"declined:{m.id}")
        await post(work, m.incident, f"declined:{m.id}", f"{m.label} on {m.target} is not in force: {why}")
        return await work.mitigations.put(replace(m, state=MitigationState.REFUSED, uncertain=why))

    async def _not_lifted(self, work: Work, m: Mitigation, ending: Ending, why: str) -> Mitigation:
        """It is still in force there: somebody is called, and it is told again a few times."""
        pause = LIFT_AGAIN[ending.declined] if ending.declined < len(LIFT_AGAIN) else None
        ending = replace(ending, declined=ending.declined + 1)
        still = replace(m, state=MitigationState.STILL_ON, declined=why, uncertain="", ending=ending)
        about = f"not-lifted:{m.id}:{m.asked[:12]}"
        fact = MitigationNotLifted(m.id, m.driver, why)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), about)
        if ending.declined == 1:
            await post(work, m.incident, about, f"<!channel> {_still_on(m, why)} It is told again within the hour.")
        if pause is None:
            text = f"<!channel> {_still_on(m, why)} It is not told again by itself: lift it there, or try again here."
            await post(work, m.incident, f"{about}:last", text)
        else:
            await work.jobs.schedule(drive_of(still, pause, self.clock))
        return await work.mitigations.put(still)

    async def _value_before(self, work: Work, m: Mitigation) -> Value | None:
        """The value in force before the one that was declined; None when there was none."""
        for event in reversed(await work.timelines.read(m.incident)):
            if isinstance(event.fact, MitigationConfirmed) and event.fact.mitigation == m.id:
                return None
            if isinstance(event.fact, MitigationAdjusted) and event.fact.mitigation == m.id:
                return None if event.fact.reason.startswith(DECLINED) else event.fact.was
        return None

    async def _as_before(self, work: Work, m: Mitigation, value: Value, why: str) -> Mitigation:
        """A declined change leaves in force what was: it is read back, and written again if it has to be."""
        asked = sha256(f"{m.asked}\nas before".encode()).hexdigest()
        back = await work.mitigations.put(replace(m, value=value, asked=asked, uncertain=why))
        live, revisions = await work.mitigations.live()
        words = compose(m.agent, m.scope, live, revisions.get(m.agent, 0)).in_words
        fact = MitigationAdjusted(m.id, m.value, value, f"{DECLINED} by {m.driver}: {why}", words, words)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), f"as-before:{m.id}:{asked[:12]}")
        text = f"{m.label} on {m.target} was declined, so {back.label.lower()} stays: {why}"
        await post(work, m.incident, f"as-before:{m.id}:{asked[:12]}", text)
        await work.jobs.schedule(drive_of(back, PAUSES[0], self.clock))
        return back

    async def _again(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        now = self.clock.now()
        if m.uncertain != tried.why:
            fact = MitigationUncertain(m.id, tried.why)
            await record(work, m.incident, fact, FIRSTFIVE, now, f"uncertain:{m.id}:{m.tried}")
        m = replace(m, uncertain=tried.why)
        if m.ending and m.tried == UNHEARD:
            text = (
                f"<!channel> {m.label} on {m.target} could not be lifted yet, so it may still be in force: {tried.why}"
            )
            await post(work, m.incident, f"unheard:{m.id}:{m.asked[:12]}", text)
        late = now - m.applied_at > PROOF_DEADLINE and not m.ending
        if late:
            await escalate(work, m, tried.why, self.clock)
        if (
            late and tried.receipt is not None
        ):  # it said yes all the time and does nothing: that is known, not uncertain
            return await work.mitigations.put(replace(m, state=MitigationState.INEFFECTIVE))
        await work.jobs.schedule(drive_of(m, PAUSES[min(m.tried, len(PAUSES)) - 1], self.clock))
        return await work.mitigations.put(m)


async def read_back(driver: Driver, mitigation: Mitigation, after: Controls) -> ReadBack:
    """What the control plane reads; one that does not answer in time is not confirmed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await driver.read_back(mitigation, after)
    except (TimeoutError, FirstfiveError) as error:
        return ReadBack(confirmed=False, detail=str(error) or f"{driver.name} did not answer in time")


async def escalate(work: Work, m: Mitigation, detail: str, clock: Clock) -> None:
    """Say once that it does not hold, and name the next stronger levers."""
    levers = stronger(m.kind)
    fact = MitigationEscalated(m.id, detail, levers)
    if not await record(work, m.incident, fact, FIRSTFIVE, clock.now(), f"escalated:{m.id}:{m.asked[:12]}"):
        return
    offered = " or ".join(lever.label.lower() for lever in levers)
    next_step = f" The next stronger lever: {offered}." if offered else " Stop the agent where it runs."
    text = f"{m.label} on {m.target} does not hold: {detail.rstrip('.')}.{next_step}"
    await post(work, m.incident, f"escalated:{m.id}:{m.asked[:12]}", text)


def _still_on(m: Mitigation, why: str) -> str:
    return f"{m.label} on {m.target} is still in force at {m.driver}, which declined to lift it: {why.rstrip('.')}."


async def _stands(work: Work, before: Mitigation, now: Mitigation, after: Controls) -> bool:
    """The order is still the same, and what has to be in force is still what was told."""
    same = (now.state, now.asked) == (before.state, before.asked)
    return same and _after(now, *await work.mitigations.live()).value(now.kind) == after.value(now.kind)


def _after(m: Mitigation, live: Sequence[Mitigation], revisions: Mapping[str, int]) -> Controls:
    """What has to be in force once it is carried out, as far as it is known now."""
    others = [one for one in live if one.id != m.id]
    return compose(m.agent, m.scope, others if m.ending else [*others, m], revisions.get(m.agent, 0))


def drive_of(m: Mitigation, seconds: float, clock: Clock) -> Job:
    """The durable job that tries again, or resolves what a crash left open."""
    name = f"drive:{m.id}:{m.state.value}:{m.asked[:12]}:{m.tried}"
    return Job(JobName.MITIGATION_DRIVE, name, m.id, clock.now() + timedelta(seconds=seconds))
