"""Two writes of one kind to one control plane: the last one written is what is in force, whoever was slow."""

import asyncio
from dataclasses import dataclass, field

import pytest

from bot.incident.driving import Plan, Receipt
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.ports import JobName
from bot.response.orders import Order
from bot.response.turns import LASTS
from tests.response.conftest import ANA, BEN, Office
from tests.response.vendor import Vendor, connected


@dataclass
class Slow(Vendor):
    """Writes that land when told to, in whatever order, as a network may deliver them."""

    held: dict[int, asyncio.Event] = field(default_factory=dict)  # by the limit that is written
    begun: dict[int, asyncio.Event] = field(default_factory=dict)
    values: list[int | None] = field(default_factory=list)

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        limit = plan.after.max_turns
        if limit is not None and limit in self.held:
            self.begun[limit].set()
            await self.held.pop(limit).wait()
        self.values.append(limit)
        return await super().apply(plan, idem)

    def hold(self, limit: int) -> tuple[asyncio.Event, asyncio.Event]:
        """Events: the write of that limit has begun; let it land."""
        self.begun[limit], self.held[limit] = asyncio.Event(), asyncio.Event()
        return self.begun[limit], self.held[limit]


@pytest.fixture
def vendor(office: Office) -> Slow:
    slow = Slow()
    connected(office, slow)
    return slow


def limit(office: Office, value: int) -> "asyncio.Task[Mitigation]":
    order = Order(MitigationKind.TURN_LIMIT, value)
    return asyncio.create_task(office.verbs.apply("INC-1", order, ANA, f"to {value}"))


async def test_a_second_write_waits_for_the_first_and_composes_both(office: Office, vendor: Slow) -> None:
    await office.declared()
    begun, land = vendor.hold(8)
    eight = limit(office, 8)
    await begun.wait()
    five = limit(office, 5)
    await asyncio.sleep(0.15)
    assert vendor.values == []
    land.set()
    await asyncio.gather(eight, five)
    assert (vendor.holds, vendor.values[-1]) == (5, 5)
    assert {m.state for m in office.records.kept.levers.values()} == {MitigationState.APPLIED}


async def test_what_moved_on_while_it_was_written_is_told_again_with_another_key(office: Office, vendor: Slow) -> None:
    await office.declared()
    begun, land = vendor.hold(8)
    eight = limit(office, 8)
    await begun.wait()
    five = limit(office, 5)
    await asyncio.sleep(0.02)  # committed, and waiting for its turn
    land.set()
    first, _ = await asyncio.gather(eight, five)
    assert vendor.values == [8, 5, 5]  # again by the first, then by the second in its own turn
    assert len(set(vendor.keys)) == 3
    assert (first.state, vendor.holds) == (MitigationState.APPLIED, 5)
    assert office.told().count("mitigation_confirmed") == 2


async def test_a_turn_that_ran_out_settles_nothing_and_is_looked_at_again(office: Office, vendor: Slow) -> None:
    """A process that stood still for longer than its turn comes back and writes an old composition over a new one."""
    await office.declared()
    begun, land = vendor.hold(8)
    eight = limit(office, 8)
    await begun.wait()
    office.clock.advance(LASTS)
    await limit(office, 5)
    assert vendor.holds == 5
    land.set()
    late = await eight
    assert (late.state, vendor.holds) == (MitigationState.APPLYING, 8)
    await office.timers(JobName.MITIGATION_DRIVE, late.id)
    assert vendor.holds == 5
    assert office.records.kept.levers[late.id].state is MitigationState.APPLIED


async def test_a_process_that_dies_in_its_turn_keeps_nobody_out_for_long(office: Office, vendor: Slow) -> None:
    await office.declared()
    begun, _ = vendor.hold(8)
    eight = limit(office, 8)
    await begun.wait()
    lane = dict(office.records.kept.lanes)
    eight.cancel()
    await asyncio.gather(eight, return_exceptions=True)
    office.records.kept.lanes.update(lane)  # it died without leaving
    (lever,) = office.records.kept.levers.values()
    office.clock.advance(LASTS)
    await office.timers(JobName.MITIGATION_DRIVE, lever.id)
    assert (office.records.kept.levers[lever.id].state, vendor.holds) == (MitigationState.APPLIED, 8)


async def test_one_that_gets_no_turn_is_looked_at_again_by_its_job(
    office: Office, vendor: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.response.changes.PATIENCE_OF_PEOPLE", 0.1)
    await office.declared()
    await office.records.kept.turns.take(
        "vendor:turn-limit:helpdesk-agent", office.clock.now(), office.clock.now() + LASTS
    )
    waits = await limit(office, 5)
    assert (waits.state, vendor.values) == (MitigationState.APPLYING, [])
    drives = [job for job in office.records.kept.jobs_scheduled if job.name is JobName.MITIGATION_DRIVE]
    assert len(drives) == 2
    office.clock.advance(LASTS)
    await office.timers(JobName.MITIGATION_DRIVE, waits.id)
    assert vendor.holds == 5


async def test_a_value_changed_while_the_one_before_is_written_is_written_after_it(
    office: Office, vendor: Slow
) -> None:
    await office.declared()
    begun, land = vendor.hold(8)
    eight = limit(office, 8)
    await begun.wait()
    (lever,) = office.records.kept.levers.values()
    tighter = asyncio.create_task(office.verbs.adjust(lever.id, 4, "it got worse", BEN, "a"))
    await asyncio.sleep(0.02)
    land.set()
    await asyncio.gather(eight, tighter)
    assert (vendor.values, vendor.holds) == ([8, 4], 4)
    assert office.records.kept.levers[lever.id].state is MitigationState.APPLIED
