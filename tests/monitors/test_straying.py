"""Somebody changes a control by hand where it is carried out: said once, told again where that is the safe side."""

from dataclasses import replace

import pytest

from bot.incident.errors import Refused
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import BUILT_IN, Mitigation, MitigationState, OnExpiry
from bot.incident.model import Catalogue, Wiring
from bot.monitors.straying import MOST_TIMES, StrayWatch
from bot.ports import JobName
from bot.response.driving import Drivers
from bot.response.orders import Order
from tests.fakes.verbs import HELPDESK
from tests.response.conftest import ANA, BEN, Office
from tests.response.vendor import Vendor, connected

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


@pytest.fixture
def vendor(office: Office) -> Vendor:
    return connected(office, Vendor())


@pytest.fixture
def watch(office: Office, vendor: Vendor) -> StrayWatch:
    drivers = Drivers({BUILT_IN: office.control, "vendor": vendor}, office.catalogue)
    return StrayWatch(office.records, office.clock, drivers, office.verbs.revert.changes.carry_out)


async def applied(office: Office, order: Order = LIMIT) -> Mitigation:
    await office.declared()
    return await office.verbs.apply("INC-1", order, ANA, "k")


async def looked(watch: StrayWatch) -> None:
    """Twice: once may be a write of ours on its way."""
    await watch.look()
    await watch.look()


def calls(office: Office) -> list[str]:
    return [text for text in office.posted() if text.startswith("<!channel>")]


async def test_what_reads_as_it_should_is_left_alone(office: Office, vendor: Vendor, watch: StrayWatch) -> None:
    await applied(office)
    assert await watch.look() == 1
    await looked(watch)
    assert (len(vendor.keys), calls(office)) == (1, [])


async def test_a_change_by_hand_is_said_once_and_told_again(office: Office, vendor: Vendor, watch: StrayWatch) -> None:
    lever = await applied(office)
    vendor.holds = 20
    await watch.look()
    assert vendor.holds == 20
    await watch.look()
    assert vendor.holds == 6
    assert len(set(vendor.keys)) == 2
    (call,) = calls(office)
    assert "vendor no longer says Turn limit 6 for helpdesk-agent: limit reads 20" in call
    assert office.told()[-2:] == ["mitigation_strayed", "mitigation_confirmed"]
    status = (await office.verbs.look.state("1")).mitigations[lever.id]
    assert (status.mitigation.state, status.strayed) == (MitigationState.APPLIED, None)


async def test_nobody_is_fought_for_long(office: Office, vendor: Vendor, watch: StrayWatch) -> None:
    lever = await applied(office)
    for _ in range(MOST_TIMES + 3):
        vendor.holds = 20
        await looked(watch)
    assert (vendor.holds, len(vendor.keys)) == (20, 1 + MOST_TIMES)
    assert len(calls(office)) == MOST_TIMES + 1
    assert "not told again" in calls(office)[-1]
    status = (await office.verbs.look.state("1")).mitigations[lever.id]
    assert status.strayed is not None
    assert (status.strayed.again, status.mitigation.state.is_live) == (False, True)


async def test_one_that_cannot_be_asked_has_not_strayed(office: Office, vendor: Vendor, watch: StrayWatch) -> None:
    await applied(office)
    vendor.deaf, vendor.holds = True, 20
    await looked(watch)
    assert (len(vendor.keys), calls(office)) == (1, [])


async def test_a_pin_changed_by_hand_is_said_and_left_to_people(
    office: Office, vendor: Vendor, watch: StrayWatch
) -> None:
    wired = replace(HELPDESK.agents[0], controls={MitigationKind.MODEL_PIN.value: Wiring("vendor")})
    office.catalogue = Catalogue((wired,))
    await applied(office, Order(MitigationKind.MODEL_PIN, "gpt-x"))
    vendor.holds = 3  # whatever the pin reads, it is another
    await looked(watch)
    await looked(watch)
    assert len(vendor.keys) == 1
    (call,) = calls(office)
    assert "not told again, as no value of it is safer" in call


async def test_one_that_is_held_is_held_again(office: Office, vendor: Vendor, watch: StrayWatch) -> None:
    lever = await applied(office, replace(LIMIT, on_expiry=OnExpiry.HOLD_AND_PAGE))
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    vendor.holds = 20
    await looked(watch)
    folded = (await office.verbs.look.state("1")).mitigations[lever.id].mitigation
    assert {folded.state, office.records.kept.levers[lever.id].state} == {MitigationState.HELD}
    assert vendor.holds == 6


async def test_what_was_declined_and_then_lifted_by_hand_has_ended(
    office: Office, vendor: Vendor, watch: StrayWatch
) -> None:
    lever = await applied(office)
    vendor.raises, vendor.works = Refused("The flag is protected."), False
    assert (await office.undo(lever, ANA, BEN)).state is MitigationState.STILL_ON
    await looked(watch)
    assert office.records.kept.levers[lever.id].state is MitigationState.STILL_ON
    vendor.holds = None
    await watch.look()
    assert office.records.kept.levers[lever.id].state is MitigationState.REVERTED
