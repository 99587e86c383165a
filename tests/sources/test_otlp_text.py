"""Strings that are no UTF-8 cost their bad bytes, not the batch they came in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.sources.otlp import TelemetryRejected, decode
from bot.sources.otlp_text import in_utf8

PROTOBUF = "application/x-protobuf"
MARK = "MARKMARK"


def request_with(written: str) -> bytes:
    """A span whose name and one of whose nested attributes are ``written``, and one that is in order."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, name in enumerate((written, "in order"), 1):
        span = scope.spans.add(trace_id=bytes(15) + b"\1", span_id=bytes(7) + bytes([number]), name=name)
        span.start_time_unix_nano = span.end_time_unix_nano = 1_793_584_800_000_000_000
        inner = span.attributes.add(key="list").value.array_value.values.add().kvlist_value.values.add(key=name)
        inner.value.string_value = name
    return request.SerializeToString()


@given(st.binary(min_size=len(MARK), max_size=len(MARK)))
def test_whatever_bytes_a_string_has_the_batch_is_kept(instead: bytes) -> None:
    body = request_with(MARK).replace(MARK.encode(), instead)
    spans = decode(body, PROTOBUF, "", "traces").spans
    assert [span.name for span in spans][1:] == ["in order"]
    assert len(spans) == 2


def test_each_bad_byte_becomes_a_question_mark() -> None:
    body = request_with(MARK).replace(MARK.encode(), b"ab\xff\xc3\x28\xe2\x82c")
    (broken, _) = decode(body, PROTOBUF, "", "traces").spans
    assert broken.name == "ab??(??c"
    assert broken.attributes["list"] == [{"ab??(??c": "ab??(??c"}]


def test_what_is_in_order_stays_as_it_is() -> None:
    body = request_with("Grüße, 東京 👍")
    assert in_utf8(body, ExportTraceServiceRequest) == body


@pytest.mark.parametrize("body", [b"\x0a\xff", b"\x0a\x05abc", b"<html>", b"\x0a\x02\x12\x7f", b"\x0b" * 40])
def test_what_is_no_request_is_still_refused(body: bytes) -> None:
    with pytest.raises(TelemetryRejected) as refused:
        decode(body, PROTOBUF, "", "traces")
    assert refused.value.status == 400
