"""A small Slack of our own on the loopback interface: enough of its Web API and its socket for stories.

It remembers what it was asked, answers as told to, and hands requests to the bot over a
WebSocket or signed HTTP, once or several times.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.strict_slack.limits import message_problems, unfillable_in_local_workspace, view_problems

Payload = dict[str, Any]
BOT, BOT_TOKEN, APP_TOKEN = "UBOT00001", "xoxb-good", "xapp-good"
CHANNEL_NAME = re.compile(r"[a-z0-9_-]{1,80}")
FORM_JSON = ("blocks", "view", "metadata", "files")


@dataclass
class Call:
    """One Web API call."""

    method: str
    arguments: Payload


@dataclass
class SlackDouble:
    """State of the workspace. ``troubles`` holds, per method, errors to answer with, used up one by one."""

    calls: list[Call] = field(default_factory=list)
    channels: dict[str, Payload] = field(default_factory=dict)
    messages: dict[str, list[Payload]] = field(default_factory=dict)
    views: dict[str, Payload] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)  # payloads that real Slack would refuse
    private: list[Payload] = field(default_factory=list)  # what one person was told
    files: list[bytes] = field(default_factory=list)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)  # methods this workspace does not have
    spent_triggers: set[str] = field(default_factory=set)
    opened: dict[str, str] = field(default_factory=dict)  # trigger -> the dialog it opened
    base: str = ""
    now: Callable[[], float] = lambda: 0.0
    _count: "count[int]" = field(default_factory=lambda: count(1))
    _sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _answers: dict[str, "asyncio.Future[Payload]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.channels["C0GENERAL"] = {"id": "C0GENERAL", "name": "general", "creator": "U1", "created": 0}

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/answer/{name}", self._answered)
        app.router.add_post("/upload", self._upload)
        app.router.add_get("/socket", self._socket)
        return app

    def trigger(self) -> str:
        return f"trigger-{next(self._count)}"

    def called(self, method: str) -> list[Payload]:
        return [call.arguments for call in self.calls if call.method == method]

    def room(self, start: str = "inc-1-") -> Payload:
        return next(channel for channel in self.channels.values() if channel["name"].startswith(start))

    def said_in(self, channel: str) -> list[str]:
        return [str(message["text"]) for message in self.messages.get(channel, [])]

    def told(self) -> list[str]:
        return [str(one["text"]) for one in self.private]

    async def _api(self, request: web.Request) -> web.Response:
        arguments: Payload = dict(request.query)
        body = await request.json() if request.content_type == "application/json" else dict(await request.post())
        arguments.update(body)
        for name in FORM_JSON:
            if isinstance(arguments.get(name), str):
                arguments[name] = json.loads(arguments[name])
        method = request.match_info["method"]
        self.calls.append(Call(method, arguments))
        self._look_at(method, arguments)
        trouble = self._trouble(method, request.headers.get("Authorization", ""))
        if trouble == "ratelimited":
            answer = {"ok": False, "error": trouble}
            return web.json_response(answer, status=429, headers={"Retry-After": "1"})
        if trouble:
            return web.json_response({"ok": False, "error": trouble})
        return web.json_response({"ok": True, **getattr(self, f"_{method.replace('.', '_')}")(arguments)})

    def _look_at(self, where: str, said: Payload) -> None:
        """Keep what breaks one of Slack's rules; a story with such a payload fails when it ends."""
        found: list[str] = []
        if isinstance(said.get("view"), dict):
            found = [*view_problems(said["view"]), *unfillable_in_local_workspace(said["view"])]
        elif "blocks" in said or where.startswith("chat.post"):
            found = message_problems(said.get("blocks"), said.get("text"))
        self.problems += [f"{where}: {problem}" for problem in found]

    def _trouble(self, method: str, authorization: str) -> str | None:
        if authorization not in {f"Bearer {BOT_TOKEN}", f"Bearer {APP_TOKEN}"}:
            return "invalid_auth"
        if self.troubles.get(method):
            return self.troubles[method].pop(0)
        return "unknown_method" if method in self.missing or not hasattr(self, f"_{method.replace('.', '_')}") else None

    def _auth_test(self, _: Payload) -> Payload:
        return {"user_id": BOT, "bot_id": "B1", "team_id": "T1", "team": "Helpdesk"}

    def _apps_connections_open(self, _: Payload) -> Payload:
        return {"url": f"{self.base.replace('http', 'ws', 1)}/socket"}

    def _conversations_create(self, said: Payload) -> Payload:
        name = said["name"]
        if not CHANNEL_NAME.fullmatch(name):
            return {"ok": False, "error": "invalid_name_specials"}
        if any(channel["name"] == name for channel in self.channels.values()):
            return {"ok": False, "error": "name_taken"}
        channel = {"id": f"C{next(self._count):08d}", "name": name, "creator": BOT, "created": self.now()}
        self.channels[channel["id"]] = channel
        return {"channel": channel}

    def _conversations_list(self, _: Payload) -> Payload:
        return {"channels": list(self.channels.values())}

    def _conversations_history(self, said: Payload) -> Payload:
        found = [m for m in self.messages.get(said["channel"], []) if m["ts"] <= said.get("latest", "9" * 20)]
        return {"messages": list(reversed(found))[: int(said.get("limit", 100))]}

    def _conversations_replies(self, _: Payload) -> Payload:
        return {"messages": []}

    def _conversations_invite(self, _: Payload) -> Payload:
        return {}

    _conversations_setTopic = _pins_add = _bookmarks_add = _conversations_invite  # noqa: N815  Slack's names

    def _chat_postMessage(self, said: Payload) -> Payload:  # noqa: N802
        ts = f"{int(self.now())}.{next(self._count):06d}"
        self.messages.setdefault(said["channel"], []).append({**said, "ts": ts, "user": BOT, "bot_id": "B1"})
        return {"ts": ts, "channel": said["channel"]}

    def _chat_postEphemeral(self, said: Payload) -> Payload:  # noqa: N802
        self.private.append(said)
        return {"message_ts": "1.1"}

    def _chat_update(self, said: Payload) -> Payload:
        for message in self.messages.get(said["channel"], []):
            if message["ts"] == said["ts"]:
                message.update(said)
                return {"ts": said["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def _chat_getPermalink(self, said: Payload) -> Payload:  # noqa: N802
        return {"permalink": f"https://slack.test/{said['channel']}/{said['message_ts']}"}

    def _views_open(self, said: Payload) -> Payload:
        if said["trigger_id"] in self.spent_triggers:
            return {"ok": False, "error": "expired_trigger_id"}
        self.spent_triggers.add(said["trigger_id"])
        self.opened[said["trigger_id"]] = f"V{next(self._count)}"
        return self._view(self.opened[said["trigger_id"]], said["view"])

    def _views_update(self, said: Payload) -> Payload:
        if said["view_id"] not in self.views:
            return {"ok": False, "error": "not_found"}
        if said.get("hash") not in {None, self.views[said["view_id"]]["hash"]}:
            return {"ok": False, "error": "hash_conflict"}
        return self._view(said["view_id"], said["view"])

    def _view(self, view_id: str, view: Payload) -> Payload:
        self.views[view_id] = {**view, "id": view_id, "hash": f"h{next(self._count)}"}
        return {"view": self.views[view_id]}

    def _users_list(self, _: Payload) -> Payload:
        return {"members": [{"id": f"U{n}", "name": name, "profile": {}} for n, name in ((1, "ana"), (2, "ben"))]}

    def _users_info(self, said: Payload) -> Payload:
        name = {"U1": "ana", "U2": "ben"}.get(said["user"], said["user"])
        return {"user": {"id": said["user"], "name": name, "profile": {}}}

    def _files_getUploadURLExternal(self, _: Payload) -> Payload:  # noqa: N802
        return {"upload_url": f"{self.base}/upload", "file_id": "F1"}

    def _files_completeUploadExternal(self, said: Payload) -> Payload:  # noqa: N802
        return {"files": said["files"]}

    async def _upload(self, request: web.Request) -> web.Response:
        self.files.append(await request.read())
        return web.Response(text="OK")

    async def _answered(self, request: web.Request) -> web.Response:
        said = await request.json()
        self._look_at("answer", said)
        self.private.append({"user": request.match_info["name"], **said})
        return web.Response(text="ok")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"type": "hello"})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = json.loads(message.data)
                self._answers[said["envelope_id"]].set_result(said.get("payload") or {})
        return socket

    def checked(self, answer: Payload) -> Payload:
        """An acknowledgement, with the dialog in it looked at as all others are."""
        self._look_at("acknowledgement", answer)
        return answer

    async def over_the_socket(self, payload: Payload) -> Payload:
        """Send it to one connection and wait for its acknowledgement."""
        envelope = f"e{next(self._count)}"
        self._answers[envelope] = asyncio.get_running_loop().create_future()
        kind = "slash_commands" if "command" in payload else "interactive"
        await self._sockets[-1].send_json({"type": kind, "envelope_id": envelope, "payload": payload})
        return await asyncio.wait_for(self._answers[envelope], 3)

    async def reconnected(self, connections: int) -> None:
        """Wait until so many connections have been made in all."""
        while len(self._sockets) < connections:  # noqa: ASYNC110  a story waits for the other side
            await asyncio.sleep(0.01)

    async def hang_up(self) -> None:
        for socket in self._sockets:
            await socket.close()


@asynccontextmanager
async def running(slack: SlackDouble) -> AsyncIterator[str]:
    """The address of ``slack`` while it runs."""
    runner = web.AppRunner(slack.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield slack.base
    finally:
        await slack.hang_up()
        await runner.cleanup()
