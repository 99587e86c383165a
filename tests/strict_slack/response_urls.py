"""`response_url`: five uses in thirty minutes."""

import secrets
from dataclasses import dataclass

from aiohttp import web

from tests.strict_slack.methods_chat import ChatMethods
from tests.strict_slack.refusal import Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.world import BOT_USER, Message, World

MOST_USES = 5
LIFETIME = 30 * 60


@dataclass(slots=True)
class Issued:
    channel: str
    user: str
    at: float
    message: Message | None
    uses: int = 0


class ResponseUrls:
    def __init__(self, world: World, chat: ChatMethods) -> None:
        self._world = world
        self._chat = chat
        self._issued: dict[str, Issued] = {}
        self.base_url = ""
        self.bodies: list[Json] = []

    def issue(self, channel: str, user: str, message: Message | None = None) -> str:
        token = secrets.token_hex(8)
        self._issued[token] = Issued(channel, user, self._world.clock.now(), message)
        return f"{self.base_url}/response/{token}"

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        try:
            self.respond(self._usable(request.match_info["token"]), body)
        except Refused as refused:
            status = 404 if refused.error in {"used_url", "expired_url", "no_such_url"} else 400
            return web.json_response(refused.body(), status=status)
        return web.Response(text="ok")

    def _usable(self, token: str) -> Issued:
        issued = self._issued.get(token)
        if issued is None:
            raise Refused("no_such_url")
        if self._world.clock.now() - issued.at > LIFETIME:
            raise Refused("expired_url")
        if issued.uses >= MOST_USES:
            raise Refused("used_url")
        issued.uses += 1
        return issued

    def respond(self, issued: Issued, body: Json) -> None:
        """Replace, delete or post, as `body` says; a new message is ephemeral unless it asks for in_channel."""
        if body.get("delete_original") and issued.message:
            issued.message.deleted = True
        elif body.get("replace_original") and issued.message:
            self._chat.rewrite(issued.message, body)
        else:
            self.post(issued.channel, issued.user, body)

    def post(self, channel: str, user: str, body: Json) -> Message:
        checked = self._chat.checked_body(body)
        message = Message(channel, self._world.next_moment(), BOT_USER, **checked)
        message.visible_only_to = None if body.get("response_type") == "in_channel" else user
        message.thread_ts = body.get("thread_ts")
        return self._world.post(message)
