"""Ending: every control is decided on, the draft follows, and no review without the monitoring gap."""

import pytest

from bot.incident.errors import BadInput, Closed, Refused
from bot.incident.kinds import MitigationKind
from bot.incident.model import Role, Status
from bot.incident.postmortem import Section
from bot.incident.taxonomy import IncidentClass, Severity
from bot.ports import RoomTaskKind
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office


async def test_resolving_lifts_what_is_not_kept_and_drafts_the_postmortem(office: Office) -> None:
    await office.declared()
    kept = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 6), ANA, "k1")
    lifted = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 8), ANA, "k2")
    state = await office.verbs.resolve("INC-1", "prompt is back", frozenset({kept.id}), BEN, "r")
    assert state.status is Status.RESOLVED
    assert state.mitigations[kept.id].mitigation.state.is_live
    assert not state.mitigations[lifted.id].mitigation.state.is_live
    assert state.open_todos
    assert RoomTaskKind.POSTMORTEM in {task.kind for task in office.records.kept.tasks}


async def test_it_is_resolved_once(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r1")
    with pytest.raises(Closed, match="resolved"):
        await office.verbs.resolve("INC-1", "over", frozenset(), BEN, "r2")


async def test_a_review_waits_for_the_end_and_for_the_gap(office: Office) -> None:
    await office.declared()
    with pytest.raises(Refused, match="resolve it before"):
        await office.verbs.accept_review("INC-1", "", ANA, "v1")
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    with pytest.raises(Refused, match="monitoring gap is empty"):
        await office.verbs.accept_review("INC-1", "", ANA, "v2")
    await office.verbs.write_section("INC-1", Section.MONITORING_GAP, "a repeat monitor", BEN, "w")
    assert (await office.verbs.accept_review("INC-1", "read", BEN, "v3")).status is Status.REVIEWED


async def test_the_last_text_of_a_section_counts_and_an_empty_one_is_refused(office: Office) -> None:
    await office.declared()
    await office.verbs.write_section("INC-1", Section.IMPACT, "40 users", ANA, "w1")
    state = await office.verbs.write_section("INC-1", Section.IMPACT, "43 users", BEN, "w2")
    assert state.review[Section.IMPACT.value] == "43 users"
    with pytest.raises(BadInput):
        await office.verbs.write_section("INC-1", Section.IMPACT, "  ", BEN, "w3")


async def test_notes_updates_roles_and_severity(office: Office) -> None:
    await office.classified(IncidentClass.LOOP, Severity.SEV2)
    await office.verbs.note("INC-1", "two users called", "command", ANA, ANA, "n")
    await office.verbs.note("INC-1", "x" * 9000, "pin", BEN, ANA, "p")
    with pytest.raises(BadInput, match="9000"):
        await office.verbs.note("INC-1", "x" * 9000, "command", ANA, ANA, "n2")
    await office.verbs.update("INC-1", await office.verbs.draft_update("INC-1"), ANA, "u")
    await office.verbs.update("INC-1", "the same click", ANA, "u")
    state = await office.verbs.take_role("INC-1", Role.COMMANDER, BEN, ANA, "ro")
    assert state.roles[Role.COMMANDER] == BEN
    raised = await office.verbs.change_severity("INC-1", Severity.SEV1, "more users", BEN, "s")
    assert raised.severity is Severity.SEV1
    assert len(office.posted()) == 1
