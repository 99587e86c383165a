"""Several server processes over one database: a change reaches the clients of each, and each counts the same instances."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.controls.builtin import BuiltinControl
from bot.controls.shared_readers import SharedReaders
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, Mitigation, MitigationState, Scope
from bot.incident.proof import Delivery
from bot.ports import NewIncident, Sighting
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.sightings import SqlSightings
from tests.controls.test_builtin import lever
from tests.fakes.scheduler import NoJobs
from tests.web.memory import ANA, NOON, StillClock

AGENT = "helpdesk-agent"
PRODUCTION = Scope("production")


async def nobody_reads(agent: str, scope: Scope, key: str) -> object:
    raise NotImplementedError(agent, scope, key)


@dataclass
class Process:
    """One server process: connections, memory and a clock reading of its own."""

    database: Database
    clock: StillClock
    name: str

    def __post_init__(self) -> None:
        self.records = SqlRecords(self.database, NoJobs())
        self.sightings = SqlSightings(self.database, self.name)
        self.control = BuiltinControl(
            self.records, self.clock, nobody_reads, timedelta(milliseconds=5), sightings=self.sightings
        )

    async def apply(self, mitigation: Mitigation) -> Mitigation:
        async with self.records.begin() as work:
            applied = await work.mitigations.put(mitigation)
        await self.control.publish()
        return applied

    def says(self, instance: str, *names: str, scope: Scope = EVERYWHERE, seconds: float = 0) -> int:
        now = self.clock.now()
        return self.control.applied(AGENT, scope, instance, names, NOON + timedelta(seconds=seconds), now)

    async def share(self) -> None:
        await self.control.readers.share()


@dataclass
class Two:
    """Two processes over one database."""

    one: Process
    other: Process
    clock: StillClock


@pytest.fixture
async def two(database: Database) -> AsyncIterator[Two]:
    clock, second = StillClock(), Database(database.url)
    processes = Two(Process(database, clock, "one"), Process(second, clock, "other"), clock)
    async with processes.one.records.begin() as work:
        for number in range(1, 8):
            await work.incidents.open(NewIncident("Loop", AGENT, "production", NOON, ANA), f"c{number}")
    yield processes
    await second.close()


async def test_a_change_reaches_the_streams_of_the_other_process(two: Two) -> None:
    async with asyncio.timeout(10), running(two.other):
        changes = two.other.control.changes(AGENT, EVERYWHERE, 5)
        now = await anext(changes)
        assert now is not None
        assert not now.halt
        halt = await two.one.apply(lever(kind=MitigationKind.HALT))
        changed = await anext(changes)
        assert changed is not None
        assert changed.halt
        await two.one.apply(halt.moved(MitigationState.REVERTED))
        changed = await anext(changes)
        assert changed is not None
        assert not changed.halt
        await changes.aclose()


@asynccontextmanager
async def running(process: Process) -> AsyncIterator[None]:
    task = asyncio.create_task(process.control.run())
    try:
        yield
    finally:
        task.cancel()


async def test_both_count_the_instances_of_both(two: Two) -> None:
    mitigation = await two.one.apply(lever())
    two.one.says("i1", mitigation.id, seconds=0.2)
    two.one.says("i2")
    two.other.says("i3", mitigation.id, seconds=0.7)
    for process in (two.one, two.other):
        await process.share()
    both = [await process.control.delivery(mitigation) for process in (two.one, two.other)]
    assert both == [Delivery(3, 2, 0.7, ("i2",))] * 2
    await two.one.share()
    assert two.one.says("i1", mitigation.id) == two.other.says("i3", mitigation.id) == 3  # shares of a rate cap


async def test_an_instance_that_moves_between_processes_counts_once_and_by_its_first_word(two: Two) -> None:
    mitigation = await two.one.apply(lever(environment="production"))
    two.one.says("i1", mitigation.id, scope=PRODUCTION, seconds=0.2)
    two.clock.sleep(5)
    two.other.says("i1", mitigation.id, scope=PRODUCTION, seconds=5)
    for process in (two.one, two.other):
        await process.share()
    for process in (two.one, two.other):
        assert await process.control.delivery(mitigation) == Delivery(1, 1, 0.2)
    two.clock.sleep(1)
    two.other.says("i1", scope=Scope("staging"))  # it was deployed elsewhere: what it said last decides
    two.clock.sleep(30)
    two.other.says("i1", scope=Scope("staging"))
    await two.other.share()
    assert await two.one.control.delivery(mitigation) == Delivery(0, 0)


async def test_an_instance_the_other_process_has_not_heard_of_for_a_minute_is_not_waited_for(two: Two) -> None:
    mitigation = await two.one.apply(lever())
    two.other.says("gone")
    await two.other.share()
    assert await two.one.control.delivery(mitigation) == Delivery(1, 0, None, ("gone",))
    two.clock.sleep(61)
    assert await two.one.control.delivery(mitigation) == Delivery(0, 0)
    await two.one.sightings.forget(two.clock.now() - timedelta(seconds=30))
    assert await two.one.sightings.of_others(AGENT, "m1", NOON - timedelta(days=1)) == ()


async def test_a_process_that_starts_anew_still_knows_what_the_one_before_it_heard(two: Two) -> None:
    mitigation = await two.one.apply(lever())
    two.one.says("i1", mitigation.id, seconds=0.2)
    await two.one.share()
    again = Process(two.one.database, two.clock, "one-again")
    assert await again.control.delivery(mitigation) == Delivery(1, 1, 0.2)


class Counted:
    """Sightings that note how often and how much was written."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.failing = False

    async def note(self, sightings: tuple[Sighting, ...]) -> None:
        if self.failing:
            raise ConnectionError
        self.written.append(len(sightings))

    async def counts(self, after: object) -> dict[str, int]:
        del after
        return {}


async def test_a_thousand_heartbeats_are_written_in_batches_and_repeated_only_now_and_then() -> None:
    clock, kept = StillClock(), Counted()
    readers = SharedReaders(clock, kept)  # type: ignore[arg-type]

    async def written(*names: str) -> list[int]:
        kept.written.clear()
        for number in range(1000):
            readers.applied(AGENT, EVERYWHERE, f"i{number}", names, clock.now(), clock.now())
        for _ in range(3):
            await readers.share(signs_of_life=True)
        return kept.written

    assert await written() == [500, 500]
    assert await written() == []
    assert await written("m1") == [500, 500]
    clock.sleep(15)
    assert await written("m1") == []
    clock.sleep(15)
    assert await written("m1") == [500, 500]


async def test_what_could_not_be_told_is_told_later() -> None:
    clock, kept = StillClock(), Counted()
    readers = SharedReaders(clock, kept)  # type: ignore[arg-type]
    readers.applied(AGENT, EVERYWHERE, "i1", (), NOON, NOON)
    kept.failing = True
    with pytest.raises(ConnectionError):
        await readers.share()
    kept.failing = False
    await readers.share()
    assert kept.written == [1]
