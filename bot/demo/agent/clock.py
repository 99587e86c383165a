"""Two clocks: the one on the wall, and one that a history runs on."""

import time
from typing import Protocol

NANOSECONDS = 1_000_000_000


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when that much time has passed on this clock."""
        ...


class WallClock:
    """Real time."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(seconds)


class SimulatedClock:
    """Time that passes only when somebody sleeps, and then at once."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._now_ns

    def sleep(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now_ns += int(seconds * NANOSECONDS)
