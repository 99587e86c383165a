"""Levers once they are pulled: overriding, more time, going alone."""

import pytest

from bot.incident.errors import BadInput, Closed, Contraindicated
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MAX_TTL
from bot.incident.taxonomy import IncidentClass
from bot.incident.timeline import MitigationApplied
from bot.response.mitigate import Order
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
