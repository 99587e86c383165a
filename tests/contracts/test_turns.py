"""Promises of turns at a control plane, on every database."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.storage.database import Database
from bot.storage.records import SqlRecords
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

LATER = START + timedelta(seconds=45)


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords(database, NoJobs())


async def taken(records: SqlRecords, now: datetime = START, lane: str = "a") -> int | None:
    async with records.begin() as work:
        return await work.turns.take(lane, now, now + timedelta(seconds=45))


async def mine(records: SqlRecords, number: int) -> bool:
    async with records.begin() as work:
        return await work.turns.is_mine("a", number)


async def test_one_turn_at_a_time_and_the_next_has_the_next_number(records: SqlRecords) -> None:
    assert (await taken(records), await taken(records), await taken(records, lane="b")) == (1, None, 1)
    async with records.begin() as work:
        await work.turns.leave("a", 1)
    assert (await taken(records), await mine(records, 1), await mine(records, 2)) == (2, False, True)


async def test_a_turn_that_nobody_left_runs_out_and_its_owner_ends_no_other(records: SqlRecords) -> None:
    assert (await taken(records), await taken(records, LATER)) == (1, 2)
    async with records.begin() as work:
        await work.turns.leave("a", 1)
    assert await taken(records, LATER) is None


async def test_of_many_at_once_one_gets_the_turn(records: SqlRecords) -> None:
    found = await asyncio.gather(*(taken(records) for _ in range(8)))
    assert sorted(found, key=lambda one: one is None) == [1, *[None] * 7]
