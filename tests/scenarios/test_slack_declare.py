"""From ``/incident`` to a channel with a card, whatever Slack does in between."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.incident.errors import Misconfigured
from bot.incident.facts.declaring import RoomStep
from bot.incident.model import Catalogue, IncidentKey
from tests.scenarios.conftest import Office

KEY = IncidentKey("INC-1")


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_declaration_becomes_a_channel_with_a_card(closed_office: Office, transport: str) -> None:
    closed_office.transport = transport
    office = await closed_office.start()
    answer = await office.declares("Helpdesk answers are nonsense")
    assert answer["response_action"] == "update"
    assert office.slack.called("conversations.create") == []  # the incident is committed before Slack is asked

    await office.follows()
    room = office.slack.room()
    assert room["name"] == "inc-1-helpdesk-agent-helpdesk-answers-are-nonsense"
    assert len(office.slack.messages[room["id"]]) == 1
    state = await office.verbs.look.in_channel(room["id"])
    assert state is not None
    assert state.channel_id == room["id"]
    assert all(step.failed is None for step in state.room_steps)
    assert office.slack.called("conversations.invite")[0]["users"] == "U1,U2"
    assert f"<#{room['id']}>" in office.slack.messages["C0GENERAL"][0]["blocks"][0]["text"]["text"]


async def test_the_dialog_opens_empty_before_anything_is_read(office: Office) -> None:
    view = await office.types("")
    order = [call.method for call in office.slack.calls if call.method.startswith("views")]
    assert order == ["views.open", "views.update"]
    opened = office.slack.called("views.open")[0]["view"]
    assert next(b["block_id"] for b in opened["blocks"] if b["type"] == "input") == "title"
    assert "title" in {block.get("block_id") for block in view["blocks"]}


async def test_the_same_submission_delivered_twice_makes_one_incident(office: Office) -> None:
    view = await office.types("")
    payload = office.submission(view, title="It loops", agent="helpdesk-agent")
    first, second = await asyncio.gather(office.deliver(payload), office.deliver(payload))
    assert first == second
    assert len(await office.verbs.look.recent()) == 1


async def test_two_people_declaring_at_once_get_two_incidents(office: Office) -> None:
    await asyncio.gather(office.declares("It loops", "ana"), office.declares("Answers are wrong", "ben"))
    await office.follows()
    states = await office.verbs.look.recent()
    assert {state.incident.declared_by.name for state in states} == {"ana", "ben"}
    assert len({state.channel_id for state in states}) == 2


async def test_the_same_command_delivered_twice_opens_one_dialog(office: Office) -> None:
    command = office.command("")
    await asyncio.gather(office.sends(command), office.sends(command))
    assert len(office.slack.called("views.open")) == 1


async def test_a_corrected_dialog_is_taken(office: Office) -> None:
    view = await office.types("")
    refused = await office.submits(view, title="x" * 201, agent="helpdesk-agent")
    assert "200" in refused["errors"]["title"]
    accepted = await office.submits(view, title="It loops", agent="helpdesk-agent")
    assert accepted["response_action"] == "update"


async def test_an_expired_trigger_says_what_to_type(office: Office) -> None:
    office.slack.troubles["views.open"] = ["expired_trigger_id"]
    await office.types("declare it loops")
    assert office.slack.told() == ["Slack's 3 seconds were over; type `/incident declare it loops` again."]


@pytest.mark.parametrize("title", ["🔥" * 200, "الوكيل يعيد نفسه", "<!channel> *now* `rm` & co"])
async def test_any_title_gets_its_room(office: Office, title: str) -> None:
    await office.declares(title)
    await office.follows()
    assert (await office.verbs.look.state("1")).incident.title == title
    assert office.slack.room()["name"].startswith("inc-1-helpdesk-agent")


async def test_ten_thousand_characters_are_refused_and_nothing_is_half_done(office: Office) -> None:
    answer = await office.declares("x" * 10_000)
    assert "10000" in answer["errors"]["title"]
    assert await office.verbs.look.recent() == ()


async def test_a_busy_slack_is_asked_again_when_it_wants(office: Office) -> None:
    office.slack.troubles["conversations.create"] = ["ratelimited"]
    await office.declares()
    await office.follows()
    assert not office.slack.messages
    office.clock.advance(timedelta(seconds=2))
    await office.follows()
    assert office.slack.said_in(office.slack.room()["id"])


async def test_every_optional_step_may_fail_and_its_outcome_is_kept(office: Office) -> None:
    office.slack.missing |= {"conversations.invite", "conversations.setTopic", "pins.add", "bookmarks.add"}
    await office.declares()
    await office.follows()
    state = await office.verbs.look.state("1")
    assert office.slack.said_in(state.channel_id or "")
    assert tuple(step for step in state.room_steps if step.failed) == tuple(
        RoomStep(step, "unknown_method") for step in ("invite", "topic", "pin", "bookmark")
    )


async def test_a_crash_after_the_channel_was_made_adopts_it(office: Office) -> None:
    await office.declares("It loops")
    await office.background.settle()
    made = office.slack._conversations_create({"name": "inc-1-helpdesk-agent-it-loops"})["channel"]
    await office.follows()
    assert (await office.rooms.room(KEY)).channel_id == made["id"]


async def test_a_channel_of_somebody_else_is_left_alone(office: Office) -> None:
    theirs = {"id": "C0THEIRS", "name": "inc-1-helpdesk-agent-it-loops", "creator": "U2", "created": 0}
    office.slack.channels["C0THEIRS"] = theirs
    await office.declares("It loops")
    await office.follows()
    assert (await office.rooms.room(KEY)).channel_name == "inc-1-helpdesk-agent-it-loops-2"


async def test_a_crash_after_the_card_was_posted_finds_it_again(office: Office) -> None:
    await office.declares()
    await office.follows()
    record = await office.rooms.room(KEY)
    await office.rooms.save(replace(record, card_ts="", card_digest=""))
    await office.types("note seen it", channel=record.channel_id)
    await office.follows()
    assert len(office.slack.called("chat.postMessage")) == 2  # the card and the announcement
    assert (await office.rooms.room(KEY)).card_ts == record.card_ts


async def test_a_deleted_card_comes_back(office: Office) -> None:
    await office.declares()
    await office.follows()
    record = await office.rooms.room(KEY)
    office.slack.messages[record.channel_id].clear()
    await office.rooms.save(replace(record, card_digest="of an earlier card"))
    await office.types("severity SEV1", channel=record.channel_id)
    await office.follows()
    assert len(office.slack.messages[record.channel_id]) == 1


async def test_a_command_cut_off_by_a_restart_is_answered_after_it(closed_office: Office) -> None:
    office = await closed_office.start()
    payload = office.command("note before the crash", channel="C0GENERAL")
    await office.deliveries.first("command:lost", json.dumps(payload), office.clock.now())
    office.clock.advance(60)
    assert await office.edge.intake.replay(office.clock.now()) == 1
    await office.edge.intake.settle()
    assert "This channel has no incident" in office.slack.told()[0]
    assert await office.edge.intake.replay(office.clock.now()) == 0


async def test_a_dialog_cut_off_by_a_restart_asks_to_type_it_again(office: Office) -> None:
    payload = office.command("declare")
    await office.deliveries.first("command:lost", json.dumps(payload), office.clock.now())
    office.slack.spent_triggers.add(payload["trigger_id"])
    office.clock.advance(60)
    await office.edge.intake.replay(office.clock.now())
    await office.edge.intake.settle()
    assert office.slack.told() == ["`/incident declare` was interrupted by a restart; type it again."]


async def test_a_wrong_token_gets_one_clear_sentence(closed_office: Office) -> None:
    closed_office.token = "xoxb-wrong"
    with pytest.raises(Misconfigured, match="Slack does not know SLACK_BOT_TOKEN"):
        await closed_office.start()


async def test_a_wrong_app_token_gets_one_too(closed_office: Office) -> None:
    closed_office.transport, closed_office.app_token = "socket", "xapp-wrong"
    with pytest.raises(Misconfigured, match="Slack does not know SLACK_APP_TOKEN"):
        await closed_office.start()


async def test_a_lost_connection_comes_back(closed_office: Office) -> None:
    closed_office.transport = "socket"
    office = await closed_office.start()
    await office.slack.hang_up()
    async with asyncio.timeout(8):
        await office.slack.reconnected(2)
    await office.types("help")
    assert office.slack.told() == ["What /incident does"]


async def test_an_incident_is_of_the_environment_that_was_chosen(closed_office: Office) -> None:
    twins = replace(closed_office.catalogue.agents[0], environments=("production", "staging"))
    closed_office.catalogue = Catalogue((twins,))
    office = await closed_office.start()
    for title, chosen in (("It loops", {"environment": "staging"}), ("It loops there, too", {})):
        view = await office.types(f"declare {title}")
        await office.submits(view, title=title, agent="helpdesk-agent", **chosen)
    await office.follows()
    states = await office.verbs.look.recent()
    assert {state.incident.title: state.incident.environment for state in states} == {
        "It loops": "staging",
        "It loops there, too": "production",
    }
