"""Something on the loopback interface that stands between a driver and its vendor, and misbehaves as told.

For :mod:`bot.controls.conformance`; nothing that runs in production imports it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import httpx
import uvicorn

from bot.trust import trusted

RETRY_AFTER = 7  # seconds that a busy vendor asks for
TOO_LATE = 30.0  # seconds; longer than any driver waits
_HOP_BY_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})

Message = dict[str, Any]


class Mood(Enum):
    """How the vendor behaves."""

    WELL = "does what it is asked"
    SILENT = "answers every write as it did before, and does nothing"
    LATE = "does what it is asked, and answers too late"
    WEB_PAGE = "answers a web page"
    BUSY = "says 429 and when to come again"
    DENYING = "says 401 and repeats the credentials"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the driver."""

    method: str
    target: str  # path and query
    headers: Mapping[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        """It would change something."""
        return self.method not in _READS

    def says(self, text: str) -> bool:
        """The text stands in its body or in one of its headers."""
        return text.encode() in self.body or any(text in value for value in self.headers.values())


@dataclass
class Between:
    """Hands requests on to the vendor as the mood allows; ``asked`` keeps them in order."""

    vendor: httpx.AsyncClient
    mood: Mood = Mood.WELL
    asked: list[Asked] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)  # whoever is kept waiting may go
    _answers: dict[tuple[str, str], tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """One request, as ASGI brings it."""
        asked = await _asked(scope, receive)
        self.asked.append(asked)
        status, headers, body = await self._answer(asked)
        plain = [(name.encode(), value.encode()) for name, value in headers.items() if name not in _HOP_BY_HOP]
        await send({"type": "http.response.start", "status": status, "headers": plain})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        json = {"content-type": "application/json"}
        match self.mood:
            case Mood.WEB_PAGE:
                return 200, {"content-type": "text/html"}, b"<!doctype html><html><body>Sign in</body></html>"
            case Mood.BUSY:
                return 429, {**json, "retry-after": str(RETRY_AFTER)}, b'{"message": "slow down"}'
            case Mood.DENYING:
                said = f'{{"message": "not with {asked.headers.get("authorization", "these")}"}}'
                return 401, json, said.encode()
            case Mood.SILENT if asked.writes:
                return self._as_before(asked)
            case Mood.LATE if asked.writes:
                answer = await self._vendors(asked)
                with suppress(TimeoutError):
                    async with asyncio.timeout(TOO_LATE):
                        await self.over.wait()
                return answer
            case _:
                answer = await self._vendors(asked)
                if asked.writes and self.mood is Mood.WELL:
                    self._answers[asked.method, asked.target] = self._answers[asked.method, ""] = answer
                return answer

    def _as_before(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        found = self._answers.get((asked.method, asked.target)) or self._answers.get((asked.method, ""))
        return found or (200, {"content-type": "application/json"}, b"{}")

    async def _vendors(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in asked.headers.items() if name not in _HOP_BY_HOP}
        answer = await self.vendor.request(asked.method, asked.target, headers=headers, content=asked.body)
        return answer.status_code, dict(answer.headers), answer.content


@asynccontextmanager
async def between(vendor: str) -> AsyncIterator[tuple[Between, str]]:
    """The stand-in for the vendor at that address, and its own address."""
    client = httpx.AsyncClient(base_url=vendor, trust_env=False, verify=trusted(), timeout=TOO_LATE)
    app = Between(client)
    config = uvicorn.Config(
        app, "127.0.0.1", 0, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.005)
        yield app, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.over.set()
        server.should_exit = True
        await running
        await client.aclose()


async def _asked(scope: Message, receive: Any) -> Asked:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = scope["query_string"].decode()
    path = scope["raw_path"].decode()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Asked(scope["method"], f"{path}?{query}" if query else path, headers, body)
