"""Working on an incident from its channel: dialogs, clicks, notes, and what is said when it is too late."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.incident.facts.people import NoteAdded
from bot.incident.kinds import MitigationKind
from bot.incident.model import IncidentKey, Person, Role, Status
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.ports import RoomTask, RoomTaskKind
from bot.response.choosing import Choice
from tests.scenarios.conftest import SECRET, Office, form, signed

KEY = IncidentKey("INC-1")
BEN = Person("U2", "ben")


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of a declared incident."""
    await office.declares()
    await office.follows()
    channel: str = office.slack.room()["id"]
    return channel


async def test_the_whole_way_to_the_postmortem(office: Office, room: str) -> None:
    first = await office.types("classify", channel=room)
    unsure = await office.goes_on(first, then="end")
    loop = await office.goes_on(unsure, incident_class="LOOP")
    assert await office.submits(loop) == {}
    listed = await office.types("mitigate", channel=room)
    preview = (await office.submits(listed, kind="turn-limit"))["view"]
    assert await office.submits({**preview, "id": listed["id"], "hash": "h"}) == {}
    state = await office.verbs.look.state("1")
    assert (state.incident_class, state.status) == (IncidentClass.LOOP, Status.MITIGATED)

    resolving = await office.types("resolve", channel=room)
    assert await office.submits(resolving, resolve_summary="The loop ended") == {}
    await office.follows()
    state = await office.verbs.look.state("1")
    assert state.status is Status.RESOLVED
    (question,) = state.pending_approvals
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room, "ben")
    assert (await office.verbs.look.state("1")).live_mitigations == ()
    assert office.slack.files == [b"# INC-1\n"]
    assert "Postmortem of INC-1 is drafted." in office.slack.said_in(room)[-1]


async def test_the_postmortem_is_announced_even_when_the_file_cannot_be_uploaded(office: Office, room: str) -> None:
    office.slack.missing.add("files.getUploadURLExternal")
    await office.submits(await office.types("resolve", channel=room), resolve_summary="Over")
    await office.follows()
    assert office.slack.files == []
    assert "Postmortem of INC-1 is drafted." in office.slack.said_in(room)[-1]


async def test_one_click_pulls_a_lever_and_a_second_one_is_told_so(office: Office, room: str) -> None:
    value = {"k": "INC-1", "limit": 5}
    await asyncio.gather(
        office.clicks("apply:turn-limit", value, room), office.clicks("apply:turn-limit", value, room, "ben")
    )
    state = await office.verbs.look.state("1")
    assert [status.mitigation.label for status in state.live_mitigations] == ["Turn limit 5"]
    assert [text for text in office.slack.told() if "is on already" in text]


async def test_a_lever_that_is_advised_against_asks_for_a_reason_first(office: Office, room: str) -> None:
    choice = Choice(IncidentClass.LOOP, Cause.OUR_CODE_OR_CONFIG, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    preview = await office.clicks("apply:halt", {"k": "INC-1"}, room)
    assert (await office.verbs.look.state("1")).live_mitigations == ()
    refused = await office.submits(preview)
    assert refused["response_action"] == "errors"
    assert await office.submits(preview, order_override="The loops write tickets") == {}
    live = (await office.verbs.look.state("1")).live_mitigations
    assert [status.mitigation.kind for status in live] == [MitigationKind.HALT]


async def test_undoing_waits_for_a_second_person_unless_it_cannot_wait(office: Office, room: str) -> None:
    await office.clicks("apply:turn-limit", {"k": "INC-1", "limit": 5}, room)
    lever = (await office.verbs.look.state("1")).live_mitigations[0].mitigation
    dialog = await office.clicks(f"undo:{lever.id}", {"k": "INC-1", "m": lever.id}, room)
    assert await office.submits(dialog, undo_reason="It is fixed") == {}
    (question,) = (await office.verbs.look.state("1")).pending_approvals
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room)
    assert "somebody else has to approve" in office.slack.told()[-1]
    assert (await office.verbs.look.state("1")).live_mitigations != ()
    await office.clicks("refuse", {"k": "INC-1", "a": question.id}, room, "ben")
    dialog = await office.clicks(f"undo:{lever.id}", {"k": "INC-1", "m": lever.id}, room)
    assert await office.submits(dialog, undo_alone="Nobody is awake") == {}
    assert (await office.verbs.look.state("1")).live_mitigations == ()


async def test_a_dialog_submitted_after_the_end_keeps_the_words_and_says_why(office: Office, room: str) -> None:
    severity = await office.types("severity", channel=room)
    await office.verbs.resolve("INC-1", "Over", frozenset(), BEN, "r1")
    answer = await office.submits(severity, new_severity="SEV1")
    assert answer["response_action"] == "errors"
    assert answer["errors"]["new_severity"].startswith("INC-1 is resolved, so it takes no change of severity")


async def test_words_after_the_verb_act_at_once(office: Office, room: str) -> None:
    await office.types("note rolled the index back", channel=room)
    await office.types("role commander <@U2|ben>", channel=room)
    await office.types("severity 2 customers called", channel=room)
    await office.types("INC-1 update we limit turns", channel="C0GENERAL")
    await office.follows()
    state = await office.verbs.look.state("1")
    assert state.roles[Role.COMMANDER] == BEN
    assert state.severity is Severity.SEV2
    assert "we limit turns" in office.slack.said_in(room)[-1]
    assert office.slack.told()[:2] == ["Noted on INC-1.", "<@U2> is commander of INC-1 now."]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("help", "What /incident does"),
        ("list", "1 open, 0 recent incidents"),
        ("timeline", "Timeline of INC-1"),
        ("clasify", "There is no /incident clasify."),
        ("drill", "There is no /incident drill."),
        ("INC-9 note hello", "No incident INC-9 here."),
        ("severity high", "Severities are SEV1 (worst) to SEV4."),
        ("role boss", "The roles are commander, scribe, communications."),
        ("role scribe @nobody", "Nobody here is called"),
    ],
)
async def test_every_command_is_answered(office: Office, room: str, typed: str, said: str) -> None:
    await office.types(typed, channel=room)
    assert office.slack.told()[-1].startswith(said)


@pytest.mark.parametrize(
    "typed", ["", "classify", "evidence", "mitigate", "update", "role", "severity", "note", "resolve", "postmortem"]
)
async def test_every_dialog_opens_and_is_filled(office: Office, room: str, typed: str) -> None:
    view = await office.types(typed, channel=room)
    assert "INC-1" in view["title"]["text"]
    assert office.slack.called("views.update")


async def test_an_agent_is_looked_at_before_anything_is_declared(office: Office) -> None:
    view = await office.types("evidence helpdesk-agent", channel="C0GENERAL")
    shown = str(office.slack.called("views.update")[-1])
    assert view["title"]["text"] == "Evidence"
    assert "*helpdesk-agent*" in shown
    assert "/agents/helpdesk-agent" in shown


async def test_a_mistyped_agent_is_answered_with_the_one_that_was_meant(office: Office) -> None:
    await office.types("evidence helpdesk-agnet", channel="C0GENERAL")
    shown = str(office.slack.called("views.update")[-1])
    assert "No agent helpdesk-agnet is listed" in shown
    assert "Did you mean helpdesk-agent?" in shown


async def test_the_menu_leads_to_each_step(office: Office, room: str) -> None:
    menu = await office.types("", channel=room)
    answer = await office.submits(menu, step="note")
    assert answer["view"]["callback_id"] == "note"


async def test_a_pin_puts_a_message_on_the_timeline_once(office: Office, room: str) -> None:
    office.slack.messages[room].append({"ts": "1700000000.000001", "user": "U1", "text": "index rolled back"})
    await office.pins(room, "1700000000.000001", event_id="Ev1")
    await office.pins(room, "1700000000.000001", who="ana", event_id="Ev2")
    notes = [event for event in await office.verbs.look.timeline("1") if isinstance(event.fact, NoteAdded)]
    assert len(notes) == 1
    fact = notes[0].fact
    assert isinstance(fact, NoteAdded)
    assert (fact.text, fact.source, fact.author.name, notes[0].by.name) == ("index rolled back", "pin", "ana", "ben")
    assert fact.permalink == f"https://slack.test/{room}/1700000000.000001"


async def test_a_pin_in_another_channel_is_nobodys_business(office: Office, room: str) -> None:
    del room
    await office.pins("C0GENERAL", "1.1")
    assert office.slack.called("conversations.history") == []


async def test_an_archived_channel_is_recorded_and_stops_nothing(office: Office, room: str) -> None:
    office.slack.troubles["chat.update"] = ["is_archived"]
    record = await office.rooms.room(KEY)
    await office.rooms.save(replace(record, card_digest="of an earlier card"))
    await office.types("note still here", channel=room)
    await office.follows()
    assert (await office.rooms.room(KEY)).steps["channel"] == "is_archived"


async def test_a_card_that_slack_refuses_holds_up_no_update(office: Office, room: str) -> None:
    office.slack.troubles["chat.update"] = ["invalid_blocks"]
    record = await office.rooms.room(KEY)
    await office.rooms.save(replace(record, card_digest="of an earlier card"))
    await office.types("update we limit turns", channel=room)
    await office.follows()
    assert (await office.rooms.room(KEY)).steps["card"] == "invalid_blocks"
    assert "we limit turns" in office.slack.said_in(room)[-1]
    await office.types("note and on we go", channel=room)
    await office.follows()
    assert "card" not in (await office.rooms.room(KEY)).steps


async def test_a_click_from_long_before_a_restart_is_not_carried_out(office: Office, room: str) -> None:
    pressed = office.clock.now().timestamp()
    click = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ana"},
        "channel": {"id": room},
        "actions": [{"action_id": "apply:halt", "value": '{"k":"INC-1"}', "action_ts": str(pressed)}],
    }
    await office.deliveries.first("action:lost", json.dumps(click), office.clock.now())
    office.clock.advance(3600)
    await office.edge.intake.replay(office.clock.now())
    await office.edge.intake.settle()
    assert (await office.verbs.look.state("1")).live_mitigations == ()
    assert office.slack.told()[-1].startswith("This click was interrupted by a restart and is too old")


async def test_an_announcement_nobody_takes_holds_up_nothing(office: Office) -> None:
    office.slack.channels["D1"] = {"id": "D1", "name": "directmessage"}
    view = await office.types("", channel="D1")
    await office.submits(view, title="It loops", agent="helpdesk-agent", agent_name="helpdesk-agent")
    await office.edge.room.converge(KEY)
    office.slack.troubles["chat.postMessage"] = ["channel_not_found"]
    await office.types("INC-1 update we limit turns")
    await office.follows()
    assert "we limit turns" in office.slack.said_in(office.slack.room()["id"])[-1]


async def test_a_message_that_got_through_before_a_crash_is_not_posted_again(office: Office, room: str) -> None:
    task = RoomTask(RoomTaskKind.POST, KEY, "update:u1", {"text": "we limit turns", "by": "U2"})
    for _ in range(2):  # a crash between posting and remembering: the queue hands it out again
        async with office.edge.desk.records.begin() as work:
            await work.outbox.put(task)
        await office.follows()
    await office.edge.convergence._tasks.work_off(task, attempts=2)
    assert len([text for text in office.slack.said_in(room) if "we limit turns" in text]) == 1


async def test_only_signed_requests_come_in(office: Office) -> None:
    body, now = form(office.command("help")), office.clock.now().timestamp()
    intake = office.edge.intake
    assert (await intake.http(body, {})).status == 401
    assert (await intake.http(body, signed(body, now, "another secret"))).status == 401
    assert (await intake.http(body, signed(body, now - 301))).status == 401
    assert (await intake.http(body, {**signed(body, now), "x-slack-request-timestamp": "soon"})).status == 401
    assert (await intake.http(body, signed(body, now))).status == 200
    assert SECRET not in repr(intake)


async def test_slacks_own_checks_are_answered(office: Office) -> None:
    assert await office.edge.intake.envelope({"type": "url_verification", "challenge": "c"}) == {"challenge": "c"}
    assert await office.edge.intake.envelope({"ssl_check": "1"}) == {}
