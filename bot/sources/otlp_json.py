"""OTLP requests in JSON: ids in hex, 64-bit integers as text or numbers, enums as numbers or names.

Null counts as absent, as everywhere in protobuf's JSON. Ids in base64 are understood as well: generic protobuf
libraries write them. What is no such request raises ValueError, TypeError, AttributeError, KeyError or OverflowError.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.sources.raw_spans import SHARED, Parts, RawEvent, RawRecord, RawSpan, parent_of

_URL_SAFE = str.maketrans("-_", "+/")
IN_BASE64 = {24: 16, 12: 8}  # characters -> bytes of an id


ELSEWHERE = {
    "resourceSpans": "send traces to /v1/traces",
    "resourceLogs": "send logs to /v1/logs",
    "resourceMetrics": "metrics are not kept",
}  # groups of a request -> what to do with one that holds nothing else


MISNAMED = {
    "resourceSpans": ("resource_spans",),
    "scopeSpans": ("scope_spans", "instrumentationLibrarySpans"),
    "resourceLogs": ("resource_logs",),
    "scopeLogs": ("scope_logs", "instrumentationLibraryLogs"),
    "logRecords": ("log_records",),
}  # in snake_case, or as OTLP called it before 2022


class MisnamedError(ValueError):
    """Read as it should be, it would hold nothing but unknown fields, and be ignored: says what to do about it."""


def _request(body: bytes, groups: str) -> dict[str, Any]:
    request: Any = json.loads(body)
    if not isinstance(request, dict):
        raise TypeError("an OTLP request is an object")
    if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair is no text that could be stored or shown
        request = json.loads(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
    if groups not in request:
        for other in request.keys() & ELSEWHERE.keys():
            raise MisnamedError(f"it holds {other}; {ELSEWHERE[other]}")
    return dict(request)


def _items(holder: Mapping[str, Any], name: str, parts: Parts) -> Sequence[Mapping[str, Any]]:
    """The messages under ``name``, counted; they may be absent, but not under a name of :data:`MISNAMED`."""
    found: Sequence[Mapping[str, Any]] | None = holder.get(name)
    if not found:
        for wrong in MISNAMED.get(name, ()):
            if wrong in holder:
                said = f"it names {wrong} what OTLP names {name} in JSON"
                raise MisnamedError(f"{said}; write every field in lowerCamelCase")
    parts.take(len(found or ()))
    return found or ()


def spans(body: bytes) -> Iterator[RawSpan]:
    """The spans of an ExportTraceServiceRequest in JSON."""
    parts = Parts()
    for group in _items(_request(body, "resourceSpans"), "resourceSpans", parts):
        resource = _json_values((group.get("resource") or {}).get("attributes"), parts)
        each = len(resource) // SHARED
        for scope in _items(group, "scopeSpans", parts):
            told_by = _text((scope.get("scope") or {}).get("name"))
            for span in _items(scope, "spans", parts):
                parts.take(each)
                status = span.get("status") or {}
                yield RawSpan(
                    trace_id=_id(span.get("traceId")),
                    span_id=_id(span.get("spanId")),
                    parent_id=parent_of(_id(span.get("parentSpanId"))),
                    name=_text(span.get("name")),
                    start_ns=_whole(span.get("startTimeUnixNano")),
                    end_ns=_whole(span.get("endTimeUnixNano")),
                    status=_status(status.get("code")),
                    status_message=_text(status.get("message")),
                    attributes=_json_values(span.get("attributes"), parts),
                    resource=resource,
                    events=[_event(event, parts) for event in _items(span, "events", parts)],
                    scope=told_by,
                )


def _event(event: Mapping[str, Any], parts: Parts) -> RawEvent:
    attributes = _json_values(event.get("attributes"), parts)
    return RawEvent(_text(event.get("name")), _whole(event.get("timeUnixNano")), attributes)


def _id(written: object) -> str:
    """An id in lower-case hex; other text as it is, for whoever judges it."""
    text = _text(written)
    wanted = IN_BASE64.get(len(text))
    if wanted is not None:
        try:
            raw = base64.b64decode(text, validate=True)
        except ValueError:
            return text.lower()
        return raw.hex() if len(raw) == wanted else text.lower()
    return text.lower()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _status(code: object) -> int:
    if isinstance(code, str) and not code.isdigit():
        return {"STATUS_CODE_ERROR": 2, "STATUS_CODE_OK": 1}.get(code, 0)
    return _whole(code)


def _whole(told: Any) -> int:
    """An integer as JSON may tell it: 5, "5", 5.0 and "5.0" are the same; nothing is 0."""
    try:
        return int(told or 0)
    except ValueError:
        return int(float(told))


def records(body: bytes) -> Iterator[RawRecord]:
    """The records of an ExportLogsServiceRequest in JSON, resource attributes beneath their own."""
    parts = Parts()
    for group in _items(_request(body, "resourceLogs"), "resourceLogs", parts):
        resource = _json_values((group.get("resource") or {}).get("attributes"), parts)
        each = len(resource) // SHARED
        for scope in _items(group, "scopeLogs", parts):
            for record in _items(scope, "logRecords", parts):
                parts.take(each)
                values = {**resource, **_json_values(record.get("attributes"), parts)}
                name = str(record.get("eventName") or values.get("event.name", ""))
                at_ns = _whole(record.get("timeUnixNano")) or _whole(record.get("observedTimeUnixNano"))
                said = _json_value(record.get("body") or {}, parts) if name else None
                yield RawRecord(
                    RawEvent(name, at_ns, values), _id(record.get("traceId")), _id(record.get("spanId")), said
                )


def _json_values(attributes: Any, parts: Parts) -> dict[str, object]:
    parts.take(len(attributes or ()))
    return {_text(item.get("key")): _json_value(item.get("value") or {}, parts) for item in attributes or ()}


def _json_value(value: Mapping[str, Any], parts: Parts) -> object:
    for name, read in _JSON_VALUES.items():
        found = value.get(name)
        if found is not None:
            return read(found)
    if (array := value.get("arrayValue")) is not None:
        items = array.get("values") or ()
        parts.take(len(items))
        return [_json_value(item or {}, parts) for item in items]
    if (pairs := value.get("kvlistValue")) is not None:
        return _json_values(pairs.get("values"), parts)
    return None


def _bytes(written: object) -> str:
    """Bytes in hex, as in protobuf; what is no base64, of either alphabet and padded or not, stays as it is."""
    standard = str(written).rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).hex()
    except ValueError:
        return str(written)


_JSON_VALUES: dict[str, Callable[[Any], object]] = {
    "stringValue": str,
    "boolValue": lambda value: value is True or (isinstance(value, str) and value.lower() == "true"),
    "intValue": _whole,
    "doubleValue": float,
    "bytesValue": _bytes,
}
