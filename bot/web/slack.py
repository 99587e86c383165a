"""The door for Slack's requests: plain ASGI, because Slack waits. Verification and the answer are the Slack edge's."""

from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.incident.errors import Unavailable
from bot.web.bodies import MIB, TooLargeError, whole
from bot.web.doors import Answer, SlackRequests

PATH = "/slack/events"
MOST_BYTES = MIB


@dataclass(frozen=True, slots=True)
class SlackFirst:
    """``POST /slack/events`` (events, commands and interactivity) before any routing; the rest goes on to ``others``."""

    slack: SlackRequests
    others: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.others(scope, receive, send)
        elif scope["method"] != "POST":
            await Response("Slack posts here.", 405, {"allow": "POST"})(scope, receive, send)
        else:
            await self._taken(scope, receive, send)

    async def _taken(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handed on with its raw body: the signature covers every byte."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await whole(Request(scope, receive), MOST_BYTES)
            answer = await self.slack.http(body, headers)
        except TooLargeError as error:
            await Response(str(error), 413, media_type="text/plain")(scope, receive, send)
        except Unavailable as error:
            again = {"retry-after": "1"}
            await Response(str(error), 503, again, "text/plain")(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await send({"type": "http.response.start", "status": answer.status, "headers": _raw(answer)})
            await send({"type": "http.response.body", "body": _bytes(answer)})


def _bytes(answer: Answer) -> bytes:
    return answer.body.encode() if isinstance(answer.body, str) else answer.body


def _raw(answer: Answer) -> list[tuple[bytes, bytes]]:
    length = (b"content-length", str(len(_bytes(answer))).encode())
    return [length, *((name.lower().encode(), value.encode()) for name, value in answer.headers.items())]
