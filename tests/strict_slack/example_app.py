"""A small real Bolt app that the strict Slack's own tests talk to, over Socket Mode or HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp.web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.async_app import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from tests.strict_slack.server import StrictSlack
from tests.strict_slack.shapes import Json

MOODS = [{"text": {"type": "plain_text", "text": word}, "value": word} for word in ("calm", "worried", "alarmed")]


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def ticket_view(title: str = "Open a ticket", **extra: Any) -> Json:
    """A modal with one input of each kind a form needs."""
    blocks = [
        {
            "type": "input",
            "block_id": "what",
            "label": words("What happens?"),
            "element": {"type": "plain_text_input", "action_id": "text", "max_length": 100},
        },
        {
            "type": "input",
            "block_id": "mood",
            "label": words("Mood"),
            "element": {
                "type": "static_select",
                "action_id": "mood_choice",
                "options": MOODS,
                "initial_option": MOODS[0],
            },
        },
        {
            "type": "input",
            "block_id": "marks",
            "optional": True,
            "label": words("Marks"),
            "element": {"type": "checkboxes", "action_id": "mark", "options": MOODS[:2]},
        },
    ]
    body = {"type": "modal", "callback_id": "ticket", "title": words(title), "submit": words("Open"), "blocks": blocks}
    return body | extra


def card(text: str = "A ticket") -> list[Json]:
    """A message with a button, a menu and a select."""
    elements: list[Json] = [
        {"type": "button", "action_id": "take", "text": words("Take"), "value": "7", "style": "primary"},
        {"type": "overflow", "action_id": "more", "options": MOODS},
        {"type": "static_select", "action_id": "feel", "options": MOODS},
    ]
    section = {"type": "section", "block_id": "head", "text": {"type": "mrkdwn", "text": text}}
    return [section, {"type": "actions", "block_id": "doing", "elements": elements}]


Listener = Callable[[Json], Awaitable[Any]]


class ExampleApp:
    """Records what it hears; `on_submit` and `on_command` say how it acknowledges."""

    def __init__(self, slack: StrictSlack) -> None:
        self.slack = slack
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.heard: list[Json] = []
        self.ack_with: Any = None
        self.slow_by = 0.0
        self.bolt = AsyncApp(client=self.client, signing_secret=slack.signing_secret, process_before_response=True)
        self.bolt.command("/ticket")(self._command)
        self.bolt.view("ticket")(self._hear)
        self.bolt.view_closed("ticket")(self._hear)
        for action in ("take", "more", "feel"):
            self.bolt.action(action)(self._hear)
        self.bolt.event("reaction_added")(self._hear)
        self.bolt.event("message")(self._hear)

    async def _command(self, ack: Callable[..., Awaitable[Any]], body: Json, client: AsyncWebClient) -> None:
        self.heard.append(body)
        await asyncio.sleep(self.slow_by)
        await (ack(self.ack_with) if self.ack_with else ack())
        if body["text"] == "open":
            await client.views_open(trigger_id=body["trigger_id"], view=ticket_view())

    async def _hear(self, ack: Callable[..., Awaitable[Any]], body: Json) -> None:
        self.heard.append(body)
        await (ack(**self.ack_with) if isinstance(self.ack_with, dict) else ack())

    @asynccontextmanager
    async def over_socket_mode(self) -> AsyncIterator["ExampleApp"]:
        handler = AsyncSocketModeHandler(self.bolt, self.slack.app_token, ping_interval=1)
        await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt ships it untyped
        await self.slack.wait_for_sockets(1)
        try:
            yield self
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call] # Bolt ships it untyped

    @asynccontextmanager
    async def over_http(self) -> AsyncIterator["ExampleApp"]:
        web = aiohttp.web.Application()
        web.router.add_post("/slack/events", self._over_http)
        runner = aiohttp.web.AppRunner(web, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        self.slack.use_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _over_http(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        headers: dict[str, str | Sequence[str]] = dict(request.headers.items())
        answer = await self.bolt.async_dispatch(AsyncBoltRequest(body=await request.text(), headers=headers))
        return aiohttp.web.Response(
            status=answer.status,
            text=answer.body,
            content_type=answer.first_headers().get("content-type", "text/plain").split(";")[0],
        )
