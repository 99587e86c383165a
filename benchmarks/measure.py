"""What benchmarks share: the JSON line of a measure, servers as child processes, a bounded HTTP load."""

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the result. ``met`` is None where it could not be run; ``note`` says why."""

    measure: str
    value: float | None
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    n: int = 0
    note: str = ""


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def emit(measure: Measure) -> None:
    """One JSON line on standard output."""
    print(json.dumps(asdict(measure)), flush=True)


def free_port() -> int:
    """A port nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def child(arguments: Sequence[str], port: int, env: dict[str, str] | None = None, within: float = 30) -> Iterator[int]:
    """A server as a child process; yields its pid once the port answers, ends it afterwards."""
    process = subprocess.Popen(
        arguments, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.perf_counter() + within
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() > deadline:
                process.kill()
                raise RuntimeError((process.stderr.read() if process.stderr else b"").decode()[-2000:])
            time.sleep(0.01)
        yield process.pid
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Load:
    """What a load saw: seconds per request, and requests per second over all."""

    seconds: list[float]
    rate: float

    def quantile(self, share: float) -> float:
        """The latency below which ``share`` of the requests stayed, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load(port: int, request: Callable[[int], bytes], count: int, at_once: int, pause: float = 0.0) -> Load:
    """Send ``count`` raw HTTP requests over ``at_once`` kept connections; each must answer 200."""
    return asyncio.run(_load(port, request, count, at_once, pause))


async def _load(port: int, request: Callable[[int], bytes], count: int, at_once: int, pause: float) -> Load:
    seconds: list[float] = []
    numbers = iter(range(count))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            body = request(number)
            begun = time.perf_counter()
            writer.write(body)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode()[:300])
            length = next((h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), None)
            if length:
                await reader.readexactly(int(length.split(b":")[1]))
            seconds.append(time.perf_counter() - begun)
            if pause:
                await asyncio.sleep(pause)
        writer.close()
        await writer.wait_closed()

    begun = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(at_once)))
    return Load(seconds, count / (time.perf_counter() - begun))


def median(values: Sequence[float]) -> float:
    """The middle of several rounds."""
    return statistics.median(values)
