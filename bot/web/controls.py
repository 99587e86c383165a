"""What our own client speaks: the control object, a stream that carries it, and heartbeats that say what is in force.

``GET /controls/v1/snapshot``, ``GET /controls/v1/stream`` (its first event is the snapshot) and
``POST /controls/v1/heartbeat``. Being served counts for nothing here; an instance says itself what it applied.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.incident.model import Catalogue
from bot.incident.storable import storable
from bot.ports import Clock
from bot.web.askers import LONGEST_NAME, Asker, Askers, ContextError
from bot.web.bodies import TooLargeError
from bot.web.doors import ControlPlane
from bot.web.flag_answers import FlagAnswers
from bot.web.ofrep import HEARTBEAT_SECONDS, STILL_HERE, WRONG_TOKEN
from bot.web.plain import GoneError, answer, body_of, say, stream, target_of
from bot.web.tokens import CHALLENGE, admits_key

PREFIX = "/controls/v1/"
MOST_APPLIED = 1000
OLDEST = 24 * 3600.0  # seconds


class ControlsFirst:
    """The three routes before any routing; the rest goes on to ``others``."""

    def __init__(
        self,
        control: ControlPlane,
        catalogue: Catalogue,
        clock: Clock,
        token: str | None,
        others: ASGIApp,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._control = control
        self._clock = clock
        self._token = token
        self._others = others
        self._heartbeat_seconds = heartbeat_seconds
        self._askers = Askers(catalogue)
        self._answers = FlagAnswers(control, clock, token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        routes = {"GET snapshot": self._snapshot, "GET stream": self._stream, "POST heartbeat": self._heartbeat}
        target = target_of(scope, PREFIX)
        route = None if target is None else routes.get(f"{scope['method']} {target}")
        if route is None:
            await self._others(scope, receive, send)
        elif self._token and not admits_key(HTTPConnection(scope), self._token):
            await say(send, WRONG_TOKEN, 401, CHALLENGE)
        else:
            try:
                await route(scope, receive, send)
            except ContextError as error:
                await say(send, {"errorDetails": str(error).replace("context.", "")}, 400)
            except TooLargeError as error:
                await say(send, {"errorDetails": str(error)}, 413)
            except GoneError:
                return

    async def _snapshot(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        asker = self._asker(scope)
        controls = self._control.controls(asker.agent.name, asker.scope)
        await answer(send, self._answers.whole(asker, controls), headers={"cache-control": "no-store"})

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await stream(receive, send, self._events(self._asker(scope)))

    async def _events(self, asker: Asker) -> AsyncGenerator[bytes, None]:
        changes = self._control.changes(asker.agent.name, asker.scope, self._heartbeat_seconds)
        async with aclosing(changes):
            async for controls in changes:
                yield STILL_HERE if controls is None else self._answers.event(asker, controls)

    async def _heartbeat(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        said = _object(await body_of(receive))
        asker = self._askers.of_context(said)
        if not asker.instance:
            raise ContextError("INVALID_CONTEXT", "Name the instance in instance.")
        applied, age = said.get("applied"), said.get("age_seconds")
        names = (
            [storable(str(name))[:LONGEST_NAME] for name in applied[:MOST_APPLIED]] if isinstance(applied, list) else []
        )
        seconds = min(max(float(age), 0.0), OLDEST) if isinstance(age, int | float) else 0.0
        now = self._clock.now()
        since = now - timedelta(seconds=seconds)
        count = self._control.applied(asker.agent.name, asker.scope, asker.instance, names, since, now)
        await answer(send, orjson.dumps({"instances": count}))

    def _asker(self, scope: Scope) -> Asker:
        return self._askers.of_context(dict(parse_qsl(scope["query_string"].decode("latin-1"))))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ContextError("PARSE_ERROR", "The body is not JSON.") from error
    if not isinstance(read, dict):
        raise ContextError("PARSE_ERROR", "Send an object.")
    return read
