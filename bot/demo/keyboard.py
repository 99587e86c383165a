"""Single keys on a terminal, without Enter; nothing at all where there is no terminal."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bot.demo.agent.faults import Fault

KEYS: dict[str, Fault] = {
    "n": Fault.NONE,
    "l": Fault.LOOP,
    "t": Fault.TOOL,
    "p": Fault.PROVIDER,
    "m": Fault.MODEL_SWAP,
    "q": Fault.QUALITY,
    "h": Fault.HARD,
    "b": Fault.BEHAVIOUR,
    "a": Fault.ACTION,
    "s": Fault.SECURITY,
}


class Keyboard:
    """A terminal that gives up its keys one by one."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def listens(self) -> bool:
        """Whether there is a terminal to listen to."""
        return self._descriptor is not None

    def key(self, seconds: float) -> str | None:
        """Wait up to `seconds` for a key; None when there was none. Needs a terminal."""
        if self._descriptor is None or not select.select([self._descriptor], [], [], seconds)[0]:
            return None
        return os.read(self._descriptor, 1).decode(errors="replace").lower() or None


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Take the terminal's keys one by one, and give the terminal back as it was."""
    if not sys.stdin.isatty():
        yield Keyboard(None)
        return
    try:
        import termios  # noqa: PLC0415  not on every platform
        import tty  # noqa: PLC0415  as above
    except ImportError:
        yield Keyboard(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keyboard(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
