"""Immutable events, in order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bot.incident.errors import NotFound
from bot.incident.model import Incident, IncidentKey, Person
from bot.incident.state import IncidentState
from bot.incident.timeline import Event, Fact, fact_from_json, fact_to_json, kind_of
from bot.ports import Timelines
from bot.storage.audit import Audit
from bot.storage.kept_reading import KeptReading
from bot.storage.tables.incidents import events, incidents
from bot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SqlTimelines(Timelines):
    """Timelines within one transaction."""

    transaction: Transaction
    audit: Audit
    kept: KeptReading

    async def append(
        self, key: IncidentKey, fact: Fact, by: Person, at: datetime, idempotency_key: str | None = None
    ) -> Event | None:
        """Add one event; None when the idempotency key was used on this incident before.

        Raises:
            NotFound: there is no such incident.
        """
        connection = self.transaction.writing
        await self.transaction.lock(key)
        if idempotency_key is not None and await self._used(key, idempotency_key):
            return None
        wanted = (
            select(incidents.c.key, func.coalesce(func.max(events.c.seq), 0))
            .outerjoin(events, events.c.incident == incidents.c.key)
            .where(incidents.c.key == key)
            .group_by(incidents.c.key)
        )
        row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise NotFound(f"No incident {key} here.")
        event = Event(key, row[1] + 1, at, by, fact)
        await self._keep(event, idempotency_key)
        self.audit.tell(event)
        return event

    async def _used(self, key: IncidentKey, idempotency_key: str) -> bool:
        wanted = select(events.c.seq).where(events.c.incident == key, events.c.idempotency_key == idempotency_key)
        return (await self.transaction.connection.execute(wanted)).first() is not None

    async def _keep(self, event: Event, idempotency_key: str | None) -> None:
        kind, body = fact_to_json(event.fact)
        await self.transaction.writing.execute(
            events.insert().values(
                incident=event.incident,
                seq=event.seq,
                at=event.at,
                by_id=event.by.id,
                by_name=event.by.name,
                kind=kind,
                fact=body,
                idempotency_key=idempotency_key,
            )
        )

    async def with_event(self, kind: type[Fact], since: datetime) -> tuple[IncidentKey, ...]:
        """Incidents that have an event of that kind since then."""
        wanted = select(events.c.incident).where(events.c.kind == kind_of(kind), events.c.at >= since).distinct()
        found = (await self.transaction.connection.execute(wanted)).scalars()
        return tuple(IncidentKey(key) for key in found)

    async def read(self, key: IncidentKey) -> tuple[Event, ...]:
        """All events, oldest first; those read before are not read again."""
        known = self.kept.events(key)
        wanted = (
            select(events)
            .where(events.c.incident == key, events.c.seq > (known[-1].seq if known else 0))
            .order_by(events.c.seq)
        )
        fresh = [
            Event(key, row.seq, row.at, Person(row.by_id, row.by_name), fact_from_json(row.kind, row.fact))
            for row in await self.transaction.connection.execute(wanted)
        ]
        told = (*known, *fresh)
        if not self.transaction.writable:
            self.kept.keep_events(key, told)
        return told

    async def state(self, incident: Incident) -> IncidentState:
        """The incident as its events tell it."""
        told = await self.read(incident.key)
        return self.kept.state(incident, told, keep=not self.transaction.writable)
