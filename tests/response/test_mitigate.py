"""Mitigating: one click for the safer direction, two people for the riskier one, an end to everything."""

from datetime import timedelta

import pytest

from bot.incident.errors import BadInput, Contraindicated, NotFound
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MitigationState, OnExpiry
from bot.incident.taxonomy import IncidentClass
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office

HALT = Order(MitigationKind.HALT)
LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


async def test_the_same_click_twice_pulls_one_lever(office: Office) -> None:
    await office.declared()
    one = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    two = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    assert one.id == two.id
    assert office.told().count("mitigation_applied") == 1


async def test_containment_is_open_before_the_class_is_known(office: Office) -> None:
    await office.declared()
    assert (await office.verbs.apply("INC-1", HALT, ANA, "k")).state is MitigationState.APPLIED
    assert office.control.published > 0


async def test_a_lever_that_makes_it_worse_is_refused_and_the_refusal_is_kept(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    with pytest.raises(Contraindicated, match="makes LOOP worse"):
        await office.verbs.apply("INC-1", HALT, ANA, "k")
    assert office.told()[-1] == "mitigation_refused"
    assert office.records.kept.levers == {}


async def test_a_reason_overrides_and_stands_on_the_timeline(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    order = Order(MitigationKind.HALT, override="it writes in the loop")
    assert (await office.verbs.apply("INC-1", order, ANA, "k")).reason == "it writes in the loop"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (Order(MitigationKind.TURN_LIMIT), "value"),
        (Order(MitigationKind.TURN_LIMIT, 0), "value"),
        (Order(MitigationKind.TURN_LIMIT, 1001), "value"),
        (Order(MitigationKind.HALT, minutes=0), "minutes"),
        (Order(MitigationKind.HALT, minutes=72 * 60 + 1), "minutes"),
    ],
)
async def test_figures_out_of_range_get_a_sentence(office: Office, order: Order, field: str) -> None:
    await office.declared()
    with pytest.raises(BadInput) as refused:
        await office.verbs.apply("INC-1", order, ANA, "k")
    assert refused.value.field == field


async def test_a_halt_for_harm_will_hold_and_not_lift_by_itself(office: Office) -> None:
    await office.declared(harm=True)
    assert (await office.verbs.apply("INC-1", HALT, ANA, "k")).on_expiry is OnExpiry.HOLD_AND_PAGE


async def test_undoing_one_recomputes_what_the_others_ask_for(office: Office) -> None:
    await office.declared()
    strict = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 3), ANA, "k1")
    await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 9), ANA, "k2")
    await office.undo(strict)
    last = (await office.verbs.look.timeline("INC-1"))[-1]
    assert "now: turn limit 9" in str(last.fact) or "after='turn limit 9'" in str(last.fact)


async def test_more_time_has_an_end_too(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    longer = await office.verbs.extend(lever.id, 60, BEN, "e1")
    assert longer.expires_at - lever.expires_at == timedelta(hours=1)
    past = await office.verbs.extend(lever.id, 72 * 60, BEN, "e2")
    assert (past.expires_at, bool(past.approval)) == (longer.expires_at, True)
    with pytest.raises(NotFound):
        await office.verbs.extend("nothing", 60, BEN, "e3")
