"""What raw protobuf bytes hold, told without decoding them: framing, and spans from log records.

Wire format: https://protobuf.dev/programming-guides/encoding/. The messages of traces and logs nest
alike, and a parser takes one for the other without complaint, so their innermost fields decide.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import takewhile
from typing import Literal

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
GROUPS = 0x0A  # the tag a request begins with: field 1, a message
TRACE_ID_BYTES = 16
START_TIME, END_TIME, OBSERVED_TIME = 7, 8, 11  # fields of a span; of a log record
MOST_VARINT = 10  # bytes
# Bytes of a request that tell what it holds; a body of empty messages could take half a minute
TOLD_WITHIN = 256 * 1024

Field = tuple[int, int, int, int]  # number, wire type, start and end of the content


class Framing(StrEnum):
    """How messages follow one another in a file."""

    ONE = "one message"
    BIG_ENDIAN = "four bytes of length before each"
    VARINT = "a varint of length before each"


def framing(head: bytes) -> Framing:
    """How a file with these first bytes is framed.

    A message starts with its tag, 0x0A. Lengths below 32 MiB in four bytes start with 0, 1 or 2,
    which no tag and no length of a useful message does.
    """
    if head[0] == GROUPS:
        return Framing.ONE
    return Framing.BIG_ENDIAN if head[0] <= 2 else Framing.VARINT  # noqa: PLR2004 - see above


def signal_of(body: bytes) -> Literal["traces", "logs"] | None:
    """Whether a request holds spans or log records; None where it is no request or begins with neither."""
    try:
        for _, _, start, end in _inside(body):
            for number, wire, at, _ in _first_fields(body, start, end):
                if (number == 1 and wire == FIXED64) or (number == OBSERVED_TIME and wire == FIXED64):
                    return "logs"
                if number in {START_TIME, END_TIME} and wire == FIXED64:
                    return "traces"
                if number == 1 and wire == LENGTH and body[at - 1] == TRACE_ID_BYTES:
                    return "traces"
    except (ValueError, IndexError):
        return None
    return None


def _inside(body: bytes) -> Iterator[Field]:
    """The innermost messages: groups (field 1), their scopes (field 2), their items (field 2)."""
    for group in _messages(body, 0, len(body), 1):
        for scope in _messages(body, group[2], group[3], 2):
            yield from _messages(body, scope[2], scope[3], 2)


def _messages(body: bytes, start: int, end: int, wanted: int) -> Iterator[Field]:
    return (found for found in _first_fields(body, start, end) if found[0] == wanted and found[1] == LENGTH)


def _first_fields(body: bytes, start: int, end: int) -> Iterator[Field]:
    return takewhile(lambda found: found[2] < TOLD_WITHIN, fields_in(body, start, end))


def fields_in(body: bytes, at: int, end: int) -> Iterator[Field]:
    """The fields between two places.

    Raises:
        ValueError, IndexError: the bytes are no protobuf message.
    """
    while at < end:
        tag, at = _varint(body, at)
        wire = tag & 7
        if wire == VARINT:
            after = _varint(body, at)[1]
        elif wire == LENGTH:
            size, at = _varint(body, at)
            after = at + size
        elif wire in {FIXED64, FIXED32}:
            after = at + (8 if wire == FIXED64 else 4)
        else:
            raise ValueError("no such wire type")
        if after > end or tag >> 3 == 0:
            raise ValueError("a field ends outside its message")
        yield tag >> 3, wire, at, after
        at = after


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(MOST_VARINT):
        byte = body[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says another byte follows
            return value, at + place + 1
    raise ValueError("a varint is too long")


def _big_endian(stream: io.BufferedReader) -> int | None:
    prefix = stream.read(4)
    if not prefix:
        return None
    if len(prefix) < 4:  # noqa: PLR2004 - as above
        raise ValueError("the file ends in the middle of a length")
    return int.from_bytes(prefix, "big")


def _varint_length(stream: io.BufferedReader) -> int | None:
    prefix = bytearray()
    while len(prefix) < MOST_VARINT:
        byte = stream.read(1)
        if not byte:
            if not prefix:
                return None
            raise ValueError("the file ends in the middle of a length")
        prefix += byte
        if byte[0] < 0x80:  # noqa: PLR2004 - as above
            return _varint(bytes(prefix), 0)[0]
    raise ValueError("what stands before the message is no length")


DELIMITED: Mapping[Framing, Callable[[io.BufferedReader], int | None]] = {
    Framing.BIG_ENDIAN: _big_endian,
    Framing.VARINT: _varint_length,
}
"""The length before the next message, or None at the end of the file; ValueError where it is cut off."""
