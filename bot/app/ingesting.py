"""``firstfive ingest``: files of OTLP requests into the built-in store, several requests to a commit."""

import asyncio
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar
from zlib import compress

from sqlalchemy.exc import DBAPIError

from bot.incident.errors import BadInput, FirstfiveError, Unavailable
from bot.ports import TelemetryStore
from bot.sources.otlp import MOST_BODY, Decoded, TelemetryRejected, decode
from bot.sources.otlp_files import Broken, OtlpFile, Request

T = TypeVar("T")

SPANS_A_COMMIT = 4000
BYTES_A_COMMIT = 8 * 1024 * 1024
ATTEMPTS = 10  # at one commit while the store is busy
LINE_EVERY = 5.0  # seconds between lines where nobody watches a terminal
DRAW_EVERY = 0.1
MOST_NAMED = 100  # places named one by one; the rest is only counted
BAR = 24  # characters


@dataclass(slots=True)
class Tally:
    """What was committed so far, and what could not be."""

    files: int = 0
    requests: int = 0
    spans: int = 0
    scores: int = 0
    rejected: int = 0
    broken: int = 0
    seconds: float = 0.0

    def sentence(self) -> str:
        """What is stored, for people."""
        rate = f" ({self.spans / self.seconds:,.0f} spans/s)" if self.seconds > 0 else ""
        said = f"{_n(self.spans, 'span')} and {_n(self.scores, 'score')} of {_n(self.requests, 'request')} are stored"
        said += f", from {_n(self.files, 'file')} in {self.seconds:.1f} s{rate}."
        if self.rejected:
            said += f" {_n(self.rejected, 'record')} could not be used."
        if self.broken:
            said += f" {_n(self.broken, 'request')} could not be read."
        return said


@dataclass(slots=True)
class _Batch:
    """Requests that go into one commit, and the places where there was none to take."""

    parts: list[tuple[str, Decoded]] = field(default_factory=list)  # place, what it holds
    broken: list[str] = field(default_factory=list)
    read: int = 0  # bytes of request bodies
    spans: int = 0

    @property
    def full(self) -> bool:
        return self.spans >= SPANS_A_COMMIT or self.read >= BYTES_A_COMMIT


def opened(names: Sequence[str], stack: ExitStack) -> list[OtlpFile]:
    """The files, and standard input for ``-``; ``stack`` closes them.

    Raises:
        BadInput: one of them cannot be opened; nothing was loaded then.
    """
    files: list[OtlpFile] = []
    for name in names:
        if name == "-":
            files.append(OtlpFile("standard input", io.FileIO(0, closefd=False)))
            continue
        try:
            raw: BinaryIO = stack.enter_context(open(name, "rb"))  # noqa: PTH123, SIM115 - the stack closes it
            files.append(OtlpFile(name, raw, Path(name).stat().st_size))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise BadInput("file", f"{name} cannot be read ({reason}). Nothing was loaded; name files.") from error
    return files


async def ingest(store: TelemetryStore, files: Sequence[OtlpFile], *, as_json: bool) -> int:
    """Load the files and say what is stored; returns 1 where a request could not be read, else 0.

    A request is stored as a whole or not at all. Stopped or refused by the store, it says what was committed.

    Raises:
        Unavailable: the store does not answer.
    """
    tally = Tally(files=len(files))
    progress = Progress(sys.stderr, files, tally)
    ended = "Stopped. "
    try:
        await _load(store, files, tally, progress)
        ended = ""
    except FirstfiveError:
        ended = "Not finished. "
        raise
    finally:
        progress.close()
        if as_json:
            sys.stdout.write(f"{json.dumps(asdict(tally))}\n")
        else:
            (sys.stderr if ended else sys.stdout).write(f"{ended}{tally.sentence()}\n")
    return 1 if tally.broken else 0


async def _load(store: TelemetryStore, files: Sequence[OtlpFile], tally: Tally, progress: "Progress") -> None:
    """Reads and decodes one batch while the one before is committed."""
    batches = _batches(files)
    adding: asyncio.Task[None] | None = None
    try:
        while (batch := await _beside(lambda: next(batches, None))) is not None:
            if adding is not None:
                await asyncio.shield(adding)
            adding = asyncio.create_task(_add(store, batch, tally, progress))
    finally:
        if adding is not None:
            await adding  # what is under way is counted, also when somebody stops us


async def _beside(call: Callable[[], T]) -> T:
    """What ``call`` returns, from a thread nobody waits for at the end: it may hang on a silent pipe."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: somebody stopped us
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    def run() -> None:
        try:
            found = call()
        except Exception as error:  # noqa: BLE001 - the thread's edge: whoever waits gets it
            wrong = error
            tell(lambda: done.set_exception(wrong))
        else:
            tell(lambda: done.set_result(found))

    threading.Thread(target=run, name="reading", daemon=True).start()
    return await done


def _batches(files: Iterable[OtlpFile]) -> Iterator[_Batch]:
    batch = _Batch()
    for file in files:
        for found in file.requests():
            _put(batch, file, found)
            if batch.full:
                yield batch
                batch = _Batch()
    yield batch


def _put(batch: _Batch, file: OtlpFile, found: Request | Broken) -> None:
    place = f"{file.name}:{found.number}"
    if isinstance(found, Broken):
        batch.broken.append(f"{place}: {found.reason}.")
        return
    body, encoding = found.body, ""
    batch.read += len(body)
    if len(body) > MOST_BODY:  # the door takes 8 MiB as they are sent, and 32 MiB unpacked
        body, encoding = compress(body, 1), "deflate"
    try:
        decoded = decode(body, found.content_type, encoding, found.signal)
    except TelemetryRejected as error:
        batch.broken.append(f"{place}: {error}")
        return
    batch.spans += len(decoded.spans) + len(decoded.scores)
    batch.parts.append((place, decoded))


async def _add(store: TelemetryStore, batch: _Batch, tally: Tally, progress: "Progress") -> None:
    for sentence in batch.broken:
        _name_broken(sentence, tally, progress)
    try:
        await _committed(store, [part for _, part in batch.parts])
    except DBAPIError:  # one of them holds what the database does not take; the others shall not suffer
        for place, part in batch.parts:
            try:
                await _committed(store, [part])
            except DBAPIError:
                _name_broken(f"{place}: the database does not take what it holds.", tally, progress)
            else:
                _count(place, part, tally, progress)
    else:
        for place, part in batch.parts:
            _count(place, part, tally, progress)
    progress.show()


async def _committed(store: TelemetryStore, parts: Sequence[Decoded]) -> None:
    spans = [span for part in parts for span in part.spans]
    scores = [score for part in parts for score in part.scores]
    if not (spans or scores):
        return
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await store.add(spans, scores)
        except Unavailable as error:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(error.retry_after.total_seconds())
        else:
            return


def _count(place: str, part: Decoded, tally: Tally, progress: "Progress") -> None:
    tally.requests += 1
    tally.spans += len(part.spans)
    tally.scores += len(part.scores)
    tally.rejected += part.accepted.rejected
    if part.accepted.rejected:
        progress.name(f"{place}: {_n(part.accepted.rejected, 'record')} left out: {part.accepted.message}.")


def _name_broken(sentence: str, tally: Tally, progress: "Progress") -> None:
    tally.broken += 1
    progress.name(sentence)


class Progress:
    """What is shown while it runs: a bar on a terminal, else a line every few seconds."""

    def __init__(self, out: TextIO, files: Sequence[OtlpFile], tally: Tally) -> None:
        self._out = out
        self._files = files
        self._tally = tally
        self._terminal = out.isatty()
        self._began = time.monotonic()
        self._shown = self._began
        self._named = 0

    def name(self, sentence: str) -> None:
        """One place and what is wrong there."""
        self._named += 1
        if self._named > MOST_NAMED:
            return
        more = "\nfurther places are only counted." if self._named == MOST_NAMED else ""
        self._say(f"{self._clear()}{sentence}{more}\n")

    def show(self) -> None:
        """How far it is, not more often than people can read."""
        now = time.monotonic()
        self._tally.seconds = round(now - self._began, 3)
        if now - self._shown < (DRAW_EVERY if self._terminal else LINE_EVERY):
            return
        self._shown = now
        self._say(f"{self._clear()}{self._line()}" if self._terminal else f"{self._line()}\n")

    def close(self) -> None:
        """Take the bar away."""
        self._tally.seconds = round(time.monotonic() - self._began, 3)
        self._say(self._clear())

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _clear(self) -> str:
        return "\r\x1b[K" if self._terminal else ""

    def _line(self) -> str:
        read, totals = sum(file.read_bytes for file in self._files), [file.total for file in self._files]
        rate = f"{_n(self._tally.spans, 'span')}, {self._tally.spans / max(self._tally.seconds, 0.001):,.0f} spans/s"
        if None in totals:
            return f"{read / 1e6:,.1f} MB read, {rate}"
        total = sum(filter(None, totals)) or 1
        share = min(1.0, read / total)
        bar = f"[{'#' * round(BAR * share):<{BAR}}] " if self._terminal else ""
        return f"{bar}{share:.0%} {read / 1e6:,.1f} of {total / 1e6:,.1f} MB, {rate}"


def _n(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
