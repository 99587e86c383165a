"""The way out: approved once, then step by step behind the recovery gate; and the warning before the end."""

from datetime import timedelta

import pytest

from bot.incident.errors import BadInput
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.ports import JobName
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office
from tests.web.fakes import looping_since

LIMIT = Order(MitigationKind.TURN_LIMIT, 5, minutes=600)


async def planned(office: Office) -> Mitigation:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    asked = await office.verbs.plan_exit(lever.id, (8, 15), 20, "it recovers", ANA, "p")
    assert asked.exit is None
    return await office.verbs.decide(asked.approval, BEN, granted=True)


def calm(office: Office) -> None:
    """Two hours of ordinary tasks, up to now and beyond."""
    ends = office.clock.now() + timedelta(minutes=90)
    office.traces.kept, office.traces.scored = looping_since(ends, minutes=240)


async def step(office: Office, lever: Mitigation) -> Mitigation:
    await office.timers(JobName.EXIT_STEP, lever.id)
    return office.records.kept.levers[lever.id]


async def test_each_step_waits_for_its_time_and_the_last_one_lifts(office: Office) -> None:
    calm(office)
    lever = await planned(office)
    assert (await step(office, lever)).value == 5
    seen: list[object] = []
    for _ in range(3):
        office.later(minutes=20)
        taken = await step(office, lever)
        seen.append(taken.value)
        if taken.state.is_live:
            told_of = (await office.verbs.look.state("1")).mitigations[lever.id]
            assert told_of.mitigation.exit == taken.exit  # the timeline knows how far it got
            assert told_of.waiting == ""
    done = office.records.kept.levers[lever.id]
    assert (seen, done.state) == ([8, 15, 15], MitigationState.REVERTED)
    told = [event.fact for event in await office.verbs.look.timeline("1")]
    assert "approved by ben" in str(told[-1])
    assert office.told().count("mitigation_adjusted") == 2


async def test_while_telemetry_shows_trouble_the_step_waits_and_says_so_once(office: Office) -> None:
    lever = await planned(office)
    office.later(minutes=20)
    office.traces.kept, office.traces.scored = looping_since(office.clock.now() - timedelta(minutes=5))
    for _ in range(2):
        assert (await step(office, lever)).value == 5
        office.later(minutes=5)
    assert office.told().count("exit_waiting") == 1
    assert "waits" in office.posted()[-1]
    again = [job for job in office.records.kept.jobs_scheduled if job.name is JobName.EXIT_STEP]
    assert len(again) == 3
    office.traces.kept, office.traces.scored = (), ()
    assert (await step(office, lever)).value == 5  # silence is no recovery
    calm(office)
    assert (await step(office, lever)).value == 8


@pytest.mark.parametrize("steps", [(3,), (5,), (8, 8), (15, 8), (0,), ("x",)])
async def test_a_plan_only_loosens(office: Office, steps: tuple[object, ...]) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    with pytest.raises(BadInput):
        await office.verbs.plan_exit(lever.id, steps, 20, "", ANA, "p")


async def test_what_is_undone_meanwhile_takes_no_more_steps(office: Office) -> None:
    lever = await planned(office)
    await office.undo(lever)
    office.later(minutes=20)
    assert (await step(office, lever)).state is MitigationState.REVERTED
    assert office.told().count("mitigation_adjusted") == 0


async def test_the_room_is_warned_once_when_a_fifth_of_the_time_is_left(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 5), ANA, "k")
    (warning,) = [job for job in office.records.kept.jobs_scheduled if job.name is JobName.MITIGATION_WARNING]
    assert warning.run_at == lever.applied_at + timedelta(minutes=48)
    office.later(minutes=48)
    for _ in range(2):
        await office.timers(JobName.MITIGATION_WARNING, lever.id)
    assert [text for text in office.posted() if "has 12 min left" in text] == [
        "Turn limit 5 on helpdesk-agent has 12 min left. It then ends. Extend it on the card if it is still needed."
    ]


async def test_a_clock_set_back_does_not_lose_the_end(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 5), ANA, "k")
    before = len(office.records.kept.jobs_scheduled)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)  # fires while the clock says it is too early
    assert len(office.records.kept.jobs_scheduled) > before
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    assert office.records.kept.levers[lever.id].state is MitigationState.EXPIRED


async def test_a_kill_switch_keeps_the_evidence_first(office: Office) -> None:
    office.traces.kept, office.traces.scored = looping_since(office.clock.now() - timedelta(minutes=5))
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.HALT), ANA, "k")
    kept = (await office.verbs.look.state("1")).mitigations[lever.id].kept
    assert kept is not None
    assert kept.traces == 50
    body = office.records.kept.bodies[kept.snapshot]
    assert body["before"] == "Kill switch"
    await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 5), ANA, "k2")
    assert office.told().count("evidence_kept") == 1


async def test_a_value_that_somebody_sets_by_hand_ends_the_plan(office: Office) -> None:
    calm(office)
    lever = await planned(office)
    await office.verbs.adjust(lever.id, 2, "it got worse", BEN, "a")
    office.later(minutes=21)
    assert (await step(office, lever)).value == 2
    status = (await office.verbs.look.state("1")).mitigations[lever.id]
    assert (status.mitigation.value, status.mitigation.exit) == (2, None)
