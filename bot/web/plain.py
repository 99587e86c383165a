"""Plain ASGI for hot routes: bodies in, bytes out, event streams, without a framework in between."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import orjson
from starlette.types import Receive, Scope, Send

from bot.web.bodies import MIB, TooLargeError

JSON = (b"content-type", b"application/json")
RECONNECT_MILLISECONDS = 1000
STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
OPENED = f"retry: {RECONNECT_MILLISECONDS}\n: listening\n\n".encode()


class GoneError(Exception):
    """The client closed the connection before its request was whole."""


async def body_of(receive: Receive, limit: int = MIB) -> bytes:
    """The body of the request.

    Raises:
        TooLargeError: it is longer than ``limit`` bytes.
        GoneError: the client is gone.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise GoneError
    if len(body) > limit:
        raise TooLargeError(limit)
    return body


async def answer(send: Send, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
    """One JSON answer."""
    said = [JSON, (b"content-length", b"%d" % len(body))]
    if headers:
        said += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": body})


async def say(send: Send, value: object, status: int, headers: Mapping[str, str] | None = None) -> None:
    """A refusal, as JSON."""
    await answer(send, orjson.dumps(value), status, headers)


async def stream(receive: Receive, send: Send, frames: AsyncGenerator[bytes, None]) -> None:
    """Send each frame as it comes until the client is gone; a slow client waits for its own connection only."""
    pumping = asyncio.ensure_future(_pump(send, frames))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((pumping, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pumping, leaving):
            task.cancel()
        await asyncio.gather(pumping, leaving, return_exceptions=True)


async def _pump(send: Send, frames: AsyncGenerator[bytes, None]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": STREAM})
    await send({"type": "http.response.body", "body": OPENED, "more_body": True})
    async with aclosing(frames):
        async for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def target_of(scope: Scope, prefix: str) -> str | None:
    """What follows ``prefix`` in the path of a request; None when it goes elsewhere."""
    path: str = scope["path"] if scope["type"] == "http" else ""
    return path[len(prefix) :] if path.startswith(prefix) else None
