"""The incident's room: what it still has to be told, what was made of it, and what came from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.incident.model import IncidentKey


class RoomTaskKind(StrEnum):
    """What the room can be asked to do."""

    CONVERGE = "converge"  # channel, card, topic, pins: make them what the timeline says
    POST = "post"  # a message in the room: payload text
    TELL = "tell"  # a message only one person sees: payload person, channel, text
    POSTMORTEM = "postmortem"  # render the draft, upload it as a file and link its page
    EVIDENCE = "evidence"  # draw the frozen evidence and upload the pictures, once; best effort


@dataclass(frozen=True, slots=True)
class RoomTask:
    """One thing for the room. ``key`` makes it happen once; an empty key may be queued again and again."""

    kind: RoomTaskKind
    incident: IncidentKey
    key: str = ""
    payload: Mapping[str, str] = field(default_factory=dict)


class Outbox(Protocol):
    """What the room still has to be told. Survives crashes; consumed in order per incident."""

    async def put(self, task: RoomTask) -> None:
        """Queue it; a task whose ``key`` was queued before is dropped, unless that key is empty."""
        ...


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """A task taken from the outbox; it comes back by itself when its lease runs out."""

    id: int
    task: RoomTask
    attempts: int


class OutboxQueue(Protocol):
    """The consuming end of the outbox."""

    async def claim(self, now: datetime, limit: int) -> tuple[QueuedTask, ...]:
        """Due tasks, oldest first, at most one per incident, leased to the caller for 30 s."""
        ...

    async def done(self, task_id: int) -> None:
        """The task is finished and never comes back."""
        ...

    async def again(self, task_id: int, at: datetime, why: str) -> None:
        """Try it again at ``at``; later tasks of the same incident wait behind it."""
        ...


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """What we know we have made in Slack for an incident. Empty fields are still to be made."""

    incident: IncidentKey
    channel_id: str = ""
    channel_name: str = ""
    card_ts: str = ""
    card_digest: str = ""  # of the last card sent, so that an unchanged one is not sent again
    steps: Mapping[str, str] = field(default_factory=dict)  # optional step -> "ok" or what failed
    checklist_ts: str = ""  # the message with the runbook's steps, once there is a class
    checklist_digest: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)  # open question to a second person -> its message


class RoomRecords(Protocol):
    """Where rooms are remembered."""

    async def room(self, key: IncidentKey) -> RoomRecord:
        """The record of that incident, empty when nothing was made yet."""
        ...

    async def save(self, record: RoomRecord) -> None:
        """Remember it. Also makes :meth:`Incidents.in_channel` find the incident by its channel."""
        ...


class Deliveries(Protocol):
    """Requests from outside, each remembered durably before it is acknowledged."""

    async def first(self, key: str, body: str, at: datetime) -> bool:
        """True the first time this key is seen; returns after the commit. Concurrent calls share commits."""
        ...

    async def handled(self, key: str) -> None:
        """The request has been worked off; cheap, may be committed a moment later."""
        ...

    async def unhandled(self, before: datetime) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before that moment and never worked off, oldest first."""
        ...


class Groups(Protocol):
    """Groups of people that somebody else keeps, Slack's user groups for example."""

    async def members(self, group: str) -> frozenset[str]:
        """The ids of the people in it.

        Raises:
            Unavailable: it could not be looked up.
        """
        ...
