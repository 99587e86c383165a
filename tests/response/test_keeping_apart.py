"""Moments, people, rooms and clicks that must not run into each other."""

import asyncio
from datetime import timedelta

import pytest

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.errors import BadInput, NotFound
from bot.incident.kinds import MitigationKind
from bot.incident.model import Role
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.ports import JobName
from bot.response.choosing import Choice
from bot.response.declare import Declaration
from bot.response.freeze import FreezeEvidence
from bot.response.orders import Order
from tests.response.conftest import AGENT, ANA, BEN, Office

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)
SECURITY = Choice(IncidentClass.SECU, Cause.ADVERSARY, Severity.SEV2)


async def test_two_freezes_at_once_keep_the_first(office: Office) -> None:
    await office.verbs.declare(Declaration("It loops", AGENT), ANA, "d")
    freeze = FreezeEvidence(office.records, office.clock, office.verbs.suggest)
    key = (await office.verbs.look.state("1")).incident.key
    await asyncio.gather(freeze(key), freeze(key), office.tasks.settle())
    assert office.told().count("evidence_frozen") == 1
    assert len(office.records.kept.bodies) == 1


async def test_evidence_is_of_the_moment_of_declaration_however_late_it_is_taken(office: Office) -> None:
    state, _ = await office.verbs.declare(Declaration("It loops", AGENT), ANA, "d")
    office.later(minutes=9)
    await office.tasks.settle()
    bundle = await office.verbs.look.bundle(await office.verbs.look.state("1"))
    assert bundle is not None
    assert bundle.at_ns == int(state.incident.declared_at.timestamp()) * 10**9


async def test_persian_keeps_its_joiners_and_tricks_with_direction_do_not_pass(office: Office) -> None:
    assert (await office.declared("می\u200cچرخد")).incident.title == "می\u200cچرخد"
    assert (await office.declared("safe\u202etxt.exe", "click-2")).incident.title == "safe txt.exe"


async def test_a_title_of_exactly_200_characters_fits(office: Office) -> None:
    assert len((await office.declared("x" * 200)).incident.title) == 200


@pytest.mark.parametrize("agent", ["", "   ", "x" * 201])
async def test_an_agent_without_a_usable_name_is_refused(office: Office, agent: str) -> None:
    with pytest.raises(BadInput) as refused:
        await office.verbs.declare(Declaration("It loops", agent), ANA, "d")
    assert refused.value.field == "agent"
    assert office.records.kept.opened == {}


async def test_the_clocks_ring_after_three_five_and_thirty_minutes(office: Office) -> None:
    at = (await office.declared()).incident.declared_at
    after = {job.name: job.run_at - at for job in office.records.kept.jobs_scheduled}
    assert after == {
        JobName.FREEZE_EVIDENCE: timedelta(0),
        JobName.CLASSIFICATION_REMINDER: timedelta(minutes=3),
        JobName.CLASSIFICATION_NUDGE: timedelta(minutes=5),
        JobName.CLASSIFICATION_RAISE: timedelta(minutes=30),
    }


async def test_a_role_passes_to_the_next_person(office: Office) -> None:
    await office.declared()
    await office.verbs.take_role("INC-1", Role.COMMANDER, ANA, ANA, "r1")
    state = await office.verbs.take_role("INC-1", Role.COMMANDER, BEN, ANA, "r2")
    assert state.roles == {Role.COMMANDER: BEN}


async def test_each_update_is_one_message_however_often_it_is_clicked(office: Office) -> None:
    await office.declared()
    for idem in ("u1", "u1", "u2"):
        await office.verbs.update("INC-1", "We are looking into it.", ANA, idem)
    assert list(office.posted()) == ["We are looking into it."] * 2
    assert office.told().count("update_posted") == 2


async def test_a_drafted_update_says_what_is_in_force_and_until_when(office: Office) -> None:
    await office.declared()
    assert NONE_IN_FORCE in await office.verbs.draft_update("1")
    await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    assert "Turn limit 6 is on until 04:12 UTC: applied." in await office.verbs.draft_update("1")


async def test_the_newest_come_first_and_a_room_finds_its_incident(office: Office) -> None:
    for number in range(3):
        await office.declared(idem=f"click-{number}")
    office.records.kept.rooms["C07"] = (await office.verbs.look.state("2")).incident.key
    assert [s.incident.number for s in await office.verbs.look.recent(2)] == [3, 2]
    assert [s.incident.number for s in await office.verbs.look.recent(2, before=2)] == [1]
    found = await office.verbs.look.in_channel("C07")
    assert found is not None
    assert found.incident.number == 2
    assert await office.verbs.look.in_channel("C08") is None


async def test_no_verb_answers_for_an_incident_that_is_not_there(office: Office) -> None:
    verbs = office.verbs
    for call in (
        verbs.look.timeline("INC-9"),
        verbs.offers("INC-9"),
        verbs.outlook("INC-9"),
        verbs.postmortem("INC-9"),
        verbs.draft_update("INC-9"),
        verbs.apply("INC-9", LIMIT, ANA, "k"),
        verbs.classify("INC-9", SECURITY, ANA, "c"),
        verbs.resolve("INC-9", "over", frozenset(), ANA, "r"),
        verbs.note("INC-9", "hello", "cli", ANA, ANA, "n"),
    ):
        with pytest.raises(NotFound, match="No incident INC-9 here"):
            await call
