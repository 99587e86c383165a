"""OTLP requests in JSON: hex ids, 64-bit integers as text or numbers.

What is no such request raises ValueError, TypeError, AttributeError, KeyError or OverflowError.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.sources.normalise import RawEvent, RawRecord, RawSpan


def _request(body: bytes) -> dict[str, Any]:
    request: Any = json.loads(body)
    if not isinstance(request, dict):
        raise TypeError("an OTLP request is an object")
    if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair is no text that could be stored or shown
        request = json.loads(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
    return dict(request)


def spans(body: bytes) -> Iterator[RawSpan]:
    """The spans of an ExportTraceServiceRequest in JSON."""
    for group in _request(body).get("resourceSpans") or ():
        resource = _json_values((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                status = span.get("status") or {}
                yield RawSpan(
                    trace_id=str(span.get("traceId", "")).lower(),
                    span_id=str(span.get("spanId", "")).lower(),
                    parent_id=str(span.get("parentSpanId") or "").lower(),
                    name=str(span.get("name", "")),
                    start_ns=int(span.get("startTimeUnixNano", 0)),
                    end_ns=int(span.get("endTimeUnixNano", 0)),
                    status=_status(status.get("code", 0)),
                    status_message=str(status.get("message", "")),
                    attributes=_json_values(span.get("attributes")),
                    resource=resource,
                    events=[
                        RawEvent(
                            str(e.get("name", "")), int(e.get("timeUnixNano", 0)), _json_values(e.get("attributes"))
                        )
                        for e in span.get("events") or ()
                    ],
                )


def _status(code: object) -> int:
    if isinstance(code, str) and not code.isdigit():
        return {"STATUS_CODE_ERROR": 2, "STATUS_CODE_OK": 1}.get(code, 0)
    return int(str(code))


def records(body: bytes) -> Iterator[RawRecord]:
    """The records of an ExportLogsServiceRequest in JSON, resource attributes beneath their own."""
    for group in _request(body).get("resourceLogs") or ():
        resource = _json_values((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeLogs") or ():
            for record in scope.get("logRecords") or ():
                values = {**resource, **_json_values(record.get("attributes"))}
                name = str(record.get("eventName") or values.get("event.name", ""))
                at_ns = int(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0)
                ids = (str(record.get("traceId") or "").lower(), str(record.get("spanId") or "").lower())
                yield RawRecord(RawEvent(name, at_ns, values), *ids)


def _json_values(attributes: Any) -> dict[str, object]:
    return {str(item["key"]): _json_value(item.get("value") or {}) for item in attributes or ()}


def _json_value(value: Mapping[str, Any]) -> object:
    for name, read in _JSON_VALUES.items():
        if name in value:
            return read(value[name])
    return None


_JSON_VALUES: dict[str, Callable[[Any], object]] = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": float,
    "arrayValue": lambda array: [_json_value(item) for item in array.get("values") or ()],
    "kvlistValue": lambda pairs: _json_values(pairs.get("values")),
    "bytesValue": str,
}
