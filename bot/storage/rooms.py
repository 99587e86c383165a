"""What we know we have made in Slack."""

from dataclasses import dataclass

from sqlalchemy import select

from bot.incident.model import IncidentKey
from bot.ports import RoomRecord, RoomRecords
from bot.storage.database import Database
from bot.storage.tables.incidents import rooms
from bot.storage.transaction import insert


@dataclass(frozen=True, slots=True)
class SqlRoomRecords(RoomRecords):
    """Rooms, each call its own transaction."""

    database: Database

    async def room(self, key: IncidentKey) -> RoomRecord:
        """The record of that incident, empty when nothing was made yet."""
        async with self.database.read() as connection:
            row = (await connection.execute(select(rooms).where(rooms.c.incident == key))).one_or_none()
        if row is None:
            return RoomRecord(key)
        return RoomRecord(
            key,
            row.channel_id,
            row.channel_name,
            row.card_ts,
            row.card_digest,
            row.steps,
            row.checklist_ts,
            row.checklist_digest,
            row.questions,
        )

    async def save(self, record: RoomRecord) -> None:
        """Remember it. Also makes :meth:`Incidents.in_channel` find the incident by its channel."""
        values = {
            "channel_id": record.channel_id,
            "channel_name": record.channel_name,
            "card_ts": record.card_ts,
            "card_digest": record.card_digest,
            "steps": dict(record.steps),
            "checklist_ts": record.checklist_ts,
            "checklist_digest": record.checklist_digest,
            "questions": dict(record.questions),
        }
        async with self.database.write() as connection:
            await connection.execute(
                insert(connection, rooms)
                .values(incident=record.incident, **values)
                .on_conflict_do_update(index_elements=["incident"], set_=values)
            )
