"""``firstfive ingest``: files of OTLP requests into the built-in store, several requests to a commit."""

import asyncio
import io
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar
from zlib import compress

from sqlalchemy.exc import DBAPIError

from bot.app.progress import Progress, Tally, counted
from bot.incident.errors import BadInput, FirstfiveError, Unavailable
from bot.incident.logged_messages import all_merged
from bot.ports import TelemetryStore
from bot.sources.otlp import MOST_BODY, Decoded, Rules, TelemetryRejected, decode
from bot.sources.otlp_files import Broken, OtlpFile, Request
from bot.sources.redaction import PRIVATE, Privacy

T = TypeVar("T")

SPANS_A_COMMIT = 4000
BYTES_A_COMMIT = 8 * 1024 * 1024
ATTEMPTS = 10  # at one commit while the store is busy


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


async def ingest(store: TelemetryStore, files: Sequence[OtlpFile], privacy: Privacy = PRIVATE, *, as_json: bool) -> int:
    """Load the files and say what is stored; returns 1 where a request could not be read, else 0.

    A request is stored as a whole or not at all. Stopped or refused by the store, it says what was committed.

    Raises:
        Unavailable: the store does not answer.
    """
    tally = Tally(files=len(files))
    progress = Progress(sys.stderr, files, tally)
    ended = "Stopped. "
    try:
        await _load(store, files, Rules(privacy=privacy), tally, progress)
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


async def _load(
    store: TelemetryStore, files: Sequence[OtlpFile], rules: Rules, tally: Tally, progress: Progress
) -> None:
    """Reads and decodes one batch while the one before is committed."""
    batches = _batches(files, rules)
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


def _batches(files: Iterable[OtlpFile], rules: Rules) -> Iterator[_Batch]:
    batch = _Batch()
    for file in files:
        for found in file.requests():
            _put(batch, file, found, rules)
            if batch.full:
                yield batch
                batch = _Batch()
    yield batch


def _put(batch: _Batch, file: OtlpFile, found: Request | Broken, rules: Rules) -> None:
    place = f"{file.name}:{found.number}"
    if isinstance(found, Broken):
        batch.broken.append(f"{place}: {found.reason}.")
        return
    body, encoding = found.body, ""
    batch.read += len(body)
    if len(body) > MOST_BODY:  # the door takes 8 MiB as they are sent, and 32 MiB unpacked
        body, encoding = compress(body, 1), "deflate"
    try:
        decoded = decode(body, found.content_type, encoding, found.signal, rules)
    except TelemetryRejected as error:
        batch.broken.append(f"{place}: {error}")
        return
    batch.spans += len(decoded.spans) + len(decoded.scores) + len(decoded.messages)
    batch.parts.append((place, decoded))


async def _add(store: TelemetryStore, batch: _Batch, tally: Tally, progress: Progress) -> None:
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
    messages = all_merged(part.messages for part in parts)
    if not (spans or scores or messages):
        return
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await store.add(spans, scores, messages)
        except Unavailable as error:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(error.retry_after.total_seconds())
        else:
            return


def _count(place: str, part: Decoded, tally: Tally, progress: Progress) -> None:
    tally.requests += 1
    tally.spans += len(part.spans)
    tally.scores += len(part.scores)
    tally.messages += len(part.messages)
    tally.rejected += part.accepted.rejected
    if part.accepted.rejected:
        progress.name(f"{place}: {counted(part.accepted.rejected, 'record')} left out: {part.accepted.message}.")


def _name_broken(sentence: str, tally: Tally, progress: Progress) -> None:
    tally.broken += 1
    progress.name(sentence)
