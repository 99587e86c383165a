"""The receiving end as a stranger meets it: odd addresses, odd bodies, slow and greedy senders. All on a real socket."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from bot.web import crowd
from tests.sources.requests import TRACE_ID, Json, in_protobuf, span, traces
from tests.web.test_otlp_intake import JSON, PROTOBUF, Door, opened


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as found:
        yield found


def packed(*spans: Json) -> bytes:
    return in_protobuf(traces(*spans), "traces")


@pytest.mark.parametrize("path", ["/v1/traces/", "//v1/traces"])
async def test_a_slash_too_many_does_no_harm(door: Door, path: str) -> None:
    answer = await door.post(packed(span()), PROTOBUF, f"{str(door.http.base_url).rstrip('/')}{path}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert await door.store.trace(TRACE_ID) is not None


@pytest.mark.parametrize("lines", [("gzip", "gzip"), ("identity", "gzip"), ("gzip",)])
async def test_an_encoding_may_be_told_in_several_lines(door: Door, lines: tuple[str, ...]) -> None:
    headers = [("content-type", "application/x-protobuf"), *(("content-encoding", line) for line in lines)]
    answer = await door.http.post("/v1/traces", content=gzip.compress(packed(span())), headers=headers)
    assert answer.status_code == 200
    assert await door.store.trace(TRACE_ID) is not None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(b"{}", mtime=0), "is packed with gzip; send gzip, and name it in Content-Encoding"),
        (b"\x28\xb5\x2f\xfd", "is packed with zstd; send gzip"),
        (b'{"resourceSpans":[{"instrumentationLibrarySpans":[{}]}]}', "names instrumentationLibrarySpans what OTLP"),
        (traces(span()).replace(b'"spans"', b'"x":%s,"spans"' % (b"[" * 5000 + b"]" * 5000)), "nested too deeply"),
    ],
)
async def test_what_would_vanish_or_puzzle_is_named(door: Door, body: bytes, said: str) -> None:
    answer = await door.post(body, JSON)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


@pytest.mark.parametrize("path", ["/v1/metrics", "//v1/metrics", "/v1/trace", "/v1/traces/x"])
async def test_what_is_not_kept_is_told_in_the_sender_s_encoding(door: Door, path: str) -> None:
    path = f"{str(door.http.base_url).rstrip('/')}{path}"
    answer = await door.post(b"{}", JSON, path)
    assert (answer.status_code, answer.json()["code"]) == (404, 12)
    assert "OTEL_METRICS_EXPORTER=none" in answer.json()["message"]
    binary = await door.post(b"", PROTOBUF, path)
    assert (binary.status_code, binary.headers["content-type"]) == (404, "application/x-protobuf")


async def test_a_body_in_chunks_arrives(door: Door) -> None:
    body = packed(span())

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 20):
            yield body[at : at + 20]

    answer = await door.http.post("/v1/traces", content=chunks(), headers=PROTOBUF)
    assert answer.status_code == 200
    assert await door.store.trace(TRACE_ID) is not None


async def test_the_newer_name_of_protobuf_and_the_older_one_of_gzip_are_understood(door: Door) -> None:
    headers = {"Content-Type": "application/protobuf", "Content-Encoding": "X-GZIP"}
    answer = await door.post(gzip.compress(packed(span(), span(spanId="01"))), headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/protobuf")
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1


async def test_an_attribute_of_ten_megabytes_is_cut(door: Door) -> None:
    body = gzip.compress(packed(span({"note": "long " * 2_000_000})))
    answer = await door.post(body, PROTOBUF | {"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert len(str(trace.spans[0].attributes["note"])) < 5000


async def test_text_that_is_no_utf_8_costs_its_bytes_and_not_its_request(door: Door) -> None:
    body = packed(span(name="STEP")).replace(b"STEP", b"\xff\xfe\xfd\xfc")
    answer = await door.post(body, PROTOBUF)
    assert answer.status_code == 200
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert trace.spans[0].name == "????"


def within(tag: int, content: bytes) -> bytes:
    """A field of protobuf that holds a message."""
    size, length = len(content), bytearray()
    while size >= 128:
        length.append(size % 128 | 128)
        size >>= 7
    return bytes([tag, *length, size]) + content


@pytest.mark.parametrize(("depth", "status"), [(10, 200), (90, 400), (5000, 400)])
async def test_values_nested_deep_are_taken_or_refused_and_never_a_failure(door: Door, depth: int, status: int) -> None:
    value = b"\x18\x01"  # the number 1
    for _ in range(depth):
        value = within(0x2A, within(0x0A, value))  # a list of one
    attribute = within(0x4A, within(0x0A, b"deep") + within(0x12, value))
    ids = within(0x0A, bytes.fromhex(TRACE_ID)) + within(0x12, b"\1" * 8)
    body = within(0x0A, within(0x12, within(0x12, ids + attribute)))
    assert (await door.post(body, PROTOBUF)).status_code == status


async def test_numbers_that_are_none_are_kept_as_nothing(door: Door) -> None:
    request = ExportTraceServiceRequest.FromString(packed(span({"gen_ai.operation.name": "chat"})))
    for name, value in (("a", float("nan")), ("b", float("-inf")), ("gen_ai.usage.input_tokens", float("inf"))):
        request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=name, value=AnyValue(double_value=value))
    assert (await door.post(request.SerializeToString(), PROTOBUF)).status_code == 200
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert trace.spans[0].attributes["a"] is None
    assert trace.spans[0].model is not None
    assert trace.spans[0].model.input_tokens is None


async def test_the_same_spans_again_and_again_count_once(door: Door) -> None:
    steps = [span(spanId=f"{number:016x}", parentSpanId="cd" * 8) for number in range(1, 5)]
    for _ in range(3):
        assert (await door.post(packed(*steps, *steps), PROTOBUF)).status_code == 200
    assert (await door.post(packed(span()), PROTOBUF)).status_code == 200
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert len(trace.spans) == 5
    assert trace.complete


async def test_one_greedy_sender_is_sent_away_before_its_body_is_read(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MOST_AT_ONCE", 10_000)
    arriving = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await arriving.wait()
        yield b"}"

    first = asyncio.create_task(door.http.post("/v1/traces", content=slow(), headers=JSON))
    async with asyncio.timeout(10):
        while (await door.post(b"{}", JSON)).status_code != 503:  # noqa: ASYNC110 - the server tells in no other way
            await asyncio.sleep(0.01)
    refused = await door.post(b"{}", JSON)
    assert (refused.headers["retry-after"], refused.json()["code"]) == ("1", 14)
    arriving.set()
    assert (await first).status_code == 200
    assert (await door.post(b"{}", JSON)).status_code == 200


async def test_a_sender_that_stalls_is_let_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "READ_WITHIN", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)
        yield b"}"

    answer = await door.http.post("/v1/traces", content=stalled(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, 4)


STALLED = b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000000\r\n\r\n{"


@pytest.mark.parametrize("most", ["MOST_REQUESTS", "MOST_AT_ONCE"])
async def test_senders_that_stall_keep_nobody_out(door: Door, monkeypatch: pytest.MonkeyPatch, most: str) -> None:
    """However many places there are, and however many bytes: whoever stalls loses its place to whoever sends."""
    monkeypatch.setattr(crowd, "PATIENCE", 0.2)
    monkeypatch.setattr(crowd, most, {"MOST_REQUESTS": 4, "MOST_AT_ONCE": 16_000_000}[most])
    url = door.http.base_url
    stalled = [await asyncio.open_connection(url.host, url.port) for _ in range(4)]
    for _, writer in stalled:
        writer.write(STALLED)
    async with asyncio.timeout(10):
        while (answer := await door.post(traces(span()), JSON)).status_code == 503:
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(0.02)
    assert answer.status_code == 200
    assert await door.store.trace(TRACE_ID) is not None
    async with asyncio.timeout(5):
        done, _ = await asyncio.wait(
            [asyncio.create_task(reader.readline()) for reader, _ in stalled], return_when=asyncio.FIRST_COMPLETED
        )
    assert {task.result() for task in done} == {b"HTTP/1.1 503 Service Unavailable\r\n"}  # what exporters try again
    for _, writer in stalled:
        writer.close()


async def test_a_slow_sender_is_not_hurried_while_nobody_waits(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "PATIENCE", 0.01)

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"resourceSpans"'
        await asyncio.sleep(0.1)
        yield b":[]}"

    first = asyncio.create_task(door.http.post("/v1/traces", content=slow(), headers=JSON))
    await asyncio.sleep(0.05)
    assert (await door.post(traces(span()), JSON)).status_code == 200
    assert (await first).status_code == 200


async def test_a_wrong_method_names_the_right_one(door: Door) -> None:
    answer = await door.http.get("/v1/traces")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_length_that_is_no_number_is_no_failure(door: Door) -> None:
    reader, writer = await asyncio.open_connection(door.http.base_url.host, door.http.base_url.port)
    writer.write(
        b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1e3\r\n\r\n{}"
    )
    head = await asyncio.wait_for(reader.readline(), 5)
    assert b" 400 " in head
    writer.close()


async def test_an_answer_in_json_is_json_whatever_charset_was_named(door: Door) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    answer = await door.post(traces(span(), span(traceId="00")), headers)
    assert json.loads(answer.content)["partialSuccess"]["rejectedSpans"] == "1"
