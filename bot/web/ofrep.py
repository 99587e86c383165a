"""OFREP 0.3.0: what agents have to obey, for any OpenFeature SDK.

Every answer carries a value, a variant and a standard reason, because some providers turn
an answer without one of them into the code default: a kill switch must not be lost that way.
For the same reason these routes never answer 429.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from bot.incident.composition import Controls
from bot.web.askers import Asker, ContextError
from bot.web.bodies import TooLargeError
from bot.web.control_reads import ControlReads, refuse
from bot.web.flag_answers import EVENTS
from bot.web.flags import KEYS
from bot.web.plain import GoneError, answer, body_of, say, stream, target_of
from bot.web.tokens import same

FLAGS = "/ofrep/v1/evaluate/flags"


@dataclass(frozen=True, slots=True)
class OfrepFirst:
    """Single and bulk evaluation, and the stream that announces changes, before any routing; the rest goes on."""

    reads: ControlReads
    others: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        target = target_of(scope, FLAGS)
        if target is not None and target[:1] in {"", "/"} and scope["method"] != "OPTIONS":
            await self._evaluate(target.strip("/"), scope, receive, send)
        elif target_of(scope, EVENTS) == "" and scope["method"] == "GET":
            await self._events(scope, receive, send)
        else:
            await self.others(scope, receive, send)

    async def _evaluate(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await say(send, {"errorDetails": "Send the context as the body of a POST."}, 405, {"allow": "POST"})
            return
        if not self.reads.admits(scope):
            await refuse(send)
            return
        try:
            asker = self.reads.askers.of_body(await body_of(receive))
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
        body = self.reads.answers.single(key, asker, controls)
        if body is None:
            details = f"There is no control {key!r}; there are {', '.join(KEYS)}."
            await say(send, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}, 404)
            return
        await answer(send, body)

    async def _bulk(self, asker: Asker, controls: Controls, scope: Scope, send: Send) -> None:
        body, etag = self.reads.answers.bulk(asker, controls)
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
            asker = self.reads.askers.of_context(query)
        except ContextError:
            await say(send, {"errorCode": "INVALID_CONTEXT", "errorDetails": "Name the agent: ?agent=NAME."}, 400)
            return
        passed = same(query.get("pass", ""), self.reads.answers.stream_pass(asker))
        if not passed and not self.reads.admits(scope):
            await refuse(send)
            return
        # The first notice comes at once: what changed between fetching and listening is fetched then.
        await stream(receive, send, self.reads.frames(asker, self.reads.answers.notice))

    def _read(self, asker: Asker, scope: Scope) -> Controls:
        controls = self.reads.control.controls(asker.agent.name, asker.scope)
        instance = asker.instance or (scope["client"][0] if scope.get("client") else "unnamed")
        self.reads.control.seen(controls, asker.scope, instance, self.reads.clock.now())
        return controls


def _matches(if_none_match: str, etag: str) -> bool:
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in given or etag.strip('"') in given or "*" in given
