"""Classifying in Slack: one question a screen, the way back, several people at once, and what telemetry cannot tell."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.incident.classification import Question, Reply
from bot.incident.facts.classifying import Classified, QuestionAnswered
from bot.incident.model import IncidentKey
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass, Severity
from bot.incident.telemetry import Task
from bot.monitors.timers import Timers
from bot.ports import JobName
from bot.response.exit_plan import TakeStep
from bot.response.freeze import FreezeEvidence
from bot.response.gather import nanoseconds
from tests.scenarios.conftest import Office
from tests.scenarios.slack_double import Payload
from tests.web.fakes import looping_since

KEY = IncidentKey("INC-1")
MOST_CLICKS = 8
FAILED = Task(type="how_to", outcome="failed")
Told = TypeVar("Told", QuestionAnswered, Classified)


def words(view: Payload) -> str:
    return json.dumps(view["blocks"], ensure_ascii=False)


def preselected(view: Payload) -> str:
    """The reply that an untouched screen sends."""
    return next(
        str(b["element"]["initial_option"]["value"]) for b in view["blocks"] if "reply" in b.get("block_id", "")
    )


def options(view: Payload) -> list[Payload]:
    return next(list(block["element"]["options"]) for block in view["blocks"] if block["type"] == "input")


def asked(view: Payload) -> str:
    return str(json.loads(view["private_metadata"])["q"])


def loops(office: Office, minutes_ago: float = 0) -> None:
    """Telemetry shows loops that began five minutes before it ended."""
    onset = office.clock.now() - timedelta(minutes=5 + minutes_ago)
    office.traces.kept, office.traces.scored = looping_since(onset)


async def told(office: Office, kind: type[Told]) -> list[Told]:
    """The facts of one kind on the timeline, in order."""
    return [event.fact for event in await office.verbs.look.timeline("1") if isinstance(event.fact, kind)]


async def state(office: Office) -> IncidentState:
    return await office.verbs.look.state("1")


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of an incident whose agent loops."""
    loops(office)
    await office.declares()
    await office.follows()
    channel: str = office.slack.room()["id"]
    return channel


async def test_from_the_command_to_the_class_in_eight_clicks_at_most(office: Office) -> None:
    loops(office)
    declaration = await office.types("")
    clicks = 2  # the agent is chosen, the declaration submitted
    screen = await office.goes_on(declaration, title="It loops", agent="helpdesk-agent")
    while not screen["callback_id"].endswith("verdict"):
        screen, clicks = await office.goes_on(screen), clicks + 1
    assert "LOOP: loop without progress" in words(screen)
    assert "*Do not* (for LOOP)" in words(screen)
    assert screen["submit"]["text"] == "Confirm LOOP"
    done = await office.goes_on(screen)
    assert clicks + 1 <= MOST_CLICKS
    assert "INC-1 is LOOP" in words(done)
    assert (await state(office)).incident_class is IncidentClass.LOOP


async def test_each_screen_says_where_one_is_and_what_telemetry_says(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    assert "Question 1 of 2" in words(first)
    assert asked(first) == "harm_now"
    second = await office.goes_on(first)
    assert "Question 2 of 2, then you confirm the class" in words(second)
    assert "Telemetry says *yes*: " in words(second)
    assert "of 20" in words(second), "the figure stands beside the answer"
    assert "https://pages.test/traces/" in words(second)
    assert preselected(second) == "yes"


async def test_back_leads_to_the_question_before_with_its_answer(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    second = await office.goes_on(first, reply="no")
    again = await office.goes_on(second, then="back")
    assert asked(again) == "harm_now"
    assert preselected(again) == "no"
    assert len(await told(office, QuestionAnswered)) == 1, "going back answers nothing"
    last = await office.goes_on(await office.goes_on(again))
    loop = await office.goes_on(last, look_again="looping")
    assert asked(loop) == "looping"


async def test_a_button_inside_the_dialog_leads_back_too(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    second = await office.goes_on(first, reply="no")
    back = next(block["elements"][0] for block in second["blocks"] if block["type"] == "actions")
    assert back["text"]["text"] == "Back"
    click = {
        "type": "block_actions",
        "trigger_id": office.slack.trigger(),
        "user": {"id": "U1", "username": "ana"},
        "container": {"type": "view", "view_id": first["id"]},
        "view": second,
        "actions": [{**back, "block_id": "way_back", "action_ts": "1.1"}],
    }
    await office.sends(click)
    again = office.slack.views[first["id"]]
    assert asked(again) == "harm_now"
    assert preselected(again) == "no"


async def test_without_telemetry_everything_is_asked_and_nothing_is_guessed(office: Office) -> None:
    screen = await office.goes_on(await office.declares_nothing_known())
    screens = 0
    while not screen["callback_id"].endswith("verdict"):
        assert preselected(screen) == "cant_tell"
        screen, screens = await office.goes_on(screen), screens + 1
    assert screens == 7
    assert screen["submit"]["text"] == "Confirm UNKN"
    await office.goes_on(screen)
    assert (await state(office)).incident_class is IncidentClass.UNKN


async def test_without_telemetry_one_yes_is_enough(office: Office) -> None:
    screen = await office.goes_on(await office.declares_nothing_known())
    while asked(screen) != "loud":
        screen = await office.goes_on(screen, reply="no")
    screen = await office.goes_on(screen, reply="yes")
    assert asked(screen) == "provider"
    screen = await office.goes_on(screen, reply="no")
    assert asked(screen) == "one_tool"
    screen = await office.goes_on(screen, reply="yes")
    assert screen["submit"]["text"] == "Confirm TOOL"


async def test_the_rest_may_be_left_for_not_sure(office: Office) -> None:
    first = await office.goes_on(await office.declares_nothing_known())
    last = await office.goes_on(first, then="end")
    assert last["submit"]["text"] == "Confirm UNKN"


async def test_stale_telemetry_says_can_t_tell_and_never_no(office: Office) -> None:
    loops(office, minutes_ago=25)
    await office.declares()
    screen = await office.types("classify INC-1")
    said = []
    while not screen["callback_id"].endswith("verdict"):
        said.append(preselected(screen))
        screen = await office.goes_on(screen)
    assert said
    assert set(said) == {"cant_tell"}
    assert screen["submit"]["text"] == "Confirm UNKN"


async def test_an_untouched_screen_does_not_undo_what_somebody_answered_meanwhile(office: Office, room: str) -> None:
    anas = await office.types("classify", channel=room)
    bens = await office.types("classify", "ben", channel=room)
    await office.goes_on(bens, "ben", reply="yes")
    shown = await office.goes_on(anas)
    assert asked(shown) == "harm_now"
    assert "*<@U2> answered yes*" in words(shown)
    assert preselected(shown) == "yes"
    await office.goes_on(shown)
    assert [(fact.reply, fact.telemetry) for fact in await told(office, QuestionAnswered)] == [(Reply.YES, Reply.NO)]


async def test_the_last_deliberate_answer_counts_and_both_are_kept(office: Office, room: str) -> None:
    bens = await office.goes_on(await office.types("classify", "ben", channel=room), "ben")
    anas = await office.types("classify", channel=room)  # she begins where he is
    assert asked(anas) == asked(bens) == "looping"
    assert "Harm is happening now: *no* (<@U2>" in words(anas)
    await office.goes_on(bens, "ben")
    last = await office.goes_on(anas, reply="no")
    assert "Tasks loop or grow: *no* (<@U1>" in words(last)
    assert (await state(office)).replies[Question.LOOPING].reply is Reply.NO
    facts = [(fact.question, fact.reply) for fact in await told(office, QuestionAnswered)]
    assert facts[-2:] == [(Question.LOOPING, Reply.YES), (Question.LOOPING, Reply.NO)]
    await office.follows()
    card = json.dumps(office.slack.messages[room][0], ensure_ascii=False)
    assert "Tasks loop or grow: *no* (<@U1>" in card


async def test_an_answer_whose_acknowledgement_was_lost_counts_once(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    submission = office.submission(first, reply="no")
    once, twice = await office.deliver(submission), await office.deliver(submission)
    assert once == twice
    await office.edge.intake.settle()
    office.edge.intake._submissions.clear()  # as after a restart
    await office.deliver(submission)
    assert len(await told(office, QuestionAnswered)) == 1


async def test_a_class_that_somebody_set_meanwhile_is_shown_before_it_is_replaced(office: Office, room: str) -> None:
    anas = await last_screen(office, room)
    bens = await last_screen(office, room, "ben")
    assert await office.submits(bens, "ben") == {}
    shown = await office.goes_on(anas, class_comment="The tool is down")
    assert "ben has set LOOP while you had this open" in words(shown)
    assert "*LOOP is set*, by <@U2>" in words(shown)
    assert "The tool is down" in words(shown), "what was typed stays"
    assert len(await told(office, Classified)) == 1


async def last_screen(office: Office, room: str, who: str = "ana") -> Payload:
    screen = await office.types("classify", who, channel=room)
    while not screen["callback_id"].endswith("verdict"):
        screen = await office.goes_on(screen, who)
    return screen


async def test_another_class_shows_what_not_to_do_before_it_is_set(office: Office, room: str) -> None:
    last = await last_screen(office, room)
    tool = await office.goes_on(last, incident_class="TOOL")
    assert tool["submit"]["text"] == "Confirm TOOL"
    assert "*Do not* (for TOOL)" in words(tool)
    assert "Your choice. Telemetry and answers suggest LOOP" in words(tool)
    assert (await state(office)).incident_class is None
    assert await office.submits(tool) == {}
    assert (await state(office)).incident_class is IncidentClass.TOOL


async def test_a_class_changes_with_a_reason_only(office: Office, room: str) -> None:
    assert await office.submits(await last_screen(office, room)) == {}
    tool = await office.goes_on(await last_screen(office, room), incident_class="TOOL")
    assert "*LOOP is set*, by <@U1>" in words(tool)
    refused = await office.submits(tool)
    assert refused["errors"] == {
        "class_comment": "LOOP is set already. Say in a few words why it changes, or why it stays."
    }
    assert await office.submits(tool, class_comment="search fails in every loop") == {}
    await office.follows()
    assert "LOOP → TOOL, by ana: search fails in every loop." in office.slack.said_in(room)[-1]
    _, second = await told(office, Classified)
    assert (second.before, second.incident_class, second.reason) == (
        IncidentClass.LOOP,
        IncidentClass.TOOL,
        "search fails in every loop",
    )


async def test_a_floor_that_rises_behind_the_screen_takes_an_untouched_severity_along(
    office: Office, room: str
) -> None:
    last = await last_screen(office, room)
    onset = office.clock.now() - timedelta(minutes=5)
    kept = office.traces.kept
    office.clock.advance(3)  # what was read is good for two seconds
    office.traces.kept = tuple(replace(one, task=FAILED) if one.start_ns >= nanoseconds(onset) else one for one in kept)
    assert await office.submits(last) == {}
    assert (await state(office)).severity is Severity.SEV1


async def test_harm_puts_the_levers_on_the_very_next_screen(office: Office) -> None:
    loops(office)
    declaration = await office.types("")
    screen = await office.goes_on(declaration, title="It leaks", agent="helpdesk-agent", harm_now="yes")
    levers = await office.goes_on(screen)
    assert levers["callback_id"] == "contain_now"
    assert (await office.submits(levers))["errors"] == {"lever": "Choose a lever, or to go on without one."}
    halt = next(one["value"] for one in options(levers) if one["text"]["text"].startswith("Kill switch"))
    question = await office.goes_on(levers, lever=halt)
    assert "*Kill switch is on.*" in words(question)
    assert [status.mitigation.label for status in (await state(office)).live_mitigations] == ["Kill switch"]


async def test_harm_seen_while_classifying_offers_the_levers_at_once(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    levers = await office.goes_on(first, reply="yes")
    assert levers["callback_id"] == "contain_now"
    assert (await state(office)).harm_now
    question = await office.goes_on(levers, lever="not_now")
    assert asked(question) == "looping"
    assert (await state(office)).live_mitigations == ()


async def test_a_dialog_left_open_over_the_end_answers_with_a_sentence(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    await office.verbs.resolve("INC-1", "over", frozenset(), (await state(office)).incident.declared_by, "r")
    answer = await office.submits(first, reply="yes")
    assert "INC-1 is resolved" in json.dumps(answer)


async def test_the_room_is_reminded_at_three_and_nudged_at_five_minutes(office: Office, room: str) -> None:
    changes, suggest = office.verbs.revert.changes, office.verbs.suggest
    timers = Timers(
        office.records,
        office.clock,
        changes,
        FreezeEvidence(office.records, office.clock, suggest),
        TakeStep(office.records, office.clock, changes, suggest),
    )
    for minutes, job, said in (
        (3, JobName.CLASSIFICATION_REMINDER, "INC-1 has no class after 3 min. There is time until "),
        (2, JobName.CLASSIFICATION_NUDGE, "INC-1 has no class after 5 min. <@U1>, which kind of incident is it?"),
        (25, JobName.CLASSIFICATION_RAISE, "INC-1 is SEV2 now: it has had no class for 30 min."),
    ):
        office.clock.advance(60 * minutes)
        await timers(job, "INC-1")
        await office.follows()
        last = office.slack.messages[room][-1]
        assert said in json.dumps(last["blocks"], ensure_ascii=False)
        assert '"action_id": "classify"' in json.dumps(last["blocks"])
