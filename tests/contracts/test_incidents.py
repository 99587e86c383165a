"""Promises of the incident records, on every database."""

import asyncio
from datetime import timedelta
from hashlib import sha256

import pytest

from bot.incident.model import IncidentKey, Person
from bot.ports import NewIncident, RoomRecord
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.rooms import SqlRoomRecords
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

ANA = Person("U1", "Ana")


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords(database, NoJobs())


def said(title: str = "Replies loop") -> NewIncident:
    return NewIncident(title, "helpdesk-agent", "production", START, ANA, private=True)


async def declare(records: SqlRecords, key: str, title: str = "Replies loop") -> tuple[int, bool]:
    async with records.begin() as work:
        incident, new = await work.incidents.open(said(title), key)
    return incident.number, new


async def test_an_incident_comes_back_as_it_was_declared(records: SqlRecords) -> None:
    title = "دردشة 🔥 الوكيل يعيد نفسه"
    async with records.begin() as work:
        opened, new = await work.incidents.open(said(title), "click-1")
    async with records.look() as work:
        kept = await work.incidents.get(opened.key)
    assert new
    assert kept == opened
    assert (opened.key, opened.title, opened.declared_at) == ("INC-1", title, START)


async def test_the_same_click_twice_makes_one_incident(records: SqlRecords) -> None:
    assert await declare(records, "click-1") == (1, True)
    assert await declare(records, "click-1", "another title") == (1, False)
    assert await declare(records, "click-2") == (2, True)


async def test_two_people_declaring_at_once_get_two_numbers(records: SqlRecords) -> None:
    answers = await asyncio.gather(*(declare(records, f"click-{n}") for n in range(8)))
    assert sorted(number for number, _ in answers) == list(range(1, 9))


async def test_the_same_click_delivered_at_once_makes_one_incident(records: SqlRecords) -> None:
    answers = await asyncio.gather(*(declare(records, "click") for _ in range(6)))
    assert {number for number, _ in answers} == {1}
    assert [new for _, new in answers].count(True) == 1


async def test_a_declaration_that_fails_leaves_no_gap(records: SqlRecords) -> None:
    async def half_done() -> None:
        async with records.begin() as work:
            await work.incidents.open(said(), "click-1")
            raise ValueError("a later step fails")

    with pytest.raises(ValueError, match="later step"):
        await half_done()
    assert await declare(records, "click-1") == (1, True)


async def test_recent_incidents_come_newest_first_page_by_page(records: SqlRecords) -> None:
    for n in range(5):
        await declare(records, f"click-{n}")
    async with records.look() as work:
        first = await work.incidents.recent(2)
        second = await work.incidents.recent(2, before=first[-1].number)
    assert [one.number for one in (*first, *second)] == [5, 4, 3, 2]


async def test_an_incident_is_found_by_its_room(records: SqlRecords, database: Database) -> None:
    await declare(records, "click-1")
    await SqlRoomRecords(database).save(RoomRecord(IncidentKey("INC-1"), channel_id="C7"))
    async with records.look() as work:
        found = await work.incidents.in_channel("C7")
        assert await work.incidents.in_channel("C8") is None
        assert await work.incidents.in_channel("") is None
    assert found is not None
    assert found.key == "INC-1"


async def test_an_unknown_incident_is_none(records: SqlRecords) -> None:
    async with records.look() as work:
        assert await work.incidents.get(IncidentKey("INC-99999999999999999999")) is None


async def test_a_view_does_not_write(records: SqlRecords) -> None:
    with pytest.raises(RuntimeError, match="only reads"):
        async with records.look() as work:
            await work.incidents.open(said(), "click-1")


async def test_a_t0_snapshot_is_frozen_once_and_later_looks_stand_beside_it(records: SqlRecords) -> None:
    await declare(records, "click-1")
    key = IncidentKey("INC-1")
    async with records.begin() as work:
        first = await work.snapshots.freeze(key, "T0", START, {"b": [1, 2.5, None], "a": "é"})
        later = START + timedelta(minutes=3)
        assert await work.snapshots.freeze(key, "T0", later, {"a": "changed"}) == first
        look, _ = await work.snapshots.freeze(key, "look", later, {"a": "changed"})
    async with records.look() as work:
        assert await work.snapshots.frozen(first[0]) == {"a": "é", "b": [1, 2.5, None]}
        assert await work.snapshots.frozen(look) == {"a": "changed"}
        assert await work.snapshots.frozen("nothing") is None
    assert first[1] == sha256(b'{"a":"\\u00e9","b":[1,2.5,null]}').hexdigest()
