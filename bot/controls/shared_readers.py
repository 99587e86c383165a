"""Instances that several processes of ours answer: each tells the others whom it hears of, and all count the same.

Reads stay in memory. What is new is written in batches, signs of life only now and then: a thousand instances that
heartbeat every few seconds are some fifty rows a second.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.controls.readers import FORGOTTEN_AFTER, Readers
from bot.incident.composition import Controls
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.proof import Delivery
from bot.ports import Clock, Sightings
from bot.watching import watch

log = logging.getLogger(__name__)

LOOK_EVERY = 0.25  # seconds between looks for news
LIFE_EVERY = 20  # looks; five seconds
FORGET_EVERY = 240  # looks; a minute
QUIET_AFTER_FAILURE = 2.0  # seconds
MOST_TOLD = 500  # at once, some 15 ms of work


class SharedReaders:
    """Readers of this process and, where ``sightings`` are shared, those of all others."""

    def __init__(self, clock: Clock, sightings: Sightings | None = None) -> None:
        self._clock = clock
        self._sightings = sightings
        self._here = Readers()
        self._counted: Mapping[str, int] = {}  # instances of each agent, whichever process answers them
        self._looks = 0

    def saw(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """``instance`` read the ``controls`` of ``scope`` at ``at``."""
        self._here.saw(controls, scope, instance, at)

    def applied(
        self, agent: str, scope: Scope, instance: str, names: Sequence[str], since: datetime, at: datetime
    ) -> int:
        """``instance`` said at ``at`` that it has these mitigations, since ``since``; returns how many instances there are.

        Those of other processes are counted as of some seconds ago.
        """
        here = self._here.applied(agent, scope, instance, names, since, at)
        return max(here, self._counted.get(agent, 0))

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        """How many present instances have ``mitigation``, whichever process answers them.

        Raises:
            Unavailable: what the others know cannot be read, and a part of the instances is no answer.
        """
        now = self._clock.now()
        if self._sightings is None:
            return self._here.delivery(mitigation, now)
        elsewhere = await self._sightings.of_others(mitigation.agent, mitigation.id, now - FORGOTTEN_AFTER)
        return self._here.delivery(mitigation, now, elsewhere)

    async def run(self) -> None:
        """Share again and again until cancelled; a database that is away is asked again a little later."""
        if self._sightings is not None:
            words = "Instances cannot be shared among processes; deliveries are counted later."
            await watch(self._look, log, words, LOOK_EVERY, QUIET_AFTER_FAILURE)

    async def _look(self) -> None:
        await self.share(signs_of_life=self._looks % LIFE_EVERY == 0)
        if self._sightings is not None and self._looks % FORGET_EVERY == 0:
            await self._sightings.forget(self._clock.now() - 2 * FORGOTTEN_AFTER)
        self._looks += 1

    async def share(self, *, signs_of_life: bool = True) -> None:
        """Tell what is new, in one transaction, or nothing; with signs of life also count who is there."""
        if self._sightings is None:
            return
        told = self._here.news(MOST_TOLD, signs_of_life=signs_of_life)
        if told:
            try:
                await self._sightings.note(told)
            except BaseException:
                self._here.untold(told)
                raise
        if signs_of_life:
            self._counted = await self._sightings.counts(self._clock.now() - FORGOTTEN_AFTER)
