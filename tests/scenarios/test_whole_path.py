"""The whole product as a process of its own, with a strict Slack on one side and an agent on the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.slack.manifest import SCOPES
from tests.strict_slack import Actor, Channel, Delivery, Message, StrictSlack
from tests.strict_slack.product import Product, product
from tests.strict_slack.telemetry import requests

AGENT = "helpdesk-agent"
UNLIMITED = 2_147_483_647
PATIENCE = 20.0  # seconds; the room keeps a second between two messages


@pytest.fixture
async def slack() -> AsyncIterator[StrictSlack]:
    async with StrictSlack(scopes=SCOPES) as strict:
        yield strict


@pytest.fixture
async def house(slack: StrictSlack, tmp_path: Path) -> AsyncIterator[Product]:
    async with product(slack, tmp_path) as running:
        yield running


async def declared(user: Actor, title: str = "Answers repeat themselves", **more: str) -> Delivery:
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


async def classified_by(slack: StrictSlack, user: Actor, card: Message, **answers: str) -> None:
    """Both screens, telemetry's answers left as they are unless told."""
    await user.click(card, "classify")
    questions = await user.wait_for_view(lambda v: v.callback_id == "classify_questions" and "submit" in v.body)
    await user.submit(questions)
    summary = await user.wait_for_view(lambda v: v.callback_id == "classify_summary")
    await user.submit(summary, dict(answers))
    await slack.wait_until(lambda: user.view is None)


async def resolved_by(slack: StrictSlack, user: Actor, card: Message) -> None:
    await user.click(card, "resolve")
    view = await user.wait_for_view(lambda v: v.callback_id == "resolve" and "submit" in v.body)
    await user.submit(view, {"resolve_summary": "The prompt is back at its last version."})
    await slack.wait_until(lambda: "🟢 *Resolved*" in card.shown, PATIENCE)


@pytest.mark.parametrize("over_http", [False, True], ids=["socket mode", "http"])
async def test_from_the_command_to_the_postmortem(slack: StrictSlack, tmp_path: Path, *, over_http: bool) -> None:
    async with product(slack, tmp_path, over_http=over_http) as house:
        for path, body in requests("sample_loop"):
            await house.post(path, body)

        await declared(slack.ana)
        channel, card = await room(slack, "inc-1-")
        assert slack.ana.id in channel.members
        await slack.wait_until(lambda: "Looks like LOOP" in card.shown, PATIENCE)

        await classified_by(slack, slack.ana, card)
        await slack.wait_until(lambda: "LOOP: " in card.shown and "apply:turn-limit" in card.action_ids, PATIENCE)
        assert await house.flag("agent.max_turns", AGENT) == UNLIMITED

        await slack.ben.click(card, "apply:turn-limit")
        await slack.wait_until(lambda: "Undo turn limit" in card.shown, PATIENCE)
        limit = await house.flag("agent.max_turns", AGENT)
        assert limit < UNLIMITED
        assert f"Turn limit {limit}" in card.shown or f"turn limit {limit}" in card.shown.lower()

        await resolved_by(slack, slack.ana, card)
        assert await house.flag("agent.max_turns", AGENT) == UNLIMITED
        await slack.wait_until(lambda: slack.messages(channel)[-1].shown.startswith("Postmortem of INC-1"), PATIENCE)
        document = next(iter(slack.world.uploads.values()))
        assert document.name == "inc-1-postmortem.html"
        assert b"LOOP" in (document.content or b"")
    assert house.complaints() == []
    assert house.process.returncode == 0
    assert [call for call in slack.calls() if not call.ok] == []
