"""Declaring: the incident exists once, whatever is typed and however often it is clicked."""

import pytest

from bot.incident.errors import BadInput, NotFound
from bot.ports import JobName, RoomTaskKind
from bot.response.declare import Declaration
from tests.response.conftest import ANA, BEN, Office


async def test_the_same_click_twice_makes_one_incident(office: Office) -> None:
    first = await office.declared()
    again, new = await office.verbs.declare(Declaration("It loops", "helpdesk-agent"), ANA, "click-1")
    assert (again.incident, new) == (first.incident, False)
    assert office.told().count("declared") == 1


async def test_two_people_at_once_make_two(office: Office) -> None:
    one = await office.declared()
    two, new = await office.verbs.declare(Declaration("It loops", "helpdesk-agent"), BEN, "click-2")
    assert new
    assert [one.incident.key, two.incident.key] == ["INC-1", "INC-2"]


async def test_its_clocks_start_and_the_room_is_told(office: Office) -> None:
    await office.declared()
    assert {job.name for job in office.records.kept.jobs_scheduled} == {
        JobName.FREEZE_EVIDENCE,
        JobName.CLASSIFICATION_REMINDER,
        JobName.CLASSIFICATION_NUDGE,
        JobName.CLASSIFICATION_RAISE,
    }
    assert RoomTaskKind.CONVERGE in {task.kind for task in office.records.kept.tasks}


async def test_evidence_is_frozen_once_and_never_again(office: Office) -> None:
    await office.declared()
    kept = dict(office.records.kept.bodies)
    office.later(minutes=3)
    await office.timers(JobName.FREEZE_EVIDENCE, "INC-1")
    assert office.records.kept.bodies == kept
    assert office.told().count("evidence_frozen") == 1


@pytest.mark.parametrize(
    ("title", "part"), [("", "few words"), (" \n\t ", "few words"), ("x" * 201, "201"), ("x" * 10_000, "10000")]
)
async def test_a_title_that_cannot_be_one_gets_a_sentence_and_nothing_is_kept(
    office: Office, title: str, part: str
) -> None:
    with pytest.raises(BadInput, match=part) as refused:
        await office.declared(title)
    assert refused.value.field == "title"
    assert office.records.kept.opened == {}


@pytest.mark.parametrize("title", ["🔥" * 50, "הבוט תקוע", "👩‍👩‍👧 tickets", "<!channel> & *bold*"])
async def test_any_script_is_a_title(office: Office, title: str) -> None:
    assert (await office.declared(title)).incident.title == title


async def test_control_characters_and_line_breaks_become_spaces(office: Office) -> None:
    assert (await office.declared("loops\r\n since\x00 noon ")).incident.title == "loops since noon"


async def test_an_agent_nobody_listed_is_accepted(office: Office) -> None:
    state, _ = await office.verbs.declare(Declaration("Slow", "stranger"), ANA, "s")
    assert state.incident.agent == "stranger"


async def test_of_an_agent_nobody_listed_no_environment_is_assumed(office: Office) -> None:
    """Its tasks may run anywhere: those that name production would be taken for all of them."""
    state, _ = await office.verbs.declare(Declaration("Slow", "stranger"), ANA, "s")
    named, _ = await office.verbs.declare(Declaration("Slow", "stranger", "staging"), ANA, "t")
    listed = await office.declared()
    assert [one.incident.environment for one in (state, named, listed)] == ["", "staging", "production"]


@pytest.mark.parametrize("key", ["7", "inc-7", "INC-7", "nonsense", "", "INC-0", "7; drop table"])
async def test_an_incident_that_is_not_there_is_named_in_the_answer(office: Office, key: str) -> None:
    with pytest.raises(NotFound, match="/incident list"):
        await office.verbs.look.state(key)


@pytest.mark.parametrize("key", ["1", "inc-1", "INC-1", " inc-001 "])
async def test_a_key_may_be_written_short(office: Office, key: str) -> None:
    await office.declared()
    assert (await office.verbs.look.state(key)).incident.number == 1
