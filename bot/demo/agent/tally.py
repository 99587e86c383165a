"""What the agents did in the last minute, for their own page."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from bot.demo.agent.clock import NANOSECONDS, Clock
from bot.demo.agent.outcome import Finished

_MINUTE_NS = 60 * NANOSECONDS
_KEPT = 8


@dataclass(frozen=True, slots=True)
class TallySheet:
    """A reading of the tally."""

    tasks_done: int
    last_minute: dict[str, int]
    latest: list[str]


@dataclass(slots=True)
class Tally:
    """Counts finished tasks; threads add, the page reads."""

    clock: Clock
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: int = 0
    _recent: deque[Finished] = field(default_factory=deque)

    def add(self, finished: Finished) -> None:
        """Count one task."""
        with self._lock:
            self._done += 1
            self._recent.append(finished)
            self._forget()

    def read(self) -> TallySheet:
        """Return the counts of the last minute and the latest few tasks, newest first."""
        with self._lock:
            self._forget()
            recent = list(self._recent)
            done = self._done
        return TallySheet(
            tasks_done=done,
            last_minute=dict(Counter(task.outcome.value for task in recent)),
            latest=[_line(task) for task in reversed(recent[-_KEPT:])],
        )

    def _forget(self) -> None:
        horizon = self.clock.now_ns() - _MINUTE_NS
        while self._recent and self._recent[0].end_ns < horizon:
            self._recent.popleft()


def _line(finished: Finished) -> str:
    return f"{finished.agent}: {finished.task.kind.name} {finished.outcome.value} in {finished.turns} turns"
