"""``serve`` and ``worker``: the house with its doors open, until somebody stops it."""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from bot.app.building import house
from bot.app.connecting import Health, SlackDoor, to_slack
from bot.app.flagd import flagd
from bot.app.house import House
from bot.app.intake.otlp_intake import OtlpIntake
from bot.app.reading import PublicReads
from bot.engine.jobs import prepare
from bot.incident.errors import FirstfiveError, Misconfigured
from bot.settings.concerns import Settings
from bot.settings.server import ServerSettings
from bot.sources.otlp import TelemetryRejected, response_body
from bot.sources.ownership import Scope, scope_of
from bot.web.application import build
from bot.web.doors import Telemetry
from bot.web.parts import Parts
from bot.web.tokens import Tokens

log = logging.getLogger("firstfive")

BACKLOG = 2048  # connections that may wait, as many as the server itself asks for
KEEP_ALIVE = 75  # seconds; exporters send every five, and would meet a door that closes just then
STOP_WITHIN = 1  # seconds open requests get at the end


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
    # The protocol must be named: asyncio sets TCP_NODELAY only then, and kept connections wait 40 ms without it
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((server.host, server.port))
        opened.listen(BACKLOG)  # a port two starts were given at once is refused here, not later
    except OSError as error:
        opened.close()
        raise Misconfigured(_unusable(server, error)) from error
    return opened


def _unusable(server: ServerSettings, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{server.host} is no address of this machine ({reason}). Choose another with --host."
    if error.errno == errno.EACCES:
        return f"Port {server.port} needs more rights ({reason}). Choose one above 1023 with --port."
    return f"Port {server.port} on {server.host} cannot be used ({reason}). Choose another with --port."


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
        group("the instances other processes hear of", home.control.readers.run())
        await asyncio.to_thread(prepare, home.database.url)  # the first click finds the tables of the timers it sets
        if jobs:
            health.waiting["jobs"] = "Timers are starting."
            group("timers", _timers(home, health))
        if settings.server.flagd_port:
            group("the flagd stream", flagd(home))
        group("the proof watch", home.proofs.run())
        group("the watch over other control planes", home.strays.run())
        group("the watch over what mitigations move", home.movements.run())
        group("retention", home.retention.run())
        if settings.slack.is_set:
            health.waiting["slack"] = "Slack is being connected."
            group("Slack", to_slack(home, public_url, door, health))
        app = build(_parts(home, public_url, door if settings.slack.signing_secret else None, health))
        group("the HTTP server", _http(app, listener, stop, _said(settings, url)))
        _tune_interpreter()
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


def _tune_interpreter() -> None:
    """Settings of the interpreter for a server that reads and writes at once."""
    # Thousands of tasks read for one look are no garbage; by default each look paid for walking them, twice its time
    gc.freeze()  # what start-up made stays: collections need not walk it again
    gc.set_threshold(50_000, 50, 100)
    # A look goes through twenty threads and back; beside one that decodes spans each way would wait 5 ms for its turn
    sys.setswitchinterval(0.0005)


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
        for task in group.tasks:
            task.cancel()
        await asyncio.gather(*group.tasks, return_exceptions=True)


async def _timers(home: House, health: Health) -> None:
    await home.jobs.start(home.timers)
    health.waiting.pop("jobs", None)
    await asyncio.Event().wait()


async def _http(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, said: str) -> None:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
    )
    server = _Server(config, said)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # streams are cut off now; that is no error
        server.should_exit = True
        waiting.cancel()
        await running


class _Server(uvicorn.Server):
    """Signals are ours: the house closes its doors in order. It says so once it answers."""

    def __init__(self, config: uvicorn.Config, said: str) -> None:
        super().__init__(config)
        self._said = said

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors."""
        await super().startup(sockets)
        log.info("%s", self._said)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def _parts(home: House, public_url: str, door: SlackDoor | None, health: Health) -> Parts:
    server = home.settings.server

    async def ready() -> str | None:
        return health.first() or await home.trouble()

    async def metrics() -> Mapping[str, float]:
        return await measured(home)

    return Parts(
        verbs=home.verbs,
        records=home.records,
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
        telemetry=Telemetry(
            OtlpIntake(home.telemetry, home.decoders, home.clock),
            TelemetryRejected,
            response_body,
            _keys(home),
        ),
        slack=door,
        tokens=Tokens(server.api_token or None, server.telemetry_token or None, server.control_token or None),
        announcements=home.announcements,
        audit=home.audit,
        trace_url=home.settings.telemetry.trace_url,
        browser_origins=server.origins,
    )


def _keys(home: House) -> tuple[tuple[str, Scope], ...]:
    """Telemetry tokens with whose telemetry each may bring."""
    catalogue = home.documents.catalogue
    return tuple((key.token, scope_of(key.kind, key.name, catalogue)) for key in home.settings.server.telemetry_keys)


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
