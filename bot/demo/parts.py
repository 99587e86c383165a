"""The parts of the demo: how each is started, waited for, and heard of."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from urllib.error import URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from bot.demo.agent.faults import DESCRIPTIONS, Fault
from bot.demo.children import Child, start
from bot.demo.keyboard import KEYS, Keyboard
from bot.demo.workspace import Workspace, WorkspaceConfig, start_workspace
from bot.incident.quantities import duration
from bot.settings.home import HomeSettings

DEFAULT_PORT = 8080
WORKSPACE_PORT = 3477
_PORTS_TRIED = 50
_READY_SECONDS = 60.0
_AGENT_SECONDS = 30.0
_LOOK_SECONDS = 0.25


class DemoError(Exception):
    """The demo cannot go on; the message is for the user."""


@dataclass(slots=True)
class Demo:
    """The running parts."""

    home: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    opener: OpenerDirector = field(default_factory=lambda: build_opener(ProxyHandler({})))

    @property
    def logs(self) -> Path:
        """Where every part's output goes."""
        return self.home / "logs"

    def start_workspace(self) -> Workspace:
        """Start the local Slack."""
        self.say("starting the local Slack workspace")
        workspace = start_workspace(self.home, free_port(WORKSPACE_PORT), WorkspaceConfig(), self.say)
        self.children.append(Child("workspace", workspace.process, workspace.log_path))
        if not workspace.confined:
            self.say("Note: the workspace listens on all interfaces of this machine; use a trusted network.")
        return workspace

    def start_bot(self, workspace: Workspace, port: int) -> str:
        """Start the bot and return its address once it is ready."""
        self.say("starting the bot")
        command = [sys.executable, "-m", "bot", "serve"]
        self.children.append(start("bot", command, bot_environment(self.home, workspace, port), self.logs))
        url = f"http://127.0.0.1:{port}"
        self._wait(lambda: self._answers(f"{url}/readyz"), _READY_SECONDS, "the bot was not ready")
        return url

    def start_agent(self, bot: str, fault: Fault) -> str:
        """Start the simulated helpdesk and return its page once its history is told."""
        self.say("starting the simulated helpdesk; it tells its last 45 minutes first")
        address = self.home / "helpdesk.address"
        address.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bot.demo.helpdesk", "--bot", bot, "--fault", fault.value]
        command += ["--address-file", str(address)]
        self.children.append(start("helpdesk", command, {**_plain(), "PYTHONUNBUFFERED": "1"}, self.logs))
        self._wait(lambda: address.exists() and bool(address.read_text()), _AGENT_SECONDS, "the helpdesk did not start")
        url = address.read_text(encoding="utf-8")
        self._wait(lambda: self._running(url), _AGENT_SECONDS, "the helpdesk did not start to serve")
        return url

    def stay(self, agent: str, keys: Keyboard) -> None:
        """Stay until a part ends, passing keys on as faults.

        Raises:
            DemoError: a part ended by itself.
        """
        while True:
            self._check()
            if not keys.listens:
                time.sleep(_LOOK_SECONDS)
                continue
            fault = KEYS.get(keys.key(_LOOK_SECONDS) or "")
            if fault is not None:
                self._switch(agent, fault)

    def _switch(self, agent: str, fault: Fault) -> None:
        body = json.dumps({"fault": fault.value}).encode()
        request = Request(f"{agent}/fault", body, {"Content-Type": "application/json"})  # noqa: S310  our own page
        try:
            with self.opener.open(request, timeout=2.0):
                self.say(f"fault {fault.value}: {DESCRIPTIONS[fault]}")
        except (URLError, OSError):
            self.say("The helpdesk does not answer; try again.")

    def _wait(self, done: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            self._check()
            if time.monotonic() > deadline:
                raise DemoError(f"{otherwise} within {duration(seconds)}; see the logs in {self.logs}.")
            time.sleep(0.05)

    def _check(self) -> None:
        for child in self.children:
            if child.ended:
                raise DemoError(child.last_words())

    def _answers(self, url: str) -> bool:
        try:
            with self.opener.open(url, timeout=2.0):
                return True
        except (URLError, OSError):
            return False

    def _running(self, agent: str) -> bool:
        try:
            with self.opener.open(f"{agent}/state", timeout=2.0) as answer:
                return bool(json.load(answer)["running"])
        except (URLError, OSError):
            return False


def bot_environment(home: Path, workspace: Workspace, port: int) -> dict[str, str]:
    """Return the bot's environment: the demo's own settings only, whatever the caller's shell has set."""
    return {
        **_plain(),
        "FIRSTFIVE_HOME": str(home),
        "FIRSTFIVE_DATABASE_URL": HomeSettings(str(home)).database,
        "FIRSTFIVE_CATALOGUE": str(files("bot.demo").joinpath("agents.yaml")),
        "FIRSTFIVE_HOST": "127.0.0.1",
        "FIRSTFIVE_PORT": str(port),
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def free_port(wanted: int) -> int:
    """Return `wanted` or the next free port above it on loopback.

    Raises:
        DemoError: none of the next fifty is free.
    """
    for port in range(wanted, wanted + _PORTS_TRIED):
        if not taken(port):
            return port
    raise DemoError(f"No port from {wanted} to {wanted + _PORTS_TRIED - 1} is free.")


def _plain() -> dict[str, str]:
    """Return the environment without anybody's settings: a demo never reaches a real workspace or database."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTFIVE_", "SLACK_", "OTEL_"))}


def taken(port: int) -> bool:
    """Whether somebody else listens there, on loopback."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return False
    except OSError:
        return True
