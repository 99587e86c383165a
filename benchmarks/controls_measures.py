"""What :mod:`controls` measures with: children that write JSON lines, a server with an incident, effects of changes."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from measure import ROOT, free_port

HERE = Path(__file__).parent
AGENT = "bench-agent"
GIVE_UP = 30.0  # seconds for one change
PAUSE = 0.02  # seconds between a change and the next
CLICKS_PER_INCIDENT = 10


@dataclass
class Program:
    """A child that writes JSON lines."""

    process: "subprocess.Popen[bytes]"
    lines: "Queue[dict[str, Any]]" = field(default_factory=Queue)

    def next(self, within: float = GIVE_UP) -> dict[str, Any]:
        """The next line.

        Raises:
            RuntimeError: there was none in time.
        """
        try:
            return self.lines.get(timeout=within)
        except Empty:
            raise RuntimeError(f"{self.process.args!r} said nothing for {within:g} s") from None

    def forget(self) -> None:
        """What it said until now."""
        while not self.lines.empty():
            self.lines.get_nowait()


@contextmanager
def program(command: Sequence[str], **env: str) -> Iterator[Program]:
    """The child runs while the block does; its standard input is closed to end it."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = Program(process)

    def read() -> None:
        for line in process.stdout or ():
            child.lines.put(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield child
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(2)
        if process.stdout:
            process.stdout.close()


def client(*arguments: str, python: str = sys.executable) -> list[str]:
    """The command of one of our client programs."""
    return [python, str(HERE / "controls_clients.py"), *arguments]


def asked(url: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """One JSON request; None for an empty answer."""
    said = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, said)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read() or b"null")


@dataclass
class Server:
    """A firstfive with one open incident."""

    url: str
    flagd_port: int
    child: Program
    incident: str = ""

    def declare(self) -> None:
        """An incident of its own: a timeline of hundreds of clicks is nothing that happens."""
        body = {"title": "measuring", "agent": AGENT}
        self.incident = asked(f"{self.url}/api/v1/incidents", body, firstfive_actor="ana")["key"]

    def apply(self, kind: str, **more: Any) -> str:
        """Apply a control for half an hour; returns its id."""
        order = {"kind": kind, "minutes": 30, **more}
        made = asked(f"{self.url}/api/v1/incidents/{self.incident}/mitigations", order, firstfive_actor="ana")
        return str(made["id"])

    def changes(self, rounds: int) -> Iterator[dict[int, int]]:
        """Apply a turn limit, then lift it, again and again; per change the new revisions with their commits."""
        lever = ""
        for number in range(rounds):
            if number % CLICKS_PER_INCIDENT == 0:
                self.declare()
                time.sleep(0.5)  # its evidence is gathered
            if number % 2 == 0:
                self.child.forget()
                lever = self.apply("turn-limit", value=3 + number % 7)
            else:  # the click that lifts it is the second person's
                path = f"{self.url}/api/v1/mitigations/{lever}"
                asked(f"{path}/revert", {"reason": "measured"}, firstfive_actor="ana")
                time.sleep(0.05)
                self.child.forget()
                asked(f"{path}/approve", {}, firstfive_actor="ben")
            found: dict[int, int] = {}
            while not found or not self.child.lines.empty():
                line = self.child.next()
                if line["agent"] == AGENT:
                    found[line["revision"]] = line["committed"]
            yield found


@contextmanager
def firstfive() -> Iterator[Server]:
    """A server with an incident, its database in a folder that goes away."""
    with tempfile.TemporaryDirectory() as home:
        port, flagd_port = free_port(), free_port()
        command = [sys.executable, str(HERE / "controls_server.py"), "serve", "--port", str(port)]
        with program(command, FIRSTFIVE_HOME=home, FIRSTFIVE_FLAGD_PORT=str(flagd_port)) as child:
            server = Server(f"http://127.0.0.1:{port}", flagd_port, child)
            _until_ready(server.url)
            server.declare()
            yield server


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2).close()  # noqa: S310 - loopback
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def effects(server: Server, listener: Program, rounds: int, pause: float = PAUSE) -> list[list[float]]:
    """Per change, milliseconds from its commit until it was in force, one per client."""
    result: list[list[float]] = []
    for committed in server.changes(rounds):
        while (line := _change(listener.next())) is None or line[0] < min(committed):
            pass
        revision, moments = line
        at = committed.get(revision, min(committed.values()))
        result.append([max(0.0, (moment - at) / 1e6) for moment in moments])
        time.sleep(pause + random.random() * pause)  # noqa: S311 - not in step with anybody's clock
    return result


def _change(line: dict[str, Any]) -> tuple[int, list[int]] | None:
    """Revision and moments; the web provider's program writes whole controls."""
    if "revision" in line:
        return line["revision"], line["at"]
    value = line["controls"]["value"]
    return (value["revision"], [int(line["at"])]) if value else None


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the others lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
