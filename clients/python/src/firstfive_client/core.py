"""What the client knows and what it should do next, without a thread, a socket or a clock.

Whoever drives it (the threads of :mod:`firstfive_client.connection`, or a test) hands in what
arrived and the monotonic time in seconds, and asks what is due. Clocks of the wall play no part.
"""

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from firstfive_client.controls import Kind
from firstfive_client.events import Event
from firstfive_client.wire import NotControls, Snapshot, read_snapshot

HEARTBEAT_EVERY = 15.0  # seconds; the server forgets an instance after 60
SPREAD, LONGEST_SPREAD = 0.1, 2.0  # seconds over which instances spread their word that a change is in force
SPREAD_EACH = 0.001  # seconds added to it per instance, so that a thousand do not speak at once
HEARTBEAT_AGAIN = 2.0  # seconds after one that was not taken
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between attempts to connect
SILENCE = 40.0  # seconds without a byte after which a stream is taken for dead; the server speaks every 15
DOUBT = 2.0  # seconds for which a revision older than ours is not believed: replicas lag, databases get restored


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the agent, where it runs, and this process of it."""

    agent: str
    environment: str = ""
    version: str = ""
    channel: str = ""
    tenant: str = ""
    instance: str = ""

    @property
    def query(self) -> dict[str, str]:
        """What the server is asked for; without the empty ones."""
        said = {
            "agent": self.agent,
            "environment": self.environment,
            "version": self.version,
            "channel": self.channel,
            "tenant": self.tenant,
            "instance": self.instance,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What an instance tells: the revision in force in it, which mitigations it enforces, and for how long already."""

    revision: int
    applied: tuple[str, ...]
    age_seconds: float

    def body(self, identity: Identity) -> bytes:
        """As JSON."""
        said = {"revision": self.revision, "applied": self.applied, "age_seconds": round(self.age_seconds, 3)}
        return json.dumps({**identity.query, **said}).encode()


@dataclass(slots=True)
class Core:
    """The state of one client.

    ``on_change`` is called after each change of ``snapshot``, in the thread that brought it. ``chance`` is a
    number in [0, 1) for spreading instances apart. Only rules of a kind in ``enforces`` are reported as applied.
    """

    on_change: Callable[[], None] = lambda: None
    enforces: frozenset[Kind] = frozenset(Kind)
    chance: Callable[[], float] = random.random
    snapshot: Snapshot | None = None  # None: nothing was ever known
    from_server: bool = False  # false while it is the last known good of an earlier process
    instances: int = 1  # instances of the agent, as the server counts them
    heard_at: float | None = None
    _applied_at: float = 0.0
    _failures: int = 0
    _doubted: tuple[Snapshot, float] | None = None
    _heartbeat_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def forked(self) -> None:
        """In a child process: whoever held the lock is not here, and the server has to hear of this instance."""
        self._lock = threading.Lock()
        self.from_server = False

    def remembered(self, snapshot: Snapshot, now: float) -> None:
        """Start from the last known good of an earlier process."""
        with self._lock:
            self.snapshot, self._applied_at = snapshot, now

    def event(self, event: Event, now: float) -> None:
        """An event of the stream; those of other names mean nothing here.

        Raises:
            NotControls: it says it holds controls and does not.
        """
        if event.name == "controls":
            self.received(event.data, now)

    def received(self, data: str | bytes, now: float) -> None:
        """A control object from the server.

        Raises:
            NotControls: it is none; what was known stays in force.
        """
        try:
            snapshot = read_snapshot(json.loads(data))
        except (ValueError, RecursionError) as error:
            raise NotControls(str(error)) from error
        with self._lock:
            if not self._believed(snapshot, now):
                return
            self.heard(now)
            changed = self.snapshot is None or (self.snapshot.revision, self.snapshot.rules) != (
                snapshot.revision,
                snapshot.rules,
            )
            first, self.from_server = not self.from_server, True
            if changed:
                self.snapshot, self._applied_at = snapshot, now
            if changed or first:
                spread = min(LONGEST_SPREAD, SPREAD + SPREAD_EACH * self.instances)
                self._heartbeat_at = now + spread * self.chance()
        if changed:
            self.on_change()

    def _believed(self, snapshot: Snapshot, now: float) -> bool:
        """An older revision than ours is believed only when the server still says so a little later."""
        if self.snapshot is None or snapshot.revision >= self.snapshot.revision:
            self._doubted = None
            return True
        if self._doubted is None or self._doubted[0].revision != snapshot.revision:
            self._doubted = (snapshot, now)
        return now - self._doubted[1] >= DOUBT

    @property
    def in_doubt(self) -> bool:
        """The server said something older than what we know: ask again soon."""
        return self._doubted is not None

    def heard(self, now: float) -> None:
        """The server gave a sign of life."""
        self.heard_at, self._failures = now, 0

    def lost(self) -> float:
        """The connection is gone; seconds to wait before the next attempt. Grows to 5 s, never further."""
        self._failures = min(self._failures + 1, 16)
        longest = min(LONGEST_WAIT, FIRST_WAIT * (1 << self._failures - 1))
        return longest * (0.5 + self.chance() / 2)

    def heartbeat(self, now: float) -> Heartbeat | None:
        """What to tell the server now, or None when nothing is due. Nothing from the server, nothing to tell."""
        with self._lock:
            if self.snapshot is None or not self.from_server or self._heartbeat_at is None or now < self._heartbeat_at:
                return None
            self._heartbeat_at = now + HEARTBEAT_EVERY
            applied = tuple(rule.id for rule in self.snapshot.rules if rule.kind in self.enforces)
            return Heartbeat(self.snapshot.revision, applied, now - self._applied_at)

    def heartbeat_in(self, now: float) -> float:
        """Seconds until the next heartbeat is due."""
        with self._lock:
            return HEARTBEAT_EVERY if self._heartbeat_at is None else max(0.0, self._heartbeat_at - now)

    def heartbeat_answered(self, answer: Mapping[str, Any] | None, now: float) -> None:
        """The server's answer, or None when there was none."""
        with self._lock:
            if answer is None:
                self._heartbeat_at = now + HEARTBEAT_AGAIN
                return
            instances = answer.get("instances")
            if isinstance(instances, int) and instances > 0:
                self.instances = instances
