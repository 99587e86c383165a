"""A terminal with a home of its own and nobody's settings: commands run in this process, servers in their own."""

import contextlib
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0  # a process starts slowly on a machine that is busy


@dataclass(slots=True)
class Terminal:
    """A terminal with a home folder; what it starts, it ends."""

    home: Path
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FIRSTFIVE_", "SLACK_"))}
        return {**kept, "PYTHONPATH": str(ROOT), "FIRSTFIVE_HOME": str(self.home), **given}

    def run(self, *words: str, **given: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. In this process: starting one takes longer than most commands."""
        said, complained = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
        ):
            for name in set(os.environ) - set(environment := self.environment(given)):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.chdir(self.home)
            try:
                code = main(words)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        return subprocess.CompletedProcess(words, code, said.getvalue(), complained.getvalue())

    def started_ingest(
        self, *words: str, stdin: int | None = None, stderr: int = subprocess.PIPE
    ) -> "subprocess.Popen[bytes]":
        """Start `ingest` and return while it runs."""
        started = subprocess.Popen(
            [sys.executable, "-m", "bot", "ingest", *words],
            env=self.environment({}),
            cwd=self.home,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        self.started.append(started)
        return started

    def serve(self, **given: str) -> tuple["subprocess.Popen[bytes]", int, Path]:
        """Start the server; return it, its port once it answers, and its log."""
        log = self.home / f"serve-{len(self.started)}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "bot", "serve", "--port", "0"]
            server = subprocess.Popen(command, env=self.environment(given), cwd=self.home, stdout=output, stderr=output)
        self.started.append(server)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            found = re.search(r"listens on http://127\.0\.0\.1:(\d+)", log.read_text())
            if found:
                return server, int(found[1]), log
            time.sleep(0.02)
        raise AssertionError(f"the server did not start: {log.read_text()}")

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()
