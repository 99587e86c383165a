"""Files into the store from the command line, alone and beside a server."""

import gzip
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import SECONDS, Terminal
from tests.sources.requests import in_protobuf, sample_lines, span, traces

TRACES, LOGS = sample_lines("traces.jsonl"), sample_lines("evaluations.jsonl")
NAMED = {"gen_ai.agent.name": "helpdesk"}


def requests(count: int, spans: int = 100, first: int = 1) -> list[bytes]:
    """Many small traces, each a request."""
    ids = [f"{number:016x}" for number in range(1, spans + 1)]
    return [
        traces(*(span(NAMED, traceId=f"{number:032x}", spanId=one) for one in ids))
        for number in range(first, first + count)
    ]


def stored(home: Path) -> tuple[int, int]:
    """Spans and scores in the database."""
    with sqlite3.connect(home / "firstfive.db", timeout=SECONDS) as database:
        (spans,) = database.execute("SELECT count(*) FROM spans").fetchone()
        (scores,) = database.execute("SELECT count(*) FROM scores").fetchone()
    database.close()
    return int(spans), int(scores)


def test_files_of_every_kind_are_loaded_once_and_again_without_a_change(terminal: Terminal) -> None:
    (terminal.home / "both.jsonl").write_bytes(b"\n".join([*TRACES, *LOGS]))
    (terminal.home / "packed.json.gz").write_bytes(gzip.compress(LOGS[0]))
    (terminal.home / "wire.pb").write_bytes(in_protobuf(TRACES[0], "traces"))
    for _ in range(2):
        done = terminal.run("ingest", "both.jsonl", "packed.json.gz", "wire.pb", "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["files"], said["requests"], said["rejected"], said["broken"]) == (3, 7, 0, 0)
        assert stored(terminal.home) == (19, 33)
    assert (said["spans"], said["scores"]) == (30, 42)


def test_a_broken_line_is_named_and_the_rest_is_loaded(terminal: Terminal) -> None:
    no_id = traces(span(traceId="00"))
    (terminal.home / "x.jsonl").write_bytes(b"\n".join([TRACES[0], b"{broken", b'{"resourceSpans": 7}', no_id, *LOGS]))
    done = terminal.run("ingest", "x.jsonl")
    assert done.returncode == 1
    first, second, third = done.stderr.splitlines()
    assert first == "x.jsonl:2: it is no JSON, or ends early."
    assert second.startswith("x.jsonl:3: The body is no OTLP request")
    assert third.startswith("x.jsonl:4: 1 record left out: spans need a trace id")
    assert "11 spans and 33 scores of 5 requests are stored" in done.stdout
    assert "2 requests could not be read" in done.stdout
    assert stored(terminal.home) == (11, 33)


def test_a_file_that_is_not_there_stops_it_before_anything_is_loaded(terminal: Terminal) -> None:
    (terminal.home / "x.jsonl").write_bytes(TRACES[0])
    for missing in ("nowhere.jsonl", "."):
        done = terminal.run("ingest", "x.jsonl", missing)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert missing in line
        assert "Nothing was loaded" in line
    assert not (terminal.home / "firstfive.db").exists()


def test_a_server_on_the_same_file_sees_what_is_loaded_and_goes_on_taking_spans(terminal: Terminal) -> None:
    _, port, log = terminal.serve()
    (terminal.home / "x.jsonl").write_bytes(b"\n".join(requests(120)))
    with terminal.started_ingest("x.jsonl", "--json") as loading:
        taken = 0
        while loading.poll() is None:
            body = requests(1, spans=1, first=10_000 + taken)[0]
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/traces", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                assert answer.status == 200
            taken += 1
        said = json.loads(loading.communicate()[0])
    assert said["spans"] == 12_000
    assert stored(terminal.home)[0] == 12_000 + taken
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/traces/{1:032x}", timeout=SECONDS) as answer:
        assert len(json.load(answer)["steps"]) == 100
    assert "Traceback" not in log.read_text()


def test_ctrl_c_leaves_what_was_committed_and_says_how_much(terminal: Terminal) -> None:
    with terminal.started_ingest("-", stdin=subprocess.PIPE) as loading:
        assert loading.stdin is not None
        loading.stdin.write(b"\n".join(requests(90)) + b"\n")
        loading.stdin.flush()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not _has_spans(terminal.home):
            time.sleep(0.05)
        loading.send_signal(signal.SIGINT)  # standard input stays open, and silent
        assert loading.wait(timeout=SECONDS) == 130
        assert loading.stderr is not None
        last = loading.stderr.read().decode().splitlines()[-1]
    spans, _ = stored(terminal.home)
    assert spans >= 4000
    assert spans % 100 == 0
    assert last.startswith(f"Stopped. {spans:,} spans and 0 scores")


def _has_spans(home: Path) -> bool:
    try:
        return stored(home)[0] > 0
    except sqlite3.OperationalError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_on_a_terminal_there_is_a_bar_of_bytes_and_spans(terminal: Terminal) -> None:
    (terminal.home / "x.jsonl").write_bytes(b"\n".join(requests(120)))
    ours, theirs = pty.openpty()
    with terminal.started_ingest("x.jsonl", stderr=theirs) as loading:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        assert loading.wait(timeout=SECONDS) == 0
    os.close(ours)
    assert b"\r\x1b[K[#" in shown
    assert b"spans/s" in shown
    assert b" of " in shown
