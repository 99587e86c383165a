"""Incidents and everything that happened in them, one transaction at a time: the storage keeps these promises."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.incident.mitigation import Mitigation
from bot.incident.model import Incident, IncidentKey, Person
from bot.incident.state import IncidentState
from bot.incident.timeline import Event, Fact
from bot.ports.engine import Jobs
from bot.ports.room import Outbox


@dataclass(frozen=True, slots=True)
class NewIncident:
    """A declaration before it has a number."""

    title: str
    agent: str
    environment: str
    declared_at: datetime
    declared_by: Person
    private: bool = False
    test: bool = False


class Incidents(Protocol):
    """Incidents, as fixed at declaration."""

    async def open(self, incident: NewIncident, idempotency_key: str) -> tuple[Incident, bool]:
        """Give it the next number and keep it; False when the key was used before (then: that one, unchanged)."""
        ...

    async def get(self, key: IncidentKey) -> Incident | None:
        """The incident of that key, or None."""
        ...

    async def recent(self, limit: int, before: int | None = None) -> tuple[Incident, ...]:
        """Newest first; with ``before``, only numbers below it."""
        ...

    async def in_channel(self, channel_id: str) -> Incident | None:
        """The incident whose room is that channel, or None."""
        ...


class Timelines(Protocol):
    """Immutable events, in order."""

    async def append(
        self, key: IncidentKey, fact: Fact, by: Person, at: datetime, idempotency_key: str | None = None
    ) -> Event | None:
        """Add one event; None when the idempotency key was used on this incident before."""
        ...

    async def read(self, key: IncidentKey) -> tuple[Event, ...]:
        """All events, oldest first."""
        ...

    async def state(self, incident: Incident) -> IncidentState:
        """The incident as its events tell it."""
        ...

    async def with_event(self, kind: type[Fact], since: datetime) -> tuple[IncidentKey, ...]:
        """Incidents that have an event of that kind since then."""
        ...


class Mitigations(Protocol):
    """Mitigations of all agents, with one growing revision per agent."""

    async def put(self, mitigation: Mitigation) -> Mitigation:
        """Insert or replace by id; returns it with the agent's new revision."""
        ...

    async def get(self, mitigation_id: str) -> Mitigation | None:
        """One mitigation, or None."""
        ...

    async def live(self) -> tuple[tuple[Mitigation, ...], Mapping[str, int]]:
        """All mitigations that have not ended, oldest first, and every agent's current revision.

        Among them are those that wait for approval and are not in force yet.
        """
        ...

    async def decided_since(self, agent: str, revision: int, mitigation: str = "") -> bool:
        """Anything but proof has come to the agent's controls after that revision, or to the one mitigation named."""
        ...

    async def revisions(self) -> Mapping[str, int]:
        """Every agent's current revision: cheap, and the same as long as none of its mitigations has changed."""
        ...


class Snapshots(Protocol):
    """Frozen evidence, kept beside later looks and never overwritten."""

    async def freeze(self, key: IncidentKey, kind: str, at: datetime, body: Mapping[str, object]) -> tuple[str, str]:
        """Keep ``body`` (JSON values) under a new id; returns the id and the SHA-256 of its canonical JSON.

        A second snapshot of kind "T0" returns the first one's id and hash and keeps the first.
        """
        ...

    async def frozen(self, snapshot_id: str) -> Mapping[str, object] | None:
        """The body kept under that id, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of an idempotency key: SHA-256 of its request, until when somebody works on it, and the answer."""

    fingerprint: str
    until: datetime | None = None
    answer: Mapping[str, object] | None = None


class Requests(Protocol):
    """Idempotency keys, in the transaction of what they changed."""

    async def claim(self, key: str, fingerprint: str, at: datetime, until: datetime | None = None) -> Remembered | None:
        """Remember it; None when it is new, else what is known of it. Other claims of the key wait for this transaction."""
        ...

    async def settle(self, key: str, answer: Mapping[str, object] | None = None, until: datetime | None = None) -> None:
        """Keep its answer (JSON values), or until when somebody works on it."""
        ...

    async def forget(self, key: str) -> None:
        """It was never used."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget those remembered before that moment; returns how many."""
        ...


class Turns(Protocol):
    """Who writes to a lane now: one at a time, across processes, and nobody forever."""

    async def take(self, lane: str, now: datetime, until: datetime) -> int | None:
        """The number of the turn, which lasts until then at most; None while another one lasts."""
        ...

    async def is_mine(self, lane: str, number: int) -> bool:
        """No later turn has begun. None begins before this transaction ends."""
        ...

    async def leave(self, lane: str, number: int) -> None:
        """End the turn, if it is still that one."""
        ...


class Work(Protocol):
    """One transaction over everything we keep."""

    @property
    def incidents(self) -> Incidents:
        """What is fixed at declaration."""
        ...

    @property
    def timelines(self) -> Timelines:
        """Everything that happened."""
        ...

    @property
    def mitigations(self) -> Mitigations:
        """The levers pulled."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """Frozen evidence."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What the room must be told."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Durable timers."""
        ...

    @property
    def turns(self) -> Turns:
        """Who writes to control planes now."""
        ...

    @property
    def requests(self) -> Requests:
        """The idempotency keys that were used."""
        ...


class Records(Protocol):
    """The database, one transaction at a time."""

    def begin(self) -> AbstractAsyncContextManager[Work]:
        """A writing transaction: committed when the block ends well, undone when it raises.

        Nothing slow happens inside: no network, no waiting for people.
        """
        ...

    def look(self) -> AbstractAsyncContextManager[Work]:
        """A reading view; writing through it raises."""
        ...
