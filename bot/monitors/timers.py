"""What the durable timers do when their time has come. Each may run twice and changes things once."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from bot.incident.approval import Loosening
from bot.incident.errors import NotFound
from bot.incident.facts.classifying import ClassificationOverdue, ClassificationReminded, SeverityChanged
from bot.incident.facts.control import MitigationWarned
from bot.incident.facts.mitigating import MitigationHeld
from bot.incident.mitigation import Ending, Mitigation, MitigationState, OnExpiry
from bot.incident.model import FIRSTFIVE, IncidentKey
from bot.incident.quantities import duration, in_minutes
from bot.incident.state import IncidentState
from bot.ports import Clock, JobName, Records, Work
from bot.response.changes import Changes
from bot.response.deciding import lapse
from bot.response.declare import NUDGE_AFTER
from bot.response.exit_plan import TakeStep
from bot.response.freeze import FreezeEvidence
from bot.response.in_force import WARN_AFTER, controls_in, lift, schedule_end
from bot.response.override import lapse_override
from bot.response.recording import post, record, state_of
from bot.response.second_person import approval_of

EARLY = timedelta(seconds=1)  # a timer may fire this much before its time


@dataclass(frozen=True, slots=True)
class Timers:
    """Run one durable job."""

    records: Records
    clock: Clock
    changes: Changes
    freeze: FreezeEvidence
    exits: TakeStep

    async def __call__(self, name: JobName, argument: str) -> None:
        """Do what the job is for; a job for something that is gone does nothing."""
        try:
            await self._run(name, argument)
        except NotFound:
            return

    async def _run(self, name: JobName, argument: str) -> None:
        match name:
            case JobName.FREEZE_EVIDENCE:
                await self.freeze(IncidentKey(argument))
            case JobName.CLASSIFICATION_REMINDER:
                await self.remind(argument)
            case JobName.CLASSIFICATION_NUDGE:
                await self.nudge(argument)
            case JobName.CLASSIFICATION_RAISE:
                await self.raise_severity(argument)
            case JobName.MITIGATION_EXPIRY:
                await self.expire(argument)
            case JobName.MITIGATION_WARNING:
                await self.warn(argument)
            case JobName.MITIGATION_DRIVE:
                await self.changes.carry_out(argument)
            case JobName.APPROVAL_EXPIRY:
                await self.lapse(argument)
            case JobName.EXIT_STEP:
                await self.exits(argument)
            case other:
                assert_never(other)

    async def remind(self, key: str) -> None:
        """Say once how much time is left to name a class."""
        async with self.records.begin() as work:
            state = await state_of(work, key)
            at = self.clock.now()
            left = math.ceil((state.incident.declared_at + NUDGE_AFTER - at).total_seconds() / 60)
            if state.classified or not state.status.is_open or left < 1:  # later the nudge says more
                return
            fact = ClassificationReminded(_minutes(state, at))
            if await record(work, state.incident.key, fact, FIRSTFIVE, at, "remind"):
                await post(work, state.incident.key, "remind", f"{left} min are left to name a class.")

    async def nudge(self, key: str) -> None:
        """Say once that five minutes are over and the class is still open."""
        async with self.records.begin() as work:
            state = await state_of(work, key)
            if state.classified or not state.status.is_open:
                return
            at = self.clock.now()
            minutes = _minutes(state, at)
            if await record(work, state.incident.key, ClassificationOverdue(minutes), FIRSTFIVE, at, "nudge"):
                text = (
                    f"{in_minutes(minutes)}, and no class yet. A few questions are enough: press Classify on the card."
                )
                await post(work, state.incident.key, "nudge", text)

    async def raise_severity(self, key: str) -> None:
        """Raise an incident that nobody classified within 30 minutes by one level."""
        async with self.records.begin() as work:
            state = await state_of(work, key)
            if state.classified or not state.status.is_open or state.severity.raised() is state.severity:
                return
            fact = SeverityChanged(state.severity, state.severity.raised(), "not classified within 30 minutes")
            if await record(work, state.incident.key, fact, FIRSTFIVE, self.clock.now(), "raise"):
                text = f"Raised from {fact.before.value} to {fact.after.value}: {fact.reason}."
                await post(work, state.incident.key, "raise", text)

    async def warn(self, mitigation_id: str) -> None:
        """Say once that most of its time is over. A mitigation that was extended since is left alone."""
        async with self.records.begin() as work:
            m = await work.mitigations.get(mitigation_id)
            now = self.clock.now()
            if m is None or not m.state.is_live or m.state in _TIME_IS_OVER:
                return
            left = m.expires_at - now
            if left > (m.expires_at - m.since) * (1 - WARN_AFTER) + EARLY or left <= timedelta(0):
                return
            stamp = int(m.expires_at.timestamp())
            if await record(
                work, m.incident, MitigationWarned(m.id, m.expires_at), FIRSTFIVE, now, f"warned:{m.id}:{stamp}"
            ):
                ends = (
                    "It then stays on and somebody is called"
                    if m.on_expiry is OnExpiry.HOLD_AND_PAGE
                    else "It then ends"
                )
                text = f"{m.label} on {m.target} has {duration(round(left.total_seconds()))} left. {ends}. Extend it on the card if it is still needed."
                await post(work, m.incident, f"warned:{m.id}:{stamp}", text)

    async def lapse(self, approval_id: str) -> None:
        """Nobody answered in time: the question is closed, and what was done alone falls back."""
        async with self.records.begin() as work:
            approval = await approval_of(work, approval_id)
            if not approval.is_pending or approval.expires_at > self.clock.now() + EARLY:
                return
            if approval.ask.action is Loosening.REMEDIATE:
                await lapse_override(work, approval, self.clock.now())
                return
            m = await lapse(work, approval, self.clock)
        if m is not None:
            await self.changes.finish(m)

    async def expire(self, mitigation_id: str) -> None:
        """End a mitigation whose time is over, or hold it and call somebody. An extended one is left alone."""
        async with self.records.begin() as work:
            mitigation = await work.mitigations.get(mitigation_id)
            if mitigation is None or not mitigation.state.is_live or mitigation.state in _LEFT_ALONE:
                return
            if mitigation.ending is not None and mitigation.ending.state is MitigationState.EXPIRED:
                return  # its control plane declined, and is told again by the job for that
            if mitigation.expires_at > self.clock.now() + EARLY:
                await schedule_end(work, mitigation, again=True)  # extended since, or the clock was set back
                return
            if mitigation.on_expiry is OnExpiry.HOLD_AND_PAGE and mitigation.state is not MitigationState.STILL_ON:
                mitigation = await self._hold(work, mitigation)
            else:
                mitigation = await self._lift(work, mitigation)
        await self.changes.finish(mitigation)

    async def _hold(self, work: Work, m: Mitigation) -> Mitigation:
        stamp = int(m.expires_at.timestamp())
        fact = MitigationHeld(m.id)
        if not await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), f"held:{m.id}:{stamp}"):
            return m
        text = (
            f"<!channel> {m.label} on {m.target} was set because harm was happening. "
            "Its time is over and it stays on: extend it or undo it on the card."
        )
        await post(work, m.incident, f"held:{m.id}:{stamp}", text)
        return await work.mitigations.put(m.moved(MitigationState.HELD))

    async def _lift(self, work: Work, m: Mitigation) -> Mitigation:
        ending = Ending(MitigationState.EXPIRED, "its time is over", FIRSTFIVE)
        lifted = await lift(work, m, ending, self.clock, f"expired:{m.id}")
        if lifted.state is MitigationState.EXPIRED:
            now = (await controls_in(work, lifted)).in_words
            await post(
                work, m.incident, f"expired:{m.id}", f"{m.label} on {m.target} has expired. Now in force: {now}."
            )
        return lifted


def _minutes(state: IncidentState, at: datetime) -> int:
    return max(1, round((at - state.incident.declared_at).total_seconds() / 60))


_TIME_IS_OVER = frozenset({MitigationState.HELD, MitigationState.STILL_ON})
_LEFT_ALONE = frozenset({MitigationState.HELD, MitigationState.REVERTING})
