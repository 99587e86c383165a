"""The built-in control plane: committed mitigations, composed and held ready for every read.

The database is the truth; this is a copy of what is in force. ``publish`` renews it at
once in this process, ``run`` renews it within a poll interval for changes made by other processes.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from bot.controls.readers import Readers
from bot.incident.errors import FirstfiveError
from bot.incident.mitigation import Controls, Delivery, Mitigation, MitigationKind, ReadBack, compose
from bot.ports import Clock, Control, Records

log = logging.getLogger(__name__)

POLL_EVERY = timedelta(milliseconds=100)
QUIET_AFTER_FAILURE = timedelta(seconds=1)
READ_BACK_WITHIN = 2.0  # seconds
MOST_COMPOSED = 10_000

PublicRead = Callable[[str, str, str], Awaitable[object]]
"""``(agent, environment, key) -> value``: one read as an agent does it, over the network."""


class BuiltinControl(Control):
    """What every agent has to obey, answered from memory."""

    def __init__(self, records: Records, clock: Clock, read: PublicRead, poll_every: timedelta = POLL_EVERY) -> None:
        self._records = records
        self._clock = clock
        self._read = read
        self._poll_every = poll_every
        self._readers = Readers()
        self._live: tuple[Mitigation, ...] = ()
        self._revisions: Mapping[str, int] = {}
        self._composed: dict[tuple[str, str], Controls] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._loading = asyncio.Lock()

    def controls(self, agent: str, environment: str) -> Controls:
        """What ``agent`` has to obey in ``environment`` ("" when unknown) right now; no I/O."""
        key = (agent, environment)
        found = self._composed.get(key)
        if found is None:
            found = compose(agent, environment, self._live, self._revisions.get(agent, 0))
            if len(self._composed) >= MOST_COMPOSED:  # callers choose the names freely
                self._composed.clear()
            self._composed[key] = found
        return found

    def seen(self, controls: Controls, environment: str, instance: str, at: datetime) -> None:
        """Note that an instance of the agent was given ``controls`` at ``at``."""
        self._readers.saw(controls, environment, instance, at)

    async def publish(self) -> None:
        """Renew the copy from the database and wake everyone who waits for a change."""
        async with self._loading, self._records.look() as work:
            live, revisions = await work.mitigations.live()
            changed = {agent for agent, revision in revisions.items() if revision != self._revisions.get(agent)}
            changed |= self._revisions.keys() - revisions.keys()
            if not changed:
                return
            self._live, self._revisions = live, dict(revisions)
            self._composed.clear()
        for agent in changed:
            for event in self._waiting.get(agent, ()):
                event.set()

    async def run(self) -> None:
        """Renew the copy again and again until cancelled; a database that is away is asked again a second later."""
        failing = False
        while True:
            try:
                await self.publish()
                failing = False
            except Exception:
                if not failing:
                    log.exception("Controls could not be read; the last known ones stay in force.")
                failing = True
            await asyncio.sleep((QUIET_AFTER_FAILURE if failing else self._poll_every).total_seconds())

    async def changes(self, agent: str, environment: str, silence: float) -> AsyncGenerator[Controls | None, None]:
        """The new controls each time those of ``agent`` change; None after every ``silence`` seconds without one."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(agent, set())
        waiting.add(event)
        try:
            while True:
                try:
                    async with asyncio.timeout(silence):
                        await event.wait()
                except TimeoutError:
                    yield None
                    continue
                event.clear()
                yield self.controls(agent, environment)
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(agent, None)

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        """How many instances that this process answers have read ``mitigation`` since it was applied."""
        return self._readers.delivery(mitigation, self._clock.now())

    async def read_back(self, mitigation: Mitigation) -> ReadBack:
        """Read the control as an agent would and say whether ``mitigation`` is in force there."""
        try:
            async with asyncio.timeout(READ_BACK_WITHIN):
                value = await self._read(mitigation.agent, mitigation.environment, key_of(mitigation.kind))
        except TimeoutError:
            return ReadBack(confirmed=False, detail=f"no answer within {READ_BACK_WITHIN:g} s")
        except FirstfiveError as error:
            return ReadBack(confirmed=False, detail=str(error))
        return ReadBack(confirmed=in_force(mitigation, value), detail=f"{key_of(mitigation.kind)} reads {value}")


def key_of(kind: MitigationKind) -> str:
    """The public key under which a mitigation of that kind is read."""
    return {MitigationKind.HALT: "agent.halt", MitigationKind.TURN_LIMIT: "agent.max_turns"}[kind]


def in_force(mitigation: Mitigation, value: object) -> bool:
    """The value read is at least as safe as ``mitigation`` asks for."""
    if mitigation.kind is MitigationKind.HALT:
        return value is True
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return number is not None and mitigation.limit is not None and number <= mitigation.limit
