"""Promises of idempotency keys, on every database."""

import asyncio
from datetime import timedelta

import pytest

from bot.ports import Remembered
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

ANSWER = {"status": 201, "headers": {"etag": '"1"'}, "body": '{"id": "a"}'}
SOON = START + timedelta(seconds=60)


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords(database, NoJobs())


async def claimed(records: SqlRecords, key: str, fingerprint: str = "f") -> Remembered | None:
    async with records.begin() as work:
        return await work.requests.claim(key, fingerprint, START, SOON)


async def test_a_key_is_new_once_and_then_known_with_its_fingerprint_and_answer(records: SqlRecords) -> None:
    assert await claimed(records, "k") is None
    assert await claimed(records, "k", "other") == Remembered("f", SOON)
    async with records.begin() as work:
        await work.requests.settle("k", ANSWER)
    assert await claimed(records, "k", "other") == Remembered("f", None, ANSWER)
    assert await claimed(records, "another") is None


async def test_of_claims_at_once_one_is_first(records: SqlRecords) -> None:
    found = await asyncio.gather(*(claimed(records, "k") for _ in range(8)))
    assert found.count(None) == 1


async def test_a_key_whose_change_is_undone_was_never_used(records: SqlRecords) -> None:
    async def undone() -> None:
        async with records.begin() as work:
            await work.requests.claim("k", "f", START)
            raise LookupError

    with pytest.raises(LookupError):
        await undone()
    assert await claimed(records, "k") is None
    async with records.begin() as work:
        await work.requests.forget("k")
    assert await claimed(records, "k") is None


async def test_keys_are_forgotten_by_age(records: SqlRecords) -> None:
    async with records.begin() as work:
        await work.requests.claim("old", "f", START)
        await work.requests.claim("young", "f", SOON)
        assert await work.requests.prune(SOON) == 1
    assert await claimed(records, "old") is None
    assert await claimed(records, "young") == Remembered("f")
