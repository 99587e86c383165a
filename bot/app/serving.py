"""``serve`` and ``worker``: the house with its doors open, until somebody stops it."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from bot.app.house import House, house
from bot.engine.jobs import prepare
from bot.incident.errors import FirstfiveError, Misconfigured, Unavailable
from bot.settings import ServerSettings, Settings
from bot.sources.otlp import OtlpIntake, TelemetryRejected, response_body
from bot.storage.delivery_ledgers import open_deliveries
from bot.storage.outbox import SqlOutboxQueue
from bot.storage.rooms import SqlRoomRecords
from bot.web.application import build
from bot.web.doors import Answer, Telemetry
from bot.web.parts import Parts
from bot.web.tokens import Tokens

if TYPE_CHECKING:
    import httpx

    from bot.controls.public_read import OfrepRead
    from bot.slack.edge import SlackEdge

log = logging.getLogger("firstfive")

SLACK_AGAIN = (1.0, 2.0, 5.0, 15.0, 30.0)  # seconds between attempts to reach Slack
STOP_WITHIN = 1  # seconds open requests get at the end
REPLAY_AFTER = 2.0  # seconds after the start; Slack's own repeats come first
REPLAY_BESIDE_OTHERS_AFTER = 30.0
OFFICIAL_SLACK = "https://slack.com/"


def serve(settings: Settings, *, jobs: bool = True) -> int:
    """Run the server until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        Misconfigured: the port is taken, or settings, documents or tokens are wrong.
        Unavailable: the database does not answer.
    """
    speak()
    return asyncio.run(_serve(settings, jobs=jobs))


def work(settings: Settings) -> int:
    """Run timers and retention until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        Misconfigured, Unavailable: as :func:`serve`.
    """
    speak()
    return asyncio.run(_work(settings))


def speak() -> None:
    """Log to standard error, one line an entry."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("firstfive").setLevel(logging.INFO)


def bound(server: ServerSettings) -> socket.socket:
    """A listening socket for the server.

    Raises:
        Misconfigured: the address is taken or cannot be used.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    opened = socket.socket(family)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((server.host, server.port))
    except OSError as error:
        opened.close()
        reason = error.strerror or str(error)
        raise Misconfigured(
            f"Port {server.port} on {server.host} cannot be used ({reason.lower()}). Choose another with --port."
        ) from error
    return opened


@dataclass(slots=True)
class SlackDoor:
    """Where Slack's requests go; closed while Slack cannot be reached."""

    edge: "SlackEdge | None" = None

    async def http(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """As the edge's intake.

        Raises:
            Unavailable: the edge is not connected yet; Slack repeats the request.
        """
        if self.edge is None:
            raise Unavailable("Slack is not connected yet; the request may be sent again.")
        return await self.edge.intake.http(body, headers)


@dataclass(slots=True)
class Health:
    """What stands between us and being ready."""

    waiting: dict[str, str] = field(default_factory=dict)  # part -> what it waits for

    def first(self) -> str | None:
        """The first thing that is missing, or None."""
        return next(iter(self.waiting.values()), None)


async def _serve(settings: Settings, *, jobs: bool) -> int:
    listener = bound(settings.server)
    url = f"http://{settings.server.host}:{listener.getsockname()[1]}"
    stop = _stop_event()
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        reader = PublicReads(url, settings.server.control_token)
        stack.push_async_callback(reader.close)
        home = await stack.enter_async_context(house(settings, reader))
        public_url = settings.server.public_url.rstrip("/") or url
        health, door = Health(), SlackDoor()
        group = await stack.enter_async_context(_tasks(stop))
        await home.control.publish()
        group("the control plane", home.control.run())
        if jobs:
            health.waiting["jobs"] = "Timers are starting."
            group("timers", _timers(home, health))
        else:
            await asyncio.to_thread(prepare, home.database.url)
        group("the proof watch", home.proofs.run())
        group("retention", home.retention.run())
        if settings.slack.is_set:
            health.waiting["slack"] = "Slack is being connected."
            group("Slack", _slack(home, public_url, door, health))
        app = build(_parts(home, public_url, door if settings.slack.signing_secret else None, health))
        group("the HTTP server", _http(app, listener, stop))
        gc.freeze()  # what start-up made stays: collections need not walk it again
        log.info("%s", _said(settings, url))
        await stop.wait()
    return 1 if group.failed else 0


async def _work(settings: Settings) -> int:
    stop = _stop_event()
    reader = PublicReads(settings.server.url, settings.server.control_token)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(reader.close)
        home = await stack.enter_async_context(house(settings, reader))
        group = await stack.enter_async_context(_tasks(stop))
        group("timers", _timers(home, Health()))
        group("retention", home.retention.run())
        log.info("firstfive works off timers.")
        await stop.wait()
    return 1 if group.failed else 0


def _said(settings: Settings, url: str) -> str:
    kind = "SQLite" if settings.home.database.startswith("sqlite") else "PostgreSQL"
    if not settings.slack.is_set:
        way = "no Slack settings, so it runs headless (API, telemetry, controls, pages)"
    else:
        way = "Slack by Socket Mode" if settings.slack.app_token else "Slack by HTTP"
    return f"firstfive listens on {url}; {way}; {kind}."


def _stop_event() -> asyncio.Event:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event


class _Group:
    """Parts that run until the end. One that ends with an error stops the house and says why."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self.tasks: list[asyncio.Task[None]] = []
        self.failed = False

    def __call__(self, name: str, part: Awaitable[None]) -> None:
        self.tasks.append(asyncio.create_task(self._run(name, part)))

    async def _run(self, name: str, part: Awaitable[None]) -> None:
        try:
            await part
        except FirstfiveError as error:
            self.failed = True
            print(f"firstfive: {error}", file=sys.stderr)  # noqa: T201 - the last word of a process that ends
            self._stop.set()
        except Exception:
            self.failed = True
            log.exception("%s ended", name)
            self._stop.set()


@asynccontextmanager
async def _tasks(stop: asyncio.Event) -> AsyncIterator[_Group]:
    group = _Group(stop)
    try:
        yield group
    finally:
        stop.set()
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0)), *group.tasks], timeout=0.2)
        for task in group.tasks:
            task.cancel()
        await asyncio.gather(*group.tasks, return_exceptions=True)


async def _timers(home: House, health: Health) -> None:
    await home.jobs.start(home.timers)
    health.waiting.pop("jobs", None)
    await asyncio.Event().wait()


async def _http(app: object, listener: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN,
        server_header=False,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        waiting.cancel()
        await running


class _Server(uvicorn.Server):
    """Signals are ours: the house closes its doors in order."""

    def install_signal_handlers(self) -> None:
        """Leave them alone."""


def _parts(home: House, public_url: str, door: SlackDoor | None, health: Health) -> Parts:
    server = home.settings.server

    async def ready() -> str | None:
        return health.first() or await home.trouble()

    async def metrics() -> Mapping[str, float]:
        return await measured(home)

    return Parts(
        verbs=home.verbs,
        traces=home.telemetry,
        clock=home.clock,
        ids=home.ids,
        catalogue=home.documents.catalogue,
        control=home.control,
        renderer=home.renderer,
        ready=ready,
        metrics=metrics,
        cache=Path(home.settings.home.home) / "cache",
        public_url=public_url,
        telemetry=Telemetry(OtlpIntake(home.telemetry), TelemetryRejected, response_body),
        slack=door,
        tokens=Tokens(server.api_token or None, server.telemetry_token or None, server.control_token or None),
    )


async def measured(home: House) -> Mapping[str, float]:
    """The figures of ``/metrics``, by Prometheus series name."""
    states = await home.verbs.look.recent(200)
    series: dict[str, float] = {"firstfive_spans_ingested_total": float(home.telemetry.spans_taken)}
    for state in states:
        if state.status.is_open:
            named = state.incident_class.value if state.incident_class else "none"
            name = f'firstfive_incidents_open{{severity="{state.severity.value}",class="{named}"}}'
            series[name] = series.get(name, 0) + 1
    series["firstfive_jobs_failed"] = float(len(await home.jobs.failed()))
    return series


async def _slack(home: House, public_url: str, door: SlackDoor, health: Health) -> None:
    """Connect, and stay connected; Slack being away at the start is no reason not to serve agents."""
    for attempt in range(1_000_000):
        try:
            await _connected(home, public_url, door, health)
        except Unavailable as error:
            wait = SLACK_AGAIN[min(attempt, len(SLACK_AGAIN) - 1)]
            health.waiting["slack"] = f"Slack cannot be reached: {error}"
            log.warning("Slack cannot be reached (%s); trying again in %g s.", error, wait)
            await asyncio.sleep(wait)


async def _connected(home: House, public_url: str, door: SlackDoor, health: Health) -> None:
    from bot.slack.edge import Given, slack_edge  # noqa: PLC0415 - 0.3 s, only with Slack
    from bot.slack.socket import connected  # noqa: PLC0415 - as above

    slack, started = home.settings.slack, home.clock.now()
    opened = open_deliveries(home.database)
    queue = SqlOutboxQueue(home.database)
    if home.database.sqlite_path:  # one process only, so whatever is leased was leased by one that is gone
        await queue.release()
    given = Given(
        verbs=home.verbs,
        records=home.records,
        rooms=SqlRoomRecords(home.database),
        queue=queue,
        deliveries=opened,
        traces=home.telemetry,
        clock=home.clock,
        ids=home.ids,
        catalogue=home.documents.catalogue,
        runbooks=home.documents.runbooks,
        postmortem_file=home.postmortem_file,
        public_url=public_url,
        bot_token=slack.bot_token,
        signing_secret=slack.signing_secret,
        api_url=slack.api_url,
        plain=not slack.api_url.startswith(OFFICIAL_SLACK),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        edge = await stack.enter_async_context(slack_edge(given))
        home.records.wake = edge.convergence.wake
        if slack.app_token:
            await stack.enter_async_context(connected(edge.workspace, slack.app_token, edge.intake))
        door.edge = edge
        stack.callback(setattr, door, "edge", None)
        health.waiting.pop("slack", None)
        async with asyncio.TaskGroup() as group:
            group.create_task(edge.convergence.run())
            group.create_task(_replayed(edge, home, started))


async def _replayed(edge: "SlackEdge", home: House, started: datetime) -> None:
    """What an earlier process acknowledged and never finished; on PostgreSQL another one may still be at it."""
    await asyncio.sleep(REPLAY_AFTER if home.database.sqlite_path else REPLAY_BESIDE_OTHERS_AFTER)
    count = await edge.intake.replay(started)
    if count:
        log.info("%d requests from before the start are worked off.", count)


class PublicReads:
    """Reads a control as an agent does: over HTTP, through the public path."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._opened: tuple[OfrepRead, httpx.AsyncClient] | None = None

    async def __call__(self, agent: str, environment: str, key: str) -> object:
        """The value of one flag.

        Raises:
            Unavailable: the public path does not answer.
        """
        if self._opened is None:
            import httpx  # noqa: PLC0415 - 0.1 s, only once something is to be proven

            from bot.controls.public_read import OfrepRead  # noqa: PLC0415 - as above

            client = httpx.AsyncClient(timeout=1.5, trust_env=False)
            self._opened = OfrepRead(client, self._url, self._token or None), client
        return await self._opened[0](agent, environment, key)

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened[1].aclose()
