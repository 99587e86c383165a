"""Spans, their events and log records as OTLP has them, before anybody asks which convention they speak."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.sources.values import Values

MOST_ID = 16  # characters of a span's id
LATEST_NS = 2**63 - 1  # what both databases can hold
ERROR_STATUS = 2


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
