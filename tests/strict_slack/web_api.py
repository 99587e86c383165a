"""`/api/{method}`: token, scopes, arguments, faults, then the method itself; every call is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.strict_slack.arguments import Arguments
from tests.strict_slack.catalogue import METHODS, Method
from tests.strict_slack.faults import Faults, RateLimits
from tests.strict_slack.refusal import Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.world import World

Perform = Callable[[Arguments], Json]


@dataclass(slots=True)
class Call:
    """One Web API call as it arrived; `error` is empty when Slack answered ok."""

    method: str
    args: Json
    at: float
    token: str
    error: str = ""
    status: int = 200

    @property
    def ok(self) -> bool:
        return not self.error


@dataclass(frozen=True, slots=True)
class Tokens:
    bot: str
    app: str
    scopes: frozenset[str]


class WebApi:
    """The method table behind one aiohttp handler."""

    def __init__(self, world: World, tokens: Tokens, faults: Faults, rates: RateLimits) -> None:
        self.world = world
        self.tokens = tokens
        self.faults = faults
        self.rates = rates
        self.performers: dict[str, Perform] = {}
        self.calls: list[Call] = []

    def add(self, performers: Mapping[str, Perform]) -> None:
        self.performers.update(performers)

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await _given(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(given.pop("token", ""))
        given.pop("token", None)
        call = Call(method, given, self.world.clock.now(), token)
        self.calls.append(call)
        try:
            return web.json_response({"ok": True, **await self._perform(call)})
        except Refused as refused:
            call.error, call.status = refused.error, refused.status
            headers = {"Retry-After": str(round(refused.retry_after))} if refused.retry_after is not None else {}
            if refused.status >= 500:
                return web.Response(status=refused.status, text=refused.error)
            return web.json_response(refused.body(), status=refused.status, headers=headers)

    async def _perform(self, call: Call) -> Json:
        self.faults.strike(call.method, after_doing=False)
        await self.faults.delay(call.method)
        method = METHODS.get(call.method)
        perform = self.performers.get(call.method)
        if method is None or perform is None:
            raise Refused("unknown_method", req_method=call.method)
        self._check_token(method, call.token)
        arguments = Arguments(call.args)
        call.args = dict(arguments.given)
        arguments.check(method)
        self._check_scopes(call.method, method, arguments)
        self.rates.take(call.method, arguments.text("channel"))
        answer = perform(arguments)
        self.faults.strike(call.method, after_doing=True)
        return answer

    def _check_token(self, method: Method, token: str) -> None:
        if not token:
            raise Refused("not_authed")
        if token not in (self.tokens.bot, self.tokens.app):
            raise Refused("invalid_auth")
        if (token == self.tokens.app) != method.app_token:
            raise Refused("not_allowed_token_type")

    def _check_scopes(self, name: str, method: Method, arguments: Arguments) -> None:
        for kind in ("any",) if "any" in method.scopes else self._kinds(name, arguments):
            wanted = method.scopes.get(kind, ())
            if wanted and not self.tokens.scopes.intersection(wanted):
                raise Refused("missing_scope", needed=",".join(wanted), provided=",".join(sorted(self.tokens.scopes)))

    def _kinds(self, name: str, arguments: Arguments) -> tuple[str, ...]:
        """The kinds of channel a call is about; a list of several kinds needs the scope of each."""
        if name == "conversations.create":
            return ("private" if arguments.flag("is_private") else "public",)
        if name == "conversations.list":
            return tuple(kind.removesuffix("_channel") for kind in (arguments.text("types") or "public").split(","))
        channel = self.world.channels.get(arguments.text("channel"))
        return (channel.kind if channel else "public",)


async def _given(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = await request.json()
        given |= body if isinstance(body, dict) else {}
    elif request.can_read_body:
        given |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    return given
