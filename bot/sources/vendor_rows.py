"""What vendors' JSON has in common: identifiers, moments and loose fields, none of which can be trusted."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from bot.sources.raw_spans import LATEST_NS

MOST_TEXT = 256 * 1024  # characters of one field that are looked at
MOST_FIELDS = 96  # of a map with names of the team's own choice
MOST_DECIMAL = 20  # digits of the largest 64-bit number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX = re.compile(r"[0-9a-f]+")
_NAMED_ERROR = re.compile(r"\s*([A-Za-z_][\w.]{0,120}(?:Error|Exception|Timeout|Exceeded|Interrupt))\b")

Row = Mapping[str, Any]
T = TypeVar("T")


class Unreadable(ValueError):
    """A row lacks what it cannot do without."""


def trace_id_of(said: str) -> str:
    """A vendor's trace id as ours, 32 hex digits: OTel ids and UUIDs as they are, anything else by its hash."""
    return _hex_of(said, 32)


def span_id_of(said: str) -> str:
    """A vendor's span id as ours, 16 hex digits.

    Of a UUID the last 16 count, because the first ones of a UUIDv7 are mostly its time; a decimal number
    is the 64-bit number it says.
    """
    plain = _plain(said)
    if len(plain) == 16:  # noqa: PLR2004 - an OTel span id
        return plain
    if len(plain) == 32:  # noqa: PLR2004 - a UUID
        return plain[16:]
    if said.isascii() and said.isdigit() and len(said) <= MOST_DECIMAL and int(said) < 2**64:
        return f"{int(said):016x}"
    return _hex_of(said, 16)


def _hex_of(said: str, length: int) -> str:
    plain = _plain(said)
    return plain if len(plain) == length else sha256(said.encode("utf-8", "replace")).hexdigest()[:length]


def _plain(said: str) -> str:
    plain = said.lower().replace("-", "")
    return plain if _HEX.fullmatch(plain) else ""


def nanoseconds(said: object) -> int:
    """An ISO 8601 moment, in UTC where it names no zone, in nanoseconds since the epoch.

    Raises:
        Unreadable: it is no such moment, or one that no clock of ours can hold.
    """
    try:
        when = datetime.fromisoformat(said if isinstance(said, str) else "")
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        at = (aware - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError) as error:
        raise Unreadable("no moment") from error
    if not 0 < at <= LATEST_NS:
        raise Unreadable("no moment of our time")
    return at


def earliest(rows: Iterable[object], name: str) -> int | None:
    """The earliest moment, in nanoseconds, that the rows have in that field; None where none has any."""
    return min(readable(rows, lambda row: nanoseconds(row.get(name)))[0], default=None)


def iso(at_ns: int) -> str:
    """A moment in nanoseconds as ISO 8601 in UTC, in microseconds."""
    return f"{(_EPOCH + timedelta(microseconds=at_ns // 1000)).isoformat(timespec='microseconds')[:-6]}Z"


def clock_time(at_ns: int) -> str:
    """A moment as people read it in a sentence, to the minute, in UTC."""
    return f"{_EPOCH + timedelta(microseconds=at_ns // 1000):%H:%M} UTC"


def said_in(row: Row, *names: str) -> str:
    """The first of those fields that holds anything, as text; what is structured as JSON; empty where none does."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return sound(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return ""


def sound(text: str) -> str:
    """The text without what no database can hold: NUL and half surrogate pairs."""
    cut = text[:MOST_TEXT]
    whole = cut if cut.isascii() else cut.encode("utf-8", "replace").decode()
    return whole.replace("\0", "")


def identifier_in(row: Row, name: str) -> str:
    """A field that the row cannot do without.

    Raises:
        Unreadable: it is missing, or no text.
    """
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Unreadable(name)
    return said_in(row, name)


def map_in(row: Row, name: str) -> Row:
    """A field that is a map, also where it is written as JSON text; empty where it is none."""
    value = row.get(name)
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def number_in(row: Row, name: str) -> float | None:
    """A field that is a number; None where it is none."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 2**63:
        return None
    return value if value == value else None  # noqa: PLR0124 - not NaN


def flat(row: Row) -> dict[str, object]:
    """The fields of a map with plain values as attributes, at most 96; what is nested is left out."""
    plain: dict[str, object] = {}
    for name, value in list(row.items())[:MOST_FIELDS]:
        if isinstance(value, str) and value:
            plain[sound(name)] = sound(value)
        elif isinstance(value, bool) or number_in(row, name) is not None:
            plain[sound(name)] = value
    return plain


def present(values: Mapping[str, object]) -> dict[str, object]:
    """Only what holds anything."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def error_type_in(message: str) -> str:
    """The exception's class that a message begins with, as in ``ValueError: no such order``; empty where none."""
    named = _NAMED_ERROR.match(message[:500])
    return named[1] if named else ""


def readable(rows: Iterable[object], read: Callable[[Row], T]) -> tuple[list[T], int]:
    """Every row that can be read, and how many cannot; one bad row never loses the others."""
    good: list[T] = []
    bad = 0
    for row in rows:
        try:
            good.append(read(row if isinstance(row, dict) else {}))
        except (Unreadable, RecursionError):
            bad += 1
    return good, bad
