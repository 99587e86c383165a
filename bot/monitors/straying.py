"""Watch whether control planes still say what is in force: somebody may have changed it there by hand.

What reads as safe as it has to, or safer, is left alone. What reads looser is said once and told again, which never
loosens anything; three times at most, so that we fight with nobody. A pin is said and not told again: no model is
safer than another, so whose choice stands is for people.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

from bot.incident.composition import compose
from bot.incident.errors import FirstfiveError
from bot.incident.facts.control import MitigationStrayed
from bot.incident.kinds import LEVERS, Joining
from bot.incident.mitigation import BUILT_IN, Mitigation, MitigationState
from bot.incident.mitigation_folding import PROVABLE
from bot.incident.model import FIRSTFIVE
from bot.incident.proof import ReadBack
from bot.ports import Clock, Records, Work
from bot.response.carry_out import CarryOut
from bot.response.driving import Drivers
from bot.response.recording import post, record
from bot.response.trying import drive_of, read_back
from bot.watching import watch

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
AT_ONCE = 4  # control planes asked at the same time
MOST_TIMES = 3  # told again, for one mitigation
WATCHED = PROVABLE | {MitigationState.HELD, MitigationState.STILL_ON}


@dataclass(frozen=True, slots=True)
class StrayWatch:
    """Read back what other control planes carry out, again and again."""

    records: Records
    clock: Clock
    drivers: Drivers
    carry_out: CarryOut
    _odd: dict[str, str] = field(default_factory=dict)  # by mitigation, its order when it first read otherwise

    async def run(self) -> None:
        """Look again and again until cancelled; what is away now is asked again a little later."""
        words = "Control planes could not be compared with what is in force; the next look tries again."
        await watch(self.look, log, words, EVERY.total_seconds(), EVERY.total_seconds())

    async def look(self) -> int:
        """Look once at everything that another control plane carries out; returns how many there were."""
        async with self.records.look() as work:
            live, revisions = await work.mitigations.live()
        watched = [m for m in live if m.driver != BUILT_IN and m.state in WATCHED and not m.uncertain]
        several = asyncio.Semaphore(AT_ONCE)

        async def one(m: Mitigation) -> None:
            async with several:
                await self._compare(m, live, revisions)

        await asyncio.gather(*(one(m) for m in watched))
        for gone in self._odd.keys() - {m.id for m in watched}:
            del self._odd[gone]
        return len(watched)

    async def _compare(self, m: Mitigation, live: Sequence[Mitigation], revisions: Mapping[str, int]) -> None:
        wanted = [one for one in live if one.id != m.id] if m.state is MitigationState.STILL_ON else live
        try:
            driver = self.drivers.of(m)
        except FirstfiveError:
            return  # it was disconnected; the proof watch says so
        read = await read_back(driver, m, compose(m.agent, m.scope, wanted, revisions.get(m.agent, 0)))
        if m.state is MitigationState.STILL_ON:
            if read.confirmed:  # somebody has lifted it there
                await self.carry_out(m.id)
            return
        if not read.differs:
            self._odd.pop(m.id, None)
        elif self._odd.get(m.id) == m.asked:  # twice in a row: no write of ours that is on its way
            await self._strayed(m, read)
        else:
            self._odd[m.id] = m.asked

    async def _strayed(self, m: Mitigation, read: ReadBack) -> None:
        async with self.records.begin() as work:
            current = await work.mitigations.get(m.id)
            if current is None or (current.state, current.asked) != (m.state, m.asked):
                return
            again = current.strayed < MOST_TIMES and LEVERS[m.kind].joining is not Joining.ALONE
            if not await self._said(work, current, read, again=again) or not again:
                return
            asked = sha256(f"{current.asked}\nstrayed".encode()).hexdigest()
            told = replace(current, state=MitigationState.APPLYING, asked=asked, tried=0, strayed=current.strayed + 1)
            await work.jobs.schedule(drive_of(await work.mitigations.put(told), 0, self.clock))
        await self.carry_out(m.id)

    async def _said(self, work: Work, m: Mitigation, read: ReadBack, *, again: bool) -> bool:
        about = f"strayed:{m.id}:{m.asked[:12]}"
        fact = MitigationStrayed(m.id, m.driver, read.detail, again)
        if not await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), about):
            return False
        why = "no value of it is safer than another" if m.strayed < MOST_TIMES else f"it was, {MOST_TIMES} times"
        then = "It is told again." if again else f"It is not told again, as {why}: apply it anew, or undo it here."
        text = (
            f"<!channel> {m.driver} no longer says {m.label} for {m.target}: {read.detail.rstrip('.')}. "
            f"Somebody may have changed it there. {then}"
        )
        await post(work, m.incident, about, text)
        return True
