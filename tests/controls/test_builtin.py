"""The built-in control plane: what agents read, who read it, and how others learn of a change."""

import asyncio
from datetime import timedelta

from bot.controls.builtin import BuiltinControl, in_force
from bot.controls.readers import MOST_AGENTS, Readers
from bot.incident.composition import Controls, compose
from bot.incident.errors import Unavailable
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import EVERYWHERE, Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import IncidentKey
from bot.incident.proof import Delivery, ReadBack
from tests.web.memory import ANA, NOON, MemoryRecords, StillClock


def lever(
    name: str = "m1",
    kind: MitigationKind = MitigationKind.TURN_LIMIT,
    limit: int | None = 5,
    agent: str = "helpdesk-agent",
    environment: str = "",
    scope: Scope = EVERYWHERE,
    value: Value | None = None,
) -> Mitigation:
    return Mitigation(
        id=name,
        kind=kind,
        agent=agent,
        scope=Scope(environment) if environment else scope,
        value=value or (limit if kind is MitigationKind.TURN_LIMIT and limit is not None else True),
        reason="loop",
        incident=IncidentKey("INC-7"),
        applied_by=ANA,
        applied_at=NOON,
        expires_at=NOON + timedelta(minutes=60),
        on_expiry=OnExpiry.REVERT,
    )


PRODUCTION = Scope("production")


def after(*live: Mitigation, scope: Scope = EVERYWHERE) -> Controls:
    return compose("helpdesk-agent", scope, live, 1)


class Desk:
    """A control plane over records in memory, with what its public read path will answer."""

    def __init__(self) -> None:
        self.records = MemoryRecords()
        self.clock = StillClock()
        self.answer: object = None
        self.asked: list[tuple[str, Scope, str]] = []
        self.control = BuiltinControl(self.records, self.clock, self.read, timedelta(milliseconds=2))

    async def read(self, agent: str, scope: Scope, key: str) -> object:
        self.asked.append((agent, scope, key))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def apply(self, mitigation: Mitigation) -> Mitigation:
        return await self.records.kept.mitigations.put(mitigation)


async def test_an_agent_nobody_limited_is_free() -> None:
    controls = Desk().control.controls("helpdesk-agent", PRODUCTION)
    assert (controls.halt, controls.max_turns, controls.revision) == (False, None, 0)


async def test_publishing_makes_a_committed_mitigation_readable_at_once() -> None:
    desk = Desk()
    await desk.apply(lever(limit=5))
    assert desk.control.controls("helpdesk-agent").max_turns is None
    await desk.control.publish()
    assert desk.control.controls("helpdesk-agent", PRODUCTION).max_turns == 5


async def test_the_safest_of_several_mitigations_wins_and_reverting_one_recomputes() -> None:
    desk = Desk()
    await desk.apply(lever("m1", limit=5))
    strict = await desk.apply(lever("m2", limit=3))
    await desk.apply(lever("m3", limit=1, environment="staging"))
    await desk.control.publish()
    assert desk.control.controls("helpdesk-agent", PRODUCTION).max_turns == 3
    await desk.apply(strict.moved(MitigationState.REVERTED))
    await desk.control.publish()
    assert desk.control.controls("helpdesk-agent", PRODUCTION).max_turns == 5


async def test_a_change_by_another_process_arrives_by_itself() -> None:
    desk = Desk()
    running = asyncio.create_task(desk.control.run())
    changes = desk.control.changes("helpdesk-agent", EVERYWHERE, 2)
    now = await anext(changes)
    assert now is not None
    assert not now.halt
    await desk.apply(lever(kind=MitigationKind.HALT))
    changed = await anext(changes)
    assert changed is not None
    assert changed.halt
    running.cancel()


async def test_while_the_database_is_away_the_last_known_controls_stay_in_force() -> None:
    desk = Desk()
    await desk.apply(lever(kind=MitigationKind.HALT))
    await desk.control.publish()
    desk.records.failing = Unavailable("The database is away.")
    running = asyncio.create_task(desk.control.run())
    await asyncio.sleep(0.01)
    assert not running.done()
    assert desk.control.controls("helpdesk-agent").halt
    running.cancel()


async def test_those_who_wait_for_one_agent_are_woken_by_its_changes_only() -> None:
    desk = Desk()
    changes = desk.control.changes("helpdesk-agent", EVERYWHERE, 0.01)
    assert await anext(changes) == desk.control.controls("helpdesk-agent")
    assert await anext(changes) is None
    await desk.apply(lever(agent="billing-agent"))
    await desk.control.publish()
    assert await anext(changes) is None
    await desk.apply(lever(limit=4))
    await desk.control.publish()
    changed = await anext(changes)
    assert changed is not None
    assert changed.max_turns == 4
    await changes.aclose()


async def test_delivery_counts_the_instances_that_read_the_mitigation_and_times_the_last() -> None:
    desk = Desk()
    before = desk.control.controls("helpdesk-agent")
    for instance in ("i1", "i2", "i3"):
        desk.control.seen(before, EVERYWHERE, instance, NOON)
    mitigation = await desk.apply(lever())
    assert await desk.control.delivery(mitigation) == Delivery(3, 0, None, ("i1", "i2", "i3"))
    await desk.control.publish()
    after = desk.control.controls("helpdesk-agent")
    desk.control.seen(after, EVERYWHERE, "i1", NOON + timedelta(seconds=0.2))
    desk.control.seen(after, EVERYWHERE, "i2", NOON + timedelta(seconds=0.4))
    desk.control.seen(after, EVERYWHERE, "i2", NOON + timedelta(seconds=3))
    desk.clock.sleep(3)
    assert await desk.control.delivery(mitigation) == Delivery(3, 2, 0.4, ("i3",))


async def test_an_instance_with_our_client_counts_by_what_it_says_it_applied() -> None:
    desk = Desk()
    mitigation = await desk.apply(lever())
    await desk.control.publish()
    for instance, names in (("i1", [mitigation.id]), ("i2", ["another"]), ("i3", [])):
        at = NOON + timedelta(seconds=1)
        assert desk.control.applied("helpdesk-agent", EVERYWHERE, instance, names, NOON + timedelta(seconds=0.3), at)
    desk.clock.sleep(1)
    assert await desk.control.delivery(mitigation) == Delivery(3, 1, 0.3, ("i2", "i3"))
    desk.clock.sleep(61)
    assert desk.control.applied("helpdesk-agent", EVERYWHERE, "i4", [], desk.clock.now(), desk.clock.now()) == 1


async def test_an_instance_silent_for_a_minute_is_not_waited_for() -> None:
    desk = Desk()
    desk.control.seen(desk.control.controls("helpdesk-agent"), EVERYWHERE, "gone", NOON)
    mitigation = await desk.apply(lever())
    await desk.control.publish()
    desk.clock.sleep(61)
    desk.control.seen(desk.control.controls("helpdesk-agent"), EVERYWHERE, "i1", desk.clock.now())
    assert await desk.control.delivery(mitigation) == Delivery(1, 1, 61.0)


async def test_instances_of_other_environments_do_not_count() -> None:
    desk = Desk()
    mitigation = await desk.apply(lever(environment="production"))
    await desk.control.publish()
    for environment in ("production", "staging"):
        controls = desk.control.controls("helpdesk-agent", Scope(environment))
        desk.control.seen(controls, Scope(environment), f"i-{environment}", NOON)
    assert await desk.control.delivery(mitigation) == Delivery(1, 1, 0.0)


async def test_reading_back_asks_as_an_agent_does_and_reports_what_it_got() -> None:
    desk = Desk()
    desk.answer = 5
    assert await desk.control.read_back(lever(), after(lever())) == ReadBack(True, "agent.max_turns reads 5")
    assert desk.asked == [("helpdesk-agent", EVERYWHERE, "agent.max_turns")]
    desk.answer = 8
    assert not (await desk.control.read_back(lever(), after(lever()))).confirmed
    desk.answer = Unavailable("The control plane did not answer.")
    assert await desk.control.read_back(lever(), after(lever())) == ReadBack(False, "The control plane did not answer.")


def test_a_stricter_value_confirms_and_a_value_of_the_wrong_kind_does_not() -> None:
    limit, halt = lever(limit=5), lever(kind=MitigationKind.HALT)
    assert in_force(limit, after(limit), 3)
    assert not in_force(limit, after(limit), True)
    assert not in_force(limit, after(limit), "5")
    assert in_force(halt, after(halt), True)
    assert not in_force(halt, after(halt), 1)


def test_a_lifted_one_is_read_back_as_what_remains_and_not_as_anything_stricter() -> None:
    lifted, remains = lever("m1", limit=5), after(lever("m2", limit=8))
    assert in_force(lifted, remains, 8)
    assert not in_force(lifted, remains, 5)
    assert in_force(lifted, after(), 2_147_483_647)


async def test_the_plan_says_what_agents_will_read() -> None:
    limit = lever(limit=5, environment="staging")
    plan = Desk().control.plan(limit, after(limit, scope=limit.scope))
    assert plan.words == ("Built-in: agent.max_turns of helpdesk-agent (environment staging) reads 5.",)
    assert not plan.lifts
    assert Desk().control.plan(limit, after()).lifts


def test_names_of_agents_that_somebody_makes_up_push_the_longest_silent_ones_out() -> None:
    readers = Readers()
    for number in range(MOST_AGENTS + 1):
        readers.saw(Controls(f"made-up-{number}"), EVERYWHERE, "one", NOON)
    assert readers.applied("made-up-0", EVERYWHERE, "two", (), NOON, NOON) == 1
    assert readers.applied(f"made-up-{MOST_AGENTS}", EVERYWHERE, "two", (), NOON, NOON) == 2
