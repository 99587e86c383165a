"""OTLP in JSON as others write it: what can be understood is, what cannot is named."""

import json
from typing import Any

import pytest

from bot.sources.otlp import JSON, PROTOBUF, TelemetryRejected, decode
from tests.sources.requests import SPAN_ID, TRACE_ID, in_protobuf, logs, pairs, span, traces


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


@pytest.mark.parametrize(
    "span_in_snake_case",
    [{"scope_spans": [{"spans": [span()]}]}, {"scopeSpans": [], "scope_spans": [{"spans": [span()]}]}],
)
def test_snake_case_further_inside_is_named_too(span_in_snake_case: dict[str, Any]) -> None:
    with pytest.raises(TelemetryRejected, match="scopeSpans in JSON; write every field in lowerCamelCase"):
        decode(json.dumps({"resourceSpans": [span_in_snake_case]}).encode(), JSON, "", "traces")


@pytest.mark.parametrize("told", [2.0, "2"])
def test_whole_numbers_may_be_written_with_a_point(told: object) -> None:
    assert of(status={"code": told}).error
    assert valued({"intValue": 7.0}) == valued({"intValue": "7.0"}) == 7


def test_an_attribute_without_a_name_costs_nobody_else() -> None:
    found = of(attributes=[{"value": {"stringValue": "x"}}, *pairs({"odd": 1})])
    assert found.attributes["odd"] == 1


def test_a_time_of_zero_in_text_is_none() -> None:
    """Some exporters write every field, and 64-bit numbers as text."""
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "0", "observedTimeUnixNano": "7"}
    (score,) = decode(logs({**record, "attributes": pairs({"gen_ai.evaluation.name": "q"})}), JSON, "", "logs").scores
    assert score.at_ns == 7


@pytest.mark.parametrize(
    ("body", "signal", "advice"),
    [
        (traces(span()), "logs", "it holds resourceSpans; send traces to /v1/traces"),
        (logs({}), "traces", "it holds resourceLogs; send logs to /v1/logs"),
        (b'{"resourceMetrics": []}', "traces", "metrics are not kept"),
    ],
)
def test_what_comes_to_the_wrong_door_is_sent_to_the_right_one(body: bytes, signal: str, advice: str) -> None:
    with pytest.raises(TelemetryRejected, match=advice) as told:
        decode(body, JSON, "", signal)
    assert told.value.status == 400


@pytest.mark.parametrize(("signal", "other"), [("traces", "logs"), ("logs", "traces")])
def test_protobuf_at_the_wrong_door_parses_and_is_refused_all_the_same(signal: str, other: str) -> None:
    record = {"timeUnixNano": "5", "observedTimeUnixNano": "5", "body": {"stringValue": "hello"}}
    body = in_protobuf(traces(span()) if signal == "traces" else logs(record), signal)
    with pytest.raises(TelemetryRejected, match=f"send them to /v1/{signal}"):
        decode(body, PROTOBUF, "", other)
    assert decode(body, PROTOBUF, "", signal).accepted.rejected == 0
