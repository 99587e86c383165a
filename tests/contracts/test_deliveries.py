"""Promises of the deliveries, on every database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from bot.storage.database import Database
from bot.storage.deliveries import GroupedDeliveries, Ledger, Received
from bot.storage.delivery_ledgers import open_deliveries
from tests.fakes.clock import START

LATER = START + timedelta(seconds=10)


@pytest.fixture
async def deliveries(database: Database) -> AsyncIterator[GroupedDeliveries]:
    opened = open_deliveries(database)
    yield opened
    await opened.close()


async def test_only_the_first_sight_of_a_request_is_the_first(deliveries: GroupedDeliveries) -> None:
    assert await deliveries.first("a", "body", START)
    assert not await deliveries.first("a", "another body", LATER)
    assert await deliveries.first("b", "", START)


async def test_of_many_at_once_exactly_one_is_the_first(deliveries: GroupedDeliveries) -> None:
    answers = await asyncio.gather(*(deliveries.first(f"k{n % 10}", "body", START) for n in range(50)))
    assert answers.count(True) == 10


async def test_two_processes_do_not_both_see_it_first(deliveries: GroupedDeliveries, database: Database) -> None:
    other = open_deliveries(database)
    try:
        answers = await asyncio.gather(
            *(one.first(f"k{n}", "body", START) for n in range(20) for one in (deliveries, other))
        )
    finally:
        await other.close()
    assert answers.count(True) == 20


async def test_unhandled_requests_are_found_again_oldest_first(deliveries: GroupedDeliveries) -> None:
    await deliveries.first("late", "2", START + timedelta(seconds=2))
    await deliveries.first("early", "1 🔥", START + timedelta(seconds=1))
    await deliveries.first("worked off", "0", START)
    await deliveries.first("too young", "3", LATER)
    await deliveries.handled("worked off")
    assert await deliveries.unhandled(LATER) == (("early", "1 🔥"), ("late", "2"))


async def test_what_was_answered_and_worked_off_survives_a_restart(database: Database) -> None:
    before = open_deliveries(database)
    await before.first("open", "body", START)
    await before.first("done", "body", START)
    await before.handled("done")
    await before.close()
    after = open_deliveries(database)
    try:
        assert not await after.first("open", "body", START)
        assert await after.unhandled(LATER) == (("open", "body"),)
    finally:
        await after.close()


async def test_a_worked_off_request_is_committed_without_further_traffic(
    deliveries: GroupedDeliveries, database: Database
) -> None:
    await deliveries.first("a", "body", START)
    await deliveries.handled("a")
    await asyncio.sleep(0.4)
    other = open_deliveries(database)
    try:
        assert await other.unhandled(LATER) == ()
    finally:
        await other.close()


class BrokenOnce(Ledger):
    """A ledger whose first commit fails; it counts commits."""

    def __init__(self) -> None:
        self.commits = 0

    async def keep(self, received: Sequence[Received], handled: Sequence[str]) -> set[str]:  # noqa: ARG002  as the port
        self.commits += 1
        await asyncio.sleep(0)
        if self.commits == 1:
            raise OSError("disk full")
        return {one.key for one in received}

    async def open_before(self, at: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002  as the port
        return ()

    async def close(self) -> None:
        return


async def test_a_failed_commit_is_told_to_those_who_wait_and_the_next_one_works() -> None:
    deliveries = GroupedDeliveries(BrokenOnce())
    with pytest.raises(OSError, match="disk full"):
        await deliveries.first("a", "", START)
    assert await deliveries.first("a", "", START)


async def test_calls_that_wait_share_a_commit() -> None:
    ledger = BrokenOnce()
    deliveries = GroupedDeliveries(ledger)
    await asyncio.gather(*(deliveries.first(f"k{n}", "", START) for n in range(64)), return_exceptions=True)
    assert ledger.commits == 1
