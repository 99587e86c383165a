"""Spans, their events and log records as OTLP has them, before anybody asks which convention they speak."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.sources.values import Values

MOST_ID = 16  # characters of a span's id
LATEST_NS = 2**63 - 1  # what both databases can hold
ERROR_STATUS = 2
MOST_PARTS = 2_000_000  # of one body: real ones take more than 16 bytes each, which is what this leaves them
SHARED = 16  # attributes of a resource that cost each of its spans or records as much as one of their own


class TooManyPartsError(ValueError):
    """A body holds more groups, attributes, events and list items than anybody sends."""

    def __init__(self) -> None:
        super().__init__(f"it holds more than {MOST_PARTS:,} attributes, events and other parts")


@dataclass(slots=True)
class Parts:
    """How many more parts a body may hold."""

    left: int = MOST_PARTS

    def take(self, count: int) -> None:
        """Count so many before they are read.

        Raises:
            TooManyPartsError: they are too many.
        """
        self.left -= count
        if self.left < 0:
            raise TooManyPartsError


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event of a span, or a log record, as OTLP has it."""

    name: str
    at_ns: int
    attributes: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A log record: its event, and the span it is about (hex ids, empty where there is none)."""

    event: RawEvent
    trace_id: str
    span_id: str
    body: object = None  # of an event; what else is logged is not read


@dataclass(frozen=True, slots=True)
class RawSpan:
    """A span as OTLP has it; ids are lower-case hex, ``parent_id`` empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    status: int = 0
    status_message: str = ""
    attributes: Values = field(default_factory=dict)
    resource: Values = field(default_factory=dict)
    events: Sequence[RawEvent] = ()
    scope: str = ""  # the instrumentation's name


def parent_of(written: str) -> str:
    """The parent's id as it is kept; nothing but zeros is how some SDKs say that there is none."""
    return written[:MOST_ID] if written.strip("0") else ""
