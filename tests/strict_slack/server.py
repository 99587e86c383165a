"""StrictSlack: a whole Slack on loopback for one test, as strict as the real one."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from tests.strict_slack.actor import Actor
from tests.strict_slack.catalogue import DEFAULT_SCOPES
from tests.strict_slack.clock import MovableClock
from tests.strict_slack.delivery import Courier, Delivery, Transport
from tests.strict_slack.faults import Fault, Faults, RateLimits
from tests.strict_slack.http_mode import HttpMode
from tests.strict_slack.methods_chat import ChatMethods
from tests.strict_slack.methods_conversations import ConversationMethods
from tests.strict_slack.methods_rest import FileMethods, PeopleMethods, ViewMethods
from tests.strict_slack.response_urls import ResponseUrls
from tests.strict_slack.shapes import Json
from tests.strict_slack.socket_mode import SocketMode
from tests.strict_slack.views import Triggers, Views
from tests.strict_slack.waiting import until
from tests.strict_slack.web_api import Call, Tokens, WebApi
from tests.strict_slack.workspace import Workspace
from tests.strict_slack.world import BOT_USER, Channel, Message, Person, World

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-strict-bot", "xapp-1-strict-app", "strict-signing-secret"


class StrictSlack:
    """Use as `async with StrictSlack() as slack:`; `slack.api_url` goes to the app, `slack.user(...)` are the people."""

    def __init__(self, *, scopes: Iterable[str] = DEFAULT_SCOPES, rate_limits: bool = False) -> None:
        self.bot_token, self.app_token, self.signing_secret = BOT_TOKEN, APP_TOKEN, SIGNING_SECRET
        self.clock = MovableClock()
        self.world = World(self.clock)
        self.faults, self.rates, self.socket = Faults(), RateLimits(self.clock), SocketMode()
        self.rates.enabled = rate_limits
        self.views, self.triggers = Views(self.world), Triggers(self.world)
        granted = frozenset(scopes)
        self.chat = ChatMethods(self.world, granted)
        self.urls = ResponseUrls(self.world, self.chat)
        self.files = FileMethods(self.world, self.chat)
        self.api = WebApi(self.world, Tokens(BOT_TOKEN, APP_TOKEN, granted), self.faults, self.rates)
        self.courier = Courier(self._transport)
        self.workspace = Workspace(self.world, self.views, self.triggers, self.urls, self.courier, granted)
        self._add_methods(granted)
        self._http: HttpMode | None = None
        self._actors: dict[str, Actor] = {}
        self._populate()

    def _add_methods(self, scopes: frozenset[str]) -> None:
        self.api.add(self.chat.table())
        self.api.add(ConversationMethods(self.world).table())
        self.api.add(PeopleMethods(self.world, scopes).table())
        self.api.add(ViewMethods(self.views, self.triggers, self.world).table())
        self.api.add(self.files.table())
        self.api.add({"apps.connections.open": lambda _: self.socket.open(self.base_url)})

    def _populate(self) -> None:
        self.world.add_person(Person(BOT_USER, "firstfive", "First Five", is_bot=True))
        self.general = self.world.add_channel("general", creator="U0ANA")
        self.ana = self.user("U0ANA", name="ana")
        self.ben = self.user("U0BEN", name="ben")
        self.general.members.append(BOT_USER)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[self._presence])
        app.router.add_route("*", "/api/{method}", self.api.answer)
        app.router.add_post("/upload/{file}", self._receive_file)
        app.router.add_post("/response/{token}", self.urls.answer)
        app.router.add_get("/socket/{ticket}", self.socket.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await self._site.start()
        self._port: int = self._runner.addresses[0][1]
        self.base_url = self.urls.base_url = self.files.base_url = f"http://127.0.0.1:{self._port}"
        self.api_url = f"{self.base_url}/api/"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.closing.set()
        await self.socket.drop_all()
        await self._session.close()
        await self._runner.cleanup()

    @web.middleware
    async def _presence(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.faults.absent == "503":
            return web.Response(status=503, text="Service Unavailable")
        if self.faults.absent == "refused" and request.transport is not None:
            request.transport.abort()
        return await handler(request)

    async def _receive_file(self, request: web.Request) -> web.Response:
        upload = self.world.uploads.get(request.match_info["file"])
        if upload is None or upload.content is not None:
            return web.Response(status=404, text="no such upload")
        upload.content = await request.read()
        return web.Response(text=f"OK - {len(upload.content)}")

    # The app's side

    def use_http(self, request_url: str) -> HttpMode:
        """Deliver by signed POST to this address instead of Socket Mode; returns the settings (secret, skew)."""
        self._http = HttpMode(self._session, self.signing_secret)
        self._http.url = request_url
        return self._http

    def _transport(self) -> Transport:
        return self._http or self.socket

    async def wait_for_sockets(self, count: int = 1, seconds: float = 20.0) -> None:
        """Until the app holds `count` Socket Mode connections."""
        await until(
            lambda: len(self.socket.connections) == count,
            seconds,
            lambda: f"{len(self.socket.connections)} connections",
        )

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """The same payload once more, with the same ids; its ack has no effect on views or messages."""
        return await self.courier.deliver(delivery.kind, delivery.payload)

    # Faults

    def fail_next(
        self,
        method: str,
        *,
        error: str = "internal_error",
        status: int | None = None,
        times: int = 1,
        retry_after: float = 1,
        after_doing: bool = False,
    ) -> Fault:
        """Refuse the next `times` calls; `after_doing` does the work first and loses the answer. "*" is any method."""
        code = status if status is not None else 429 if error == "ratelimited" else 200
        fault = Fault(method, error, code, times, retry_after, after_doing)
        self.faults.orders.append(fault)
        return fault

    def hang(self, method: str, seconds: float, times: int = 1) -> None:
        """The next `times` calls wait this long before anything happens."""
        self.faults.hangs += [(method, seconds)] * times

    @asynccontextmanager
    async def unavailable(self, how: str = "503", *, sockets: bool = False) -> AsyncIterator[None]:
        """Slack is away: every API call gets 503, or with "refused" no connection; `sockets` drops those too."""
        self.faults.absent = how
        if how == "refused":
            await self._site.stop()
        if sockets:
            await self.socket.drop_all()
        try:
            yield
        finally:
            self.faults.absent = None
            if how == "refused":
                self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
                await self._site.start()

    # People and what they see

    def user(self, user_id: str, *, name: str = "", joins: Iterable[Channel] | None = None) -> Actor:
        """The person with this id or name; a new one joins #general (or `joins`)."""
        for known in self._actors.values():
            if known.name == user_id:
                return known
        if user_id not in self._actors:
            label = name or user_id.lower()
            person = Person(user_id, label, label.title(), email=f"{label}@strict.test")
            actor = Actor(self.workspace, self.world.add_person(person))
            self._actors[user_id] = actor
            for channel in [self.general] if joins is None else joins:
                actor.join(channel)
        return self._actors[user_id]

    def channel_named(self, prefix: str) -> Channel | None:
        """The newest channel whose name starts so."""
        found = [channel for channel in self.world.channels.values() if channel.name.startswith(prefix)]
        return found[-1] if found else None

    def messages(self, channel: Channel | str, visible_to: Actor | None = None) -> list[Message]:
        """Messages in order, deleted ones left out; ephemeral ones only those of `visible_to`."""
        here = self.world.channels[channel] if isinstance(channel, str) else channel
        seer = visible_to.id if visible_to else None
        return [m for m in here.messages.values() if not m.deleted and m.visible_only_to in (None, seer)]

    def ephemerals(self, user: Actor) -> list[Message]:
        """Everything only this person was shown, in order, deleted ones left out."""
        everything = [m for channel in self.world.channels.values() for m in channel.messages.values()]
        return sorted((m for m in everything if m.visible_only_to == user.id and not m.deleted), key=lambda m: m.ts)

    def calls(self, method: str | None = None) -> list[Call]:
        """Web API calls so far, all or of one method."""
        return [call for call in self.api.calls if method in (None, call.method)]

    def payloads(self) -> list[Json]:
        """Every view and message body accepted so far, as the app sent it, for checks over all of them."""
        return [*self.views.accepted, *self.chat.accepted]

    async def wait_until(
        self,
        condition: Callable[[], object],
        timeout: float = 20.0,  # noqa: ASYNC109 - the harness's bound
    ) -> None:
        """Until `condition` holds; the failure tells the last API calls."""
        await until(condition, timeout, self._story)

    def _story(self) -> str:
        recent = ", ".join(f"{call.method}={call.error or 'ok'}" for call in self.api.calls[-12:])
        return f"the condition never held; last calls: {recent or 'none'}"
