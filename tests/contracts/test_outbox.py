"""Promises of the outbox, on every database."""

import asyncio
from datetime import timedelta

import pytest

from bot.incident.model import IncidentKey, Person
from bot.ports import NewIncident, QueuedTask, RoomTask, RoomTaskKind
from bot.storage.database import Database
from bot.storage.outbox import SqlOutboxQueue
from bot.storage.records import SqlRecords
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

ANA = Person("U1", "Ana")
ONE, TWO = IncidentKey("INC-1"), IncidentKey("INC-2")
LEASE = timedelta(seconds=30)


@pytest.fixture
async def records(database: Database) -> SqlRecords:
    records = SqlRecords(database, NoJobs())
    for click in ("a", "b"):
        async with records.begin() as work:
            await work.incidents.open(NewIncident("Loop", "helpdesk", "production", START, ANA), click)
    return records


@pytest.fixture
def queue(database: Database) -> SqlOutboxQueue:
    return SqlOutboxQueue(database)


def post(key: IncidentKey, name: str) -> RoomTask:
    return RoomTask(RoomTaskKind.POST, key, name, {"text": f"{name} 🔥"})


def converge(key: IncidentKey) -> RoomTask:
    return RoomTask(RoomTaskKind.CONVERGE, key)


async def put(records: SqlRecords, *tasks: RoomTask) -> None:
    async with records.begin() as work:
        for task in tasks:
            await work.outbox.put(task)


def names(claimed: tuple[QueuedTask, ...]) -> list[str]:
    return [f"{one.task.incident} {one.task.key or one.task.kind}" for one in claimed]


async def test_tasks_come_in_order_one_at_a_time_for_each_incident(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, post(ONE, "a"), post(ONE, "b"), post(TWO, "c"))
    first = await queue.claim(START, 10)
    assert names(first) == ["INC-1 a", "INC-2 c"]
    assert (first[0].task, first[0].attempts) == (post(ONE, "a"), 1)
    assert await queue.claim(START, 10) == ()
    await queue.done(first[0].id)
    assert names(await queue.claim(START, 10)) == ["INC-1 b"]


async def test_a_task_with_a_key_is_queued_once_for_ever(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, post(ONE, "a"), post(ONE, "a"), post(TWO, "a"))
    for task in await queue.claim(START, 10):
        await queue.done(task.id)
    await put(records, post(ONE, "a"))
    assert await queue.claim(START, 10) == ()


async def test_waiting_converges_melt_into_one(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, converge(ONE), converge(ONE), converge(TWO))
    await put(records, converge(ONE))
    claimed = await queue.claim(START, 10)
    assert names(claimed) == ["INC-1 converge", "INC-2 converge"]
    await put(records, converge(ONE))  # the claimed one may have looked already
    await put(records, converge(ONE))
    for task in claimed:
        await queue.done(task.id)
    again = await queue.claim(START, 10)
    assert names(again) == ["INC-1 converge"]
    await queue.done(again[0].id)
    assert await queue.claim(START, 10) == ()


async def test_a_lost_task_comes_back_when_its_lease_is_over(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, post(ONE, "a"), post(ONE, "b"))
    await queue.claim(START, 10)
    assert await queue.claim(START + LEASE - timedelta(seconds=1), 10) == ()
    back = await queue.claim(START + LEASE, 10)
    assert names(back) == ["INC-1 a"]
    assert back[0].attempts == 2


async def test_later_tasks_wait_behind_one_that_is_tried_again(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, post(ONE, "a"), post(ONE, "b"), post(TWO, "c"))
    failed, fine = await queue.claim(START, 10)
    await queue.again(failed.id, START + timedelta(seconds=5), "rate limited")
    await queue.done(fine.id)
    assert await queue.claim(START + timedelta(seconds=4), 10) == ()
    assert names(await queue.claim(START + timedelta(seconds=5), 10)) == ["INC-1 a"]


async def test_a_finished_task_is_not_revived(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, post(ONE, "a"))
    (task,) = await queue.claim(START, 1)
    await queue.done(task.id)
    await queue.again(task.id, START, "too late")
    assert await queue.claim(START + LEASE, 10) == ()


async def test_two_consumers_never_hold_the_same_incident(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    await put(records, *(post(key, f"{n}") for n in range(6) for key in (ONE, TWO)))
    held: set[IncidentKey] = set()
    order: dict[IncidentKey, list[int]] = {ONE: [], TWO: []}

    async def consume() -> None:
        for _ in range(40):
            for one in await queue.claim(START, 1):
                assert one.task.incident not in held
                held.add(one.task.incident)
                order[one.task.incident].append(int(one.task.key))
                await asyncio.sleep(0.002)
                held.remove(one.task.incident)
                await queue.done(one.id)
            if sum(map(len, order.values())) == 12:
                return
            await asyncio.sleep(0.002)

    await asyncio.gather(*(consume() for _ in range(4)))
    assert order == {ONE: list(range(6)), TWO: list(range(6))}


async def test_what_is_undone_is_not_queued(records: SqlRecords, queue: SqlOutboxQueue) -> None:
    async def half_done() -> None:
        async with records.begin() as work:
            await work.outbox.put(post(ONE, "a"))
            raise ValueError("a later step fails")

    with pytest.raises(ValueError, match="later step"):
        await half_done()
    assert await queue.claim(START, 10) == ()


async def test_a_change_made_while_a_converge_is_claimed_is_looked_at_again(
    records: SqlRecords, queue: SqlOutboxQueue
) -> None:
    """A consumer may not take the waiting converge while a transaction relies on it, or it would look too early."""
    await put(records, converge(ONE))
    taken: list[QueuedTask] = []

    async def consume() -> None:
        taken.extend(await queue.claim(START, 1))

    async with records.begin() as work:
        await work.outbox.put(converge(ONE))
        consumer = asyncio.create_task(consume())
        await asyncio.sleep(0.05)
        assert taken == []
    await consumer
    taken.extend(await queue.claim(START, 1))
    assert names(tuple(taken)) == ["INC-1 converge"]
