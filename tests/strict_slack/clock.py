"""Slack's own clock: runs with the wall clock and can be moved forward by a test."""

import time


class MovableClock:
    """Seconds since the epoch; `advance` moves it, nothing moves it back."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
