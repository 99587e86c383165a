"""A control plane that declines to lift: said at once, told again a few times, and then it is for people."""

from datetime import timedelta

import pytest

from bot.incident.errors import Refused, Unavailable
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState, OnExpiry
from bot.ports import JobName
from bot.response.orders import Order
from bot.response.settling import LIFT_AGAIN
from tests.response.conftest import ANA, BEN, Office
from tests.response.vendor import Vendor, connected

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)
PROTECTED = Refused("The flag is protected.")


@pytest.fixture
def vendor(office: Office) -> Vendor:
    return connected(office, Vendor())


async def expired(office: Office, vendor: Vendor) -> Mitigation:
    """A turn limit whose time is over, and whose control plane keeps it."""
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    vendor.raises, vendor.works = PROTECTED, False
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    return office.records.kept.levers[lever.id]


async def told_again(office: Office, lever: Mitigation) -> Mitigation:
    """What its newest job does, at its time."""
    job = [job for job in office.records.kept.jobs_scheduled if job.name is JobName.MITIGATION_DRIVE][-1]
    office.clock.advance(max(timedelta(), job.run_at - office.clock.now()))
    await office.timers(job.name, job.argument)
    return office.records.kept.levers[lever.id]


def calls(office: Office) -> list[str]:
    return [text for text in office.posted() if text.startswith("<!channel>")]


async def test_it_is_said_to_be_still_in_force_and_somebody_is_called(office: Office, vendor: Vendor) -> None:
    still = await expired(office, vendor)
    assert (still.state, still.state.is_live, still.declined) == (MitigationState.STILL_ON, True, PROTECTED.args[0])
    (call,) = calls(office)
    assert "Turn limit 6 on helpdesk-agent is still in force at vendor, which declined to lift it" in call
    folded = (await office.verbs.look.state("1")).mitigations[still.id].mitigation
    assert (folded.state, folded.declined) == (MitigationState.STILL_ON, PROTECTED.args[0])
    await office.timers(JobName.MITIGATION_EXPIRY, still.id)  # run once more after a crash
    assert (len(calls(office)), len(vendor.keys)) == (1, 2)


async def test_it_is_told_again_a_few_times_with_one_key_and_then_no_more(office: Office, vendor: Vendor) -> None:
    still = await expired(office, vendor)
    for _ in LIFT_AGAIN:
        before = office.clock.now()
        still = await told_again(office, still)
    assert (office.clock.now() - before).total_seconds() == LIFT_AGAIN[-1]
    jobs = len(office.records.kept.jobs_scheduled)
    assert len(vendor.keys) == 2 + len(LIFT_AGAIN)
    assert len(set(vendor.keys[1:])) == 1
    assert [("not told again by itself" in call) for call in calls(office)] == [False, True]
    assert office.told().count("mitigation_not_lifted") == 1
    assert len(office.records.kept.jobs_scheduled) == jobs


async def test_it_ends_once_the_control_plane_gives_way(office: Office, vendor: Vendor) -> None:
    still = await expired(office, vendor)
    vendor.raises, vendor.works = None, True
    ended = await told_again(office, still)
    assert (ended.state, ended.declined, vendor.holds) == (MitigationState.EXPIRED, "", None)
    assert office.told()[-1] == "mitigation_expired"


async def test_anybody_may_have_it_tried_again_as_it_was_decided_before(office: Office, vendor: Vendor) -> None:
    still = await expired(office, vendor)
    again = await office.verbs.revert(still.id, "", BEN, "again")
    assert (again.state, again.approval) == (MitigationState.STILL_ON, "")
    assert len(calls(office)) == 2
    vendor.raises, vendor.works = None, True
    assert (await office.verbs.revert(still.id, "", BEN, "once more")).state is MitigationState.EXPIRED
    lifting = [event for event in await office.verbs.look.timeline("1") if "Lifting" in type(event.fact).__name__]
    assert [event.by.name for event in lifting] == ["firstfive", "ben", "ben"]


async def test_whoever_wants_it_to_stay_extends_it(office: Office, vendor: Vendor) -> None:
    still = await expired(office, vendor)
    longer = await office.verbs.extend(still.id, 30, BEN, "e")
    assert (longer.state, longer.ending, longer.declined) == (MitigationState.APPLIED, None, "")
    assert (await told_again(office, longer)).state is MitigationState.APPLIED
    folded = (await office.verbs.look.state("1")).mitigations[still.id].mitigation
    assert (folded.state, folded.declined) == (MitigationState.APPLIED, "")


async def test_an_approved_undo_that_is_declined_keeps_who_approved_it(office: Office, vendor: Vendor) -> None:
    await office.declared()
    order = Order(MitigationKind.TURN_LIMIT, 6, on_expiry=OnExpiry.HOLD_AND_PAGE)
    lever = await office.verbs.apply("INC-1", order, ANA, "k")
    vendor.raises, vendor.works = PROTECTED, False
    assert (await office.undo(lever)).state is MitigationState.STILL_ON
    office.later(minutes=61)
    await office.timers(JobName.MITIGATION_WARNING, lever.id)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)  # its undoing was decided, so it is not held
    vendor.raises, vendor.works = None, True
    ended = await told_again(office, lever)
    assert ended.state.has_ended
    assert "mitigation_held" not in office.told()


async def test_what_was_lifted_alone_and_declined_falls_back_to_in_force(office: Office, vendor: Vendor) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    vendor.raises, vendor.works = PROTECTED, False
    await office.verbs.revert(lever.id, "", ANA, "u", alone="nobody is awake")
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    back = office.records.kept.levers[lever.id]
    assert (back.state, back.ending, back.declined, vendor.holds) == (MitigationState.APPLIED, None, "", 6)


async def test_one_that_is_not_heard_for_long_calls_somebody_once(office: Office, vendor: Vendor) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    vendor.raises, vendor.works = Unavailable("connection refused"), False
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    for _ in range(12):
        lever = await told_again(office, lever)
    assert lever.state is MitigationState.REVERTING
    (call,) = calls(office)
    assert "could not be lifted yet" in call
