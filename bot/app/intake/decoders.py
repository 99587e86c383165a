"""Who prepares telemetry: this process while there is little of it, processes of their own when there is much.

Python runs one thread at a time, so what is decoded here slows every answer to a responder. Processes cost
memory and a moment to start, so they are started when decoding has taken half a second of work lately, and end
when nothing came for ten minutes. One that dies is started again, and what it was at is answered "send it
again". Where none can be started all is done here.
"""

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from bot.app.intake.child import answer
from bot.app.intake.children import START_WITHIN, Child, ChildGoneError
from bot.app.intake.preparing import Grown, Prepared, Request, reduced
from bot.incident.errors import Unavailable
from bot.sources.otlp import grows_beyond
from bot.sources.redaction import Privacy
from bot.storage.telemetry_rows import SpanRow, TraceRow

log = logging.getLogger("firstfive")

SMALL = 4 * 1024  # bytes; what is smaller is decoded in less time than it takes to hand it over
HERE_UP_TO = 64 * 1024  # bytes; the same while there are no processes
HEAVY = 1024 * 1024  # bytes, unpacked; what is larger takes too much memory to be decoded here
FEW = 64  # spans; as SMALL
MUCH = 0.5  # seconds of work ...
FORGIVEN = 0.05  # ... beyond this share of the time
IDLE = 600.0  # seconds
LAST_WORDS = 2.0  # seconds for what is being decoded at the end
AGAIN_AFTER = 60.0  # seconds until one is tried again where none could be started
ENOUGH = 2  # processes; together they decode as fast as one writer writes


def usual() -> int:
    """How many processes there may be on this machine."""
    if os.name == "nt":  # pipes cannot be waited for there
        return 0
    return min(ENOUGH, os.cpu_count() or 1)


@dataclass(slots=True)
class _Effort:
    """How much work there was here lately, in seconds."""

    spent: float = 0.0
    at: float = field(default_factory=time.monotonic)

    @property
    def much(self) -> bool:
        """Enough for a process of its own."""
        return self.spent > MUCH

    def add(self, seconds: float) -> None:
        now = time.monotonic()
        self.spent = max(0.0, self.spent - FORGIVEN * (now - self.at)) + seconds
        self.at = now


class _Place:
    """Where one thread's work is done: here, or in a process of its own."""

    def __init__(self, privacy: Privacy, effort: _Effort) -> None:
        self._privacy = privacy
        self._effort = effort
        self._child: Child | None = None
        self._lost = False  # the last one died at work: what killed it must not be tried here
        self._not_before = 0.0

    @property
    def outside(self) -> bool:
        """There is a process that takes work."""
        return self._child is not None and self._child.ready

    def answer(self, request: Request | Grown, *, may_start: bool) -> object:
        """What was asked for.

        Raises:
            Unavailable: the process that had it died.
        """
        child = self._at_work(may_start, outside=self._lost or _is_heavy(request))
        if child is None:
            return self.here(request)
        try:
            found, tired = child.ask(request)
            if tired:
                self.let_go()
        except ChildGoneError as error:
            log.warning("The process that decodes telemetry is gone: %s. It is started again.", error)
            self.let_go()
            self._lost = True
            raise Unavailable("The telemetry could not be decoded just now; send it again.") from error
        else:
            return found

    def here(self, request: Request | Grown) -> object:
        """What was asked for, worked out in this process."""
        begun = time.perf_counter()
        try:
            return answer(request, self._privacy)
        finally:
            self._effort.add(time.perf_counter() - begun)

    def let_go(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _at_work(self, may_start: bool, *, outside: bool) -> Child | None:  # noqa: FBT001 - one switch, private
        """The process, where there is one that can be asked; one is started where that is worth it or ``outside``."""
        try:
            if self._child is None and may_start and (outside or self._effort.much) and self._allowed():
                self._child = Child(self._privacy)
            if self._child is None or not self._child.up(START_WITHIN if outside else 0):
                return None
        except ChildGoneError as error:
            log.warning("No process that decodes telemetry can be started: %s. It is decoded here.", error)
            self.let_go()
            self._lost, self._not_before = False, time.monotonic() + AGAIN_AFTER
            return None
        self._lost = False
        return self._child

    def _allowed(self) -> bool:
        return time.monotonic() >= self._not_before


def _is_heavy(request: Request | Grown) -> bool:
    return isinstance(request, Request) and grows_beyond(HEAVY, request.body, request.encoding)


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request | Grown
    done: "Future[object]" = field(default_factory=Future)


class Decoders:
    """Prepares requests and reduces traces; in at most ``most`` processes, in none where that is 0."""

    def __init__(self, privacy: Privacy, most: int) -> None:
        self._privacy = privacy
        self._most = most
        self._effort = _Effort()
        self._inline = _Place(privacy, self._effort)
        self._places: list[_Place] = []
        self._threads: list[threading.Thread] = []
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._closed = False

    async def prepare(self, request: Request) -> Prepared:
        """The rows of a request.

        Raises:
            TelemetryRejected: it cannot be used.
            Unavailable: the process that had it died; nothing was kept.
        """
        most = SMALL if any(place.outside for place in self._places) else HERE_UP_TO
        small = len(request.body) <= most and not request.encoding
        found = self._inline.here(request) if small else await self._there(request)
        if isinstance(found, Exception):
            raise found
        return cast("Prepared", found)

    async def reduce(self, spans: Sequence[SpanRow]) -> list[TraceRow]:
        """The rows of traces that have grown, from all their spans. It goes before requests: a commit waits for it.

        Raises:
            Unavailable: as :meth:`prepare`.
        """
        if len(spans) <= FEW:
            return reduced(Grown(spans))
        found = await self._there(Grown([(trace, span, at, body) for trace, span, at, body in spans]))
        return cast("list[TraceRow]", found)

    async def close(self) -> None:
        """End the processes; what still waits is told to come again."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread, place in zip(self._threads, self._places, strict=True):
            await asyncio.to_thread(thread.join, LAST_WORDS)
            place.let_go()
        while self._jobs:
            self._jobs.popleft().done.set_exception(Unavailable("firstfive is stopping; send it again."))

    async def _there(self, request: Request | Grown) -> object:
        job = _Job(request)
        with self._change:
            if isinstance(request, Grown):
                self._jobs.appendleft(job)
            else:
                self._jobs.append(job)
            if not self._places or (len(self._jobs) > 1 and self._room()):
                self._places.append(_Place(self._privacy, self._effort))
                self._threads.append(threading.Thread(target=self._work, args=(self._places[-1],), daemon=True))
                self._threads[-1].start()
            self._change.notify()
        return await asyncio.wrap_future(job.done)

    def _room(self) -> bool:
        """Another thread would be of use: every one there is has a process."""
        return len(self._places) < self._most and all(place.outside for place in self._places)

    def _work(self, place: _Place) -> None:
        """One thread: takes jobs until the end."""
        while not self._closed:
            job = self._next()
            if job is None:
                place.let_go()
            elif job.done.set_running_or_notify_cancel():
                try:
                    job.done.set_result(place.answer(job.request, may_start=self._most > 0))
                except Exception as error:  # noqa: BLE001 - the thread's edge: whoever waits gets it
                    job.done.set_exception(error)
        place.let_go()

    def _next(self) -> _Job | None:
        """The next job, or None after a long time without one."""
        with self._change:
            self._change.wait_for(lambda: self._jobs or self._closed, IDLE)
            return self._jobs.popleft() if self._jobs and not self._closed else None
