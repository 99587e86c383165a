"""OTLP requests for stories: built as JSON, and the same in protobuf."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SAMPLES = Path(__file__).parent.parent / "data" / "otlp"
TRACE_ID = "ab" * 16
SPAN_ID = "cd" * 8
Json = dict[str, Any]


def sample_lines(name: str) -> list[bytes]:
    """The requests in one sample file."""
    return (SAMPLES / name).read_bytes().splitlines()


def any_value(value: object) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}
        case _:
            return {"stringValue": str(value)}


def pairs(values: Mapping[str, object]) -> list[Json]:
    return [{"key": name, "value": any_value(value)} for name, value in values.items()]


def span(attributes: Mapping[str, object] | None = None, **fields: Any) -> Json:
    ordinary = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "step", "startTimeUnixNano": "1000"}
    return ordinary | {"endTimeUnixNano": "2000", "attributes": pairs(attributes or {})} | fields


def traces(*spans: Json, resource: Mapping[str, object] | None = None) -> bytes:
    group = {"resource": {"attributes": pairs(resource or {})}, "scopeSpans": [{"spans": list(spans)}]}
    return json.dumps({"resourceSpans": [group]}).encode()


def logs(*records: Json, resource: Mapping[str, object] | None = None) -> bytes:
    group = {"resource": {"attributes": pairs(resource or {})}, "scopeLogs": [{"logRecords": list(records)}]}
    return json.dumps({"resourceLogs": [group]}).encode()


def in_protobuf(body: bytes, signal: str) -> bytes:
    """The same request in protobuf. Its JSON parser wants ids in base64, so they are put in by hand."""
    request = json.loads(body)
    groups, scopes, items = (
        ("resourceSpans", "scopeSpans", "spans") if signal == "traces" else ("resourceLogs", "scopeLogs", "logRecords")
    )
    message = ExportTraceServiceRequest() if signal == "traces" else ExportLogsServiceRequest()
    found = [item for group in request[groups] for scope in group[scopes] for item in scope[items]]
    ids = [[item.pop(name, "") for name in ("traceId", "spanId", "parentSpanId")] for item in found]
    ParseDict(request, message)
    parsed: Sequence[Any] = (
        [item for group in message.resource_spans for scope in group.scope_spans for item in scope.spans]
        if isinstance(message, ExportTraceServiceRequest)
        else [item for group in message.resource_logs for scope in group.scope_logs for item in scope.log_records]
    )
    for item, (trace_id, span_id, parent_id) in zip(parsed, ids, strict=True):
        item.trace_id, item.span_id = bytes.fromhex(trace_id), bytes.fromhex(span_id)
        if parent_id:
            item.parent_span_id = bytes.fromhex(parent_id)
    return bytes(message.SerializeToString())
