"""The built-in control plane: committed mitigations, composed and held ready for every read.

The database is the truth; this is a copy of what is in force. ``publish`` renews it at
once in this process, ``run`` renews it within a poll interval for changes made by other processes.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.controls.shared_readers import SharedReaders
from bot.incident.composition import Controls, compose
from bot.incident.control_values import at_least_as_safe, from_flag, to_flag
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import FirstfiveError
from bot.incident.mitigation import BUILT_IN, EVERYWHERE, Mitigation, Scope
from bot.incident.proof import Delivery, ReadBack
from bot.incident.quantities import duration
from bot.ports import Clock, Control, Driver, Records, Sightings
from bot.watching import watch

log = logging.getLogger(__name__)

POLL_EVERY = timedelta(milliseconds=100)
QUIET_AFTER_FAILURE = timedelta(seconds=1)
READ_BACK_WITHIN = 2.0  # seconds
MOST_COMPOSED = 10_000

PublicRead = Callable[[str, Scope, str], Awaitable[object]]
"""``(agent, scope, key) -> value``: one read as an agent does it, over the network."""


class BuiltinControl(Control, Driver):
    """What every agent has to obey, answered from memory."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        read: PublicRead,
        poll_every: timedelta = POLL_EVERY,
        sightings: Sightings | None = None,
    ) -> None:
        """``sightings`` is what other processes hear of instances; None where this process is the only one."""
        self._records = records
        self._clock = clock
        self._read = read
        self._poll_every = poll_every
        self.readers = SharedReaders(clock, sightings)
        self._live: tuple[Mitigation, ...] = ()
        self._revisions: Mapping[str, int] = {}
        self._composed: dict[tuple[str, Scope], Controls] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._loading = asyncio.Lock()

    def controls(self, agent: str, scope: Scope = EVERYWHERE) -> Controls:
        """What ``agent`` has to obey in ``scope`` (everywhere, when unsaid) right now; no I/O."""
        key = (agent, scope)
        found = self._composed.get(key)
        if found is None:
            found = compose(agent, scope, self._live, self._revisions.get(agent, 0))
            if len(self._composed) >= MOST_COMPOSED:  # callers choose the names freely
                self._composed.clear()
            self._composed[key] = found
        return found

    def seen(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """Note that an instance of the agent was given ``controls`` of ``scope`` at ``at``."""
        self.readers.saw(controls, scope, instance, at)

    def applied(
        self, agent: str, scope: Scope, instance: str, names: Sequence[str], since: datetime, at: datetime
    ) -> int:
        """An instance said that it has these mitigations since then; returns how many instances of the agent there are."""
        return self.readers.applied(agent, scope, instance, names, since, at)

    async def publish(self) -> None:
        """Renew the copy from the database and wake everyone who waits for a change."""
        async with self._loading, self._records.look() as work:
            if await work.mitigations.revisions() == self._revisions:
                return
            live, revisions = await work.mitigations.live()
            changed = {agent for agent, revision in revisions.items() if revision != self._revisions.get(agent)}
            changed |= self._revisions.keys() - revisions.keys()
            self._live, self._revisions = live, dict(revisions)
            self._composed.clear()
        for agent in changed:
            for event in self._waiting.get(agent, ()):
                event.set()

    async def run(self) -> None:
        """Renew the copy again and again until cancelled; a database that is away is asked again a second later."""
        words = "Controls could not be read; the last known ones stay in force."
        every, after_failure = self._poll_every.total_seconds(), QUIET_AFTER_FAILURE.total_seconds()
        await watch(self.publish, log, words, every, after_failure)

    async def changes(self, agent: str, scope: Scope, silence: float) -> AsyncGenerator[Controls | None, None]:
        """The controls now, then each time those of ``agent`` change; None after every ``silence`` seconds without one."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(agent, set())
        waiting.add(event)  # before the first look, so that no change falls in between
        try:
            yield self.controls(agent, scope)
            while True:
                try:
                    async with asyncio.timeout(silence):
                        await event.wait()
                except TimeoutError:
                    yield None
                    continue
                event.clear()
                yield self.controls(agent, scope)
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(agent, None)

    @property
    def name(self) -> str:
        """What the catalogue calls it."""
        return BUILT_IN

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """Nothing is written outside: what is committed is in force."""
        key = mitigation.kind.flag_key
        value = to_flag(mitigation.kind, after.read(mitigation.kind))
        return Plan(mitigation, after, (f"Built-in: {key} of {mitigation.target} reads {_said(value)}.",))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """Make it visible to agents now."""
        del idem
        await self.publish()
        return Receipt(plan.words[0])

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """Make what remains visible to agents now."""
        return await self.apply(plan, idem)

    async def close(self) -> None:
        """It has no connections of its own."""

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        """How many instances have read ``mitigation`` since it was applied, whichever process of ours answers them.

        Raises:
            Unavailable: the database does not say what other processes know.
        """
        return await self.readers.delivery(mitigation)

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """Read the control as an agent would and say whether it is as safe as ``after`` asks for."""
        key = mitigation.kind.flag_key
        try:
            async with asyncio.timeout(READ_BACK_WITHIN):
                value = await self._read(mitigation.agent, mitigation.scope, key)
        except TimeoutError:
            return ReadBack(confirmed=False, detail=f"no answer within {duration(READ_BACK_WITHIN)}")
        except FirstfiveError as error:
            return ReadBack(confirmed=False, detail=str(error))
        return ReadBack(confirmed=in_force(mitigation, after, value), detail=f"{key} reads {_said(value)}")


def _said(value: object) -> str:
    """A value as it stands in the answer that agents get: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_force(mitigation: Mitigation, after: Controls, raw: object) -> bool:
    """The value read is at least as safe as ``after``; where the mitigation was lifted, the same."""
    value, wanted = from_flag(mitigation.kind, raw), after.read(mitigation.kind)
    if value is None:
        return False
    if mitigation.id not in after.mitigations:
        return value == wanted
    return at_least_as_safe(mitigation.kind, value, wanted)
