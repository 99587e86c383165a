"""Sentences with the events they rest on, and how they name a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence with the events that support it (``INC-7#3``); no events means people wrote it."""

    text: str
    events: tuple[str, ...] = ()


def clock(at: datetime) -> str:
    """``14:31:05 UTC``."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"
