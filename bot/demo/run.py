"""`firstfive demo`: starts the workspace, the bot and the simulated helpdesk, and ends all of them together."""

import json
import os
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from bot.demo.agent.faults import DESCRIPTIONS, Fault
from bot.demo.children import Child, end_all, start
from bot.demo.keyboard import KEYS, Keyboard, keyboard
from bot.demo.local_slack import WorkspaceError
from bot.demo.workspace import Workspace, WorkspaceConfig, start_workspace
from bot.incident.quantities import duration
from bot.settings.home import HomeSettings

try:
    import fcntl
except ImportError:  # Windows has none; there two demos are the user's own affair
    fcntl = None  # type: ignore[assignment]  # a module or nothing

DEFAULT_PORT = 8080
WORKSPACE_PORT = 3477

_PORTS_TRIED = 50
_READY_SECONDS = 60.0
_AGENT_SECONDS = 30.0
_LOOK_SECONDS = 0.25


class DemoError(Exception):
    """The demo cannot go on; the message is for the user."""


class _Ended(Exception):
    """Ctrl-C or SIGTERM."""


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


def run_demo(home: Path, port: int | None, open_browser: bool, fault: str) -> int:  # noqa: FBT001  named at the call
    """Run the demo until Ctrl-C; return 0 then, 1 when a part fails, 2 for a fault that does not exist.

    Without a `port` the bot takes 8080 or the next free one.
    """
    if fault not in set(Fault):
        print(f"firstfive demo: There is no fault {fault}; choose one of {', '.join(Fault)}.", file=sys.stderr)
        return 2
    demo = Demo(home.absolute(), lambda line: print(line, flush=True))
    before = _end_on_signals()
    try:
        with _alone(demo.home):
            _run(demo, port, Fault(fault), open_browser)
    except (DemoError, WorkspaceError) as why:
        print(f"firstfive demo: {why}", file=sys.stderr)
        return 1
    except _Ended:
        demo.say("ending")
        return 0
    finally:
        _ignore_signals(before)
        end_all(demo.children)
        _restore_signals(before)
    return 0


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One demo a home: two would share database, logs and the helpdesk's address. The lock ends with the process."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "demo.lock").open("w")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DemoError(f"{home} cannot be used ({reason}). Set FIRSTFIVE_HOME to a folder you can write.") from error
    with lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise DemoError(
                    f"A demo runs in {home} already. End it with Ctrl-C, or set FIRSTFIVE_HOME to another folder."
                ) from error
        yield


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
        if not _taken(port):
            return port
    raise DemoError(f"No port from {wanted} to {wanted + _PORTS_TRIED - 1} is free.")


def _run(demo: Demo, port: int | None, fault: Fault, open_browser: bool) -> None:  # noqa: FBT001  as above
    if port is not None and _taken(port):
        raise DemoError(f"Port {port} is taken; choose another with --port, or leave it out.")
    workspace = demo.start_workspace()
    bot = demo.start_bot(workspace, free_port(DEFAULT_PORT) if port is None else port)
    agent = demo.start_agent(bot, fault)
    with keyboard() as keys:
        _invite(demo.say, workspace.url, bot, agent, keys)
        if open_browser:
            # A text browser would take the terminal; a window opens beside it.
            threading.Thread(target=webbrowser.open, args=(workspace.url,), daemon=True).start()
        demo.stay(agent, keys)


def _invite(say: Callable[[str], None], workspace: str, bot: str, agent: str, keys: Keyboard) -> None:
    say(f"workspace {workspace}")
    say(f"pages {bot}")
    say("Try: open the workspace, type /incident in #general and declare what you see.")
    say(f"Let the agent fail first, at {agent}" + (", or with a key:" if keys.listens else "."))
    if keys.listens:
        say("  " + "  ".join(f"{key} {fault.value}" for key, fault in KEYS.items()))
    say("Ctrl-C ends everything.")


def _plain() -> dict[str, str]:
    """Return the environment without anybody's settings: a demo never reaches a real workspace or database."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTFIVE_", "SLACK_", "OTEL_"))}


def _taken(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return False
    except OSError:
        return True


_Handlers = dict[signal.Signals, "signal.Handlers | int | Callable[[int, FrameType | None], object] | None"]


def _end_on_signals() -> _Handlers:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise _Ended

    return {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}


def _ignore_signals(handlers: _Handlers) -> None:
    """A second Ctrl-C must not leave half of the parts running."""
    for number in handlers:
        signal.signal(number, signal.SIG_IGN)


def _restore_signals(handlers: _Handlers) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
