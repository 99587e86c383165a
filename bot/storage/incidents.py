"""Incidents, as fixed at declaration."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update

from bot.incident.model import Incident, IncidentKey, Person
from bot.ports import Incidents, NewIncident
from bot.storage.tables.incidents import incident_numbers, incidents, rooms
from bot.storage.transaction import Transaction, insert


@dataclass(frozen=True, slots=True)
class SqlIncidents(Incidents):
    """Incidents within one transaction."""

    transaction: Transaction

    async def open(self, incident: NewIncident, idempotency_key: str) -> tuple[Incident, bool]:
        """Give it the next number and keep it; False when the key was used before (then: that one, unchanged)."""
        last = await self._last_number()
        existing = await self._one(incidents.c.idempotency_key == idempotency_key)
        if existing is not None:
            return existing, False
        opened = Incident(
            last + 1,
            incident.title,
            incident.agent,
            incident.environment,
            incident.declared_at,
            incident.declared_by,
            incident.private,
            incident.test,
        )
        await self._keep(opened, idempotency_key)
        return opened, True

    async def _last_number(self) -> int:
        """The highest number so far, and nobody else may take the next until this transaction ends."""
        connection = self.transaction.writing
        locked = (
            insert(connection, incident_numbers)
            .values(id=1, last=0)
            .on_conflict_do_update(index_elements=["id"], set_={"last": incident_numbers.c.last})
            .returning(incident_numbers.c.last)
        )
        return int((await connection.execute(locked)).scalar_one())

    async def _keep(self, incident: Incident, idempotency_key: str) -> None:
        connection = self.transaction.writing
        await connection.execute(update(incident_numbers).values(last=incident.number))
        await connection.execute(
            incidents.insert().values(
                number=incident.number,
                key=incident.key,
                idempotency_key=idempotency_key,
                title=incident.title,
                agent=incident.agent,
                environment=incident.environment,
                declared_at=incident.declared_at,
                declared_by_id=incident.declared_by.id,
                declared_by_name=incident.declared_by.name,
                private=incident.private,
                test=incident.test,
            )
        )

    async def get(self, key: IncidentKey) -> Incident | None:
        """The incident of that key, or None. In a writing transaction other writers of it wait from now on."""
        await self.transaction.lock(key)
        return await self._one(incidents.c.key == key)

    async def recent(self, limit: int, before: int | None = None) -> tuple[Incident, ...]:
        """Newest first; with ``before``, only numbers below it."""
        wanted = select(incidents).order_by(incidents.c.number.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(incidents.c.number < before)
        return tuple(_incident(row) for row in await self.transaction.connection.execute(wanted))

    async def in_channel(self, channel_id: str) -> Incident | None:
        """The incident whose room is that channel, or None."""
        if not channel_id:
            return None
        return await self._one(incidents.c.key.in_(select(rooms.c.incident).where(rooms.c.channel_id == channel_id)))

    async def _one(self, condition: ColumnElement[bool]) -> Incident | None:
        wanted = select(incidents).where(condition).order_by(incidents.c.number.desc()).limit(1)
        row = (await self.transaction.connection.execute(wanted)).one_or_none()
        return None if row is None else _incident(row)


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        row.number,
        row.title,
        row.agent,
        row.environment,
        row.declared_at,
        Person(row.declared_by_id, row.declared_by_name),
        row.private,
        row.test,
    )
