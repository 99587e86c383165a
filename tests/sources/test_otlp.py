"""OTLP over HTTP: both encodings, both compressions, and whatever else arrives."""

import gzip
import json
import zlib
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from bot.sources import otlp
from bot.sources.otlp import JSON, MOST_BODY, PROTOBUF, Accepted, Rules, TelemetryRejected, decode, response_body
from bot.sources.raw_spans import Parts
from tests.sources.requests import SPAN_ID, TRACE_ID, any_value, in_protobuf, logs, pairs, sample_lines, span, traces

EVALUATION = {"gen_ai.evaluation.name": "groundedness", "gen_ai.evaluation.score.label": "fail"}


@pytest.mark.parametrize("line", sample_lines("traces.jsonl"))
def test_a_trace_is_the_same_in_protobuf_and_json(line: bytes) -> None:
    said = decode(line, JSON, "", "traces")
    assert said == decode(in_protobuf(line, "traces"), PROTOBUF, "", "traces")
    assert {span.agent for span in said.spans} == {"helpdesk-agent"}
    assert said.accepted == Accepted()


@pytest.mark.parametrize("line", sample_lines("evaluations.jsonl"))
def test_evaluations_are_the_same_in_protobuf_and_json(line: bytes) -> None:
    said = decode(line, JSON, "", "logs")
    assert said == decode(in_protobuf(line, "logs"), PROTOBUF, "", "logs")
    assert said.scores
    assert all(score.passed is not None and score.agent == "helpdesk-agent" for score in said.scores)


def test_probes_of_ours_are_told_from_scores_of_tasks() -> None:
    scores = decode(sample_lines("evaluations.jsonl")[-1], JSON, "", "logs").scores
    assert {score.name for score in scores if score.synthetic} == {"synthetic_task_success"}
    assert all((score.probe_id is None) == (score.trace_id is not None) for score in scores)


def test_the_failing_tool_of_a_sample_is_an_error_with_its_type() -> None:
    failed = [span for span in decode(sample_lines("traces.jsonl")[1], JSON, "", "traces").spans if span.error]
    assert [(span.error_type, span.tool and span.tool.name) for span in failed] == [("upstream_5xx", "search_kb")]


def test_an_evaluation_on_a_span_event_counts_like_one_in_a_log_record() -> None:
    event = {"name": "gen_ai.evaluation.result", "timeUnixNano": "1500", "attributes": pairs(EVALUATION)}
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "1500", "attributes": pairs(EVALUATION)}
    by_span = decode(traces(span({"gen_ai.agent.name": "helpdesk"}, events=[event])), JSON, "", "traces").scores
    record |= {"traceId": TRACE_ID, "spanId": SPAN_ID}
    by_log = decode(logs(record, resource={"service.name": "helpdesk"}), JSON, "", "logs").scores
    assert by_span == [
        one._replace(agent_said=True) for one in by_log
    ]  # a service is an agent if no task says otherwise
    assert by_span[0].passed is False


def test_an_evaluation_named_by_an_attribute_is_found_and_ordinary_logs_are_left_out() -> None:
    named = {"timeUnixNano": 5, "attributes": pairs({"event.name": "gen_ai.evaluation.result", **EVALUATION})}
    found = decode(logs(named, {"timeUnixNano": 5, "body": {"stringValue": "hello"}}), JSON, "", "logs")
    assert [score.name for score in found.scores] == ["groundedness"]
    assert found.accepted.rejected == 0


@pytest.mark.parametrize(
    "broken",
    [
        *({"traceId": "ab" * 8}, {"traceId": "0" * 32}, {"spanId": ""}, {"spanId": "xy" * 8}),
        *({"startTimeUnixNano": -1}, {"startTimeUnixNano": "0"}, {"startTimeUnixNano": None}),
    ],
)
def test_a_span_with_an_unusable_id_or_time_is_counted_and_the_rest_is_kept(broken: dict[str, Any]) -> None:
    found = decode(traces(span(**broken), span()), JSON, "", "traces")
    assert [item.span_id for item in found.spans] == [SPAN_ID]
    assert found.accepted.rejected == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zlib", "GZIP", "identity, gzip", "none", ""])
def test_compressed_bodies_are_read(encoding: str) -> None:
    body = traces(span())
    packers: dict[str, Any] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zlib": zlib.compress,
        "identity, gzip": gzip.compress,
    }
    packed = packers.get(encoding.lower(), bytes)(body)
    assert len(decode(packed, JSON, encoding, "traces").spans) == 1


def test_a_gzip_body_in_several_members_is_read_to_its_end() -> None:
    body = traces(span())
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert len(decode(packed, JSON, "gzip", "traces").spans) == 1


@pytest.mark.parametrize("members", [1, 2])
def test_a_gzip_bomb_is_refused(members: int) -> None:
    bomb = gzip.compress(b" " * (40 // members * 1024 * 1024), 9) * members
    with pytest.raises(TelemetryRejected) as refused:
        decode(bomb, JSON, "gzip", "traces")
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status"),
    [
        (b"{", JSON, "", 400),
        (b"[]", JSON, "", 400),
        (b'{"resourceSpans": 5}', JSON, "", 400),
        (b'{"resourceSpans": ["x"]}', JSON, "", 400),
        (b"[" * 100_000, JSON, "", 400),
        (traces(span()).replace(b'"1000"', b"1e999"), JSON, "", 400),
        (b"\xff\xff\xff", PROTOBUF, "", 400),
        (b"<html>", "text/html", "", 415),
        (b"{}", JSON, "br", 415),
        (b"no gzip", JSON, "gzip", 400),
        (gzip.compress(b"{}" * 1000, mtime=0)[:-9], JSON, "gzip", 400),
        (b" " * (MOST_BODY + 1), JSON, "", 413),
    ],
    ids=str,
)
def test_a_body_that_cannot_be_used_gets_its_status(body: bytes, content_type: str, encoding: str, status: int) -> None:
    with pytest.raises(TelemetryRejected) as refused:
        decode(body, content_type, encoding, "traces")
    assert refused.value.status == status


def test_an_empty_request_is_taken() -> None:
    assert decode(b"{}", JSON, "", "traces").accepted == decode(b"", PROTOBUF, "", "traces").accepted == Accepted()


def test_half_a_surrogate_pair_becomes_text_that_can_be_stored() -> None:
    (found,) = decode(traces(span({"note": "\ud800 and \U0001f600"}, name="\udfff")), JSON, "", "traces").spans
    assert (found.name, found.attributes["note"]) == ("?", "? and \U0001f600")


def test_a_partial_success_is_told_in_the_encoding_of_the_request() -> None:
    some = Accepted(2, "why")
    answer = ExportTraceServiceResponse.FromString(response_body(some, PROTOBUF, "traces"))
    assert (answer.partial_success.rejected_spans, answer.partial_success.error_message) == (2, "why")
    told = json.loads(response_body(some, JSON, "logs"))
    assert told == {"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "why"}}
    assert response_body(Accepted(), PROTOBUF, "logs") == b""
    assert json.loads(response_body(Accepted(), JSON, "traces")) == {}


def test_a_span_that_ends_in_the_far_future_is_left_out_as_one_that_starts_there() -> None:
    rules = Rules(latest_ns=5000)
    found = decode(
        traces(span(), span(endTimeUnixNano="5001"), span(startTimeUnixNano="5001")), JSON, "", "traces", rules
    )
    assert ([item.end_ns for item in found.spans], found.accepted.rejected) == ([2000], 2)
    assert "starts or ends more than a day ahead" in found.accepted.message


def test_a_verdict_on_a_span_that_claims_to_be_of_the_far_future_counts_from_the_end_of_its_span() -> None:
    event = {"name": "gen_ai.evaluation.result", "timeUnixNano": "5001", "attributes": pairs(EVALUATION)}
    (score,) = decode(traces(span(events=[event])), JSON, "", "traces", Rules(latest_ns=5000)).scores
    assert score.at_ns == 2000


@pytest.mark.parametrize("verdict", [True, False])
def test_a_score_may_be_yes_or_no(verdict: bool) -> None:  # noqa: FBT001
    told = {"gen_ai.evaluation.name": "cites", "gen_ai.evaluation.score.value": verdict}
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "attributes": pairs(told)}
    (score,) = decode(logs(record), JSON, "", "logs").scores
    assert (score.value, score.passed) == (float(verdict), verdict)


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_an_evaluation_may_stand_in_the_body_of_its_record(kind: str) -> None:
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "body": any_value(EVALUATION)}
    body = logs(record)
    (score,) = decode(body if kind == JSON else in_protobuf(body, "logs"), kind, "", "logs").scores
    assert (score.name, score.passed) == ("groundedness", False)


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_more_spans_than_a_body_really_holds_are_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MOST_RECORDS", 3)
    body = traces(*(span(spanId=f"{number:016x}") for number in range(1, 5)))
    with pytest.raises(TelemetryRejected, match="more than 3 records") as told:
        decode(body if kind == JSON else in_protobuf(body, "traces"), kind, "", "traces")
    assert told.value.status == 413


MANY = 2_000_001
A_STEP = bytes(
    ExportTraceServiceRequest.FromString(in_protobuf(traces(span()), "traces"))
    .resource_spans[0]
    .scope_spans[0]
    .spans[0]
    .SerializeToString()
)


def within(field_number: int, *contents: bytes) -> bytes:
    """A message as the field of another, so often as there are contents."""
    return b"".join(bytes([field_number << 3 | 2]) + varint(len(content)) + content for content in contents)


def varint(number: int) -> bytes:
    low = bytes([number & 0x7F | (0x80 if number > 0x7F else 0)])
    return low + (varint(number >> 7) if number > 0x7F else b"")


EMPTY = {
    "groups": b"\x0a\0" * MANY,
    "scopes": within(1, b"\x12\0" * MANY),
    "attributes of the resource": within(1, within(1, b"\x0a\0" * MANY) + within(2, within(2, A_STEP))),
    "attributes of a span": within(1, within(2, within(2, A_STEP + b"\x4a\0" * MANY))),
    "events": within(1, within(2, within(2, A_STEP + b"\x5a\0" * MANY))),
    "items of a list": within(1, within(2, within(2, A_STEP + within(9, within(2, within(5, b"\x0a\0" * MANY)))))),
}


@pytest.mark.parametrize("what", EMPTY)
def test_millions_of_empty_parts_are_refused_before_they_are_read(what: str) -> None:
    """Compressed they take a few kilobytes; one by one they would take most of a minute."""
    with pytest.raises(TelemetryRejected, match="more than 2,000,000 attributes, events and other parts") as told:
        decode(gzip.compress(EMPTY[what], 1), PROTOBUF, "gzip", "traces")
    assert told.value.status == 413


@pytest.mark.parametrize(("signal", "groups"), [("traces", "resourceSpans"), ("logs", "resourceLogs")])
def test_so_they_are_in_json(signal: str, groups: str) -> None:
    body = b'{"%s":[%s{}]}' % (groups.encode(), b"{}," * MANY)
    with pytest.raises(TelemetryRejected, match="more than 2,000,000") as told:
        decode(body, JSON, "", signal)
    assert told.value.status == 413


def test_what_each_span_shares_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long resource is read with each of its spans: a hundred of either are ordinary, a million of both are not."""
    wide = {f"key.{number}": "value" for number in range(160)}
    body = traces(*[span(spanId=f"{number:016x}") for number in range(1, 101)], resource=wide)
    for kind, packed in ((JSON, body), (PROTOBUF, in_protobuf(body, "traces"))):
        assert len(decode(packed, kind, "", "traces").spans) == 100
        with monkeypatch.context() as small:
            small.setattr(Parts.__init__, "__defaults__", (1_000,))
            with pytest.raises(TelemetryRejected, match="send smaller batches"):
                decode(packed, kind, "", "traces")


@pytest.mark.parametrize("written", ["+/8=", "+/8", "-_8=", "-_8"])
def test_bytes_are_read_in_either_alphabet_of_base64_with_and_without_its_end(written: str) -> None:
    body = traces(span() | {"attributes": [{"key": "raw", "value": {"bytesValue": written}}]})
    (found,) = decode(body, JSON, "", "traces").spans
    assert found.attributes["raw"] == "fbff"
