"""The demo as a newcomer starts it, and a browser to look at it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-artifacts" / "browser"
READY_SECONDS = 120
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


MEASURED = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the stories measured, also where a run is not asked for its output."""
    if lines := config.stash.get(MEASURED, []):
        terminalreporter.section("measured in the browser")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep one line for the end of the run."""
    return request.config.stash.setdefault(MEASURED, []).append


def chromium() -> str | None:
    """A Chromium of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    workspace: str
    pages: str
    agent: str

    def fail(self, fault: str) -> None:
        """Switch the agent's fault."""
        body = json.dumps({"fault": fault}).encode()
        request = urllib.request.Request(f"{self.agent}/fault", body, {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=5).close()

    def state(self) -> dict[str, Any]:
        """What the agent says about itself."""
        return read(f"{self.agent}/state")

    def api(self, path: str) -> dict[str, Any]:
        """An answer of the JSON API."""
        return read(f"{self.pages}/api/v1/{path}")

    def post(self, path: str, body: dict[str, Any], by: str) -> dict[str, Any]:
        """One call of the JSON API by somebody, and its answer."""
        headers = {"Content-Type": "application/json", "Firstfive-Actor": by}
        request = urllib.request.Request(f"{self.pages}/api/v1/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def read(url: str) -> dict[str, Any]:
    """A JSON document."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s: {what}")


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """`firstfive demo`, ended by Ctrl-C; everything it started must be gone afterwards."""
    env = {**os.environ, "FIRSTFIVE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", str(free_port())]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield until(lambda: _started(process, lines), READY_SECONDS, "the demo has started")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        reader.join(5)
        if process.stdout:
            process.stdout.close()


def _collect(process: "subprocess.Popen[str]", lines: list[str]) -> None:
    assert process.stdout is not None
    for line in iter(process.stdout.readline, ""):
        lines.append(line)  # noqa: PERF402 - each line must be seen as it comes


def _started(process: "subprocess.Popen[str]", lines: list[str]) -> Demo | None:
    if process.poll() is not None:
        pytest.fail("the demo ended: " + "".join(lines))
    said = dict(line.split(" ", 1) for line in lines if line.startswith(("workspace ", "pages ")))
    agent = next((line for line in lines if "http://" in line and "fail" in line), None)
    if len(said) < 2 or agent is None:
        return None
    address = agent[agent.index("http://") :].split()[0].rstrip(".,")
    return Demo(said["workspace"].strip(), said["pages"].strip(), address)


@pytest.fixture
def browsers() -> Iterator[tuple[Playwright, str]]:
    """Playwright and a Chromium. Without a browser: skipped aloud, or failed where one is required."""
    found = chromium()
    if found is None:
        if os.environ.get("FIRSTFIVE_BROWSER") == "required":
            pytest.fail("no Chromium found; install Debian's package chromium")
        pytest.skip("NO BROWSER: the whole path was NOT tested in a browser. Install chromium and run again.")
    with sync_playwright() as playwright:
        yield playwright, found


@pytest.fixture
def page(browsers: tuple[Playwright, str], tmp_path: Path) -> Iterator[Page]:
    """A page on a desk."""
    playwright, found = browsers
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path / "profile"), executable_path=found, args=FLAGS, viewport={"width": 1280, "height": 1100}
    )
    yield context.pages[0] if context.pages else context.new_page()
    context.close()


@pytest.fixture
def phone(browsers: tuple[Playwright, str]) -> Iterator[Page]:
    """A page on a phone, and without scripts."""
    playwright, found = browsers
    browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
    yield browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    browser.close()


@pytest.fixture
def picture(page: Page) -> Callable[[str], None]:
    """Save what the browser shows, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def save(name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}.png")

    return save
