"""Levers once they are pulled: overriding, more time, going alone."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.errors import BadInput, Closed, Contraindicated
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MAX_TTL
from bot.incident.taxonomy import IncidentClass
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


async def test_an_override_is_on_the_timeline_with_what_changed(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    await office.verbs.apply("INC-1", Order(MitigationKind.HALT, override="it pays out twice"), ANA, "k")
    fact = next(e.fact for e in await office.verbs.look.timeline("1") if isinstance(e.fact, MitigationApplied))
    assert (fact.override, fact.before, fact.after) == ("it pays out twice", "no control", "halted")


async def test_a_blank_reason_overrides_nothing(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    with pytest.raises(Contraindicated, match="Give a reason to override"):
        await office.verbs.apply("INC-1", Order(MitigationKind.HALT, override="  "), ANA, "k")


async def test_the_same_click_for_more_time_counts_once_even_at_the_limit(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    rest = 71 * 60
    first = await office.verbs.extend(lever.id, rest, BEN, "e")
    again = await office.verbs.extend(lever.id, rest, BEN, "e")
    assert first.expires_at == again.expires_at == lever.applied_at + MAX_TTL
    assert office.told().count("mitigation_extended") == 1


async def test_another_value_does_not_make_it_any_younger(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    office.clock.advance(50 * 60)
    tighter = await office.verbs.adjust(lever.id, 5, "still too many", ANA, "a1")
    assert tighter.applied_at > lever.applied_at == tighter.since
    asked = await office.verbs.extend(lever.id, 71 * 60 + 1, ANA, "e")
    assert asked.approval
    assert asked.expires_at == lever.expires_at
    kept = (await office.verbs.look.state("1")).mitigations[lever.id].mitigation
    assert (kept.since, kept.applied_at) == (tighter.since, tighter.applied_at)


async def test_a_control_tightened_late_is_warned_of_in_time(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    office.clock.advance(40 * 60)
    await office.verbs.adjust(lever.id, 5, "still too many", ANA, "a1")
    office.clock.advance(8 * 60 + 1)
    await office.timers.warn(lever.id)
    assert "mitigation_warned" in office.told()


STEPS = st.lists(st.tuples(st.booleans(), st.integers(1, 600)), max_size=24)


@settings(deadline=None, max_examples=25)
@given(STEPS)
def test_no_row_of_small_steps_lasts_longer_than_three_days_without_a_second_person(
    steps: list[tuple[bool, int]],
) -> None:
    asyncio.run(_steps(Office(), steps))


async def _steps(office: Office, steps: list[tuple[bool, int]]) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 500), ANA, "k")
    for number, (longer, minutes) in enumerate(steps):
        office.clock.advance(minutes * 30)
        if longer:
            now = await office.verbs.extend(lever.id, minutes, ANA, f"e{number}")
        else:
            now = await office.verbs.adjust(lever.id, 499 - number, "tighter", ANA, f"a{number}")
        assert now.expires_at - lever.applied_at <= MAX_TTL


@pytest.mark.parametrize("minutes", [0, -5, 72 * 60 + 1])
async def test_time_that_cannot_be_given_changes_nothing(office: Office, minutes: int) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    kept = office.records.kept.image()
    with pytest.raises(BadInput):
        await office.verbs.extend(lever.id, minutes, BEN, "e")
    assert office.records.kept.image() == kept


async def test_what_has_ended_takes_no_more_time(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    await office.undo(lever)
    with pytest.raises(Closed, match="reverted already"):
        await office.verbs.extend(lever.id, 30, BEN, "e")
