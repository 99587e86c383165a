"""What comes back from a vendor's HTTP API: so much of it as is read, and words for what is no answer.

An answer that is too long, packed to burst, or made of millions of values is refused while it arrives, and a long
one is read beside the event loop: whatever a vendor sends, everybody else is answered meanwhile.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

MIB = 1024 * 1024
MOST_BYTES = 32 * MIB  # of one answer, unpacked
MOST_VALUES = 3_000_000  # in one answer; 32 MiB of real spans hold half as many
MOST_LISTS = 500_000  # lists cost most, and nothing can be done between two of them
PIECE = 2 * 1024  # bytes that are unpacked at once: a thousand times as much at the most
AT_A_TIME = 256 * 1024  # bytes after which others have their turn
ACCEPTED = "gzip, deflate"  # packings to ask for
BURSTING = (
    "br",
    "zstd",
)  # packings that make gigabytes of one piece; httpx unpacks them where their libraries are there
_EACH = (b"[", b"{", b",")  # what stands before a value
SMALL = 64 * 1024  # bytes; what is smaller is read in less time than it takes to hand it over


class OversizedError(Exception):
    """The answer is longer than anybody would read; says so in words that follow the vendor's name."""


async def content_of(response: httpx.Response, most: int = MOST_BYTES) -> bytes:
    """The body of an answer that is being streamed, decompressed; others have their turn meanwhile.

    Raises:
        OversizedError: it is longer than ``most`` bytes, or holds more than could be read as JSON.
        httpx.HTTPError: the connection breaks, or the body is not encoded as its header says.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if "," in encoding:  # each would multiply what the one before has multiplied
        raise httpx.DecodingError("what it answers is packed more than once")
    if encoding in BURSTING:
        raise httpx.DecodingError(f"what it answers is packed with {encoding}, which was not asked for")
    if encoding and isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Pieces(response.stream)
    parts: list[bytes] = []
    size = lists = values = turn = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        lists += part.count(b"[")
        values += sum(map(part.count, _EACH))
        if size > most:
            raise OversizedError(f"answers more than {most // MIB} MiB at once")
        if size > turn:
            turn = size + AT_A_TIME
            await asyncio.sleep(0)
    content = b"".join(parts)
    if lists > MOST_LISTS or values > MOST_VALUES:  # brackets and commas of texts among them
        await _bounded(content)
    return content


async def _bounded(content: bytes) -> None:
    """Count lists and values by the brackets and commas that stand outside of texts.

    Raises:
        OversizedError: they are too many.
    """
    lists = values = 0
    in_text = escaped = False
    for start in range(0, len(content), AT_A_TIME):
        bare = content[start + escaped : start + AT_A_TIME].replace(rb"\\", b"")
        escaped = bare.endswith(b"\\")
        pieces = bare.replace(b'\\"', b"").split(b'"')
        structure = b"".join(pieces[in_text::2])
        in_text ^= len(pieces) % 2 == 0
        lists += structure.count(b"[")
        values += sum(map(structure.count, _EACH))
        if lists > MOST_LISTS:
            raise OversizedError(f"answers more than {MOST_LISTS:,} lists at once")
        if values > MOST_VALUES:
            raise OversizedError(f"answers more than {MOST_VALUES:,} values at once")
        await asyncio.sleep(0)


class _Pieces(httpx.AsyncByteStream):
    """A stream in pieces so small that none of them unpacks to more than can be held."""

    def __init__(self, whole: httpx.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._whole:
            for start in range(0, len(part), PIECE):
                yield part[start : start + PIECE]

    async def aclose(self) -> None:
        await self._whole.aclose()


async def json_of(content: bytes) -> Any:
    """The value that an answer's JSON holds; a long one is read beside the event loop.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    return _parsed(content) if len(content) <= SMALL else await asyncio.to_thread(_parsed, content)


def _parsed(content: bytes) -> Any:
    try:
        # as UTF-8 and nothing else: in UTF-16 any letter may hold the bytes of a quotation mark
        return json.loads(content.decode("utf-8-sig", "surrogatepass"), cls=Decoder)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


class Decoder(json.JSONDecoder):
    """Reads JSON with moments between, in which other threads may work.

    The standard library's reader is one call into C, and nobody else runs until it is over. This one calls a
    function for each object and number, and in that Python may change threads.
    """

    def __init__(self) -> None:
        super().__init__(object_hook=_as_it_is, parse_int=_whole, parse_float=_fraction)


def _as_it_is(value: dict[str, Any]) -> dict[str, Any]:
    return value


def _whole(written: str) -> int:
    return int(written)


def _fraction(written: str) -> float:
    return float(written)


def misread(content: bytes) -> str:
    """What an answer looks like that should be JSON and is not."""
    looks = "a web page" if content.lstrip()[:1] == b"<" else "no JSON"
    return f"answers {looks} where JSON was expected"


def reason_of(error: Exception) -> str:
    """Why a request failed, in one line."""
    return str(error).partition("\n")[0] or type(error).__name__
