"""OFREP 0.3.0: what agents have to obey, for any OpenFeature SDK.

Every answer carries a value, a variant and a standard reason, because some providers turn
an answer without one of them into the code default: a kill switch must not be lost that way.
For the same reason these routes never answer 429.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.incident.composition import Controls
from bot.incident.model import Catalogue
from bot.ports import Clock
from bot.web.askers import Asker, Askers, ContextError
from bot.web.bodies import TooLargeError
from bot.web.doors import ControlPlane
from bot.web.flag_answers import EVENTS, FlagAnswers
from bot.web.flags import KEYS
from bot.web.plain import GoneError, answer, body_of, say, stream, target_of
from bot.web.tokens import CHALLENGE, admits_key, same

HEARTBEAT_SECONDS = 15.0
FLAGS = "/ofrep/v1/evaluate/flags"
WRONG_TOKEN = {"errorDetails": "Send the control token as a bearer token or as X-API-Key."}
STILL_HERE = b": still here\n\n"


class OfrepFirst:
    """Single and bulk evaluation, and the stream that announces changes, before any routing; the rest goes on."""

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
        target = target_of(scope, FLAGS)
        if target is not None and target[:1] in {"", "/"} and scope["method"] != "OPTIONS":
            await self._evaluate(target.strip("/"), scope, receive, send)
        elif target_of(scope, EVENTS) == "" and scope["method"] == "GET":
            await self._events(scope, receive, send)
        else:
            await self._others(scope, receive, send)

    async def _evaluate(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await say(send, {"errorDetails": "Send the context as the body of a POST."}, 405, {"allow": "POST"})
            return
        if self._token and not admits_key(HTTPConnection(scope), self._token):
            await say(send, WRONG_TOKEN, 401, CHALLENGE)
            return
        try:
            asker = self._askers.of_body(await body_of(receive))
        except GoneError:
            return
        except (ContextError, TooLargeError) as error:
            code = error.code if isinstance(error, ContextError) else "INVALID_CONTEXT"
            named = {"key": key} if key else {}
            await say(send, {**named, "errorCode": code, "errorDetails": str(error)}, 400)
            return
        controls = self._read(asker, scope)
        if not key:
            await self._bulk(asker, controls, scope, send)
            return
        body = self._answers.single(key, asker, controls)
        if body is None:
            details = f"There is no control {key!r}; there are {', '.join(KEYS)}."
            await say(send, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}, 404)
            return
        await answer(send, body)

    async def _bulk(self, asker: Asker, controls: Controls, scope: Scope, send: Send) -> None:
        body, etag = self._answers.bulk(asker, controls)
        headers = {"etag": etag, "cache-control": "no-cache"}
        known = any(
            name == b"if-none-match" and _matches(value.decode("latin-1"), etag) for name, value in scope["headers"]
        )
        if known:
            plain = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": 304, "headers": plain})
            await send({"type": "http.response.body", "body": b""})
        else:
            await answer(send, body, headers=headers)

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        try:
            asker = self._askers.of_context(query)
        except ContextError:
            await say(send, {"errorCode": "INVALID_CONTEXT", "errorDetails": "Name the agent: ?agent=NAME."}, 400)
            return
        passed = same(query.get("pass", ""), self._answers.stream_pass(asker))
        if not passed and not admits_key(HTTPConnection(scope), self._token):
            await say(send, WRONG_TOKEN, 401, CHALLENGE)
            return
        await stream(receive, send, self._notices(asker))

    async def _notices(self, asker: Asker) -> AsyncGenerator[bytes, None]:
        """A notice at once, then one per change: what changed between fetching and listening is fetched then."""
        changes = self._control.changes(asker.agent.name, asker.scope, self._heartbeat_seconds)
        async with aclosing(changes):
            async for controls in changes:
                yield STILL_HERE if controls is None else self._answers.notice(asker, controls)

    def _read(self, asker: Asker, scope: Scope) -> Controls:
        controls = self._control.controls(asker.agent.name, asker.scope)
        instance = asker.instance or (scope["client"][0] if scope.get("client") else "unnamed")
        self._control.seen(controls, asker.scope, instance, self._clock.now())
        return controls


def _matches(if_none_match: str, etag: str) -> bool:
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in given or etag.strip('"') in given or "*" in given
