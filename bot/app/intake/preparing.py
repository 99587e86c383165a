"""What is done to a request before the store: decoded, normalised, redacted, reduced to rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.sources.otlp import Accepted, Rules, decode
from bot.sources.ownership import Scope
from bot.sources.redaction import Privacy
from bot.storage.telemetry_rows import Arrived, SpanRow, TraceRow, arrived, grown_rows


@dataclass(frozen=True, slots=True)
class Request:
    """An OTLP request as it came; ``signal`` is "traces" or "logs", ``scope`` whose telemetry it may bring."""

    body: bytes
    content_type: str
    encoding: str
    signal: str
    scope: Scope | None
    latest_ns: int  # what claims to have started later is not taken


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of a request, and what was left out of it."""

    accepted: Accepted
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Grown:
    """All spans that are stored of traces of which some have just arrived."""

    spans: Sequence[SpanRow]


def prepared(request: Request, privacy: Privacy) -> Prepared:
    """The rows of a request.

    Raises:
        TelemetryRejected: it cannot be used.
    """
    rules = Rules(request.scope, privacy, request.latest_ns)
    decoded = decode(request.body, request.content_type, request.encoding, request.signal, rules)
    return Prepared(decoded.accepted, arrived(decoded.spans, decoded.scores, decoded.messages))


def reduced(grown: Grown) -> list[TraceRow]:
    """The rows of traces that have grown."""
    return grown_rows(grown.spans)
