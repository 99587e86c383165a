"""The local Slack workspace: its people and channels, its start, and its confinement to this machine."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from bot.demo.local_slack import Say, WorkspaceError, local_slack_binary
from bot.incident.quantities import duration

_START_SECONDS = 15.0
_PROBE_SECONDS = 0.3

# local-slack has no option for the address it listens on. It runs on Bun, which loads a file first when told to.
_CONFINE = 'const serve = Bun.serve; Bun.serve = (options) => serve({ ...options, hostname: "127.0.0.1" });\n'


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The app as the workspace knows it. With a request URL it is called over HTTP, else over Socket Mode."""

    name: str = "firstfive"
    app_id: str = "A01FIRSTFIVE"
    bot_user: str = "U0FIRSTFIVE"
    bot_token: str = "xoxb-firstfive-demo"  # noqa: S105  a token of the local workspace only
    app_token: str = "xapp-firstfive-demo"  # noqa: S105  as above
    signing_secret: str = "firstfive-demo-signing-secret"  # noqa: S105  as above
    request_url: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses the workspace in the browser."""

    id: str
    name: str
    real_name: str


PEOPLE = (
    Person("U01ANA", "ana", "Ana Ferreira"),
    Person("U02BEN", "ben", "Ben Okafor"),
    Person("U03CHO", "cho", "Cho Min-ji"),
)
CHANNELS = (("C01GENERAL", "general", "Everything"), ("C02HELPDESK", "helpdesk", "The helpdesk agent's owners"))


@dataclass(frozen=True, slots=True)
class Workspace:
    """A running workspace. `confined` tells whether only this machine can reach it, as far as was seen."""

    url: str
    api_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    process: "subprocess.Popen[bytes]"
    confined: bool
    log_path: Path


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """What the workspace holds at its start."""

    apps: Sequence[SlackApp] = field(default_factory=lambda: (SlackApp(),))
    people: Sequence[Person] = PEOPLE

    def as_json(self) -> str:
        """Return it as the binary reads it."""
        members = [person.id for person in self.people] + [app.bot_user for app in self.apps]
        return json.dumps(
            {
                "workspace": {"name": "firstfive demo", "domain": "firstfive-demo", "teamId": "T01FIRSTFIVE"},
                "apps": [_app(app) for app in self.apps],
                "users": [
                    {
                        "id": person.id,
                        "name": person.name,
                        "real_name": person.real_name,
                        "email": f"{person.name}@example.com",
                        "tz": "Europe/Berlin",
                    }
                    for person in self.people
                ],
                "channels": [
                    {"id": channel, "name": name, "purpose": purpose, "members": members}
                    for channel, name, purpose in CHANNELS
                ],
            },
            indent=1,
        )


def start_workspace(
    home: Path, port: int, config: WorkspaceConfig, say: Say, connected: Callable[[int], bool] | None = None
) -> Workspace:
    """Start the workspace on `port` (0 takes a free one) and return it once it answers.

    `say` hears one line per step. `connected` replaces the check that other addresses of this
    machine do not reach the port.

    Raises:
        WorkspaceError: the binary cannot be had, or it does not start.
    """
    binary = local_slack_binary(home, say)
    folder = home / "workspace"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workspace.json").write_text(config.as_json(), encoding="utf-8")
    (folder / "confine.js").write_text(_CONFINE, encoding="utf-8")
    log_path = home / "logs" / "workspace.log"
    port = port or _free_port()
    process = _launch(binary, folder, port, log_path)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(process, url, log_path)
    except BaseException:  # whoever gives up here, Ctrl-C included, leaves no process behind
        process.kill()
        process.wait()
        raise
    app = config.apps[0]
    return Workspace(
        url=url,
        api_url=f"{url}/api/",
        bot_token=app.bot_token,
        app_token=app.app_token,
        signing_secret=app.signing_secret,
        process=process,
        confined=not (connected or reachable_from_outside)(port),
        log_path=log_path,
    )


def reachable_from_outside(port: int) -> bool:
    """Return whether `port` answers on an address of this machine that others can reach; True when unsure."""
    listening = _listening_addresses(port)
    if listening is not None:
        return any(address not in {"0100007F", "00000000000000000000000001000000"} for address in listening)
    addresses = _own_addresses()
    return not addresses or any(_answers(address, port) for address in addresses)


def _app(app: SlackApp) -> dict[str, str]:
    settings = {
        "appId": app.app_id,
        "botUserId": app.bot_user,
        "botName": app.name,
        "botToken": app.bot_token,
        "appToken": app.app_token,
        "signingSecret": app.signing_secret,
        "mode": "socket" if app.request_url is None else "events",
    }
    if app.request_url is not None:
        settings["requestUrl"] = app.request_url
    return settings


def _launch(binary: Path, folder: Path, port: int, log_path: Path) -> "subprocess.Popen[bytes]":
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = [str(binary.resolve()), "--config", "workspace.json", "--port", str(port)]
    # A relative path, because the option is split at spaces and a home may have some.
    environment = {**os.environ, "BUN_OPTIONS": "--preload ./confine.js"}
    with log_path.open("wb") as log:
        try:
            return subprocess.Popen(  # noqa: S603  the binary just installed, fixed arguments
                [*command, "--base-host", "127.0.0.1"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as why:
            raise WorkspaceError(f"The local workspace {binary} does not start: {why.strerror}.") from why


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str, log_path: Path) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
            raise WorkspaceError(f"The local workspace ended at its start and said: {said[0][:200]}")
        try:
            with opener.open(url, timeout=1.0):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise WorkspaceError(f"The local workspace did not answer in {duration(_START_SECONDS)}; see {log_path}.")


def _listening_addresses(port: int) -> list[str] | None:
    """Return the addresses (hex, as Linux writes them) that listen on `port`; None where they cannot be read."""
    listen_state = "0A"
    found = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state = line.split()[:4]
            address, _, number = local.partition(":")
            if state == listen_state and int(number, 16) == port:
                found.append(address)
    return found or None


def _own_addresses() -> list[str]:
    try:
        known = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    addresses = {str(entry[4][0]) for entry in known}
    return sorted(address for address in addresses if not address.startswith("127.") and address != "::1")


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
