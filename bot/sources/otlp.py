"""OTLP over HTTP: request bodies in protobuf or JSON into spans, scores and messages.

Protocol: https://opentelemetry.io/docs/specs/otlp/#otlphttp. JSON has hex ids and may write
64-bit integers as text, which protobuf's own JSON parser does not understand.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from bot.incident.errors import FirstfiveError
from bot.incident.logged_messages import NOTHING, LoggedMessages, Place, merged
from bot.incident.telemetry import EvalScore, Span
from bot.sources import attributes as names
from bot.sources import otlp_json, otlp_protobuf
from bot.sources.message_records import MESSAGES, messages_of
from bot.sources.normalise import span_from
from bot.sources.otlp_wire import signal_of
from bot.sources.ownership import Scope, owned_score, owned_span, owns_record
from bot.sources.raw_spans import LATEST_NS, RawRecord, RawSpan, TooManyPartsError
from bot.sources.redaction import PRIVATE, Privacy
from bot.sources.scores import score_from, scores_of_span

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
MOST_BODY = 8 * 1024 * 1024
MOST_DECOMPRESSED = 32 * 1024 * 1024
MOST_RECORDS = 200_000  # real ones take more than 160 bytes each, which is what this leaves them

T = TypeVar("T")

_NO_ENCODING = frozenset({"", "identity", "none"})  # the last is no HTTP, but a Collector's setting
_ZLIB = frozenset({"deflate", "zlib"})  # the latter is a Collector's word for it
_PACKED = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}  # how it begins, as no request does
_HEX = re.compile(r"[0-9a-f]+")  # bytes.fromhex would let spaces pass


class TelemetryRejected(FirstfiveError):
    """The request cannot be used; ``status`` is the HTTP status that says so, ``reason`` one sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[type["TelemetryRejected"], tuple[int, str]]:
        return type(self), (self.status, self.reason)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many records were left out, and why; zero and empty when all were taken."""

    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The usable part of one request."""

    spans: list[Span]
    scores: list[EvalScore]
    accepted: Accepted
    messages: Mapping[Place, LoggedMessages] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Nothing of it can be used."""
        return not (self.spans or self.scores or self.messages)


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a request is taken: whose, how much of its text, and up to when it may claim to have happened."""

    scope: Scope | None = None
    privacy: Privacy = PRIVATE
    latest_ns: int = LATEST_NS


EVERYTHING = Rules()


def decode(body: bytes, content_type: str, encoding: str, signal: str, rules: Rules = EVERYTHING) -> Decoded:
    """The spans, scores and messages in a request body; ``signal`` is "traces" or "logs".

    Raises:
        TelemetryRejected: the body cannot be read, is too large, or its type is unknown.
    """
    if len(body) > MOST_BODY:
        raise TelemetryRejected(413, "The body is larger than 8 MiB; send smaller batches.")
    kind = content_type.partition(";")[0].strip().lower()
    plain = decompressed(body, encoding.strip().lower())
    reader = {JSON: otlp_json, PROTOBUF: otlp_protobuf}.get(kind)
    if reader is None:
        raise TelemetryRejected(415, f"Send {PROTOBUF} or {JSON}.")
    try:
        if signal == "traces":
            found = _spans(_few(reader.spans(plain)), rules)
        else:
            found = _logs(_few(reader.records(plain)), rules)
    except TooManyPartsError as error:
        raise TelemetryRejected(413, f"The body is refused: {error}; send smaller batches.") from error
    except otlp_json.MisnamedError as error:
        raise TelemetryRejected(400, f"The body cannot be read: {error}.") from error
    except RecursionError as error:
        raise TelemetryRejected(400, "The body cannot be read: its values are nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise TelemetryRejected(400, f"The body is no JSON: {error.msg} (character {error.pos + 1:,}).") from error
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        reason = _misdirected(plain, kind, signal) or f"is no OTLP request in {kind}; see the OTLP specification"
        raise TelemetryRejected(400, f"The body {reason}.") from error
    if found.empty and (reason := _misdirected(plain, kind, signal)):
        raise TelemetryRejected(400, f"The body {reason}.")
    return found


def _misdirected(plain: bytes, kind: str, signal: str) -> str:
    """What to do with what is still packed, or with protobuf at the wrong door; some of it parses there, and tells nothing."""
    for packed, beginning in _PACKED.items():
        if plain.startswith(beginning):
            return f"is packed with {packed}; send gzip, and name it in Content-Encoding"
    if kind != PROTOBUF or (held := signal_of(plain)) in {None, signal}:
        return ""
    return f"holds {'spans' if held == 'traces' else 'log records'}; send them to /v1/{held}"


def _few(records: Iterator[T]) -> Iterator[T]:
    """The records; compressed, millions of empty ones fit into a small body.

    Raises:
        TelemetryRejected: they are too many.
    """
    for count, record in enumerate(records):
        if count == MOST_RECORDS:
            raise TelemetryRejected(413, f"The body holds more than {MOST_RECORDS:,} records; send smaller batches.")
        yield record


def decompressed(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding, never more than 32 MiB.

    Raises:
        TelemetryRejected: unknown or broken encoding, or a body that grows too large.
    """
    encoding = ", ".join(each for part in encoding.split(",") if (each := part.strip()) not in _NO_ENCODING)
    if not encoding:
        return body
    if encoding not in {"gzip", "x-gzip", *_ZLIB}:
        raise TelemetryRejected(415, f"Content encoding {encoding[:40]!r} is not supported; use gzip, deflate or none.")
    try:
        return _inflated(body, _window(body, encoding))
    except (zlib.error, EOFError) as error:
        raise TelemetryRejected(400, f"The body is not valid {encoding}, or ends early.") from error


def grows_beyond(size: int, body: bytes, encoding: str) -> bool:
    """Whether the body without its encoding is longer than ``size`` bytes; what is broken is not."""
    if not encoding.strip() or len(body) > size:
        return len(body) > size
    try:
        return len(zlib.decompressobj(_window(body, encoding.strip().lower())).decompress(body, size + 1)) > size
    except zlib.error:
        return False


def _window(body: bytes, encoding: str) -> int:
    """HTTP's deflate is zlib's format, yet many clients send it without the two bytes at its head."""
    if encoding not in _ZLIB:
        return zlib.MAX_WBITS | 32
    with_head = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if with_head else -zlib.MAX_WBITS


def _inflated(body: bytes, window: int) -> bytes:
    """All members of the body one after the other, never holding more than the limit."""
    plain = bytearray()
    while True:
        inflater = zlib.decompressobj(window)
        plain += inflater.decompress(body, MOST_DECOMPRESSED - len(plain) + 1)
        if len(plain) > MOST_DECOMPRESSED:
            raise TelemetryRejected(413, "The body grows beyond 32 MiB when decompressed; send smaller batches.")
        if not inflater.eof:
            raise EOFError
        if not inflater.unused_data:
            return bytes(plain)
        body = inflater.unused_data


def _spans(raws: Iterator[RawSpan], rules: Rules) -> Decoded:
    spans: list[Span] = []
    scores: list[EvalScore] = []
    broken = ahead = foreign = 0
    scope = rules.scope
    for raw in raws:
        if not (_usable(raw.trace_id, 32) and _usable(raw.span_id, 16) and 0 < raw.start_ns <= LATEST_NS >= raw.end_ns):
            broken += 1
            continue
        if max(raw.start_ns, raw.end_ns) > rules.latest_ns:
            ahead += 1
            continue
        span, judged = span_from(raw, rules.privacy), scores_of_span(raw, rules.privacy, rules.latest_ns)
        if scope is not None:
            around = {**raw.resource, **raw.attributes}
            owned = owned_span(scope, around, span)
            if owned is None:
                foreign += 1
                continue
            span = owned
            judged = [own for score in judged if (own := owned_score(scope, around, score)) is not None]
        spans.append(span)
        scores.extend(judged)
    return Decoded(spans, scores, _accepted({NO_SPAN: broken, TOO_FAR_AHEAD: ahead}, foreign, scope))


NO_SPAN = "spans need a trace id of 16 bytes, a span id of 8 bytes and a valid time"
NO_RESULT = "evaluation results need a time"
NO_MESSAGE = "messages in log records need a time and the trace id and span id of their step"
TOO_FAR_AHEAD = "what starts or ends more than a day ahead of our clock is not taken; set the sender's clock"


def _accepted(reasons: Mapping[str, int], foreign: int, scope: Scope | None) -> Accepted:
    counted = {**reasons, **({scope.refusal: foreign} if scope is not None else {})}
    return Accepted(sum(counted.values()), "; ".join(reason for reason, count in counted.items() if count))


def _usable(identifier: str, digits: int) -> bool:
    return len(identifier) == digits and _HEX.fullmatch(identifier) is not None and identifier.strip("0") != ""


def _logs(records: Iterator[RawRecord], rules: Rules) -> Decoded:
    scores: list[EvalScore] = []
    heard = _Heard()
    refused: Counter[str] = Counter()
    for record in records:
        if record.event.name == names.EVALUATION_EVENT:
            reason = _judge(record, rules, scores)
        elif record.event.name in MESSAGES:
            reason = _hear(record, rules, heard)
        else:
            continue
        if reason:
            refused[reason] += 1
    messages = {place: told for place, told in heard.messages.items() if told != NOTHING}
    return Decoded([], scores, Accepted(refused.total(), "; ".join(refused)), messages)


def _untimely(record: RawRecord, rules: Rules, without: str) -> str:
    """Why its moment cannot be used, ``without`` where it has none; empty where it can."""
    if not 0 < record.event.at_ns <= LATEST_NS:
        return without
    return TOO_FAR_AHEAD if record.event.at_ns > rules.latest_ns else ""


def _judge(record: RawRecord, rules: Rules, scores: list[EvalScore]) -> str:
    """Add its evaluation result, or say why that cannot be used."""
    reason = _untimely(record, rules, NO_RESULT)
    if reason:
        return reason
    trace_id = record.trace_id if _usable(record.trace_id, 32) else ""
    span_id = record.span_id if trace_id and _usable(record.span_id, 16) else ""
    event = record.event
    if isinstance(record.body, dict):  # where events were told before they had attributes of their own
        event = replace(event, attributes={**record.body, **event.attributes})
    score = score_from(event, trace_id, span_id, rules.privacy)
    if rules.scope is not None:
        owned = owned_score(rules.scope, event.attributes, score)
        if owned is None:
            return rules.scope.refusal
        score = owned
    scores.append(score)
    return ""


@dataclass(frozen=True, slots=True)
class _Heard:
    """The messages of a request's records, and how many records there were of one span and nanosecond."""

    messages: dict[Place, LoggedMessages] = field(default_factory=dict)
    moments: Counter[tuple[Place, int]] = field(default_factory=Counter)


def _hear(record: RawRecord, rules: Rules, heard: _Heard) -> str:
    """Add the messages it tells, or say why they cannot be used."""
    reason = _untimely(record, rules, NO_MESSAGE)
    if reason or not (_usable(record.trace_id, 32) and _usable(record.span_id, 16)):
        return reason or NO_MESSAGE
    if rules.scope is not None and not owns_record(rules.scope, record.event.attributes):
        return rules.scope.refusal
    place, moment = (record.trace_id, record.span_id), ((record.trace_id, record.span_id), record.event.at_ns)
    told = messages_of(record, heard.moments[moment], rules.privacy.redaction)
    heard.moments[moment] += 1
    heard.messages[place] = merged(heard.messages.get(place, NOTHING), told)
    return ""


def response_body(accepted: Accepted, content_type: str, signal: str) -> bytes:
    """The answer to a request that was taken, wholly or in part, in the encoding it came in."""
    if content_type.partition(";")[0].strip().lower() == JSON:
        return json.dumps(_json_answer(accepted, signal)).encode()
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if accepted.rejected:
            traces.partial_success.rejected_spans = accepted.rejected
            traces.partial_success.error_message = accepted.message
        return bytes(traces.SerializeToString())
    logs = ExportLogsServiceResponse()
    if accepted.rejected:
        logs.partial_success.rejected_log_records = accepted.rejected
        logs.partial_success.error_message = accepted.message
    return bytes(logs.SerializeToString())


def _json_answer(accepted: Accepted, signal: str) -> dict[str, object]:
    if not accepted.rejected:
        return {}
    counted = "rejectedSpans" if signal == "traces" else "rejectedLogRecords"
    return {"partialSuccess": {counted: str(accepted.rejected), "errorMessage": accepted.message}}
