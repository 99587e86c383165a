"""What telemetry says now, measured once for everybody who looks at it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.classification import Classification
from bot.incident.environments import wanted_of
from bot.incident.evidence import EvidenceBundle
from bot.ports import Clock
from bot.response.suggest import Suggest

MOST_AGENTS = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """Evidence with what it suggests, and when it was taken."""

    at: datetime
    bundle: EvidenceBundle
    said: Classification


@dataclass(slots=True)
class Latest:
    """The newest measurement of each agent and environment; a page that is looked at by many costs as much as one."""

    suggest: Suggest
    clock: Clock
    good_for: timedelta = timedelta(seconds=5)
    _known: dict[tuple[str, str], Measured] = field(default_factory=dict)
    _measuring: asyncio.Lock = field(default_factory=asyncio.Lock)

    def known(self, agent: str, environment: str = "") -> Measured | None:
        """The last measurement, however old, or None."""
        return self._known.get(self._key(agent, environment))

    async def measured(self, agent: str, environment: str = "") -> Measured:
        """A measurement at most ``good_for`` old; one agent is measured at a time."""
        key = self._key(agent, environment)
        async with self._measuring:
            known = self._known.get(key)
            if known is not None and self.clock.now() - known.at < self.good_for:
                return known
            at = self.clock.now()
            bundle, said = await self.suggest(agent, environment=environment)
            if len(self._known) >= MOST_AGENTS:
                self._known.clear()
            self._known[key] = Measured(at, bundle, said)
            return self._known[key]

    def _key(self, agent: str, environment: str) -> tuple[str, str]:
        return agent, wanted_of(self.suggest.gather.catalogue.agent(agent), environment).name
