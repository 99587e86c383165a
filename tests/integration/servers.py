"""Real servers as children of the test run: each in an environment of its own, on free ports of the loopback interface."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import NoReturn

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 150  # both need 15 s on an idle machine
STOP_SECONDS = 15
LOG_LINES = 20

# Phoenix offers no setting for the interface of its gRPC receiver and would open it to the network.
_PHOENIX = """
import sys
from grpc.aio._server import Server
bind = Server.add_insecure_port
Server.add_insecure_port = lambda self, address: bind(self, address.replace("[::]", "127.0.0.1"))
from phoenix.server.main import main
sys.argv = ["phoenix", "serve"]
sys.exit(main())
"""


@dataclass(frozen=True)
class Launch:
    """How to start a server: its command, its settings, and where it says that it is ready."""

    command: Sequence[str]
    settings: Mapping[str, str]
    url: str
    ready: str


def environment(name: str) -> Path:
    """The programs of a server's own environment; without it the test is skipped, or fails where it is required."""
    programs = REPOSITORY / f".venv-{name}" / "bin"
    if not (programs / "python").exists():
        missing(f"{name} is not installed; `make test-integration` installs it and runs these tests.")
    return programs


def missing(sentence: str) -> NoReturn:
    """Skip the test, or fail it where it is required."""
    if os.environ.get("FIRSTFIVE_INTEGRATION") == "required":
        pytest.fail(sentence)
    pytest.skip(sentence)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def phoenix(home: Path, key: str = "") -> Iterator[str]:
    """The address of a Phoenix that keeps its data in ``home``; with a key, only who has it is let in."""
    programs, port = environment("phoenix"), free_port()
    settings = {
        "PHOENIX_WORKING_DIR": str(home),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    if key:
        settings |= {"PHOENIX_ENABLE_AUTH": "true", "PHOENIX_SECRET": key[::-1], "PHOENIX_ADMIN_SECRET": key}
    url = f"http://127.0.0.1:{port}"
    with running(Launch([str(programs / "python"), "-c", _PHOENIX], settings, url, "/healthz"), home):
        yield url


@contextmanager
def mlflow(home: Path) -> Iterator[str]:
    """The address of an MLflow tracking server that keeps its data in ``home``."""
    programs, port = environment("mlflow"), free_port()
    where = ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--default-artifact-root", f"{home}/artifacts"]
    listen = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    url = f"http://127.0.0.1:{port}"
    with running(Launch([str(programs / "mlflow"), "server", *listen, *where], settings, url, "/health"), home):
        yield url


@contextmanager
def running(launch: Launch, home: Path) -> Iterator[None]:
    """The server runs and is ready; afterwards its whole process group has ended. It says what went wrong."""
    log = home / "server.log"
    # Nothing of the surroundings but the path: no proxies, no exporters, no credentials
    around = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "DO_NOT_TRACK": "true",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch.command,
            env={**around, **launch.settings},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _until_ready(process, launch, log)
            yield
        finally:
            _end(process)


def _until_ready(process: "subprocess.Popen[bytes]", launch: Launch, log: Path) -> None:
    until = monotonic() + START_SECONDS
    while monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{launch.url}{launch.ready}", trust_env=False, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        sleep(0.25)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:])
    pytest.fail(f"{Path(launch.command[0]).parent.parent.name} did not get ready; the end of its log:\n{tail}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End our child and all it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
