"""Records in memory, for stories that are not about the database. A transaction that raises is undone."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta

from bot.incident.folding import fold
from bot.incident.mitigation import Mitigation
from bot.incident.model import Incident, IncidentKey, Person
from bot.incident.state import IncidentState
from bot.incident.timeline import Event, Fact
from bot.ports import Job, NewIncident, Remembered, RoomTask

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ANA = Person("U1", "ana")


@dataclass
class StillClock:
    """A clock that moves when told to."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class CountingIds:
    count: int = 0

    def new(self) -> str:
        self.count += 1
        return f"id{self.count:018d}"


@dataclass
class MemoryWork:
    """Every repository in one; ``look`` and ``begin`` give the same."""

    opened: dict[IncidentKey, Incident] = field(default_factory=dict)
    keys: dict[str, IncidentKey] = field(default_factory=dict)
    events: dict[IncidentKey, list[Event]] = field(default_factory=dict)
    used: set[tuple[IncidentKey, str]] = field(default_factory=set)
    bodies: dict[str, Mapping[str, object]] = field(default_factory=dict)
    tasks: list[RoomTask] = field(default_factory=list)
    jobs_scheduled: list[Job] = field(default_factory=list)
    levers: dict[str, Mitigation] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    decided: list[tuple[str, str, int]] = field(default_factory=list)  # agent, mitigation, revision
    rooms: dict[str, IncidentKey] = field(default_factory=dict)  # channel id -> incident
    lanes: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)
    remembered: dict[str, tuple[datetime, Remembered]] = field(default_factory=dict)

    def image(self) -> dict[str, object]:
        """Everything kept, as of now."""
        now = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        return now | {"events": {key: list(events) for key, events in self.events.items()}}

    def restore(self, image: dict[str, object]) -> None:
        for name, value in image.items():
            setattr(self, name, value)

    @property
    def incidents(self) -> "MemoryIncidents":
        return MemoryIncidents(self)

    @property
    def timelines(self) -> "MemoryTimelines":
        return MemoryTimelines(self)

    @property
    def mitigations(self) -> "MemoryMitigations":
        return MemoryMitigations(self)

    @property
    def snapshots(self) -> "MemorySnapshots":
        return MemorySnapshots(self)

    @property
    def outbox(self) -> "MemoryOutbox":
        return MemoryOutbox(self)

    @property
    def jobs(self) -> "MemoryJobs":
        return MemoryJobs(self)

    @property
    def turns(self) -> "MemoryTurns":
        return MemoryTurns(self)

    @property
    def requests(self) -> "MemoryRequests":
        return MemoryRequests(self)


@dataclass
class MemoryTurns:
    kept: MemoryWork

    async def take(self, lane: str, now: datetime, until: datetime) -> int | None:
        number, lasts = self.kept.lanes.get(lane, (0, None))
        if lasts is not None and now < lasts:
            return None
        self.kept.lanes[lane] = number + 1, until
        return number + 1

    async def is_mine(self, lane: str, number: int) -> bool:
        return self.kept.lanes[lane][0] == number

    async def leave(self, lane: str, number: int) -> None:
        if self.kept.lanes[lane][0] == number:
            self.kept.lanes[lane] = number, None


@dataclass
class MemoryRequests:
    kept: MemoryWork

    async def claim(self, key: str, fingerprint: str, at: datetime, until: datetime | None = None) -> Remembered | None:
        if key in self.kept.remembered:
            return self.kept.remembered[key][1]
        self.kept.remembered[key] = at, Remembered(fingerprint, until)
        return None

    async def settle(self, key: str, answer: Mapping[str, object] | None = None, until: datetime | None = None) -> None:
        at, known = self.kept.remembered[key]
        self.kept.remembered[key] = at, replace(known, answer=answer, until=until)

    async def forget(self, key: str) -> None:
        self.kept.remembered.pop(key, None)

    async def prune(self, before: datetime) -> int:
        old = [key for key, (at, _) in self.kept.remembered.items() if at < before]
        for key in old:
            del self.kept.remembered[key]
        return len(old)


@dataclass
class MemoryIncidents:
    kept: MemoryWork

    async def open(self, incident: NewIncident, idempotency_key: str) -> tuple[Incident, bool]:
        if idempotency_key in self.kept.keys:
            return self.kept.opened[self.kept.keys[idempotency_key]], False
        opened = Incident(
            number=len(self.kept.opened) + 1,
            title=incident.title,
            agent=incident.agent,
            environment=incident.environment,
            declared_at=incident.declared_at,
            declared_by=incident.declared_by,
            private=incident.private,
            test=incident.test,
        )
        self.kept.opened[opened.key] = opened
        self.kept.keys[idempotency_key] = opened.key
        return opened, True

    async def get(self, key: IncidentKey) -> Incident | None:
        return self.kept.opened.get(key)

    async def recent(self, limit: int, before: int | None = None) -> tuple[Incident, ...]:
        newest = sorted(self.kept.opened.values(), key=lambda i: -i.number)
        return tuple(i for i in newest if before is None or i.number < before)[:limit]

    async def in_channel(self, channel_id: str) -> Incident | None:
        key = self.kept.rooms.get(channel_id)
        return self.kept.opened.get(key) if key else None


@dataclass
class MemoryTimelines:
    kept: MemoryWork

    async def append(
        self, key: IncidentKey, fact: Fact, by: Person, at: datetime, idempotency_key: str | None = None
    ) -> Event | None:
        if idempotency_key is not None:
            if (key, idempotency_key) in self.kept.used:
                return None
            self.kept.used.add((key, idempotency_key))
        events = self.kept.events.setdefault(key, [])
        events.append(Event(key, len(events) + 1, at, by, fact))
        return events[-1]

    async def with_event(self, kind: type[Fact], since: datetime) -> tuple[IncidentKey, ...]:
        told = self.kept.events.items()
        return tuple(key for key, events in told if any(isinstance(e.fact, kind) and e.at >= since for e in events))

    async def read(self, key: IncidentKey) -> tuple[Event, ...]:
        return tuple(self.kept.events.get(key, ()))

    async def state(self, incident: Incident) -> IncidentState:
        return fold(incident, await self.read(incident.key))


@dataclass
class MemoryMitigations:
    kept: MemoryWork

    async def put(self, mitigation: Mitigation) -> Mitigation:
        revision = self.kept.revisions.get(mitigation.agent, 0) + 1
        self.kept.revisions[mitigation.agent] = revision
        before = self.kept.levers.get(mitigation.id)
        if before is None or replace(mitigation, state=before.state, revision=before.revision) != before:
            self.kept.decided.append((mitigation.agent, mitigation.id, revision))
        self.kept.levers[mitigation.id] = replace(mitigation, revision=revision)
        return self.kept.levers[mitigation.id]

    async def get(self, mitigation_id: str) -> Mitigation | None:
        return self.kept.levers.get(mitigation_id)

    async def live(self) -> tuple[tuple[Mitigation, ...], Mapping[str, int]]:
        return tuple(m for m in self.kept.levers.values() if not m.state.has_ended), dict(self.kept.revisions)

    async def decided_since(self, agent: str, revision: int, mitigation: str = "") -> bool:
        return any(
            name == agent and mitigation in {"", about} and at > revision for name, about, at in self.kept.decided
        )

    async def revisions(self) -> Mapping[str, int]:
        return dict(self.kept.revisions)


@dataclass
class MemorySnapshots:
    kept: MemoryWork

    async def freeze(self, key: IncidentKey, kind: str, at: datetime, body: Mapping[str, object]) -> tuple[str, str]:
        del at
        name = f"{key}-{kind}"
        self.kept.bodies.setdefault(name, body)
        return name, hashlib.sha256(
            json.dumps(self.kept.bodies[name], sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()

    async def frozen(self, snapshot_id: str) -> Mapping[str, object] | None:
        return self.kept.bodies.get(snapshot_id)


@dataclass
class MemoryOutbox:
    kept: MemoryWork

    async def put(self, task: RoomTask) -> None:
        if not task.key or task.key not in {queued.key for queued in self.kept.tasks}:
            self.kept.tasks.append(task)


@dataclass
class MemoryJobs:
    kept: MemoryWork

    async def schedule(self, job: Job) -> None:
        if job.id not in {scheduled.id for scheduled in self.kept.jobs_scheduled}:
            self.kept.jobs_scheduled.append(job)


@dataclass
class MemoryRecords:
    """The database that forgets. ``failing`` makes every look raise."""

    kept: MemoryWork = field(default_factory=MemoryWork)
    failing: Exception | None = None
    looks: int = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryWork]:
        before = self.kept.image()
        try:
            yield self.kept
        except BaseException:
            self.kept.restore(before)
            raise

    @asynccontextmanager
    async def look(self) -> AsyncIterator[MemoryWork]:
        self.looks += 1
        if self.failing is not None:
            raise self.failing
        yield self.kept
