"""What is done after the acknowledgement. While requests keep coming in, they are acknowledged first."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET = 0.0015  # seconds without a request after which work begins
PATIENCE = 1.0  # seconds a piece of work waits at most; a dialog's trigger lives three
AT_ONCE = 8  # pieces of work side by side

Start = Callable[[], "asyncio.Task[object]"]


class Backlog:
    """Starts work soon: at once when it is quiet, within a second under pressure, eight pieces at a time."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Start]] = deque()
        self._running = 0
        self._arriving = 0
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        """Something waits to be started."""
        return bool(self._waiting)

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """While inside, a request is being acknowledged; nothing is quiet then."""
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1
            self._last = asyncio.get_running_loop().time()

    def put(self, start: Start) -> None:
        """Have ``start`` called soon."""
        self._waiting.append((asyncio.get_running_loop().time(), start))
        self._look_again(QUIET)

    def clear(self) -> None:
        """Forget what was not started."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self, seconds: float) -> None:
        if self._timer is None and self._waiting and self._running < AT_ONCE:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        quiet = not self._arriving and now - self._last >= QUIET
        while self._waiting and self._running < AT_ONCE:
            since, start = self._waiting[0]
            if not quiet and now - since < PATIENCE:
                break
            self._waiting.popleft()
            self._running += 1
            start().add_done_callback(self._ended)
        self._look_again(QUIET)

    def _ended(self, _: "asyncio.Task[object]") -> None:
        self._running -= 1
        self._look_again(0)
