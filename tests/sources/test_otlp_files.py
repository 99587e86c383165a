"""Files of OTLP requests, as exporters and people leave them behind."""

import gzip
import io
import json
from collections.abc import Callable, Iterable

import pytest

from bot.sources import otlp_files
from bot.sources.otlp import decode
from bot.sources.otlp_files import Broken, OtlpFile, Request
from bot.sources.otlp_wire import TOLD_WITHIN, signal_of
from tests.sources.requests import in_protobuf, logs, sample_lines, span, traces

TRACES, LOGS = sample_lines("traces.jsonl"), sample_lines("evaluations.jsonl")
MESSAGES = [*(in_protobuf(line, "traces") for line in TRACES), *(in_protobuf(line, "logs") for line in LOGS)]
SIGNALS = ["traces"] * len(TRACES) + ["logs"] * len(LOGS)


def read(name: str, content: bytes) -> list[Request | Broken]:
    return list(OtlpFile(name, io.BytesIO(content)).requests())


def told(found: Iterable[Request | Broken]) -> list[tuple[int, str]]:
    """Number, and signal or reason, of each."""
    return [(one.number, one.signal if isinstance(one, Request) else one.reason) for one in found]


def varint(number: int) -> bytes:
    low = number % 128
    return bytes([low]) if number < 128 else bytes([low | 128]) + varint(number >> 7)


def collector(messages: Iterable[bytes]) -> bytes:
    return b"".join(len(message).to_bytes(4, "big") + message for message in messages)


def varints(messages: Iterable[bytes]) -> bytes:
    return b"".join(varint(len(message)) + message for message in messages)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.ndjson", "x", "x.jsonl.gz"])
def test_json_lines_hold_traces_and_logs_in_any_order(name: str) -> None:
    content = b"\n".join([*TRACES, *LOGS])
    found = read(name, gzip.compress(content) if name.endswith(".gz") else content)
    assert told(found) == list(enumerate(SIGNALS, start=1))
    assert all(isinstance(one, Request) and decode(one.body, one.content_type, "", one.signal) for one in found)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_document_may_be_one_line_or_many(indent: int | None) -> None:
    (found,) = read("x.json", json.dumps(json.loads(TRACES[0]), indent=indent).encode())
    assert isinstance(found, Request)
    assert decode(found.body, found.content_type, "", found.signal) == decode(
        TRACES[0], "application/json", "", "traces"
    )


def test_windows_leaves_its_marks_and_they_do_no_harm() -> None:
    assert told(read("x.jsonl", b"\xef\xbb\xbf" + TRACES[0] + b"\r\n\r\n" + LOGS[0] + b"\r\n")) == [
        (1, "traces"),
        (3, "logs"),
    ]


@pytest.mark.parametrize("name", ["x.pb", "x.bin", "x.otlp", "x", "x.otlp.gz"])
@pytest.mark.parametrize("framed", [collector, varints])
def test_messages_with_their_length_before_them_are_told_apart_by_what_they_hold(
    name: str, framed: Callable[[Iterable[bytes]], bytes]
) -> None:
    content = framed(MESSAGES)
    found = read(name, gzip.compress(content) if name.endswith(".gz") else content)
    assert told(found) == list(enumerate(SIGNALS, start=1))
    assert [one.body for one in found if isinstance(one, Request)] == MESSAGES


@pytest.mark.parametrize(("message", "signal"), [*zip(MESSAGES, SIGNALS, strict=True)])
def test_one_message_without_a_length_is_a_file_too(message: bytes, signal: str) -> None:
    assert told(read("x.pb", message)) == [(1, signal)]


def test_records_without_a_time_and_spans_without_an_id_are_still_told_apart() -> None:
    observed = {"observedTimeUnixNano": "5"}
    assert signal_of(in_protobuf(logs(observed), "logs")) == "logs"
    assert signal_of(in_protobuf(traces(span(traceId="", spanId="")), "traces")) == "traces"
    assert signal_of(in_protobuf(traces(), "traces")) is None


def test_what_a_request_holds_is_looked_for_at_its_beginning_only() -> None:
    """A few kilobytes, compressed, hold millions of empty messages."""
    told = in_protobuf(traces(span()), "traces")
    assert signal_of(b"\x0a\x00" * 100 + told) == "traces"
    assert signal_of(b"\x0a\x00" * TOLD_WITHIN + told) is None
    assert signal_of(told + b"\x0a\x00" * TOLD_WITHIN) == "traces"


@pytest.mark.parametrize(
    "line", [b"{broken", b'{"resourceMetrics": []}', b"[]", b"hello", b'{"resourceSpan', b"\x00\xff"]
)
def test_a_broken_line_is_named_and_the_others_are_read(line: bytes) -> None:
    first, broken, last = read("x.jsonl", b"\n".join([TRACES[0], line, LOGS[0]]))
    assert isinstance(broken, Broken)
    assert told([first, last]) == [(1, "traces"), (3, "logs")]
    assert broken.number == 2


def test_a_first_line_that_is_broken_does_not_spoil_the_next() -> None:
    assert [number for number, _ in told(read("x.jsonl", b"{broken\n" + TRACES[0] + b"\n" + LOGS[0]))] == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"\n", b" \n \n"])
def test_an_empty_file_holds_nothing(content: bytes) -> None:
    assert read("x.jsonl", content) == []


def test_an_empty_protobuf_file_holds_nothing() -> None:
    assert read("x.pb", b"") == []


@pytest.mark.parametrize("framed", [collector, varints])
def test_a_file_cut_off_in_a_message_gives_what_came_before(framed: Callable[[Iterable[bytes]], bytes]) -> None:
    found = told(read("x.pb", framed(MESSAGES)[:-5]))
    assert found[:-1] == list(enumerate(SIGNALS[:-1], start=1))
    assert found[-1] == (5, "the file ends in the middle of a message, or is no OTLP")


@pytest.mark.parametrize("end", [10, 200, -4])
def test_gzip_that_breaks_off_is_named(end: int) -> None:
    content = gzip.compress(b"\n".join([*TRACES, *LOGS]))[:end]
    assert told(read("x.jsonl.gz", content))[-1][1] == "the gzip data is broken or ends early"


def test_of_gzip_that_breaks_off_the_lines_before_are_read() -> None:
    """As a Collector leaves it that was killed."""
    packed = gzip.compress(b"\n".join(TRACES * 50))
    found = told(read("x.jsonl.gz", packed[:-20]))
    assert [signal for _, signal in found[:-1]] == ["traces"] * (len(found) - 1)
    assert len(found) > 40 * len(TRACES)
    assert found[-1] == (len(found), "the gzip data is broken or ends early")


def test_what_only_claims_to_be_packed_is_read_all_the_same() -> None:
    assert told(read("x.jsonl.gz", TRACES[0])) == [(1, "traces")]


def test_other_compressions_are_named() -> None:
    ((_, reason),) = told(read("x.json", b"\x28\xb5\x2f\xfd" + b"x" * 80))
    assert "zstd" in reason


@pytest.mark.parametrize("name", ["traces.json", "traces.pb"])
def test_a_collectors_pieces_in_zstd_are_named(name: str) -> None:
    ((number, reason),) = told(read(name, collector([b"\x28\xb5\x2f\xfd" + b"x" * 80])))
    assert (number, "unpack it first" in reason) == (1, True)


@pytest.mark.parametrize("name", ["traces.jsonl.1", "traces-2026-11-27T16-00-00.000.jsonl.gz", "traces.jsonl.1.gz"])
def test_rotated_files_of_a_collector_are_read_and_metrics_among_them_named(name: str) -> None:
    metrics = b'{"resourceMetrics":[{"resource":{},"scopeMetrics":[]}]}'
    content = b"\n".join([TRACES[0], metrics, TRACES[1], b""])
    found = read(name, gzip.compress(content) if name.endswith(".gz") else content)
    assert told(found) == [(1, "traces"), (2, "it holds metrics, which are not kept"), (3, "traces")]


def test_noise_is_no_request() -> None:
    for noise in (b"\x0a\xff\xff", b"\x0a\x02\x08\x01", b"\x42" * 90, b"\x00\x00\x00\x02\x08\x01", b"\x05\x01"):
        assert all(isinstance(one, Broken) for one in read("x.pb", noise))


def test_requests_beyond_the_limit_are_passed_over_and_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = max(map(len, [*TRACES, *MESSAGES])) + 10
    monkeypatch.setattr(otlp_files, "MOST_REQUEST", limit)
    long_line = b'{"resourceSpans": ["' + b"x" * (3 * limit) + b'"]}'
    assert told(read("x.jsonl", b"\n".join([TRACES[0], long_line, LOGS[0]]))) == [
        (1, "traces"),
        (2, "the line is longer than 32 MiB"),
        (3, "logs"),
    ]
    found = told(read("x.pb", collector([MESSAGES[0], b"\x0a" * (3 * limit), MESSAGES[1]])))
    assert found == [(1, "traces"), (2, "the message is longer than 32 MiB"), (3, "traces")]
    assert "longer" in told(read("x.json", b"{\n" + long_line))[0][1]
    assert "longer" in told(read("x.pb", b"\x0a" * (3 * limit)))[0][1]


class Drops:
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        return self._left.read(min(7, size))


@pytest.mark.parametrize("content", [b"\n".join([*TRACES, *LOGS]), collector(MESSAGES)])
def test_standard_input_may_come_in_drops(content: bytes) -> None:
    assert told(OtlpFile("standard input", Drops(content)).requests()) == list(enumerate(SIGNALS, start=1))


def test_the_bytes_read_add_up_to_the_file() -> None:
    content = gzip.compress(b"\n".join(TRACES))
    file = OtlpFile("x.jsonl.gz", io.BytesIO(content), len(content))
    assert file.read_bytes == 0
    assert len(list(file.requests())) == 2
    assert file.read_bytes == file.total
