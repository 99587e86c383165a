"""Files of OTLP requests: JSON lines, one JSON document, or protobuf; gzip around any of them.

Read as a stream: one request is in memory at a time, and none may be longer than 32 MiB.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal, Protocol

from bot.sources.otlp_wire import DELIMITED, framing, signal_of

MOST_REQUEST = 32 * 1024 * 1024
PIECE = 1024 * 1024
TELLING = 64  # bytes that tell what a file holds

Signal = Literal["traces", "logs"]
Content = Literal["application/json", "application/x-protobuf"]
JSON: Content = "application/json"
PROTOBUF: Content = "application/x-protobuf"

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_JSON_BEGINS = re.compile(
    rb"[\s\xef\xbb\xbf]*\{\s*[\"}]"
)  # spaces alone may be protobuf: its first byte is a line break
_JSON_NAMES = frozenset({".json", ".jsonl", ".ndjson"})
_PROTOBUF_NAMES = frozenset({".pb", ".binpb", ".bin", ".otlp"})
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a file holds it; ``number`` is its line in JSON lines, else its place among the messages."""

    number: int
    body: bytes = field(repr=False)
    content_type: Content
    signal: Signal


@dataclass(frozen=True, slots=True)
class Broken:
    """What cannot be read at that place, and why, without a full stop."""

    number: int
    reason: str


class Readable(Protocol):
    """Bytes that are read from start to end."""

    def read(self, size: int, /) -> bytes | None:
        """At most ``size`` bytes, empty at the end."""
        ...


class OtlpFile:
    """One file, or standard input, that is read once from its start to its end."""

    def __init__(self, name: str, raw: Readable, total: int | None = None) -> None:
        """``name`` as people gave it; ``total`` is its size in bytes, None where nobody knows."""
        self.name = name
        self.total = total
        self._raw = _Counted(raw)

    @property
    def read_bytes(self) -> int:
        """Bytes read so far, as they lie on the disk."""
        return self._raw.bytes

    def requests(self) -> Iterator[Request | Broken]:
        """Every request, or why there is none, in order. A stream that breaks off ends with the reason."""
        last = 0
        try:
            for found in self._found():
                last = found.number
                yield found
        except (EOFError, gzip.BadGzipFile, zlib.error):
            yield Broken(last + 1, "the gzip data is broken or ends early")
        except OSError as error:
            yield Broken(last + 1, f"it cannot be read further ({(error.strerror or str(error)).lower()})")

    def _found(self) -> Iterator[Request | Broken]:
        stream: io.BufferedReader = io.BufferedReader(self._raw, PIECE)
        suffixes = [suffix.lower() for suffix in Path(self.name).suffixes]
        if _peeked(stream, 4).startswith(_GZIP):
            stream = io.BufferedReader(_Unpacked(stream), PIECE)
            suffixes = [suffix for suffix in suffixes if suffix not in {".gz", ".gzip"}]
        head = _peeked(stream, TELLING)
        if _ZSTD in {head[:4], head[4:8]}:  # a Collector writes the length before each piece
            return iter([Broken(1, "it is compressed with zstd; unpack it first")])
        suffix = suffixes[-1] if suffixes else ""
        if suffix in _JSON_NAMES or (suffix not in _PROTOBUF_NAMES and _JSON_BEGINS.match(head)):
            return _json(stream)
        return _protobuf(stream, head)


class _Counted(io.RawIOBase):
    """Counts what is read through it."""

    def __init__(self, under: Readable) -> None:
        self._under = under
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base takes any buffer; ours is one
        found = self._under.read(len(buffer)) or b""
        buffer[: len(found)] = found
        self.bytes += len(found)
        return len(found)


class _Unpacked(io.RawIOBase):
    """What gzip packed, piece by piece: of a file that ends early everything before its end."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._file = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as above
        piece = self._file.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _peeked(stream: io.BufferedReader, size: int) -> bytes:
    """The first bytes, still to be read. A pipe may hold back some of them."""
    return stream.peek(size)[:size]


def _json(stream: io.BufferedReader) -> Iterator[Request | Broken]:
    """One request a line; where the first line is no whole document, one request in all lines."""
    first = stream.readline(MOST_REQUEST + 1).removeprefix(_BOM)
    if first.strip() and len(first) <= MOST_REQUEST and not _is_document(first):
        rest = stream.read(MOST_REQUEST + 1 - len(first))
        yield from _whole(first, rest)
        return
    yield from _line(1, first, stream)
    for number in count(2):
        line = stream.readline(MOST_REQUEST + 1)
        if not line:
            return
        yield from _line(number, line, stream)


def _whole(first: bytes, rest: bytes) -> Iterator[Request | Broken]:
    """A document over several lines; lines of their own after all, where only the first one is broken."""
    body = first + rest
    if _JSON_BEGINS.match(rest) and any(_is_document(line) for line in rest.splitlines()[:1]):
        for number, line in enumerate(body.splitlines(), start=1):
            yield from _judged(number, line)
    elif len(body) > MOST_REQUEST:
        yield Broken(1, "one request is longer than 32 MiB; write smaller ones, one a line")
    else:
        yield from _judged(1, body)


def _line(number: int, line: bytes, stream: io.BufferedReader) -> Iterator[Request | Broken]:
    if len(line) > MOST_REQUEST:
        while line and not line.endswith(b"\n"):
            line = stream.readline(PIECE)
        yield Broken(number, "the line is longer than 32 MiB")
    else:
        yield from _judged(number, line)


def _judged(number: int, body: bytes) -> Iterator[Request | Broken]:
    """What a JSON document is by the key that comes first; reading it as a whole is left to the decoder."""
    if not body.strip():
        return
    spans, records = body.find(b'"resourceSpans"'), body.find(b'"resourceLogs"')
    if max(spans, records) < 0:
        if not _is_document(body):
            yield Broken(number, "it is no JSON, or ends early")
        elif b'"resourceMetrics"' in body:
            yield Broken(number, "it holds metrics, which are not kept")
        else:
            yield Broken(number, "it holds neither resourceSpans nor resourceLogs")
    else:
        logs = spans < 0 or 0 <= records < spans
        yield Request(number, body, JSON, "logs" if logs else "traces")


def _is_document(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _protobuf(stream: io.BufferedReader, head: bytes) -> Iterator[Request | Broken]:
    """One message, or messages with their length before each."""
    if not head:
        return
    kind = framing(head)
    if kind not in DELIMITED:
        body = stream.read(MOST_REQUEST + 1)
        if len(body) > MOST_REQUEST:
            yield Broken(1, "one request is longer than 32 MiB; write smaller ones, each with its length before it")
        else:
            yield _typed(1, body)
        return
    for number in count(1):
        try:
            size = DELIMITED[kind](stream)
            if size is None:
                return
            message = _message(stream, size)
        except ValueError as error:  # where the next message begins is not known any more
            yield Broken(number, str(error))
            return
        if message is None:
            yield Broken(number, "the message is longer than 32 MiB")
        elif message:
            yield _typed(number, message)


def _message(stream: io.BufferedReader, size: int) -> bytes | None:
    """The next ``size`` bytes; None where they are too many and were passed over.

    Raises:
        ValueError: the file is shorter.
    """
    left = size
    body = b""
    while left:
        body = stream.read(min(left, MOST_REQUEST))
        left -= len(body)
        if not body:
            raise ValueError("the file ends in the middle of a message, or is no OTLP")
    return body if size <= MOST_REQUEST else None


def _typed(number: int, body: bytes) -> Request | Broken:
    signal = signal_of(body)
    if signal is None:
        return Broken(number, "it is no OTLP request with spans or log records in protobuf")
    return Request(number, body, PROTOBUF, signal)
