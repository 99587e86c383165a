"""The official Node providers, installed once from the lock file; skipped where Node or npm is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "node"
LOCK = HERE / "package-lock.json"
INSTALLED = HERE / "node_modules" / ".firstfive-lock"
WITHIN = 180  # seconds


def program(name: str) -> str | None:
    """Where ``node`` or ``npm`` is: on the path, or beside our Python from its wheel."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def missing(sentence: str) -> None:
    """Skip, or fail where these tests are required."""
    if os.environ.get("FIRSTFIVE_CONFORMANCE") == "required":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def node() -> str:
    """The Node program, with the providers installed."""
    found, npm = program("node"), program("npm")
    if found is None or npm is None:
        missing("Node and npm are not installed; the official JavaScript providers were not run.")
    assert found
    assert npm
    wanted = LOCK.read_text("utf-8")
    if INSTALLED.exists() and INSTALLED.read_text("utf-8") == wanted:
        return found
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    # npm is a script that looks for node on the path
    path = os.pathsep.join([str(Path(found).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=HERE, env={**os.environ, "PATH": path}, capture_output=True, timeout=WITHIN, check=False
    )
    if done.returncode:
        missing(f"npm could not install the official providers: {done.stderr.decode()[-500:]}")
    INSTALLED.write_text(wanted, "utf-8")
    return found
