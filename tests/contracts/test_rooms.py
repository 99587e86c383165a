"""Promises of the room records, on every database."""

from dataclasses import replace

from bot.incident.model import IncidentKey
from bot.ports import RoomRecord
from bot.storage.database import Database
from bot.storage.rooms import SqlRoomRecords

KEY = IncidentKey("INC-1")


async def test_a_room_nobody_made_is_empty(database: Database) -> None:
    assert await SqlRoomRecords(database).room(KEY) == RoomRecord(KEY)


async def test_a_room_is_remembered_as_last_saved(database: Database) -> None:
    rooms = SqlRoomRecords(database)
    made = RoomRecord(
        KEY,
        "C1",
        "inc-1-helpdesk",
        "17.1",
        "d1",
        {"topic": "ok", "bookmark": "missing_scope"},
        "18.1",
        "d3",
        {"INC-1-a": "19.1"},
    )
    await rooms.save(made)
    assert await rooms.room(KEY) == made
    changed = replace(made, card_digest="d2", steps={})
    await rooms.save(changed)
    assert await rooms.room(KEY) == changed
