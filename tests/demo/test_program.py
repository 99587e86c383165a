"""The helpdesk as a program, its page, its history, and the parts the demo starts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bot.demo.agent.history import Past, tell
from bot.demo.agent.telemetry import log_exporter, span_exporter
from bot.demo.children import end_all, start
from bot.demo.local_slack import WorkspaceError, platform_package
from bot.demo.run import run_demo
from bot.demo.workspace import SlackApp, WorkspaceConfig, start_workspace
from tests.demo.bot_stub import BotStub, bot_stub
from tests.demo.past_spans import END_NS


@pytest.fixture
def bot() -> Iterator[BotStub]:
    with bot_stub() as stub:
        yield stub


@pytest.fixture
def page(bot: BotStub, tmp_path: Path) -> Iterator[str]:
    address = tmp_path / "address"
    command = [sys.executable, "-m", "bot.demo.helpdesk", "--bot", bot.url, "--address-file", str(address)]
    process = subprocess.Popen([*command, "--backfill-minutes", "0", "--rate", "600/min"], stdout=subprocess.DEVNULL)
    try:
        until(lambda: address.exists() and bool(address.read_text()))
        yield address.read_text()
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def until(happened: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def state(page: str) -> dict[str, object]:
    read: dict[str, object] = httpx.get(f"{page}/state", trust_env=False).json()
    return read


def switch(page: str, body: bytes, **headers: str) -> int:
    return httpx.post(f"{page}/fault", content=body, headers=headers, trust_env=False).status_code


def test_forty_five_minutes_are_told_in_a_few_seconds_and_arrive_whole(bot: BotStub) -> None:
    began = time.monotonic()
    past = Past(END_NS, minutes=45, rate=40, seed=7, instance="helpdesk-test")
    spans, logs = span_exporter(bot.url), log_exporter(bot.url)
    told = tell(past, spans, logs, lambda _: None)
    took = time.monotonic() - began
    assert told.delivered
    assert told.tasks > 1500
    assert bot.span_count() == told.spans
    resource = bot.traces[0].resource_spans[0].resource.attributes
    assert {"simulated"} == {a.value.string_value for a in resource if a.key == "deployment.environment.name"}
    first = min(
        s.start_time_unix_nano for r in bot.traces for g in r.resource_spans for c in g.scope_spans for s in c.spans
    )
    assert 44 * 60 < (END_NS - first) / 1e9 <= 45 * 60
    assert took < 15  # about three seconds on a quiet machine


def test_the_program_serves_switches_and_halts(bot: BotStub, page: str) -> None:
    until(lambda: bot.span_count() > 20)
    assert switch(page, b'{"fault": "hard"}', **{"Content-Type": "application/json"}) == 200
    until(lambda: "failed" in str(state(page)["outcomes"]))
    assert switch(page, b"fault=none") == 200
    assert state(page)["fault"] == "none"
    bot.flags["agent.halt"] = True
    until(lambda: state(page)["halted"], seconds=2)
    until(lambda: "halted" in str(state(page)["outcomes"]), seconds=2)
    assert "Simulated helpdesk" in httpx.get(page, trust_env=False).text


def test_the_switch_refuses_what_it_does_not_know_and_other_sites(page: str) -> None:
    assert switch(page, b"fault=gremlins") == 400
    assert switch(page, b"{", **{"Content-Type": "application/json"}) == 400
    assert switch(page, b"fault=loop", Origin="https://elsewhere.example") == 403
    assert switch(page, b"fault=loop", Host="rebound.example") == 403
    assert state(page)["fault"] == "none"


def test_the_workspace_is_reachable_from_this_machine_only_even_with_spaces_in_its_path(tmp_path: Path) -> None:
    home = tmp_path / "home with spaces"
    try:
        workspace = start_workspace(home, 0, WorkspaceConfig(), lambda _: None)
    except WorkspaceError as why:
        pytest.skip(f"LOUD: the local workspace was NOT tested: {why}")
    try:
        assert workspace.confined
        headers = {"Authorization": f"Bearer {workspace.bot_token}"}
        answer = httpx.post(f"{workspace.api_url}auth.test", headers=headers, trust_env=False)
        assert answer.json()["ok"] is True
    finally:
        workspace.process.terminate()
        workspace.process.wait(timeout=10)


def test_an_app_with_a_request_url_is_called_over_http() -> None:
    config = WorkspaceConfig(apps=(SlackApp(request_url="http://127.0.0.1:1/slack/events"),))
    (app,) = json.loads(config.as_json())["apps"]
    assert app["mode"] == "events"
    assert app["requestUrl"].endswith("/slack/events")


def test_the_package_fits_the_machine_or_one_sentence_says_so() -> None:
    assert platform_package("darwin", "arm64") == "local-slack-darwin-arm64"
    assert platform_package("linux", "x86_64") == "local-slack-linux-x64"
    with pytest.raises(WorkspaceError, match="no local Slack workspace for plan9"):
        platform_package("plan9", "mips")


def test_parts_end_together_even_those_that_do_not_want_to(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = start("deaf", [sys.executable, "-c", deaf], os.environ, tmp_path)
    polite = start("polite", [sys.executable, "-c", "import time; time.sleep(60)"], os.environ, tmp_path)
    until(lambda: "on" in child.log_path.read_text())
    end_all([child, polite], grace=0.5)
    assert child.process.returncode == -signal.SIGKILL
    assert polite.process.returncode == -signal.SIGTERM


def test_a_part_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    child = start("bot", [sys.executable, "-c", "raise SystemExit('no such table')"], os.environ, tmp_path)
    child.process.wait(timeout=10)
    assert child.ended
    assert "the bot ended with code 1" in child.last_words()
    assert "no such table" in child.last_words()


def test_a_fault_that_does_not_exist_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(tmp_path, None, open_browser=False, fault="gremlins") == 2
    assert "There is no fault gremlins; choose one of none, loop" in capsys.readouterr().err


def test_a_port_asked_for_and_taken_is_one_sentence(
    bot: BotStub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = int(bot.url.rsplit(":", 1)[1])
    assert run_demo(tmp_path, port, open_browser=False, fault="none") == 1
    assert f"Port {port} is taken" in capsys.readouterr().err
