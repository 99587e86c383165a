"""Node, and packages for it, installed once from a lock file beside their ``package.json``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

WITHIN = 300  # seconds


class NodeMissing(Exception):
    """Node or npm is not there, or npm could not install."""


def installed(folder: Path) -> str:
    """The Node program, with the packages of ``folder`` installed as its lock file says.

    Raises:
        NodeMissing: it cannot be had here; the sentence says why.
    """
    node, npm = (_program(name) for name in ("node", "npm"))
    if node is None or npm is None:
        raise NodeMissing("Node and npm are not installed.")
    wanted, mark = (folder / "package-lock.json").read_text("utf-8"), folder / "node_modules" / ".firstfive-lock"
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return node
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    path = os.pathsep.join([str(Path(node).parent), os.environ["PATH"]])  # npm looks for node there
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, timeout=WITHIN, check=False
    )
    if done.returncode:
        raise NodeMissing(f"npm could not install {folder.name}: {done.stderr.decode()[-500:]}")
    mark.write_text(wanted, "utf-8")
    return node


def _program(name: str) -> str | None:
    """Where it is: on the path, or beside our Python from its wheel."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
