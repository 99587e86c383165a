"""``serve`` and ``worker``: the house with its doors open, until somebody stops it."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager

from bot.app.allocator import few_pools
from bot.app.building import house
from bot.app.connecting import Health, SlackDoor, to_slack
from bot.app.flagd import flagd
from bot.app.house import House
from bot.app.listening import answering, bound
from bot.app.reading import PublicReads
from bot.app.web_parts import web_parts
from bot.engine.jobs import prepare
from bot.incident.errors import FirstfiveError
from bot.settings.concerns import Settings
from bot.web.application import build

log = logging.getLogger("firstfive")


def serve(settings: Settings, *, jobs: bool = True) -> int:
    """Run the server until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        Misconfigured: the port is taken, or settings, documents or tokens are wrong.
        Unavailable: the database does not answer.
    """
    speak()
    few_pools()
    return asyncio.run(_serve(settings, jobs=jobs))


def work(settings: Settings) -> int:
    """Run timers and retention until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        Misconfigured, Unavailable: as :func:`serve`.
    """
    speak()
    few_pools()
    return asyncio.run(_work(settings))


def speak() -> None:
    """Log to standard error, one line an entry."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("firstfive").setLevel(logging.INFO)


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
        app = build(web_parts(home, public_url, door if settings.slack.signing_secret else None, health))
        group("the HTTP server", answering(app, listener, stop, _said(settings, url)))
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
