"""Sentences with the events they rest on, and the few words about time that they share."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SHORT = 120  # seconds below which minutes would hide too much


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence with the events that support it (``INC-7#3``); no events means people wrote it."""

    text: str
    events: tuple[str, ...] = ()


def minutes(span: timedelta) -> str:
    """A duration people read: ``40 s``, ``12 min``, ``3 h 5 min``."""
    seconds = int(span.total_seconds())
    if seconds < SHORT:
        return f"{seconds} s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def clock(at: datetime) -> str:
    """``14:31:05 UTC``."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"
