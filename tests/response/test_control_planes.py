"""Control planes that lie, hang, decline or come back: the state shown is true, and doubt is called doubt."""

import pytest

from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Refused, Unavailable, Uncertain, Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.ports import JobName
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office
from tests.response.vendor import Vendor, connected

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


@pytest.fixture
def vendor(office: Office) -> Vendor:
    return connected(office, Vendor())


async def applied(office: Office) -> Mitigation:
    await office.declared()
    return await office.verbs.apply("INC-1", LIMIT, ANA, "k")


async def again(office: Office, lever: Mitigation, seconds: float = 61) -> Mitigation:
    office.later(seconds=seconds)
    await office.timers(JobName.MITIGATION_DRIVE, lever.id)
    return office.records.kept.levers[lever.id]


async def test_a_write_that_reads_back_is_in_force_with_its_request(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    assert vendor.holds == 6
    assert (lever.state, lever.driver, lever.requests) == (MitigationState.APPLIED, "vendor", ("req-1",))
    assert office.told()[-1] == "mitigation_confirmed"


async def test_what_it_cannot_do_is_said_before_anything_is_written(office: Office, vendor: Vendor) -> None:
    await office.declared()
    with pytest.raises(Unsupported, match="no kill switch"):
        await office.verbs.apply("INC-1", Order(MitigationKind.HALT), ANA, "k")
    assert (vendor.keys, office.records.kept.levers) == ([], {})


async def test_yes_without_a_deed_is_uncertain_then_known_and_escalates(office: Office, vendor: Vendor) -> None:
    vendor.works = False
    lever = await applied(office)
    assert (lever.state, lever.uncertain) == (
        MitigationState.APPLYING,
        "vendor answered the write (done) and does not confirm it: limit reads None",
    )
    late = await again(office, await again(office, lever))
    assert late.state is MitigationState.INEFFECTIVE
    assert "does not hold" in office.posted()[-1]
    assert "drain or kill switch" in office.posted()[-1]
    assert office.told().count("mitigation_uncertain") == 1


async def test_a_time_out_after_applying_is_resolved_by_reading_back(office: Office, vendor: Vendor) -> None:
    vendor.raises = Uncertain("no answer after the request was sent")
    vendor.works = False
    lever = await applied(office)
    assert lever.state is MitigationState.APPLYING
    vendor.holds = 6  # it had arrived
    settled = await again(office, lever)
    assert (settled.state, settled.uncertain) == (MitigationState.APPLIED, "")
    assert len(vendor.keys) == 1


async def test_a_hanging_write_that_happened_is_found_out_at_once(
    office: Office, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.response.changes.PATIENCE_OF_PEOPLE", 0.01)
    vendor.hangs = True
    assert (await applied(office)).state is MitigationState.APPLIED


async def test_one_that_is_away_is_told_again_with_the_same_key(office: Office, vendor: Vendor) -> None:
    vendor.raises, vendor.works = Unavailable("connection refused"), False
    lever = await applied(office)
    assert "nothing was written" in lever.uncertain
    vendor.raises, vendor.works = None, True
    assert (await again(office, lever)).state is MitigationState.APPLIED
    assert len(set(vendor.keys)) == 1


async def test_one_that_declines_for_good_leaves_nothing_in_force(office: Office, vendor: Vendor) -> None:
    vendor.raises, vendor.works = Refused("The flag is archived."), False
    lever = await applied(office)
    assert (lever.state, lever.state.is_live) == (MitigationState.REFUSED, False)
    assert "is not in force: The flag is archived." in office.posted()[-1]


async def test_a_crash_between_the_write_and_its_answer_is_resolved_by_the_durable_job(
    office: Office, vendor: Vendor
) -> None:
    await office.declared()

    async def dies(plan: Plan, idem: str) -> Receipt:
        vendor.holds = plan.after.max_turns
        raise KeyboardInterrupt(idem)

    vendor.apply = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    (lever,) = office.records.kept.levers.values()
    assert lever.state is MitigationState.APPLYING
    del vendor.apply
    jobs = [job for job in office.records.kept.jobs_scheduled if job.name is JobName.MITIGATION_DRIVE]
    assert [job.argument for job in jobs] == [lever.id]
    assert (await again(office, lever)).state is MitigationState.APPLIED


async def test_undoing_writes_what_the_others_ask_for_and_says_who_asked(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 9), ANA, "k2")
    assert vendor.holds == 6
    asked = await office.verbs.revert(lever.id, "", BEN, "u")
    done = await office.verbs.decide(asked.approval, ANA, granted=True)
    assert (done.state, vendor.holds, vendor.asked_by[-1]) == (MitigationState.REVERTED, 9, "ben")


async def test_what_cannot_be_lifted_stays_in_force_and_is_called_so(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    vendor.raises, vendor.works = Unavailable("connection refused"), False
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    ending = office.records.kept.levers[lever.id]
    assert (ending.state, ending.state.is_live) == (MitigationState.REVERTING, True)
    assert "nothing was written" in ending.uncertain
    vendor.raises, vendor.works = None, True
    assert (await again(office, lever)).state is MitigationState.EXPIRED
    assert office.told()[-1] == "mitigation_expired"


async def test_a_looser_value_is_written_once_approved(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    asked = await office.verbs.adjust(lever.id, 12, "it recovers", ANA, "a")
    assert (await office.verbs.decide(asked.approval, BEN, granted=True)).state is MitigationState.APPLIED
    assert vendor.holds == 12


async def test_broken_glass_falls_back_also_while_the_lifting_is_under_way(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    vendor.raises, vendor.works = Unavailable("connection refused"), False
    lifting = await office.verbs.revert(lever.id, "", ANA, "u", alone="nobody is awake")
    assert lifting.state is MitigationState.REVERTING
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    vendor.raises, vendor.works = None, True
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.records.kept.levers[lever.id].state is MitigationState.APPLIED
    assert vendor.holds == 6
    state = await office.verbs.look.state("1")
    assert state.mitigations[lever.id].mitigation.state is MitigationState.APPLIED


async def test_a_control_plane_that_is_not_connected_any_more_keeps_no_other_lever_from_being_proven(
    office: Office, vendor: Vendor
) -> None:
    away = await applied(office)
    own = await office.verbs.apply("INC-1", Order(MitigationKind.DRAIN), ANA, "k2")
    await office.proofs.look()  # knows the built-in one only
    statuses = (await office.verbs.look.state("1")).mitigations
    assert vendor.holds == 6
    assert (statuses[away.id].proof, statuses[own.id].proof is not None) == (None, True)


async def test_a_tighter_value_that_is_declined_leaves_the_one_before_in_force(office: Office, vendor: Vendor) -> None:
    lever = await applied(office)
    vendor.works, vendor.raises = False, Refused("limits below 5 are not allowed")
    tried = await office.verbs.adjust(lever.id, 3, "it got worse", BEN, "a")
    assert (vendor.holds, tried.value, tried.state.is_live) == (6, 6, True)
    done = await again(office, tried)
    assert (done.value, done.state) == (6, MitigationState.APPLIED)
    folded = (await office.verbs.look.state("1")).mitigations[lever.id].mitigation
    assert (folded.value, folded.state) == (6, MitigationState.APPLIED)
    assert "limits below 5 are not allowed" in "".join(office.posted())
