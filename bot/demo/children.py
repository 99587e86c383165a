"""Child processes: started in groups of their own, with a log each, and always ended."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_SECONDS = 6.0
_LINES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the demo."""

    name: str
    process: "subprocess.Popen[bytes]"
    log_path: Path

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """Return how it ended and the last lines of its log."""
        said = self.log_path.read_text(errors="replace").rstrip().splitlines()[-_LINES_SHOWN:]
        how = f"the {self.name} ended with code {self.process.returncode}; its log is {self.log_path}:"
        return "\n".join([how, *(f"  {line[:300]}" for line in said)])


def start(name: str, command: Sequence[str], environment: Mapping[str, str], logs: Path) -> Child:
    """Start a process whose output goes to `logs`/`name`.log."""
    logs.mkdir(parents=True, exist_ok=True)
    log_path = logs / f"{name}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  this program's own parts
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, process, log_path)


def end_all(children: Sequence[Child], grace: float = _GRACE_SECONDS) -> None:
    """End all: ask first, the last started first, wait `grace` seconds, then kill the process groups."""
    for child in reversed(children):
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for child in reversed(children):
        try:
            child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    if child.ended:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(child.process.pid, number)  # it leads its own group
        else:
            child.process.terminate()
    except ProcessLookupError:
        return
