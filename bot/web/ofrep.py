"""OFREP 0.3.0: what agents have to obey, for any OpenFeature SDK.

Every answer carries a value, a variant and a standard reason, because some providers turn
an answer without one of them into the code default: a kill switch must not be lost that way.
For the same reason these routes never answer 429.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.incident.mitigation import Scope
from bot.incident.model import Catalogue
from bot.ports import Clock
from bot.web.bodies import MIB, TooLargeError, whole
from bot.web.doors import ControlPlane
from bot.web.flags import KEYS, flag, standard_key
from bot.web.tokens import CHALLENGE, admits_key, pass_for, same

MOST_BYTES = MIB
HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 1000
FLAGS = "/ofrep/v1/evaluate/flags"
EVENTS = "/ofrep/v1/events"


class ContextError(Exception):
    """The evaluation context cannot be used; ``code`` is OpenFeature's word for why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the agent by its catalogue name, where the call happens and in which instance."""

    agent: str
    scope: Scope
    instance: str


@dataclass(frozen=True, slots=True)
class OfrepRoutes:
    """Single and bulk evaluation, and the stream that announces changes."""

    control: ControlPlane
    catalogue: Catalogue
    clock: Clock
    token: str | None
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    def routes(self) -> list[Route]:
        """The three routes."""
        return [
            Route(FLAGS + "/{key}", self.single, methods=["POST"]),
            Route(FLAGS, self.bulk, methods=["POST"]),
            Route(EVENTS, self.events, methods=["GET"]),
        ]

    async def single(self, request: Request) -> Response:
        """One flag for one context."""
        key = str(request.path_params["key"])
        if not admits_key(request, self.token):
            return unauthorized()
        try:
            asker = self._asker(await _context(request), request)
        except ContextError as error:
            return _json({"key": key, "errorCode": error.code, "errorDetails": str(error)}, 400)
        standard = standard_key(key, self.catalogue.agent(asker.agent).control_keys)
        if standard is None:
            details = f"There is no control {key!r}; there are {', '.join(KEYS)}."
            return _json({"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}, 404)
        return _json(flag(key, standard, self._read(asker)))

    async def bulk(self, request: Request) -> Response:
        """All flags for one context, or 304 when the asker has them already."""
        if not admits_key(request, self.token):
            return unauthorized()
        try:
            asker = self._asker(await _context(request), request)
        except ContextError as error:
            return _json({"errorCode": error.code, "errorDetails": str(error)}, 400)
        body, etag = self._bulk(asker, self._read(asker))
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def events(self, request: Request) -> Response:
        """Server-sent notifications that the bulk answer has changed; never a value."""
        query = request.query_params
        agent, scope = query.get("agent", ""), _scope(query)
        if not (admits_key(request, self.token) or same(query.get("pass", ""), self._pass(agent, scope))):
            return unauthorized()
        if not agent:
            return _json({"errorCode": "INVALID_CONTEXT", "errorDetails": "Name the agent: ?agent=NAME."}, 400)
        asker = Asker(self.catalogue.agent(agent).name, scope, "")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._notifications(asker), headers=headers, media_type="text/event-stream")

    async def _notifications(self, asker: Asker) -> AsyncIterator[str]:
        yield f"retry: {RECONNECT_MILLISECONDS}\n: listening\n\n"
        async with aclosing(self.control.changes(asker.agent, asker.scope, self.heartbeat_seconds)) as changes:
            async for controls in changes:
                yield ": still here\n\n" if controls is None else self._notification(asker, controls)

    def _notification(self, asker: Asker, controls: Controls) -> str:
        _, etag = self._bulk(asker, controls)
        moment = int(self.clock.now().timestamp())
        data = json.dumps({"type": "refetchEvaluation", "etag": etag, "lastModified": moment})
        return f"id: {controls.revision}\ndata: {data}\n\n"

    def _read(self, asker: Asker) -> Controls:
        controls = self.control.controls(asker.agent, asker.scope)
        self.control.seen(controls, asker.scope, asker.instance, self.clock.now())
        return controls

    def _bulk(self, asker: Asker, controls: Controls) -> tuple[bytes, str]:
        own = self.catalogue.agent(asker.agent).control_keys
        names = {key: key for key in KEYS}
        names |= {custom: key for custom in own.values() if (key := standard_key(custom, own)) is not None}
        query = {"agent": asker.agent, **{name: said for name, said in encode(asker.scope).items() if said}}
        if self.token:
            query["pass"] = self._pass(asker.agent, asker.scope)
        body = _dump(
            {
                "flags": [flag(name, key, controls) for name, key in names.items()],
                "metadata": {"agent": asker.agent, "revision": controls.revision},
                "eventStreams": [
                    {
                        "type": "sse",
                        "endpoint": {"requestUri": f"{EVENTS}?{urlencode(query)}"},
                        "inactivityDelaySec": 120,
                    }
                ],
            }
        )
        return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'

    def _pass(self, agent: str, scope: Scope) -> str:
        """Browsers cannot send headers with an event stream, so its address carries a pass for nothing else."""
        named = (scope.environment, scope.tenant, scope.channel, scope.version)
        return pass_for(self.token, "events", agent, *named) if self.token else ""

    def _asker(self, context: Mapping[str, Any], request: Request) -> Asker:
        named = _first(context, "agent", "service", "service.name")
        targeting = _first(context, "targetingKey")
        if not named and targeting and self.catalogue.find(targeting) is not None:
            named = targeting
        if not named:
            # A default for an unknown asker would be a kill switch that silently stays off.
            raise ContextError("INVALID_CONTEXT", "Name the agent in context.agent.")
        instance = _first(context, "instance") or (request.client.host if request.client else "unnamed")
        return Asker(self.catalogue.agent(named).name, _scope(context), instance)


async def _context(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await whole(request, MOST_BYTES) or b"{}")
    except (ValueError, RecursionError) as error:
        raise ContextError("PARSE_ERROR", "The body is not JSON.") from error
    except (TooLargeError, ClientDisconnect) as error:
        raise ContextError("INVALID_CONTEXT", str(error) or "The connection was closed.") from error
    context = body.get("context", {}) if isinstance(body, dict) else None
    if not isinstance(context, dict):
        raise ContextError("INVALID_CONTEXT", "Send an object with a context object in it.")
    return context


def _scope(context: Mapping[str, Any]) -> Scope:
    """Where the call happens, as far as the context says."""
    return Scope(
        environment=_first(context, "env", "environment"),
        tenant=_first(context, "tenant"),
        channel=_first(context, "channel"),
        version=_first(context, "version"),
    )


def _first(context: Mapping[str, Any], *names: str) -> str:
    found = (context.get(name) for name in names)
    return next((value.strip()[:200] for value in found if isinstance(value, str) and value.strip()), "")


def _matches(if_none_match: str, etag: str) -> bool:
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in given or etag.strip('"') in given or "*" in given


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _json(value: object, status: int = 200) -> Response:
    return Response(_dump(value), status, media_type="application/json")


def unauthorized() -> Response:
    """401 with the challenge."""
    details = {"errorDetails": "Send the control token as a bearer token or as X-API-Key."}
    return Response(_dump(details), 401, CHALLENGE, "application/json")
