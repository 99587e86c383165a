"""The client against a server on a real socket: changes, restarts, refusals, forks, and no server at all."""

import asyncio
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest
from control_server import AGENT, ControlServer, rule

from firstfive_client import AsyncClient, Client, Halted, Tool


def until(true: Callable[[], object], within: float = 10.0) -> None:
    deadline = monotonic() + within
    while not true():
        assert monotonic() < deadline, "it did not happen"
        sleep(0.005)


@pytest.fixture
def server() -> ControlServer:
    return ControlServer()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept.json"


def halted(client: Client) -> bool:
    return client.controls().halt


def test_a_halt_arrives_is_reported_and_ends(server: ControlServer, kept: Path) -> None:
    with (
        server.running() as url,
        Client(url, agent=AGENT, environment="production", instance="i1", keep=kept) as client,
    ):
        client.check()
        until(lambda: client.standing.in_touch)
        server.set(rule("halt"))
        until(lambda: halted(client))
        until(lambda: any(beat["applied"] == ["m1"] for beat in server.beats))
        assert server.beats[-1]["instance"] == "i1"
        assert server.asked[0] == {"agent": [AGENT], "environment": ["production"], "instance": ["i1"]}
        server.set()
        until(lambda: not halted(client))
        until(lambda: client._core.instances == 2)


def test_what_was_known_holds_while_the_server_is_away_and_is_renewed_when_it_is_back(
    server: ControlServer, kept: Path
) -> None:
    with server.running() as url:
        client = Client(url, agent=AGENT, keep=kept).start()
        server.set(rule("halt"))
        until(lambda: halted(client))
    until(lambda: not client.standing.in_touch)
    assert halted(client)
    server.rules, server.revision = [], server.revision + 1
    with server.running():
        until(lambda: not halted(client))
        assert client.standing.from_server
        client.close()


def test_a_restart_during_an_outage_does_not_forget_a_halt(server: ControlServer, kept: Path) -> None:
    server.set(rule("halt"))
    with server.running() as url, Client(url, agent=AGENT, token="wish", keep=kept):
        until(kept.exists)
    with Client(f"http://127.0.0.1:{server.port}", agent=AGENT, token="wish", keep=kept) as restarted:
        with pytest.raises(Halted):
            restarted.check()
        assert (restarted.standing.known, restarted.standing.from_server) == (True, False)


def test_with_no_server_and_no_file_the_start_returns_and_risky_tools_are_refused(kept: Path) -> None:
    begun = monotonic()
    tools = {"refund": Tool(risky=True)}
    with Client("http://127.0.0.1:9", agent=AGENT, keep=kept, tools=tools).start(0.1) as client:
        client.check()
        with pytest.raises(Halted):
            client.check("refund")
    assert monotonic() - begun < 5


def test_a_wrong_token_is_said_once_and_a_right_one_is_taken_up(
    server: ControlServer, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.token, token = "wish", ["hope"]
    server.set(rule("halt"))
    with server.running() as url, Client(url, agent=AGENT, token=lambda: token[0], keep=kept).start(0.3) as client:
        sleep(0.3)
        assert not client.standing.known
        assert caplog.text.count("does not accept the control token") == 1
        token[0] = "wish"
        until(lambda: halted(client))


def test_where_no_stream_gets_through_it_keeps_asking(server: ControlServer, kept: Path) -> None:
    server.streaming = False
    with server.running() as url, Client(url, agent=AGENT, keep=kept) as client:
        server.set(rule("halt"))
        until(lambda: halted(client))
        assert server.streams == 0


def test_after_each_reconnect_everything_is_fetched_again(server: ControlServer, kept: Path) -> None:
    with server.running() as url:
        client = Client(url, agent=AGENT, keep=kept).start()
        until(lambda: server.streams == 1)
    with server.running():
        until(lambda: server.streams == 2)
        assert server.snapshots >= 2
        client.close()


def test_listeners_hear_of_changes_and_one_that_fails_harms_nobody(
    server: ControlServer, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bool] = []
    with server.running() as url, Client(url, agent=AGENT, keep=kept) as client:
        client.on_change(lambda controls: heard.append(bool(controls.revision / 0)))
        client.on_change(lambda controls: heard.append(controls.halt))
        server.set(rule("halt"))
        until(lambda: heard == [True])
    assert "A listener for changed controls failed" in caplog.text


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks beside threads, which are meant here
def test_a_forked_worker_has_a_connection_and_a_name_of_its_own(server: ControlServer, kept: Path) -> None:
    with server.running() as url, Client(url, agent=AGENT, keep=kept) as client:
        until(lambda: any(beat["instance"] == client.instance for beat in server.beats))
        reading, writing = os.pipe()
        seen, see = os.pipe()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                os.close(see)
                until(lambda: halted(client))
                os.write(writing, json.dumps([client.instance, threading.active_count()]).encode())
                os.read(seen, 1)  # its heartbeat was seen, or the test is over
            os._exit(0)
        until(lambda: server.streams == 2)
        server.set(rule("halt"))
        name, _ = json.loads(os.read(reading, 1000))
        assert name != client.instance
        until(lambda: halted(client))
        until(lambda: any(beat["instance"] == name and beat["applied"] == ["m1"] for beat in server.beats))
        os.close(see)
        os.waitpid(child, 0)
        for end in (reading, writing, seen):
            os.close(end)


async def test_under_asyncio_changes_are_awaited_and_a_blocked_loop_still_hears_of_a_halt(
    server: ControlServer, kept: Path
) -> None:
    with server.running() as url:
        async with AsyncClient(url, agent=AGENT, keep=kept) as client:
            changes = client.changes()
            assert not (await anext(changes)).halt
            until(lambda: client.standing.in_touch)
            server.set(rule("halt"))
            until(lambda: halted(client))  # nothing was awaited in between
            assert (await anext(changes)).halt
            await changes.aclose()  # type: ignore[attr-defined]


async def test_under_asyncio_it_connects_while_blocking_calls_fill_the_loops_threads(
    server: ControlServer, kept: Path
) -> None:
    leave = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as crowded, server.running() as url:
        loop.set_default_executor(crowded)
        blocked = loop.run_in_executor(None, leave.wait)
        try:
            async with asyncio.timeout(10), AsyncClient(url, agent=AGENT, keep=kept) as client:
                assert client.standing.known
        finally:
            leave.set()
            await blocked


async def test_under_asyncio_what_cannot_start_says_so(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = AsyncClient("http://127.0.0.1:1", agent=AGENT, keep=kept)

    def broken(wait: float) -> Client:
        raise OSError(wait)

    monkeypatch.setattr(client, "start", broken)
    with pytest.raises(OSError, match=r"2\.0"):
        await client.connect()


def test_a_folder_holds_a_file_of_its_own_for_each_agent(server: ControlServer, tmp_path: Path) -> None:
    with server.running() as url:
        for agent in ("billing_agent", "billing-agent"):
            Client(url, agent=agent, environment="production", keep=tmp_path).start().close()
    assert len(list(tmp_path.glob("billing-agent_production*.json"))) == 2
