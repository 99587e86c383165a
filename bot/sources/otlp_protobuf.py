"""OTLP requests in protobuf. Broken bytes raise ValueError."""

from collections.abc import Iterator, Sequence

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from bot.sources.otlp_text import in_utf8
from bot.sources.raw_spans import SHARED, Parts, RawEvent, RawRecord, RawSpan, parent_of


def spans(body: bytes) -> Iterator[RawSpan]:
    """The spans of an ExportTraceServiceRequest in protobuf."""
    request = ExportTraceServiceRequest()
    _parse(request, body)
    parts = Parts()
    parts.take(len(request.resource_spans))
    for group in request.resource_spans:
        resource = _values(group.resource.attributes, parts)
        each = 1 + len(resource) // SHARED
        parts.take(len(group.scope_spans))
        for scope in group.scope_spans:
            told_by = scope.scope.name
            for span in scope.spans:
                events = span.events
                parts.take(each + len(events))
                yield RawSpan(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=parent_of(span.parent_span_id.hex()),
                    name=span.name,
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    status=span.status.code,
                    status_message=span.status.message,
                    attributes=_values(span.attributes, parts),
                    resource=resource,
                    events=[RawEvent(e.name, e.time_unix_nano, _values(e.attributes, parts)) for e in events],
                    scope=told_by,
                )


def records(body: bytes) -> Iterator[RawRecord]:
    """The records of an ExportLogsServiceRequest in protobuf, resource attributes beneath their own."""
    request = ExportLogsServiceRequest()
    _parse(request, body)
    parts = Parts()
    parts.take(len(request.resource_logs))
    for group in request.resource_logs:
        resource = _values(group.resource.attributes, parts)
        each = 1 + len(resource) // SHARED
        parts.take(len(group.scope_logs))
        for scope in group.scope_logs:
            for record in scope.log_records:
                parts.take(each)
                values = {**resource, **_values(record.attributes, parts)}
                name = record.event_name or str(values.get("event.name", ""))
                at_ns = record.time_unix_nano or record.observed_time_unix_nano
                said = _value(record.body, parts) if name else None
                yield RawRecord(RawEvent(name, at_ns, values), record.trace_id.hex(), record.span_id.hex(), said)


def _parse(message: Message, body: bytes) -> None:
    try:
        message.ParseFromString(body)
    except DecodeError:
        try:  # only a string that is no UTF-8, perhaps
            message.ParseFromString(in_utf8(body, type(message)))
        except (DecodeError, IndexError) as error:
            raise ValueError(str(error)) from error


def _values(attributes: Sequence[KeyValue], parts: Parts) -> dict[str, object]:
    parts.take(len(attributes))
    found: dict[str, object] = {}
    for attribute in attributes:
        value = attribute.value
        # most are text, and asking for that first is quicker than asking which of all it is
        found[attribute.key] = value.string_value or _value(value, parts)
    return found


def _value(value: AnyValue, parts: Parts) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        items = value.array_value.values
        parts.take(len(items))
        return [_value(item, parts) for item in items]
    if kind == "kvlist_value":
        return _values(value.kvlist_value.values, parts)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None
