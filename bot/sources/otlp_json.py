"""OTLP requests in JSON: ids in hex, 64-bit integers as text or numbers, enums as numbers or names.

Null counts as absent, as everywhere in protobuf's JSON. Ids in base64 are understood as well: generic protobuf
libraries write them. What is no such request raises ValueError, TypeError, AttributeError, KeyError or OverflowError.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.sources.raw_spans import RawEvent, RawRecord, RawSpan, parent_of

IN_BASE64 = {24: 16, 12: 8}  # characters -> bytes of an id


class SnakeCaseError(ValueError):
    """Fields are named in snake_case: read as they should be they would all be unknown, and ignored."""


def _request(body: bytes, groups: str, wrong: str) -> dict[str, Any]:
    request: Any = json.loads(body)
    if not isinstance(request, dict):
        raise TypeError("an OTLP request is an object")
    if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair is no text that could be stored or shown
        request = json.loads(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
    if wrong in request and groups not in request:
        raise SnakeCaseError(f"it names {wrong} what OTLP names {groups} in JSON")
    return dict(request)


def spans(body: bytes) -> Iterator[RawSpan]:
    """The spans of an ExportTraceServiceRequest in JSON."""
    for group in _request(body, "resourceSpans", "resource_spans").get("resourceSpans") or ():
        resource = _json_values((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeSpans") or ():
            told_by = _text((scope.get("scope") or {}).get("name"))
            for span in scope.get("spans") or ():
                status = span.get("status") or {}
                yield RawSpan(
                    trace_id=_id(span.get("traceId")),
                    span_id=_id(span.get("spanId")),
                    parent_id=parent_of(_id(span.get("parentSpanId"))),
                    name=_text(span.get("name")),
                    start_ns=int(span.get("startTimeUnixNano") or 0),
                    end_ns=int(span.get("endTimeUnixNano") or 0),
                    status=_status(status.get("code") or 0),
                    status_message=_text(status.get("message")),
                    attributes=_json_values(span.get("attributes")),
                    resource=resource,
                    events=[_event(event) for event in span.get("events") or ()],
                    scope=told_by,
                )


def _event(event: Mapping[str, Any]) -> RawEvent:
    return RawEvent(
        _text(event.get("name")), int(event.get("timeUnixNano") or 0), _json_values(event.get("attributes"))
    )


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
    return int(str(code))


def records(body: bytes) -> Iterator[RawRecord]:
    """The records of an ExportLogsServiceRequest in JSON, resource attributes beneath their own."""
    for group in _request(body, "resourceLogs", "resource_logs").get("resourceLogs") or ():
        resource = _json_values((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeLogs") or ():
            for record in scope.get("logRecords") or ():
                values = {**resource, **_json_values(record.get("attributes"))}
                name = str(record.get("eventName") or values.get("event.name", ""))
                at_ns = int(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0)
                event, said = RawEvent(name, at_ns, values), _json_value(record.get("body") or {}) if name else None
                yield RawRecord(event, _id(record.get("traceId")), _id(record.get("spanId")), said)


def _json_values(attributes: Any) -> dict[str, object]:
    return {_text(item["key"]): _json_value(item.get("value") or {}) for item in attributes or ()}


def _json_value(value: Mapping[str, Any]) -> object:
    for name, read in _JSON_VALUES.items():
        found = value.get(name)
        if found is not None:
            return read(found)
    return None


def _bytes(written: object) -> str:
    """Bytes in hex, as in protobuf; what is no base64 stays as it is."""
    try:
        return base64.b64decode(str(written), validate=True).hex()
    except ValueError:
        return str(written)


_JSON_VALUES: dict[str, Callable[[Any], object]] = {
    "stringValue": str,
    "boolValue": lambda value: value is True or (isinstance(value, str) and value.lower() == "true"),
    "intValue": int,
    "doubleValue": float,
    "arrayValue": lambda array: [_json_value(item or {}) for item in array.get("values") or ()],
    "kvlistValue": lambda pairs: _json_values(pairs.get("values")),
    "bytesValue": _bytes,
}
