"""Moments as people and programs write them in an address."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.incident.errors import BadInput

EARLIEST, LATEST = 1970, 2200  # years; telemetry counts nanoseconds since 1970 in 64 bits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds, milliseconds, microseconds and nanoseconds since the epoch differ enough to be told apart by size.
UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))


def moment_in(text: str | None, field: str = "at") -> datetime | None:
    """The moment ``text`` names: ISO 8601 (UTC without an offset) or a time since the epoch; None for none.

    Raises:
        BadInput: it is neither, or further away than telemetry can be.
    """
    if text is None or not text.strip():
        return None
    try:
        at = _moment(text.strip())
    except (ValueError, OverflowError) as error:
        raise BadInput(field, f"{text[:40]!r} is no moment; write it like 2026-11-02T03:12:00Z.") from error
    if not EARLIEST <= at.year <= LATEST:
        raise BadInput(field, f"{text[:40]!r} is out of reach; give a moment between {EARLIEST} and {LATEST}.")
    return at


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _since_epoch(text)
    # "+" of an offset arrives as a space when it was not escaped.
    at = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


_NUMBER: Final = r"[0-9]{1,9}(?:\.[0-9]{1,3})?"
_SHORT: Final = re.compile(rf"(?:({_NUMBER})d)?(?:({_NUMBER})h)?(?:({_NUMBER})m(?:in)?)?(?:({_NUMBER})s)?")
_ISO: Final = re.compile(rf"p(?:({_NUMBER})d)?(?:t(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?)?")


def length_in(text: str | None, field: str = "window") -> timedelta | None:
    """The length of time ``text`` names: ``15m``, ``1h30m``, ``900s``, ``PT15M``, or seconds; None for none.

    Raises:
        BadInput: it is none of these, or nothing at all.
    """
    if text is None or not text.strip():
        return None
    words = text.strip().lower()
    if re.fullmatch(_NUMBER, words):
        words += "s"
    found = _SHORT.fullmatch(words) or _ISO.fullmatch(words)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0, 0.0)
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) if days < 10**6 else timedelta(0)
    if not length:
        raise BadInput(field, f"{text[:40]!r} is no length of time; write it like 15m, 2h, 900s or PT15M.")
    return length


def _since_epoch(text: str) -> datetime:
    number = float(text) if "." in text else int(text)
    for below, unit in UNITS:
        if number < below:
            return EPOCH + timedelta(microseconds=number * 10**6 / unit if unit == 1 else int(number) * 10**6 // unit)
    raise ValueError(text)
