"""A vendor on a real socket of the loopback interface: it records what it is asked and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.ports import SourceAsk
from tests.web.serving import serving

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 1_000_000_000
MINUTE_NS = 60 * 1_000_000_000
HOSTILE = "<!channel> *x* \u202e\x00 ${jndi:ldap://x} </script><script>alert(1)</script>\ud800"


@dataclass
class StillClock:
    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any = None

    def param(self, name: str) -> str:
        return dict(self.query).get(name, "")


@dataclass(frozen=True)
class Reply:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0  # seconds


@dataclass
class Stub:
    """``answer`` decides; ``asked`` and ``answered`` keep every request and reply in order."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    answered: list[Reply] = field(default_factory=list)

    async def _reply(self, request: Request) -> Response:
        raw = await request.body()
        asked = Asked(
            request.method,
            request.url.path,
            tuple(request.query_params.multi_items()),
            dict(request.headers),
            json.loads(raw) if raw else None,
        )
        self.asked.append(asked)
        reply = self.answer(asked)
        self.answered.append(reply)
        await asyncio.sleep(reply.after)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        return Response(content, reply.status, {"content-type": "application/json", **reply.headers})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        route = Route("/{path:path}", self._reply, methods=["GET", "POST"])
        async with serving(Starlette(routes=[route])) as url:
            yield url


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda _: reply


def an_ask(**changes: Any) -> SourceAsk:
    """One hour before noon, the last ten minutes of it being now; with time enough unless time is the story."""
    plain: dict[str, Any] = {
        "seconds": 30.0,
        "agent": "helpdesk-agent",
        "names": frozenset({"helpdesk-agent"}),
        "start_ns": NOON_NS - 60 * MINUTE_NS,
        "end_ns": NOON_NS,
        "recent_ns": NOON_NS - 10 * MINUTE_NS,
    }
    return SourceAsk(**(plain | changes))


def moment(minutes_before_noon: float, seconds: float = 0) -> str:
    return (
        (NOON - timedelta(minutes=minutes_before_noon) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    )


HTML = Reply(b"<html><body>Sign in</body></html>", headers={"content-type": "text/html"})
REFUSED = Reply({"message": "no"}, status=401)
BUSY_FOR_A_MINUTE = Reply({}, status=429, headers={"retry-after": "60"})
SLOW = Reply({}, after=1)
