"""A Prometheus without root: the one on PATH, or Debian's own package unpacked into a cache folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "prometheus"
SECONDS = 300  # the package has 19 MB


class NotToBeHad(Exception):
    """There is no Prometheus; the sentence says why and what to do."""


def prometheus() -> Path:
    """The program.

    Raises:
        NotToBeHad: it is not on PATH, and cannot be downloaded as a Debian package either.
    """
    installed = shutil.which("prometheus")
    if installed:
        return Path(installed)
    unpacked = cache() / "usr" / "bin" / "prometheus"
    if not unpacked.exists():
        _unpack(unpacked)
    return unpacked


def cache() -> Path:
    """Where the package is kept unpacked between runs."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "firstfive" / PACKAGE


def _unpack(program: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotToBeHad("There is no prometheus on PATH, and this system has no Debian packages; install Prometheus.")
    folder = cache()
    fetched = folder.with_name(f"{PACKAGE}-{os.getpid()}")
    shutil.rmtree(fetched, ignore_errors=True)
    (fetched / "tree").mkdir(parents=True)
    try:
        if not _download(fetched):
            raise NotToBeHad("Debian's prometheus package cannot be downloaded; put a prometheus program on PATH.")
        [package] = fetched.glob("*.deb")
        _run(["dpkg-deb", "-x", str(package), str(fetched / "tree")], fetched)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            (fetched / "tree").rename(folder)
        except OSError as error:  # another run was faster; its tree is as good
            if not program.exists():
                raise NotToBeHad(f"{folder} cannot be written.") from error
    finally:
        shutil.rmtree(fetched, ignore_errors=True)


def _download(folder: Path) -> bool:
    """The package, where need be after fetching package lists into a folder of our own, which takes no root."""
    if _run(["apt-get", "-qq", "download", PACKAGE], folder):
        return True
    state = folder / "lists"
    (state / "partial").mkdir(parents=True)
    ours = ["-o", f"Dir::State::lists={state}", "-o", f"Dir::Cache={folder}"]
    return _run(["apt-get", "-qq", *ours, "update"], folder) and _run(
        ["apt-get", "-qq", *ours, "download", PACKAGE], folder
    )


def _run(command: list[str], folder: Path) -> bool:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{prometheus()}\n")
    except NotToBeHad as sorry:
        sys.exit(str(sorry))
