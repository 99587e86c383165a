"""Work that nobody waits for, and the room that follows each commit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from bot.ports import Background, Records, Work

log = logging.getLogger("firstfive")


class Tasks(Background):
    """Work started now and not waited for; what still runs at the end gets a moment to finish."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run it on the event loop; a failure is logged, and the durable job behind it tries again."""
        task: asyncio.Task[object] = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background work failed: %s", task.exception())

    async def settle(self, seconds: float = 5.0) -> None:
        """Wait for what runs, at most ``seconds``."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=seconds)


class Announced(Records):
    """Records that say when something was committed, so that the room follows at once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.wake: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        """As the records beneath; wakes the room after the commit."""
        async with self._records.begin() as work:
            yield work
        self.wake()

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Work]:
        """As the records beneath."""
        async with self._records.look() as work:
            yield work
