"""Clients of the control plane, as programs of their own: each says on standard output when a change was in force in it.

``own URL``: firstfive-client. ``many URL N``: N connections, each with the client's own core (parsing, composition,
heartbeats) over asyncio in place of two threads. ``flagd HOST:PORT``: the official flagd provider in process.
``unleash URL TOKEN SECONDS N``: N of Unleash's official Python clients that ask every so many seconds.

One JSON line per change: ``{"revision", "at": [nanoseconds of the machine's monotonic clock, one per client]}``; the
first line, with revision -1, says that all are connected.
"""

import asyncio
import json
import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, monotonic_ns
from typing import Any
from urllib.parse import urlencode, urlsplit

AGENT = "bench-agent"


def tell(revision: int, at: list[int]) -> None:
    """One change, in force."""
    os.write(1, (json.dumps({"revision": revision, "at": at}) + "\n").encode())


def own(url: str) -> None:
    """The client as agents use it."""
    from firstfive_client import Client  # noqa: PLC0415 - each program needs one library only

    client = Client(url, agent=AGENT, keep=None)
    client.on_change(lambda controls: tell(controls.revision, [monotonic_ns()]))
    client.start()
    while not client.standing.in_touch:
        time.sleep(0.01)
    tell(-1, [])
    sys.stdin.read()
    client.close()


@dataclass
class Crowd:
    """Many connections to one server, and when each change was in force in each of them."""

    url: str
    count: int
    seen: dict[int, list[int]] = field(default_factory=dict)
    listening: int = 0
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self) -> None:
        """Connect all, then report until the input ends."""
        for number in range(self.count):
            self.start(self.one(number))
            await asyncio.sleep(0.001)
        while self.listening < self.count:  # noqa: ASYNC110 - once, before anything is measured
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # the first snapshots and heartbeats are over
        tell(-1, [])
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)

    def start(self, work: Any) -> None:
        """Run it beside the others."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def one(self, number: int) -> None:
        """One client: its stream, its core, its heartbeats."""
        from firstfive_client.core import Core, Identity  # noqa: PLC0415 - as above
        from firstfive_client.events import EventParser  # noqa: PLC0415 - as above

        identity = Identity(AGENT, instance=f"bench-{number}")
        core = Core(on_change=lambda: self.changed(core, identity))
        parser = EventParser()
        reader, writer = await asyncio.open_connection(urlsplit(self.url).hostname, urlsplit(self.url).port)
        writer.write(f"GET /controls/v1/stream?{urlencode(identity.query)} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        self.listening += 1
        while size := int(await reader.readline() or b"0", 16):  # chunked
            data = await reader.readexactly(size)
            await reader.readexactly(2)
            for event in parser.feed(data):
                core.event(event, monotonic())

    def changed(self, core: Any, identity: Any) -> None:
        """Something new is in force in one client."""
        found = self.seen.setdefault(core.snapshot.revision, [])
        found.append(monotonic_ns())
        if len(found) == self.count:
            tell(core.snapshot.revision, found)
        self.start(self.beat(core, identity))

    async def beat(self, core: Any, identity: Any) -> None:
        """The heartbeat that says so, when it is due, on a connection of its own."""
        await asyncio.sleep(core.heartbeat_in(monotonic()))
        heartbeat = core.heartbeat(monotonic())
        if heartbeat is None:
            return
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(urlsplit(self.url).hostname, urlsplit(self.url).port)
            body = heartbeat.body(identity)
            head = "POST /controls/v1/heartbeat HTTP/1.1\r\nHost: b\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await reader.read()
            writer.close()


def flagd(address: str) -> None:
    """The official provider; it says itself when it has a new configuration."""
    from openfeature import api  # noqa: PLC0415 - as above
    from openfeature.contrib.provider.flagd import FlagdProvider  # noqa: PLC0415 - as above
    from openfeature.contrib.provider.flagd.config import ResolverType  # noqa: PLC0415 - as above
    from openfeature.event import EventDetails, ProviderEvent  # noqa: PLC0415 - as above

    host, _, port = address.rpartition(":")
    provider = FlagdProvider(
        host=host, port=int(port), resolver_type=ResolverType.IN_PROCESS, selector=AGENT, deadline_ms=10_000
    )
    api.set_provider(provider)
    client = api.get_client()

    def changed(details: EventDetails) -> None:
        del details
        value = client.get_object_value("agent.controls", {})
        tell(int(str(value["revision"])) if isinstance(value, dict) and value else 0, [monotonic_ns()])

    while not client.get_object_value("agent.controls", {}):
        time.sleep(0.05)
    tell(-1, [])
    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, changed)
    sys.stdin.read()
    os._exit(0)


def unleash(url: str, token: str, seconds: int, count: int) -> None:
    """Unleash's official clients. The revision is 1 for on and 0 for off."""
    from UnleashClient import UnleashClient  # noqa: PLC0415 - as above

    clients = []
    for number in range(count):
        client = UnleashClient(
            f"{url}/api",
            f"bench-{seconds}-{number}",
            custom_headers={"Authorization": token},
            refresh_interval=seconds,
            disable_metrics=True,
            disable_registration=True,
            cache_directory=os.environ["BENCH_CACHE"],
        )
        client.initialize_client()
        clients.append(client)
        time.sleep(seconds / count)  # each asks at a moment of its own
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()  # type: ignore[func-returns-value]
    known = [client.is_enabled("bench") for client in clients]
    tell(-1, [])
    while not stop.wait(0.001):
        for number, client in enumerate(clients):
            on = client.is_enabled("bench")
            if on != known[number]:
                known[number] = on
                tell(int(on), [monotonic_ns()])
    os._exit(0)  # its scheduler would finish its round first


if __name__ == "__main__":
    name, arguments = sys.argv[1], sys.argv[2:]
    if name == "own":
        own(*arguments)
    elif name == "many":
        asyncio.run(Crowd(arguments[0], int(arguments[1])).run())
    elif name == "flagd":
        flagd(*arguments)
    else:
        unleash(arguments[0], arguments[1], int(arguments[2]), int(arguments[3]))
