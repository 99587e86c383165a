"""One write at a time to one kind of one agent at one control plane, whoever writes and in whichever process.

Two mitigations of a kind are one value at many control planes. Composed first and written later, the older
composition could be written last. So a write waits for its turn, composes then, and a turn that was overtaken
because its process stood still settles nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.incident.mitigation import Mitigation
from bot.ports import Clock, Records, Work

LASTS = timedelta(seconds=30)  # at most; longer than the reads and the write of one try
LOOK_AGAIN = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write to a lane until a later turn begins."""

    lane: str
    number: int

    async def is_mine(self, work: Work) -> bool:
        """No later turn has begun, and none begins before this transaction ends."""
        return await work.turns.is_mine(self.lane, self.number)


@dataclass(frozen=True, slots=True)
class WriteTurns:
    """Turns over these records."""

    records: Records
    clock: Clock

    async def take(self, m: Mitigation, patience: float) -> Turn | None:
        """The next turn for this mitigation's kind, agent and control plane; None when none came within ``patience``."""
        lane = f"{m.driver}:{m.kind.value}:{m.agent}"
        for _ in range(max(1, round(patience / LOOK_AGAIN))):
            async with self.records.begin() as work:
                now = self.clock.now()
                number = await work.turns.take(lane, now, now + LASTS)
            if number is not None:
                return Turn(lane, number)
            await asyncio.sleep(LOOK_AGAIN)
        return None

    async def leave(self, turn: Turn) -> None:
        """End it; one that has run out is left alone."""
        async with self.records.begin() as work:
            await work.turns.leave(turn.lane, turn.number)
