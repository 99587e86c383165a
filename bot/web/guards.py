"""What stands before the pages and the API: who may come in, from where, and what browsers may do with it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.bodies import MIB

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

MOST_BYTES = MIB
TOO_LARGE = "The body is larger than 1 MiB. Send less, or attach long texts as a file."

NO_TEXT = "The address has a character in it that is no text (NUL). Take it out."

Refusal = Callable[[int, str], Response]


@dataclass(frozen=True, slots=True)
class Guards:
    """Wraps an application.

    ``admits`` answers None, or the response for those who may not come in. ``refusal`` writes a
    refusal in the language of the application behind.
    """

    app: ASGIApp
    admits: Callable[[Request], Response | None]
    refusal: Refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        target = self._refused(request) or self.admits(request) or self.app
        await target(scope, _bounded(receive), _with_headers(send))

    def _refused(self, request: Request) -> Response | None:
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > MOST_BYTES:
            return self.refusal(413, TOO_LARGE)
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            return self.refusal(400, NO_TEXT)
        if request.method in SAFE or not comes_from_elsewhere(request):
            return None
        return self.refusal(403, "This request comes from another site. Open the page itself and send it from there.")


def _bounded(receive: Receive) -> Receive:
    """A body that comes without its length is cut off, too."""
    taken = 0

    async def received() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return received


def comes_from_elsewhere(request: Request) -> bool:
    """A browser sends this on behalf of another site. Programs that send no Origin are no browsers."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
