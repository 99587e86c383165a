"""Socket Mode: WebSocket connections, envelopes, each payload to exactly one connection."""

import asyncio
import itertools
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.strict_slack.delivery import Attempt, Kind, Undelivered
from tests.strict_slack.refusal import Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.world import APP_ID

MOST_CONNECTIONS = 10


@dataclass(slots=True)
class Connection:
    socket: web.WebSocketResponse
    number: int
    pending: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    received: list[Json] = field(default_factory=list)

    def lost(self) -> None:
        for future in self.pending.values():
            if not future.done():
                future.set_exception(Undelivered("connection closed before the acknowledgement"))


class SocketMode:
    """The server's side of Socket Mode; also a transport."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.complaints: list[str] = []
        self._tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._turn = 0

    def open(self, base_url: str) -> Json:
        """`apps.connections.open`: an address good for one connection."""
        if len(self.connections) >= MOST_CONNECTIONS:
            raise Refused("too_many_websockets")
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return {"url": f"{base_url.replace('http', 'ws', 1)}/socket/{ticket}"}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            return web.Response(status=401, text="This address is used or unknown.")
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, next(self._numbers))
        self.connections.append(connection)
        try:
            await self._greet(connection)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(connection, message.data)
        finally:
            self._forget(connection)
        return socket

    async def _greet(self, connection: Connection) -> None:
        hello = {"type": "hello", "num_connections": len(self.connections), "connection_info": {"app_id": APP_ID}}
        debug = {"host": f"strict-{connection.number}", "approximate_connection_time": 18060}
        await connection.socket.send_json({**hello, "debug_info": debug})

    def _acknowledge(self, connection: Connection, text: str) -> None:
        try:
            answer = json.loads(text)
            future = connection.pending.pop(answer["envelope_id"])
        except (ValueError, KeyError, TypeError):
            self.complaints.append(f"not an acknowledgement of this connection: {text[:200]}")
            return
        if not future.done():
            future.set_result(answer.get("payload"))

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        connection.lost()

    async def send(self, kind: Kind, payload: Json, attempt: Attempt) -> Any:
        connection = self._next_connection()
        envelope_id = secrets.token_hex(16)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        connection.pending[envelope_id] = future
        envelope: Json = {"envelope_id": envelope_id, "type": kind.value, "payload": payload}
        envelope["accepts_response_payload"] = kind is not Kind.EVENT
        if kind is Kind.EVENT:
            envelope |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
        connection.received.append(envelope)
        try:
            await connection.socket.send_json(envelope)
        except ConnectionError as error:
            raise Undelivered("connection closed") from error
        body = await future
        if body is not None and kind is Kind.EVENT:
            self.complaints.append("an event was acknowledged with a payload, which Slack ignores")
        return body

    def _next_connection(self) -> Connection:
        live = [connection for connection in self.connections if not connection.socket.closed]
        if not live:
            raise Undelivered("no open connection")
        self._turn += 1
        return live[self._turn % len(live)]

    async def ask_to_leave(self, reason: str = "refresh_requested") -> None:
        """Tell the longest connection to leave; "warning" announces, "refresh_requested" also closes it."""
        connection = self.connections[0]
        debug = {"host": f"strict-{connection.number}"}
        await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": debug})
        if reason != "warning":
            await connection.socket.close()

    async def drop_all(self) -> None:
        for connection in list(self.connections):
            self._forget(connection)
            await connection.socket.close(code=1001)
