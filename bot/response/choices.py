"""Gather what a responder can choose from for one agent: tools, models, prompts and parts of its traffic."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.incident.choices import Choices, choices
from bot.incident.errors import FirstfiveError
from bot.incident.model import Catalogue
from bot.ports import Clock, Traces
from bot.response.gather import MOST_TASKS, nanoseconds

LOOKED_AT = timedelta(hours=24)
NEWEST = 200  # whole traces, for tenants and channels
PATIENCE = 1.5  # seconds; without names the catalogue's stay


@dataclass(frozen=True, slots=True)
class NamesSeen:
    """What telemetry of the last 24 hours has seen of an agent."""

    traces: Traces
    catalogue: Catalogue
    clock: Clock

    async def __call__(self, agent: str) -> Choices:
        """The names, those of the catalogue alone where telemetry does not answer in time."""
        entry, now = self.catalogue.agent(agent), self.clock.now()
        start, end = nanoseconds(now - LOOKED_AT), nanoseconds(now) + 1
        try:
            async with asyncio.timeout(PATIENCE):
                tasks = await self.traces.readings(entry.telemetry_names, start, end, MOST_TASKS)
                newest = await self.traces.listed(sorted(entry.telemetry_names), NEWEST)
        except (TimeoutError, FirstfiveError):
            tasks, newest = (), ()
        return choices(entry, tasks, newest)
