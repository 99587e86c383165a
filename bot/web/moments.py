"""Moments as people and programs write them in an address."""

import re
from datetime import UTC, datetime, timedelta

from bot.incident.errors import BadInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds, milliseconds, microseconds and nanoseconds since the epoch differ enough to be told apart by size.
UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))


def moment_in(text: str | None, field: str = "at") -> datetime | None:
    """The moment ``text`` names: ISO 8601 (UTC without an offset) or a time since the epoch; None for none.

    Raises:
        BadInput: it is neither.
    """
    if text is None or not text.strip():
        return None
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text.strip()):
            return _since_epoch(text.strip())
        # "+" of an offset arrives as a space when it was not escaped.
        at = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text.strip()))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(field, f"{text[:40]!r} is no moment; write it like 2026-11-02T03:12:00Z.") from error


def _since_epoch(text: str) -> datetime:
    number = float(text) if "." in text else int(text)
    for below, unit in UNITS:
        if number < below:
            return EPOCH + timedelta(microseconds=number * 10**6 / unit if unit == 1 else int(number) * 10**6 // unit)
    raise ValueError(text)
