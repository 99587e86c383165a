"""OTLP in JSON as others write it: what can be understood is, what cannot is named."""

from typing import Any

import pytest

from bot.sources.otlp import JSON, PROTOBUF, TelemetryRejected, decode
from tests.sources.requests import SPAN_ID, TRACE_ID, in_protobuf, span, traces


def of(**fields: Any) -> Any:
    """The one span that a request with these fields brings."""
    (found,) = decode(traces({**span(), **fields}), JSON, "", "traces").spans
    return found


def valued(value: dict[str, Any]) -> object:
    return of(attributes=[{"key": "odd", "value": value}]).attributes["odd"]


@pytest.mark.parametrize("moment", [1000, "1000"])
def test_integers_of_64_bits_are_text_or_numbers(moment: object) -> None:
    assert of(startTimeUnixNano=moment).start_ns == 1000


@pytest.mark.parametrize("code", [2, "2", "STATUS_CODE_ERROR"])
def test_enums_are_numbers_or_names(code: object) -> None:
    assert of(status={"code": code}, kind="SPAN_KIND_INTERNAL").error


def test_ids_in_base64_are_the_same_ids() -> None:
    found = of(traceId="q6urq6urq6urq6urq6urqw==", spanId="zc3Nzc3NzcA=", parentSpanId="AQEBAQEBAQE=")
    assert (found.trace_id, found.span_id, found.parent_id) == (TRACE_ID, SPAN_ID[:-2] + "c0", "01" * 8)
    assert decode(traces(span(traceId="=" * 24)), JSON, "", "traces").accepted.rejected == 1


def test_null_is_absent() -> None:
    nulls = dict.fromkeys(("name", "parentSpanId", "endTimeUnixNano", "status", "events", "kind", "links"))
    found = of(**nulls, attributes=[{"key": "odd", "value": None}, {"key": "text", "value": {"stringValue": None}}])
    assert (found.name, found.parent_id, found.error, found.end_ns) == ("", None, False, 1000)
    assert dict(found.attributes) == {"odd": None, "text": None}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"intValue": 7}, 7),
        ({"intValue": "7"}, 7),
        ({"boolValue": "false"}, False),
        ({"boolValue": True}, True),
        ({"bytesValue": "AQI="}, "0102"),
        ({"doubleValue": "Infinity"}, float("inf")),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [None]}}, [None]),
        ({"kvlistValue": {"values": None}}, {}),
        ({"stringValue": ""}, ""),
        ({}, None),
    ],
)
def test_values_of_every_kind_are_read(value: dict[str, Any], meant: object) -> None:
    assert valued(value) == meant


def test_fields_in_snake_case_are_named_instead_of_ignored() -> None:
    for signal, body in (("traces", b'{"resource_spans": []}'), ("logs", b'{"resource_logs": []}')):
        with pytest.raises(TelemetryRejected, match="lowerCamelCase") as told:
            decode(body, JSON, "", signal)
        assert told.value.status == 400
    assert decode(b'{"somethingNew": []}', JSON, "", "traces").accepted.rejected == 0


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_a_parent_of_nothing_but_zeros_is_none(kind: str) -> None:
    body = traces(span(parentSpanId="0" * 16))
    (found,) = decode(body if kind == JSON else in_protobuf(body, "traces"), kind, "", "traces").spans
    assert found.parent_id is None


def test_a_parent_that_is_no_id_stays_short() -> None:
    assert of(parentSpanId="x" * 10_000).parent_id == "x" * 16


def nested(depth: int) -> bytes:
    deep = '{"arrayValue":{"values":[' * depth + '{"intValue":1}' + "]}}" * depth
    return traces({**span(), "attributes": [{"key": "deep", "value": "HERE"}]}).replace(b'"HERE"', deep.encode())


@pytest.mark.parametrize("depth", [5, 50])
def test_a_value_may_be_deep(depth: int) -> None:
    (found,) = decode(nested(depth), JSON, "", "traces").spans
    assert "deep" in found.attributes


def test_a_value_without_end_is_refused() -> None:
    with pytest.raises(TelemetryRejected) as told:
        decode(nested(5000), JSON, "", "traces")
    assert told.value.status == 400
