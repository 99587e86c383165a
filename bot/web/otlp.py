"""OTLP over HTTP: traces and logs in, with the statuses and bodies that exporters understand."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.errors import Unavailable
from bot.web.bodies import MIB, TooLargeError, whole
from bot.web.doors import Rejection, Telemetry
from bot.web.tokens import CHALLENGE, admits, held

MOST_BYTES = 8 * MIB
PROTOBUF = "application/x-protobuf"
JSON = "application/json"

# google.rpc.Code of each status we answer with
CODES = {400: 3, 401: 16, 404: 5, 413: 8, 415: 3, 429: 8, 503: 14}
INTERNAL = 13
CONTINUED = 0x80  # the bit that says another byte follows

Signal = Literal["traces", "logs"]


@dataclass(frozen=True, slots=True)
class OtlpRoutes:
    """``POST /v1/traces`` and ``POST /v1/logs``.

    ``token`` opens them for everybody's telemetry, a key of the intake for that of its scope.
    With neither they are open.
    """

    telemetry: Telemetry[Any]
    token: str | None

    def routes(self) -> list[Route]:
        """The two routes."""
        return [
            Route("/v1/traces", self.traces, methods=["POST"]),
            Route("/v1/logs", self.logs, methods=["POST"]),
        ]

    async def traces(self, request: Request) -> Response:
        """Spans in."""
        return await self._take(request, "traces")

    async def logs(self, request: Request) -> Response:
        """Log records, evaluation results among them, in."""
        return await self._take(request, "logs")

    async def _take(self, request: Request, signal: Signal) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        scope = held(request, self.telemetry.keys)
        if scope is None and not self._open_to(request):
            return refusal(content_type, 401, "Send the telemetry token as a bearer token.", CHALLENGE)
        if content_type not in {PROTOBUF, JSON}:
            return refusal(content_type, 415, f"Send {PROTOBUF} or {JSON}.")
        try:
            body = await whole(request, MOST_BYTES)
            return await self._stored(signal, body, content_type, request.headers.get("content-encoding", ""), scope)
        except ClientDisconnect:
            return Response(status_code=400)
        except (TooLargeError, Unavailable, self.telemetry.rejection) as error:
            return refused(content_type, error)

    def _open_to(self, request: Request) -> bool:
        if not self.token and self.telemetry.keys:
            return False
        return admits(request, self.token)

    async def _stored(self, signal: Signal, body: bytes, content_type: str, encoding: str, scope: object) -> Response:
        intake = self.telemetry.intake
        take = intake.traces if signal == "traces" else intake.logs
        acceptance = await take(body, content_type, encoding, scope)
        return Response(self.telemetry.written(acceptance, content_type, signal), media_type=content_type)


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
    if content_type == PROTOBUF:
        return Response(status_in_protobuf(code, message), status, headers, PROTOBUF)
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
