"""A vendor's stand-in on a real socket: it keeps state, checks what it is asked as the vendor would, and answers in its shapes."""

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.web.serving import serving

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Declined(Exception):
    """The vendor's answer to a request it does not take."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status, self.body = status, body


@dataclass(frozen=True)
class Told:
    """One request."""

    method: str
    path: str  # as it was sent, still quoted
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.split("/") if part]


@dataclass
class StandIn:
    """A subclass answers; ``told`` and ``answered`` keep every request and the body of every answer in order."""

    told: list[Told] = field(default_factory=list)
    answered: list[Any] = field(default_factory=list)

    def answer(self, told: Told) -> tuple[int, object]:
        raise NotImplementedError

    @property
    def writes(self) -> list[Told]:
        return [told for told in self.told if told.method != "GET"]

    async def _reply(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        told = Told(request.method, path, dict(request.query_params), dict(request.headers), await request.body())
        self.told.append(told)
        try:
            status, body = self.answer(told)
        except Declined as declined:
            status, body = declined.status, declined.body
        self.answered.append(copy.deepcopy(body))
        content = b"" if body is None else json.dumps(body).encode()
        return Response(content, status, {"content-type": "application/json"})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async with serving(Starlette(routes=[Route("/{path:path}", self._reply, methods=METHODS)])) as url:
            yield url
