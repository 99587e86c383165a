"""Telemetry under way when the server, or a process that decodes for it, is killed: what was acknowledged stays."""

import os
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.conftest import SECONDS, Terminal
from tests.sources.requests import span, traces

SPANS = 400


@dataclass
class Sender:
    """Sends traces until it is told to stop, or the server is gone."""

    port: int
    first: int
    kept: list[int] = field(default_factory=list)  # acknowledged requests
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = self.first
        while not self.stopped.is_set():
            try:
                status = post(self.port, number)
                assert status in {200, 503}
                if status == 200:
                    self.kept.append(number)
                    number += 1
            except OSError:
                return


def post(port: int, number: int) -> int:
    """Request ``number``: traces of one span each."""
    fields = {"note": "n" * 200}
    body = traces(*(span(fields, traceId=f"{number * SPANS + place + 1:032x}") for place in range(SPANS)))
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code if error.headers["Retry-After"] == "1" else 0


def beneath(pid: int) -> list[int]:
    """Processes that decode for a server and are up: by then they have stepped back behind it."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # it ended meanwhile
            children += map(int, (thread / "children").read_text().split())
    usual = os.getpriority(os.PRIO_PROCESS, pid)
    found = []
    for child in children:
        with suppress(ProcessLookupError):
            if os.getpriority(os.PRIO_PROCESS, child) > usual:
                found.append(child)
    return found


def until(true: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not (callable(true) and true()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_was_acknowledged_survives_the_death_of_either_process(terminal: Terminal) -> None:
    server, port, log = terminal.serve()
    senders = [Sender(port, 100_000 * place) for place in range(3)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    until(lambda: beneath(server.pid))
    until(lambda: min(len(sender.kept) for sender in senders) > 3)
    killed = beneath(server.pid)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: set(beneath(server.pid)) - set(killed))
    so_far = sum(len(sender.kept) for sender in senders)
    until(lambda: sum(len(sender.kept) for sender in senders) > so_far + 6)
    helpers = beneath(server.pid)
    server.kill()
    for sender, thread in zip(senders, threads, strict=True):
        sender.stopped.set()
        thread.join()
    until(lambda: not any(is_there(pid) for pid in helpers))
    _, port, _ = terminal.serve()
    kept = [number for sender in senders for number in sender.kept]
    for number in kept[-3:]:  # sent again, as an exporter does that missed its answer
        assert post(port, number) == 200
    with closing(sqlite3.connect(terminal.home / "firstfive.db")) as found:
        stored = {row[0] for row in found.execute("SELECT trace_id FROM traces")}
        counted = found.execute("SELECT count(*), count(DISTINCT trace_id) FROM spans").fetchone()
    acknowledged = {f"{number * SPANS + place + 1:032x}" for number in kept for place in range(SPANS)}
    assert acknowledged <= stored
    assert counted == (len(stored), len(stored))
    assert "Traceback" not in log.read_text()
