"""From the engine's threads to our event loop and back."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future

from bot.ports import JobName

log = logging.getLogger(__name__)

Run = Callable[[JobName, str], Awaitable[None]]
"""What does a job: ``(name, argument)``. It may be called twice for one job and must then change nothing more."""

RETRY_AFTER = (1.0, 4.0, 15.0, 60.0)  # seconds; outlasts a database failover, then somebody has to look


class Interrupted(BaseException):
    """The process stops while the job runs.

    Not an ``Exception``: the engine records those as the job's outcome, and this job has none
    yet. It stays pending and runs again at the next start.
    """


class Bridge:
    """Runs jobs on the event loop for threads that wait for them."""

    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop, retry_after: Sequence[float] = RETRY_AFTER) -> None:
        self._run = run
        self._loop = loop
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._running: set[Future[None]] = set()
        self._closed = False

    def __call__(self, name: str, argument: str) -> None:
        """Do a job and wait for it; called in an engine's thread.

        Raises:
            Interrupted: the process stops; the job is to be run again.
            Exception: the job failed as often as it was tried.
        """
        future = self._submit(JobName(name), argument)
        try:
            future.result()
        except CancelledError:
            raise Interrupted from None
        finally:
            with self._lock:
                self._running.discard(future)

    def _submit(self, name: JobName, argument: str) -> Future[None]:
        with self._lock:
            if self._closed:
                raise Interrupted
            future = asyncio.run_coroutine_threadsafe(self._attempts(name, argument), self._loop)
            self._running.add(future)
            return future

    async def _attempts(self, name: JobName, argument: str) -> None:
        for delay in self._retry_after:
            try:
                await self._run(name, argument)
            except Exception:  # worker loop: whatever failed, it is tried again
                log.warning("Job %s of %s failed; next try in %g s.", name, argument, delay, exc_info=True)
                await asyncio.sleep(delay)
            else:
                return
        await self._run(name, argument)

    async def close(self, grace: float) -> None:
        """Take no more jobs, give those that run ``grace`` seconds, then interrupt them."""
        with self._lock:
            self._closed = True
            running = [asyncio.wrap_future(future) for future in self._running]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace)
        for future in late:
            future.cancel()
        if late:
            await asyncio.wait(late)
