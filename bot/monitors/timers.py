"""What the durable timers do when their time has come. Each may run twice and changes things once."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from bot.incident.errors import NotFound
from bot.incident.mitigation import Mitigation, MitigationState, OnExpiry
from bot.incident.model import FIRSTFIVE, IncidentKey
from bot.incident.timeline import (
    ClassificationOverdue,
    ClassificationReminded,
    IncidentState,
    MitigationExpired,
    MitigationHeld,
    SeverityChanged,
)
from bot.ports import Clock, Control, JobName, Records, RoomTask, RoomTaskKind, Work
from bot.response.declare import NUDGE_AFTER
from bot.response.freeze import FreezeEvidence
from bot.response.mitigate import end
from bot.response.recording import record, state_of

EARLY = timedelta(seconds=1)  # a timer may fire this much before its time


@dataclass(frozen=True, slots=True)
class Timers:
    """Run one durable job."""

    records: Records
    clock: Clock
    control: Control
    freeze: FreezeEvidence

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
                text = f"{minutes} minutes, and no class yet. Two questions are enough: press Classify on the card."
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

    async def expire(self, mitigation_id: str) -> None:
        """End a mitigation whose time is over, or hold it and call somebody. An extended one is left alone."""
        async with self.records.begin() as work:
            mitigation = await work.mitigations.get(mitigation_id)
            if mitigation is None or not mitigation.state.is_live:
                return
            if mitigation.expires_at > self.clock.now() + EARLY:
                return
            if mitigation.on_expiry is OnExpiry.HOLD_AND_PAGE:
                await self._hold(work, mitigation, mitigation.incident)
            else:
                await self._lift(work, mitigation, mitigation.incident)
        await self.control.publish()

    async def _hold(self, work: Work, mitigation: Mitigation, key: IncidentKey) -> None:
        stamp = int(mitigation.expires_at.timestamp())
        fact = MitigationHeld(mitigation.id)
        if await record(work, key, fact, FIRSTFIVE, self.clock.now(), f"held:{mitigation.id}:{stamp}"):
            await work.mitigations.put(mitigation.moved(MitigationState.HELD))
            text = (
                f"<!channel> {mitigation.label} on {mitigation.agent} was set because harm was happening. "
                "Its time is over and it stays on: extend it or undo it on the card."
            )
            await post(work, key, f"held:{mitigation.id}:{stamp}", text)

    async def _lift(self, work: Work, mitigation: Mitigation, key: IncidentKey) -> None:
        ended = await end(work, mitigation, MitigationState.EXPIRED)
        fact = MitigationExpired(mitigation.id, ended.before, ended.after)
        if await record(work, key, fact, FIRSTFIVE, self.clock.now(), f"expired:{mitigation.id}"):
            text = f"{mitigation.label} on {mitigation.agent} has expired. Now in force: {ended.after}."
            await post(work, key, f"expired:{mitigation.id}", text)


def _minutes(state: IncidentState, at: datetime) -> int:
    return max(1, round((at - state.incident.declared_at).total_seconds() / 60))


async def post(work: Work, key: IncidentKey, task: str, text: str) -> None:
    """Queue one message for the room."""
    await work.outbox.put(RoomTask(RoomTaskKind.POST, key, task, {"text": text, "by": FIRSTFIVE.id}))
