"""What our own client speaks: the control object, a stream that carries it, and heartbeats that say what is in force.

``GET /controls/v1/snapshot``, ``GET /controls/v1/stream`` (its first event is the snapshot) and
``POST /controls/v1/heartbeat``. Being served counts for nothing here; an instance says itself what it applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.incident.storable import storable
from bot.web.askers import LONGEST_NAME, Asker, ContextError
from bot.web.bodies import TooLargeError
from bot.web.control_reads import ControlReads, refuse
from bot.web.plain import GoneError, answer, body_of, say, stream, target_of

PREFIX = "/controls/v1/"
MOST_APPLIED = 1000
OLDEST = 24 * 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class ControlsFirst:
    """The three routes before any routing; the rest goes on to ``others``."""

    reads: ControlReads
    others: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        routes = {"GET snapshot": self._snapshot, "GET stream": self._stream, "POST heartbeat": self._heartbeat}
        target = target_of(scope, PREFIX)
        route = None if target is None else routes.get(f"{scope['method']} {target}")
        if route is None:
            await self.others(scope, receive, send)
        elif not self.reads.admits(scope):
            await refuse(send)
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
        controls = self.reads.control.controls(asker.agent.name, asker.scope)
        await answer(send, self.reads.answers.whole(asker, controls), headers={"cache-control": "no-store"})

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        await stream(receive, send, self.reads.frames(self._asker(scope), self.reads.answers.event))

    async def _heartbeat(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        said = _object(await body_of(receive))
        asker = self.reads.askers.of_context(said)
        if not asker.instance:
            raise ContextError("INVALID_CONTEXT", "Name the instance in instance.")
        applied, age = said.get("applied"), said.get("age_seconds")
        names = (
            [storable(str(name))[:LONGEST_NAME] for name in applied[:MOST_APPLIED]] if isinstance(applied, list) else []
        )
        seconds = min(max(float(age), 0.0), OLDEST) if isinstance(age, int | float) else 0.0
        now = self.reads.clock.now()
        since = now - timedelta(seconds=seconds)
        count = self.reads.control.applied(asker.agent.name, asker.scope, asker.instance, names, since, now)
        await answer(send, orjson.dumps({"instances": count}))

    def _asker(self, scope: Scope) -> Asker:
        return self.reads.askers.of_context(dict(parse_qsl(scope["query_string"].decode("latin-1"))))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ContextError("PARSE_ERROR", "The body is not JSON.") from error
    if not isinstance(read, dict):
        raise ContextError("PARSE_ERROR", "Send an object.")
    return read
