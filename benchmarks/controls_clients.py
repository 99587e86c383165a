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

    async def run(self) -> None:
        """Connect all, then report until the input ends."""
        for number in range(self.count):
            await self.one(number)
        await asyncio.sleep(2)  # the first snapshots and heartbeats are over
        tell(-1, [])
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)

    async def one(self, number: int) -> None:
        """One client: a connection for its stream, one for its heartbeats, and its core."""
        loop, to = asyncio.get_running_loop(), urlsplit(self.url)
        host, port = to.hostname or "", to.port or 0
        _, speaker = await loop.create_connection(Speaking, host, port)
        _, listener = await loop.create_connection(lambda: Listening(self, number, speaker), host, port)
        await listener.listening


class Speaking(asyncio.Protocol):
    """A kept connection for heartbeats."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport, self.answer = transport, b""

    def data_received(self, data: bytes) -> None:
        """How many instances there are, which the core wants to know; head and body may come apart."""
        self.answer += data
        if self.answer.endswith(b"}"):
            self.core.heartbeat_answered(json.loads(self.answer.rpartition(b"\r\n\r\n")[2]), monotonic())
            self.answer = b""

    def beat(self, core: Any, identity: Any) -> None:
        """Say what is in force."""
        heartbeat = core.heartbeat(monotonic())
        if heartbeat is not None:
            self.core, body = core, heartbeat.body(identity)
            head = f"POST /controls/v1/heartbeat HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n"
            self.transport.write(head.encode() + body)  # type: ignore[attr-defined]


class Listening(asyncio.Protocol):
    """The stream of one client and its core."""

    def __init__(self, crowd: Crowd, number: int, speaker: Speaking) -> None:
        from firstfive_client.core import Core, Identity  # noqa: PLC0415 - as above
        from firstfive_client.events import EventParser  # noqa: PLC0415 - as above

        self.crowd, self.speaker = crowd, speaker
        self.identity = Identity(AGENT, instance=f"bench-{number}")
        self.core, self.parser = Core(on_change=self.changed), EventParser()
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        query = urlencode(self.identity.query)
        transport.write(f"GET /controls/v1/stream?{query} HTTP/1.1\r\nHost: b\r\n\r\n".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """The head, then chunks."""
        self.rest += data
        if not self.listening.done():
            _, end, rest = self.rest.partition(b"\r\n\r\n")
            if not end:
                return
            self.rest = rest
            self.listening.set_result(None)
        while True:
            size, end, rest = self.rest.partition(b"\r\n")
            if not end or len(rest) < int(size, 16) + 2:
                return
            chunk, self.rest = rest[: int(size, 16)], rest[int(size, 16) + 2 :]
            for event in self.parser.feed(chunk):
                self.core.event(event, monotonic())

    def changed(self) -> None:
        """Something new is in force in this client."""
        moment, core, seen = monotonic_ns(), self.core, self.crowd.seen
        assert core.snapshot
        found = seen.setdefault(core.snapshot.revision, [])
        found.append(moment)
        if len(found) == self.crowd.count:
            tell(core.snapshot.revision, found)
        due = core.heartbeat_in(monotonic())
        asyncio.get_running_loop().call_later(due + 0.001, self.speaker.beat, core, self.identity)


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
