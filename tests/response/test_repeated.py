"""The same click again, however late: it is told from another one, and changes nothing more."""

import pytest

from bot.incident.errors import Closed, KeyReused
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.postmortem import Section
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


async def limited(office: Office) -> Mitigation:
    await office.declared()
    return await office.verbs.apply("INC-1", LIMIT, ANA, "k")


async def test_an_older_key_of_a_mitigation_is_remembered_with_what_it_asked_for(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.extend(lever.id, 10, ANA, "first")
    longer = await office.verbs.extend(lever.id, 20, ANA, "second")
    again = await office.verbs.extend(lever.id, 10, ANA, "first")
    assert again.expires_at == longer.expires_at
    with pytest.raises(KeyReused):
        await office.verbs.extend(lever.id, 11, ANA, "first")
    assert office.told().count("mitigation_extended") == 2


async def test_an_older_adjustment_does_not_apply_again(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.adjust(lever.id, 5, "tighter", ANA, "to five")
    await office.verbs.adjust(lever.id, 3, "tighter still", BEN, "to three")
    again = await office.verbs.adjust(lever.id, 5, "tighter", ANA, "to five")
    assert (again.value, office.told().count("mitigation_adjusted")) == (3, 2)
    with pytest.raises(KeyReused):
        await office.verbs.revert(lever.id, "", ANA, "to five")


async def test_what_was_refused_has_used_no_key(office: Office) -> None:
    lever = await limited(office)
    await office.undo(lever)
    with pytest.raises(Closed):
        await office.verbs.extend(lever.id, 10, ANA, "late")
    with pytest.raises(Closed):
        await office.verbs.extend(lever.id, 20, ANA, "late")


async def test_an_apply_sent_again_after_the_incident_is_over_names_what_it_made(office: Office) -> None:
    lever = await limited(office)
    await office.verbs.resolve("INC-1", "over", frozenset({lever.id}), ANA, "r")
    assert (await office.verbs.apply("INC-1", LIMIT, ANA, "k")).id == lever.id
    with pytest.raises(KeyReused):
        await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 7), ANA, "k")
    with pytest.raises(Closed):
        await office.verbs.apply("INC-1", LIMIT, ANA, "another")


async def test_resolving_and_reviewing_again_by_the_same_click_answers_as_before(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    assert (await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")).status.value == "resolved"
    with pytest.raises(KeyReused):
        await office.verbs.resolve("INC-1", "quite over", frozenset(), ANA, "r")
    with pytest.raises(Closed):
        await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r2")
    await office.verbs.write_section("INC-1", Section.MONITORING_GAP, "tool errors, 14:02, now there", ANA, "s")
    for _ in range(2):
        reviewed = await office.verbs.accept_review("INC-1", "fine", BEN, "v")
        assert reviewed.status.value == "reviewed"
    assert office.told().count("reviewed") == office.told().count("resolved") == 1
