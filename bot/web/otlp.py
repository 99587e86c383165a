"""OTLP over HTTP: traces and logs in, with the statuses and bodies that exporters understand."""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.errors import Unavailable
from bot.incident.quantities import duration
from bot.web.bodies import MIB, TooLargeError, whole
from bot.web.crowd import READ_WITHIN, Crowd
from bot.web.doors import Rejection, Telemetry
from bot.web.tokens import CHALLENGE, admits, bearer, held, password

MOST_BYTES = 8 * MIB
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
SPOKEN = {PROTOBUF: PROTOBUF, JSON: JSON, "application/protobuf": PROTOBUF}  # what is sent, and what it is
NOT_KEPT = (
    "firstfive keeps traces and logs only. Send them to /v1/traces and /v1/logs, "
    "and set OTEL_METRICS_EXPORTER=none or send metrics elsewhere."
)

# google.rpc.Code of each status we answer with
CODES = {400: 3, 401: 16, 404: 12, 405: 12, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14}
INTERNAL = 13
CONTINUED = 0x80  # the bit that says another byte follows

Signal = Literal["traces", "logs"]


@dataclass(frozen=True, slots=True)
class OtlpRoutes:
    """``POST /v1/traces`` and ``POST /v1/logs``, and a clear word for what is sent to their neighbours.

    ``token`` opens them for everybody's telemetry, a key of the intake for that of its scope.
    With neither they are open.
    """

    telemetry: Telemetry[Any]
    token: str | None
    crowd: Crowd = field(default_factory=Crowd)

    def routes(self) -> list[Route]:
        """The routes; a slash too many does no harm, be it in the middle or at the end of an exporter's address."""
        return [
            *self._under("/v1"),
            *self._under("//v1"),
            Route("/api/public/otel/v1/traces", self.langfuse, methods=["POST"]),
        ]

    def _under(self, start: str) -> list[Route]:
        taken = [("traces", self.traces), ("logs", self.logs)]
        return [
            *(Route(f"{start}/{name}{end}", door, methods=["POST"]) for name, door in taken for end in ("", "/")),
            Route(f"{start}/{{signal:path}}", self.other, methods=["POST"]),
            Route(f"{start}/{{signal:path}}", self.not_posted, methods=["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ]

    async def traces(self, request: Request) -> Response:
        """Spans in."""
        return await self._take(request, "traces")

    async def langfuse(self, request: Request) -> Response:
        """Spans of Langfuse's SDKs, which know their server's path and send a pair of keys: the secret one is our token."""
        headers = [pair for pair in request.scope["headers"] if pair[0] != b"authorization"]
        given = password(request) or bearer(request)
        if given:
            headers.append((b"authorization", b"Bearer " + given.encode()))
        return await self._take(Request({**request.scope, "headers": headers}, request.receive), "traces")

    async def logs(self, request: Request) -> Response:
        """Log records, evaluation results and messages among them, in."""
        return await self._take(request, "logs")

    async def other(self, request: Request) -> Response:
        """Metrics, profiles and mistyped paths: SDKs send metrics to the same address unless told otherwise."""
        return refusal(_content_type(request), 404, NOT_KEPT)

    async def not_posted(self, request: Request) -> Response:
        """Any other method; left to the pages, a browser's "not found" would say nothing of it."""
        return refusal(_content_type(request), 405, "Send telemetry with POST.", {"Allow": "POST"})

    async def _take(self, request: Request, signal: Signal) -> Response:
        content_type = _content_type(request)
        scope = held(request, self.telemetry.keys)
        if scope is None and not self._open_to(request):
            return refusal(content_type, 401, "Send the telemetry token as a bearer token.", CHALLENGE)
        if content_type not in SPOKEN:
            return refusal(content_type, 415, f"Send {PROTOBUF} or {JSON}.")
        # Several lines are one list; what a client and its library both say is said once
        encoding = ", ".join(dict.fromkeys(request.headers.getlist("content-encoding")))
        try:
            with self.crowd.admitted(_announced(request)) as place:
                async with self.crowd.arriving(place):
                    body = await whole(request, MOST_BYTES, place.count)
                return await self._stored(signal, body, content_type, encoding, scope)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return refusal(content_type, 408, f"The body did not arrive within {duration(READ_WITHIN)}.")
        except (TooLargeError, Unavailable, self.telemetry.rejection) as error:
            return refused(content_type, error)

    def _open_to(self, request: Request) -> bool:
        if not self.token and self.telemetry.keys:
            return False
        return admits(request, self.token)

    async def _stored(self, signal: Signal, body: bytes, content_type: str, encoding: str, scope: object) -> Response:
        intake = self.telemetry.intake
        take = intake.traces if signal == "traces" else intake.logs
        spoken = SPOKEN[content_type]
        acceptance = await take(body, spoken, encoding, scope)
        return Response(self.telemetry.written(acceptance, spoken, signal), media_type=content_type)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _announced(request: Request) -> int:
    """Bytes the body may have: what is said of it, or all that is allowed."""
    said = request.headers.get("content-length", "")
    return min(int(said), MOST_BYTES) if said.isascii() and said.isdigit() else MOST_BYTES


def refused(content_type: str, error: Exception) -> Response:
    """The answer to a request that was understood and not taken."""
    if isinstance(error, TooLargeError):
        return refusal(content_type, 413, str(error))
    if isinstance(error, Unavailable):
        wait = {"Retry-After": str(max(1, math.ceil(error.retry_after.total_seconds())))}
        return refusal(content_type, 503, str(error), wait)
    if isinstance(error, Rejection):
        return refusal(content_type, error.status, error.reason)
    raise error


def refusal(content_type: str, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as ``google.rpc.Status``, in the encoding the exporter spoke."""
    code = CODES.get(status, INTERNAL)
    if SPOKEN.get(content_type) == PROTOBUF:
        return Response(status_in_protobuf(code, message), status, headers, content_type)
    return Response(json.dumps({"code": code, "message": message}), status, headers, JSON)


def status_in_protobuf(code: int, message: str) -> bytes:
    """The wire form of ``google.rpc.Status``: field 1 is the code, field 2 the message."""
    text = message.encode()
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= CONTINUED:
        out.append(number % CONTINUED | CONTINUED)
        number >>= 7
    out.append(number)
    return bytes(out)
