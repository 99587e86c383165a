"""The built-in telemetry store: spans, traces and scores on SQLite or PostgreSQL.

One writer, several posts to one commit, and nobody is told that their post is kept before it is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bot.incident.errors import Unavailable
from bot.incident.logged_messages import NO_MESSAGES, LoggedMessages, Place
from bot.incident.telemetry import EvalScore, Span
from bot.ports import Clock, TelemetryStore
from bot.storage.database import Database
from bot.storage.looks import Looks
from bot.storage.telemetry_commit import Reduce, commit
from bot.storage.telemetry_reads import TelemetryReads
from bot.storage.telemetry_retention import Forgetting
from bot.storage.telemetry_rows import Arrived, SpanRow, TraceRow, arrived, grown_rows, together

MOST_WAITING = 64  # posts; more are told to come back
POSTS_PER_COMMIT = 8
COURTESY = 0.1  # seconds at most that a commit waits for looks to end
INLINE = 64  # spans worked on in the event loop; more would hold it up


@dataclass(slots=True)
class _Post:
    arrived: Arrived
    kept: asyncio.Future[None]


class SqlTelemetry(TelemetryReads, Forgetting, TelemetryStore):
    """Keeps telemetry, several posts to one commit, and reads it back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        TelemetryReads.__init__(self, database)
        self._clock = clock
        self._waiting: asyncio.Queue[_Post] = asyncio.Queue(MOST_WAITING)
        self._writer: asyncio.Task[None] | None = None
        # One thread for all the work on what arrives: a responder's look beside it then gets half the processor
        self._work = ThreadPoolExecutor(1, "telemetry")
        self.reduce: Reduce = self._reduced  # whoever has processes for it may put them here
        self.looks = Looks()  # whoever looks says so here
        self.spans_taken = 0  # since the start, for the metrics

    async def add(
        self,
        spans: Sequence[Span],
        scores: Sequence[EvalScore],
        messages: Mapping[Place, LoggedMessages] = NO_MESSAGES,
    ) -> None:
        """Store all, or raise and store none. Returns after the commit.

        Raises:
            Unavailable: too many posts wait already, or the database is away.
        """
        if self._waiting.full():
            raise _busy()
        if len(spans) > INLINE:
            ready = await asyncio.get_running_loop().run_in_executor(self._work, arrived, spans, scores, messages)
        else:
            ready = arrived(spans, scores, messages)
        await self.keep(ready)

    async def keep(self, post: Arrived) -> None:
        """As :meth:`add`, of what is made into rows already.

        Raises:
            Unavailable: as :meth:`add`.
        """
        if not post:
            return
        await self._kept(post)
        self.spans_taken += len(post.spans)

    async def _kept(self, ready: Arrived) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        post = _Post(ready, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(post)
        except asyncio.QueueFull:
            raise _busy() from None
        await post.kept

    async def close(self) -> None:
        """End the writer; what was acknowledged is stored, whoever still waits is told to send again."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        while not self._waiting.empty():
            _tell(self._waiting.get_nowait(), _stopping())
        self._work.shutdown(wait=False)

    async def _write(self) -> None:
        while True:
            posts = [await self._waiting.get()]
            try:
                await self.looks.over(COURTESY)
                while len(posts) < POSTS_PER_COMMIT and not self._waiting.empty():
                    posts.append(self._waiting.get_nowait())
                await self._store(posts)
            except asyncio.CancelledError:
                for post in posts:
                    _tell(post, _stopping())
                raise

    async def _store(self, posts: Sequence[_Post]) -> None:
        """Commit the posts together; where that fails for one of them, each alone."""
        try:
            await self._commit(posts)
        except Exception as error:  # noqa: BLE001 - the worker's edge: each poster is told, the worker goes on
            if len(posts) == 1 or isinstance(error, Unavailable):
                for post in posts:
                    _tell(post, error)
                return
            for post in posts:
                await self._store([post])
        else:
            for post in posts:
                _tell(post, None)

    async def _commit(self, posts: Sequence[_Post]) -> None:
        now_ns = int(self._clock.now().timestamp() * 1e9)
        async with self._database.write() as connection:
            await commit(connection, together([post.arrived for post in posts]), now_ns, self.reduce)

    async def _reduced(self, grown: Sequence[SpanRow]) -> list[TraceRow]:
        if len(grown) <= INLINE:
            return grown_rows(grown)
        return await asyncio.get_running_loop().run_in_executor(self._work, grown_rows, grown)


def _tell(post: _Post, error: Exception | None) -> None:
    if post.kept.done():  # the poster went away
        return
    if error is None:
        post.kept.set_result(None)
    else:
        post.kept.set_exception(error)


def _busy() -> Unavailable:
    return Unavailable("The telemetry store is busy; send it again.", timedelta(seconds=1))


def _stopping() -> Unavailable:
    return Unavailable("The telemetry store is stopping; send it again.", timedelta(seconds=1))
