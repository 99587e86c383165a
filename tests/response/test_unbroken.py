"""Ordering the same anew is no way around the 72 hours, and never keeps containment waiting."""

from datetime import timedelta

import pytest

from bot.incident.errors import NeedsSecondPerson
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import DEFAULT_TTL, MAX_TTL, Mitigation, MitigationState, OnExpiry, Scope
from bot.ports import JobName
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office

DAYS = int(MAX_TTL.total_seconds() // 60)
LIMIT = Order(MitigationKind.TURN_LIMIT, 6, minutes=DAYS)


async def applied(office: Office, order: Order, key: str) -> Mitigation:
    if "INC-1" not in office.records.kept.opened:
        await office.declared()
    return await office.verbs.apply("INC-1", order, ANA, key)


async def test_the_same_once_more_ends_when_the_first_one_has_to(office: Office) -> None:
    first = await applied(office, LIMIT, "a")
    office.later(hours=70)
    again = await applied(office, LIMIT, "b")
    assert again.expires_at == first.applied_at + MAX_TTL
    facts = [e.fact for e in await office.verbs.look.timeline("1") if isinstance(e.fact, MitigationApplied)]
    assert "past 72 h a second person has to extend it" in facts[-1].warnings[0]
    asked = await office.verbs.extend(again.id, 60, BEN, "e")
    assert (asked.expires_at, bool(asked.approval)) == (again.expires_at, True)
    longer = await office.verbs.decide(asked.approval, ANA, granted=True)
    assert longer.expires_at > again.expires_at


async def test_a_chain_counts_from_its_first_link(office: Office) -> None:
    first = await applied(office, Order(MitigationKind.TURN_LIMIT, 6, minutes=60), "a")
    office.later(minutes=50)
    second = await applied(office, Order(MitigationKind.TURN_LIMIT, 6, minutes=DAYS - 60), "b")
    office.later(minutes=11)
    await office.timers(JobName.MITIGATION_EXPIRY, first.id)
    third = await applied(office, LIMIT, "c")
    assert second.unbroken == third.unbroken == first.applied_at
    assert third.expires_at == first.applied_at + MAX_TTL


async def test_after_a_break_the_count_begins_anew(office: Office) -> None:
    first = await applied(office, LIMIT, "a")
    office.later(hours=72)
    await office.timers(JobName.MITIGATION_EXPIRY, first.id)
    again = await applied(office, LIMIT, "b")
    assert again.expires_at == office.clock.now() + MAX_TTL


async def test_what_makes_it_safer_gets_an_hour_in_any_case(office: Office) -> None:
    first = await applied(office, LIMIT, "a")
    office.later(hours=71, minutes=50)
    tighter = await applied(office, Order(MitigationKind.TURN_LIMIT, 3, minutes=DAYS), "b")
    assert tighter.state is MitigationState.APPLIED
    assert tighter.expires_at == office.clock.now() + DEFAULT_TTL > first.expires_at
    other_kind = await applied(office, Order(MitigationKind.HALT, minutes=DAYS), "c")
    assert other_kind.expires_at == office.clock.now() + MAX_TTL


async def test_what_is_held_past_its_hours_is_extended_and_not_ordered_again(office: Office) -> None:
    order = Order(MitigationKind.TURN_LIMIT, 6, minutes=DAYS, on_expiry=OnExpiry.HOLD_AND_PAGE)
    held = await applied(office, order, "a")
    office.later(hours=73)
    await office.timers(JobName.MITIGATION_EXPIRY, held.id)
    with pytest.raises(NeedsSecondPerson, match=f"Extend Turn limit 6 .{held.id}. instead"):
        await applied(office, LIMIT, "b")
    seen = await office.verbs.preview(LIMIT, key="INC-1")
    assert "Extend Turn limit 6" in seen.refusal
    assert (await applied(office, Order(MitigationKind.TURN_LIMIT, 2), "c")).state.is_live


async def test_another_part_of_the_traffic_has_a_count_of_its_own(office: Office) -> None:
    await applied(office, Order(MitigationKind.TURN_LIMIT, 6, minutes=DAYS, scope=Scope(tenant="acme")), "a")
    office.later(hours=70)
    wider = await applied(office, LIMIT, "b")
    assert wider.expires_at == office.clock.now() + MAX_TTL
    narrow = await applied(office, Order(MitigationKind.TURN_LIMIT, 6, minutes=DAYS, scope=Scope(tenant="acme")), "c")
    assert narrow.expires_at == wider.expires_at
    preview = await office.verbs.preview(LIMIT, key="INC-1")
    assert preview.wanted.expires_at - office.clock.now() <= timedelta(hours=72)
