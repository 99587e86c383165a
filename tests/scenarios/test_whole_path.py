"""The whole product as a process of its own, with a strict Slack on one side and an agent on the other."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.slack.manifest import SCOPES
from tests.strict_slack import Actor, Channel, Delivery, Message, StrictSlack
from tests.strict_slack.limits import unfillable_in_local_workspace
from tests.strict_slack.product import Product, product
from tests.strict_slack.telemetry import requests
from tests.strict_slack.views import OpenView

AGENT = "helpdesk-agent"
UNLIMITED = 2_147_483_647
PICTURES = ("shares", "over-time", "pass-rate", "steps")
PATIENCE = 20.0  # seconds; the room keeps a second between two messages


@pytest.fixture
async def slack() -> AsyncIterator[StrictSlack]:
    async with StrictSlack(scopes=SCOPES) as strict:
        strict.world.add_channel("helpdesk", creator=strict.ana.id)  # where the agent's team wants to hear of it
        yield strict


@pytest.fixture
async def house(slack: StrictSlack, tmp_path: Path) -> AsyncIterator[Product]:
    async with product(slack, tmp_path) as running:
        yield running


async def declared(user: Actor, title: str = "Answers repeat themselves", **more: Any) -> Delivery:
    """From the command to the submitted dialog."""
    await user.command("/incident")
    view = await user.wait_for_view(lambda v: any(b["block_id"] in {"agent", "agent_name"} for b in v.blocks))
    return await user.submit(view, {"title": title, "agent": AGENT, **more})


async def room(slack: StrictSlack, prefix: str) -> tuple[Channel, Message]:
    """An incident's channel and its card."""
    await slack.wait_until(lambda: (c := slack.channel_named(prefix)) and slack.messages(c), PATIENCE)
    channel = slack.channel_named(prefix)
    assert channel is not None
    return channel, slack.messages(channel)[0]


async def classified_by(slack: StrictSlack, user: Actor, card: Message) -> None:
    """Every screen, telemetry's answers left as they are."""
    await user.click(card, "classify")
    screen = await user.wait_for_view(lambda v: "submit" in v.body and v.updates > 0)
    while screen.callback_id != "classify_verdict":
        await user.submit(screen)
        screen = await user.wait_for_view()
    await user.submit(screen)
    await slack.wait_until(lambda: user.view is None)


async def resolved_by(slack: StrictSlack, user: Actor, card: Message) -> None:
    if "resolve" in card.action_ids:
        await user.click(card, "resolve")
    else:  # without a class it waits in the menu
        await user.click(card, "more", "resolve:INC-1")
    view = await user.wait_for_view(lambda v: v.callback_id == "resolve" and "submit" in v.body)
    await user.submit(view, {"resolve_summary": "The prompt is back at its last version."})
    await slack.wait_until(lambda: "🟢 *Resolved*" in card.shown, PATIENCE)


@pytest.mark.parametrize("over_http", [False, True], ids=["socket mode", "http"])
async def test_from_the_command_to_the_postmortem(slack: StrictSlack, tmp_path: Path, *, over_http: bool) -> None:
    async with product(slack, tmp_path, over_http=over_http) as house:
        for path, body in requests("sample_loop"):
            await house.post(path, body)
        await house.settled()

        await declared(slack.ana)
        channel, card = await room(slack, "inc-1-")
        await slack.wait_until(lambda: {slack.ana.id, slack.ben.id} <= set(channel.members), PATIENCE)
        await slack.wait_until(lambda: "Looks like LOOP" in card.shown, PATIENCE)

        await classified_by(slack, slack.ana, card)
        await slack.wait_until(lambda: "LOOP: " in card.shown and "apply:turn-limit" in card.action_ids, PATIENCE)
        assert await house.flag("agent.max_turns", AGENT) == UNLIMITED

        await slack.ben.click(card, "apply:turn-limit")
        await slack.wait_until(lambda: "Undo turn limit" in card.shown, PATIENCE)
        limit = await house.flag("agent.max_turns", AGENT)
        assert limit < UNLIMITED
        assert f"Turn limit {limit}" in card.shown or f"turn limit {limit}" in card.shown.lower()

        await slack.ana.say(channel, "Prompt p-119 went out at noon.")
        await slack.ben.react(slack.messages(channel)[-1], "pushpin")
        await slack.wait_until(lambda: slack.calls("chat.getPermalink"), PATIENCE)

        await resolved_by(slack, slack.ana, card)
        await slack.wait_until(lambda: "approve" in card.action_ids, PATIENCE)
        await slack.ben.click(card, "approve")
        await slack.wait_until(lambda: "approve" not in card.action_ids, PATIENCE)
        assert await house.flag("agent.max_turns", AGENT) == UNLIMITED
        await slack.wait_until(
            lambda: "Postmortem of INC-1 is drafted" in str([m.text for m in slack.messages(channel)]), PATIENCE
        )
        *pictures, document = slack.world.uploads.values()
        assert [picture.name for picture in pictures] == [f"inc-1-{name}.png" for name in PICTURES]
        assert all((picture.content or b"").startswith(b"\x89PNG") for picture in pictures)
        assert all(f"{channel.id}" in picture.shares and 20 < len(picture.alt_text) <= 1000 for picture in pictures)
        assert len([message for message in slack.messages(channel) if "in pictures" in message.text]) == 1
        assert document.name == "inc-1-postmortem.html"
        assert all(said in (document.content or b"") for said in (b"LOOP", b"p-119 went out at noon", b"last version"))
    assert house.complaints() == []
    assert house.process.returncode == 0
    assert max(delivery.seconds for delivery in slack.courier.deliveries) < 3
    assert [(call.method, call.error) for call in slack.calls() if not call.ok] == []
    assert [problem for shown in slack.payloads() for problem in unfillable_in_local_workspace(shown)] == []


async def test_the_way_back_needs_no_button_inside_the_dialog(slack: StrictSlack, house: Product) -> None:
    await declared(slack.ana)
    first = await slack.ana.wait_for_view(lambda v: v.callback_id == "declared")
    await slack.ana.submit(first)
    question = await slack.ana.wait_for_view(lambda v: "Question 1 of" in v.shown)
    await slack.ana.submit(question, {_field(question, "reply"): "no"})
    question = await slack.ana.wait_for_view(lambda v: "Question 2 of" in v.shown)
    await slack.ana.submit(question, {_field(question, "then"): "back"})
    again = await slack.ana.wait_for_view(lambda v: "Question 1 of" in v.shown)
    assert "<@U0ANA> answered *no*" in again.shown
    assert again.answers[_field(again, "then"), _field(again, "then")]["value"] == "next"
    assert house.complaints() == []


def _field(view: OpenView, name: str) -> str:
    return next(str(b["block_id"]) for b in view.blocks if str(b.get("block_id", "")).startswith(f"{name}:"))


async def test_the_same_click_twice_makes_one_incident(slack: StrictSlack, house: Product) -> None:
    submitted = await declared(slack.ana)
    again = await slack.redeliver(submitted)
    assert again.body == submitted.body
    await room(slack, "inc-1-")
    listed = await slack.ana.command("/incident", "list")
    await slack.wait_until(lambda: "(1)" in "".join(m.shown for m in slack.ephemerals(slack.ana)))
    assert listed.acked
    assert slack.channel_named("inc-2-") is None
    assert len(slack.calls("conversations.create")) == 1
    assert house.complaints() == []


async def test_one_lever_clicked_twice_is_pulled_once(slack: StrictSlack, house: Product) -> None:
    await declared(slack.ana, harm_now="yes")
    _, card = await room(slack, "inc-1-")
    await slack.wait_until(lambda: "apply:halt" in card.action_ids, PATIENCE)
    await slack.ben.double_click(card, "apply:halt")
    await slack.wait_until(lambda: "Kill switch is on already" in _told(slack, slack.ben), PATIENCE)
    assert await house.flag("agent.halt", AGENT) is True
    await slack.wait_until(lambda: sum(one.startswith("undo:") for one in card.action_ids) == 1, PATIENCE)
    assert house.complaints() == []


async def test_two_people_at_once_make_two_incidents(slack: StrictSlack, house: Product) -> None:
    await asyncio.gather(declared(slack.ana, "Seen by Ana"), declared(slack.ben, "Seen by Ben"))
    rooms = [await room(slack, "inc-1-"), await room(slack, "inc-2-")]
    titles = sorted("Seen by Ana" if "Seen by Ana" in card.shown else "Seen by Ben" for _, card in rooms)
    assert titles == ["Seen by Ana", "Seen by Ben"]
    assert house.complaints() == []


async def test_titles_of_any_script_get_a_room(slack: StrictSlack, house: Product) -> None:
    titles = ["\U0001f525" * 100, "المساعد يكرر نفسه \u202eabc", "<!channel> *bold* `x` & <@U0ANA>", "a" * 200]
    for number, title in enumerate(titles, 1):
        await declared(slack.ana, title)
        channel, card = await room(slack, f"inc-{number}-")
        assert card.text
        assert "<!channel>" not in card.shown
        assert channel.name.startswith(f"inc-{number}-{AGENT}")
    assert [call.error for call in slack.calls() if call.error.startswith("invalid")] == []
    assert house.complaints() == []


async def test_a_title_typed_far_too_long_is_cut_to_what_the_dialog_takes(slack: StrictSlack, house: Product) -> None:
    await slack.ana.command("/incident", "declare " + "word " * 2000)
    view = await slack.ana.wait_for_view(lambda v: any(b["block_id"] in {"agent", "agent_name"} for b in v.blocks))
    await slack.ana.submit(view, {"agent": AGENT})
    _, card = await room(slack, "inc-1-")
    assert "word word" in card.shown
    assert house.complaints() == []


async def test_a_dialog_of_an_incident_that_is_over_answers_with_a_sentence(slack: StrictSlack, house: Product) -> None:
    await declared(slack.ana)
    _, card = await room(slack, "inc-1-")
    await slack.ben.click(card, "more", "resolve:INC-1")
    late = await slack.ben.wait_for_view(lambda v: v.callback_id == "resolve" and "submit" in v.body)
    await resolved_by(slack, slack.ana, card)
    await slack.ben.submit(late, {"resolve_summary": "It stopped."})
    sentences = [*late.errors.values(), late.shown]
    assert any("INC-1 is resolved" in sentence for sentence in sentences), sentences
    assert house.complaints() == []


async def test_every_word_of_the_command_answers_in_a_dialog_or_a_sentence(slack: StrictSlack, house: Product) -> None:
    await house.settled()
    await declared(slack.ana, options=["private"])
    channel, _ = await room(slack, "inc-1-")
    await slack.wait_until(lambda: slack.ana.id in channel.members, PATIENCE)
    assert channel.kind == "private"
    dialogs = [
        "",
        "classify",
        "evidence",
        "mitigate",
        "role",
        "severity",
        "update",
        "resolve",
        "postmortem",
        "declare x",
    ]
    for words in dialogs:
        await slack.ana.command("/incident", words, channel=channel)
        await slack.ana.wait_for_view(lambda v: v.updates == 1)
        await slack.ana.close()
    sentences = {
        "note Seen again": "Noted on INC-1",
        "severity SEV1 worse": "INC-1 is SEV1 now",
        "update All well": "Posted in INC-1",
        "role commander <@U0BEN|ben>": "<@U0BEN> is commander",
        "list": "*Open* (1)",
        "help": "What /incident does",
        "timeline": "Timeline of INC-1",
        "nonsense": "There is no `/incident nonsense`",
    }
    for words, answer in sentences.items():
        await slack.ana.command("/incident", words, channel=channel)
        await _is_told(slack, slack.ana, answer)
    assert [(call.method, call.error) for call in slack.calls() if not call.ok] == []
    assert house.complaints() == []


async def test_answers_that_get_lost_leave_one_channel_and_one_card(slack: StrictSlack, house: Product) -> None:
    slack.fail_next("conversations.create", status=503, after_doing=True)
    slack.fail_next("chat.postMessage", status=503, after_doing=True)
    await declared(slack.ana)
    channel, card = await room(slack, "inc-1-")
    await slack.wait_until(lambda: channel.pins, PATIENCE)
    assert [c.name for c in slack.world.channels.values() if c.name.startswith("inc-")] == [channel.name]
    assert [m.ts for m in slack.messages(channel) if "card" in str(m.metadata)] == [card.ts]
    assert house.process.returncode is None


async def test_small_refusals_are_named_on_the_card_and_stop_nothing(slack: StrictSlack, house: Product) -> None:
    for method in ("pins.add", "bookmarks.add", "conversations.setTopic"):
        slack.fail_next(method, error="restricted_action")
    await declared(slack.ana)
    _, card = await room(slack, "inc-1-")
    await slack.wait_until(lambda: "Not done in Slack" in card.shown, PATIENCE)
    assert all(f"{step} (restricted_action)" in card.shown for step in ("topic", "pin", "bookmark"))
    assert house.process.returncode is None


async def test_an_incident_declared_while_slack_is_away_gets_its_room_when_it_is_back(
    slack: StrictSlack, house: Product
) -> None:
    async with slack.unavailable("503"):
        body = {"title": "Slack is away", "agent": AGENT, "severity": "SEV2"}
        await house.post("/api/v1/incidents", body)
        await slack.wait_until(lambda: slack.calls("auth.test"))
    _, card = await room(slack, "inc-1-")
    assert "Slack is away" in card.shown


async def test_a_lost_connection_comes_back_and_takes_commands(slack: StrictSlack, house: Product) -> None:
    await slack.socket.drop_all()
    await slack.wait_for_sockets(1, PATIENCE)
    await declared(slack.ben)
    await room(slack, "inc-1-")
    assert house.process.returncode is None


async def test_after_a_kill_the_next_start_finishes_the_room_once(slack: StrictSlack, tmp_path: Path) -> None:
    slack.hang("chat.postMessage", 30)
    async with product(slack, tmp_path) as first:
        await declared(slack.ana)
        await slack.wait_until(lambda: slack.calls("chat.postMessage"), PATIENCE)
        first.process.kill()
        await first.process.wait()
    _leases_run_out(tmp_path / "firstfive.db")
    async with product(slack, tmp_path):
        channel, card = await room(slack, "inc-1-")
        await slack.wait_until(lambda: channel.pins, PATIENCE)
    assert [c.name for c in slack.world.channels.values() if c.name.startswith("inc-")] == [channel.name]
    assert [m.ts for m in slack.messages(channel) if "card" in str(m.metadata)] == [card.ts]


def _leases_run_out(file: Path) -> None:
    """As after 30 seconds: what the killed process had taken on may be taken again."""
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute("UPDATE outbox SET leased_until = NULL").rowcount


async def _is_told(slack: StrictSlack, user: Actor, answer: str) -> None:
    await slack.wait_until(lambda: answer in _told(slack, user))


def _told(slack: StrictSlack, user: Actor) -> str:
    """Everything only this person was shown."""
    return "\n".join(message.shown for message in slack.ephemerals(user))


async def test_what_is_being_worked_off_is_not_taken_for_left_over_from_before_the_start(
    slack: StrictSlack, house: Product
) -> None:
    slack.hang("views.update", 2.5)  # the house looks for leftovers 2 s after its start
    await slack.ana.command("/incident")
    await slack.wait_until(lambda: slack.calls("views.update"))
    await asyncio.sleep(2.6)
    assert [call.error for call in slack.calls("views.open")] == [""]
    assert "interrupted" not in _told(slack, slack.ana)
    assert house.complaints() == []
