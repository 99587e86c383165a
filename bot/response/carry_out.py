"""Carry a mitigation out through its control plane, and stay honest about what is not known.

A write is committed as "being applied" first; then the control plane is told, and only what it reads
back counts as in force. A durable job stands behind every try, so that a crash, a time-out or a
control plane that says yes and does nothing ends in a true state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from bot.incident.composition import Controls, compose
from bot.incident.errors import Misconfigured
from bot.incident.mitigation import Mitigation, MitigationState
from bot.ports import Clock, Control, Records, Work
from bot.response.driving import Drivers
from bot.response.settling import Settle
from bot.response.trying import PATIENCE, PAUSES, Tried, Try, drive_of, read_back
from bot.response.turns import Turn, WriteTurns

MOST_WRITES = 3  # in one turn, while what is in force moves on; the durable job goes on
_UNDER_WAY = frozenset({MitigationState.APPLYING, MitigationState.REVERTING, MitigationState.STILL_ON})


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
            settled = await Settle(self.clock)(work, current, Tried(read), after)
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
        tried = await Try(self.drivers)(mitigation, after, patience, first=first)
        async with self.records.begin() as work:
            current = await work.mitigations.get(mitigation_id)
            if current is None or (current.state, current.asked) != (mitigation.state, mitigation.asked):
                return current, False  # somebody else was quicker, or wants something else by now
            mine = await turn.is_mine(work)
            if mine and await _stands(work, mitigation, current, after):
                return await Settle(self.clock)(work, current, tried, after), False
            return await self._overtaken(work, current, tried), mine

    async def _overtaken(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        """What was written is not what is in force by now; told again with a key of its own."""
        asked = sha256(f"{m.asked}\novertaken".encode()).hexdigest()
        requests = (*m.requests, *(tried.receipt.requests if tried.receipt else ()))
        again = await work.mitigations.put(replace(m, asked=asked, requests=requests, tried=m.tried + 1))
        await work.jobs.schedule(drive_of(again, PAUSES[0], self.clock))
        return again


async def _stands(work: Work, before: Mitigation, now: Mitigation, after: Controls) -> bool:
    """The order is still the same, and what has to be in force is still what was told."""
    same = (now.state, now.asked) == (before.state, before.asked)
    return same and _after(now, *await work.mitigations.live()).value(now.kind) == after.value(now.kind)


def _after(m: Mitigation, live: Sequence[Mitigation], revisions: Mapping[str, int]) -> Controls:
    """What has to be in force once it is carried out, as far as it is known now."""
    others = [one for one in live if one.id != m.id]
    return compose(m.agent, m.scope, others if m.ending else [*others, m], revisions.get(m.agent, 0))
