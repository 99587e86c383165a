"""Forget telemetry that is older, or more, than the team wants to keep, and idempotency keys nobody sends again."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.incident.mitigation import MAX_TTL
from bot.ports import Clock, Records, TelemetryRetention

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)
KEYS_FOR = MAX_TTL + timedelta(hours=72)  # as long as what was asked for can last, and three days more


@dataclass(frozen=True, slots=True)
class Retention:
    """Delete spans and scores once they have been here for ``keep``, and the oldest of more than ``most_bytes``.

    Idempotency keys go after ``KEYS_FOR``.
    """

    telemetry: TelemetryRetention
    records: Records
    clock: Clock
    keep: timedelta  # from their arrival
    most_bytes: int

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("Old telemetry and keys could not be deleted; the next look tries again.")
            await asyncio.sleep(EVERY.total_seconds())

    async def look(self) -> int:
        """Delete what is too old or too much now; returns how many traces went."""
        async with self.records.begin() as work:
            await work.requests.prune(self.clock.now() - KEYS_FOR)
        limit = self.clock.now() - self.keep
        gone = await self.telemetry.delete_before(int(limit.timestamp() * 1e9))
        return gone + await self.telemetry.delete_beyond(self.most_bytes)
