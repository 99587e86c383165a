"""A server and commands beside it on one database; it ends quickly and starts again after a crash."""

import json
import signal
import socket
import time
import urllib.request
from typing import Any

import psycopg
import pytest

from bot.app.listening import bound
from bot.incident.control_words import NONE_IN_FORCE
from bot.settings.server import ServerSettings
from tests.cli.conftest import SECONDS, Terminal
from tests.contracts.conftest import another_database

BULK = "/ofrep/v1/evaluate/flags"


def halted(port: int) -> bool:
    body = json.dumps({"context": {"targetingKey": "a", "agent": "a"}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{BULK}/agent.halt", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return bool(json.load(answer)["value"])


def test_a_halt_from_the_terminal_is_seen_within_a_second_and_survives_a_crash(terminal: Terminal) -> None:
    server, port, _ = terminal.serve()
    assert not halted(port)
    done = terminal.run("control", "halt", "--agent", "a", FIRSTFIVE_PORT=str(port))
    assert (done.returncode, "no server" in done.stderr) == (0, False), done.stderr
    until = time.monotonic() + 1
    while not halted(port) and time.monotonic() < until:
        time.sleep(0.02)
    assert halted(port)
    server.kill()
    server.wait()
    _, port, _ = terminal.serve()
    assert halted(port)
    asked = terminal.run("control", "resume", "--agent", "a", "--reason", "calm")
    assert (asked.returncode, "A second person answers" in asked.stdout) == (0, True)
    question = asked.stdout.split()[-1]
    own = terminal.run("control", "approve", question)
    assert (own.returncode, "somebody else has to approve" in own.stderr) == (1, True)
    assert halted(port)
    other = terminal.run("control", "approve", question, LOGNAME="ben")
    assert (other.returncode, "reverted" in other.stdout) == (0, True)
    checked = terminal.run("audit", "verify", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["ok"]) == (0, True)


def test_a_halt_that_no_server_tells_agents_of_says_so(terminal: Terminal) -> None:
    done = terminal.run("control", "halt", "--agent", "a")
    assert (done.returncode, "agents hear of it from a server only" in done.stderr) == (0, True)


def post(port: int, path: str, **body: str) -> dict[str, Any]:
    heads = {"Content-Type": "application/json", "Firstfive-Actor": "ana"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}", json.dumps(body).encode(), heads)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_the_first_click_on_an_empty_database_finds_the_tables_of_its_timers(terminal: Terminal, postgres: str) -> None:
    with another_database(postgres) as url:
        _, port, _ = terminal.serve(FIRSTFIVE_DATABASE_URL=url)
        at_first = tables_of_timers(url)
        assert post(port, "/mitigations", agent="a", kind="halt")["state"] == "applied"
        time.sleep(1)  # what is still being made would be there now
        assert tables_of_timers(url) == at_first
        terminal.close()


def tables_of_timers(url: str) -> set[tuple[Any, ...]]:
    wanted = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'dbos'"
    with psycopg.connect(url) as connection:
        return set(connection.execute(wanted.encode()).fetchall())


def test_a_second_person_at_a_terminal_starts_what_is_locked(terminal: Terminal) -> None:
    _, port, _ = terminal.serve()
    key = post(port, "/incidents", title="It hangs", agent="a")["key"]
    made = post(
        port, f"/incidents/{key}/remediations", kind="restart", reason="it hangs", override="the queue is empty"
    )
    (question,) = made["waiting"]
    listed = terminal.run("control", "list", LOGNAME="ben")
    assert "ana asks: start Restart in spite of its lock. A second person answers until" in listed.stdout
    short = terminal.run("control", "list", "--incident", key.removeprefix("INC-"))
    assert short.stdout == listed.stdout.replace("No mitigation is in force.", NONE_IN_FORCE)
    own = terminal.run("control", "approve", question["id"], LOGNAME="ana")
    assert (own.returncode, "somebody else has to approve" in own.stderr) == (1, True)
    other = terminal.run("control", "approve", question["id"], LOGNAME="ben")
    assert (other.returncode, other.stdout) == (
        0,
        f"{question['id']}  to start Restart in spite of its lock: granted  {key}\n",
    )


def test_what_repairs_is_started_and_ended_at_a_terminal_behind_its_gate(terminal: Terminal) -> None:
    assert terminal.run("control", "drain", "--agent", "a").returncode == 0
    listed = terminal.run("remediate", "INC-1", "list")
    assert (listed.returncode, "locked  Restart: " in listed.stdout) == (0, True), listed.stderr
    locked = terminal.run("remediate", "INC-1", "restart", "--reason", "it hangs")
    assert (locked.returncode, "goes with --override" in locked.stderr) == (1, True)
    why = ("--reason", "it hangs", "--override", "the queue is empty")
    asked = terminal.run("remediate", "INC-1", "restart", *why, LOGNAME="ana")
    assert (asked.returncode, "A second person answers until" in asked.stdout) == (0, True), asked.stderr
    approved = terminal.run("control", "approve", asked.stdout.split()[-1], LOGNAME="ben")
    assert approved.returncode == 0, approved.stderr
    found = json.loads(terminal.run("remediate", "INC-1", "list", "--json").stdout)
    (started,) = found["started"]
    ended = terminal.run("remediate", "INC-1", "worked", started["id"], "--reason", "it answers again")
    assert "Restart: worked in spite of its lock" in ended.stdout
    rows = terminal.run("audit", "export", "--agent", "a").stdout.splitlines()
    overrides = [row for row in map(json.loads, rows) if not row["mitigation"]]
    assert [(row["action"], row["actor"], row["approver"]) for row in overrides] == [
        ("approval_requested", "cli:ana", None),
        ("remediation_started", "cli:ana", "cli:ben"),
    ]
    assert overrides[1]["reason"] == "the queue is empty"
    assert terminal.run("audit", "verify").returncode == 0


def test_a_refused_control_leaves_no_incident_behind(terminal: Terminal) -> None:
    for words in (("turn-limit",), ("halt", "--limit", "3"), ("halt", "--minutes", "-5")):
        assert terminal.run("control", *words, "--agent", "a").returncode == 2
    assert "No incident" in terminal.run("postmortem", "INC-1").stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_with_an_open_stream(terminal: Terminal, number: signal.Signals) -> None:
    server, port, log = terminal.serve()
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as stream:
        stream.sendall(b"GET /ofrep/v1/events?agent=a&environment= HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.recv(12) == b"HTTP/1.1 200"
        server.send_signal(number)
        assert server.wait(timeout=5) == 0
    assert "Traceback" not in log.read_text()


def test_kept_connections_get_their_answers_at_once() -> None:
    """asyncio sets TCP_NODELAY only on connections of a socket that names its protocol."""
    with bound(ServerSettings(port=0)) as listener:
        assert listener.proto == socket.IPPROTO_TCP
