"""OTLP against the real intake on a real socket: what arrives, and what each kind of bad input is told."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette

from bot.app.intake.decoders import Decoders
from bot.app.intake.otlp_intake import OtlpIntake
from bot.incident.model import Agent, Catalogue
from bot.sources.otlp import MOST_BODY, MOST_DECOMPRESSED, TelemetryRejected, response_body
from bot.sources.ownership import scope_of
from bot.sources.redaction import PRIVATE
from bot.storage.database import Database
from bot.storage.telemetry import SqlTelemetry
from bot.web.doors import Telemetry
from bot.web.otlp import OtlpRoutes
from tests.fakes.clock import FakeClock
from tests.sources.requests import SPAN_ID, TRACE_ID, any_value, in_protobuf, logs, span, traces
from tests.web.serving import serving

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
CATALOGUE = Catalogue((Agent("helpdesk", service_names=("helpdesk-svc",)), Agent("billing")))
KEYS = (("fir", scope_of("agent", "helpdesk", CATALOGUE)), ("elm", scope_of("environment", "staging", CATALOGUE)))


@dataclass
class Door:
    """A running server and the store behind it."""

    http: httpx.AsyncClient
    store: SqlTelemetry
    database: Database

    async def post(self, body: bytes, headers: dict[str, str], path: str = "/v1/traces") -> httpx.Response:
        return await self.http.post(path, content=body, headers=headers)


@asynccontextmanager
async def opened(folder: Path, keys: tuple[tuple[str, Any], ...] = ()) -> AsyncIterator[Door]:
    database = Database(f"sqlite:///{folder / 'x.db'}")
    await database.upgrade()
    store = SqlTelemetry(database, FakeClock(datetime(2026, 11, 2, tzinfo=UTC)))
    decoders = Decoders(PRIVATE, 0)
    intake = OtlpIntake(store, decoders)
    app = Starlette(routes=OtlpRoutes(Telemetry(intake, TelemetryRejected, response_body, keys), None).routes())
    try:
        async with serving(app) as base, httpx.AsyncClient(base_url=base, timeout=20) as http:
            yield Door(http, store, database)
    finally:
        await store.close()
        await decoders.close()
        await database.close()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as found:
        yield found


def told(status: bytes) -> tuple[int, str]:
    """Code and message of a short ``google.rpc.Status`` on the wire."""
    assert (status[0], status[2], status[3]) == (0x08, 0x12, len(status) - 4)
    return status[1], status[4:].decode()


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKERS = [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate), ("zlib", zlib.compress)]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
async def test_packed_spans_arrive(door: Door, encoding: str, pack: Any, headers: dict[str, str]) -> None:
    body = traces(span({"gen_ai.agent.name": "helpdesk"}))
    body = body if headers is JSON else in_protobuf(body, "traces")
    answer = await door.post(pack(body), headers | {"Content-Encoding": encoding})
    assert answer.status_code == 200
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert trace.agent == "helpdesk"


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
async def test_a_bomb_is_refused_before_it_unfolds(door: Door, encoding: str, pack: Any) -> None:
    bomb = pack(b" " * (MOST_DECOMPRESSED + 1))
    assert len(bomb) < 100_000
    answer = await door.post(bomb, JSON | {"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["code"]) == (413, 8)
    assert "32 MiB" in answer.json()["message"]


async def test_a_body_beyond_the_limit_is_refused(door: Door) -> None:
    answer = await door.post(b" " * (MOST_BODY + 1), PROTOBUF)
    assert (answer.status_code, told(answer.content)[0]) == (413, 8)


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("body", [b"\x0a\xff", b"\x0a\x05abc", b"not protobuf"])
async def test_broken_protobuf_is_told_so_in_protobuf(door: Door, path: str, body: bytes) -> None:
    answer = await door.post(body, PROTOBUF, path)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/x-protobuf")
    code, message = told(answer.content)
    assert (code, "OTLP" in message) == (3, True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"resourceSpans": 7}', b'{"resourceSpans": [7]}', b"\xff"])
async def test_broken_json_is_told_so_in_json(door: Door, body: bytes) -> None:
    answer = await door.post(body, JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/grpc"}, 415),
        ({}, 415),
        (JSON | {"Content-Encoding": "br"}, 415),
        (JSON | {"Content-Encoding": "zstd"}, 415),
        (JSON | {"Content-Encoding": "gzip"}, 400),
        (JSON | {"Content-Encoding": "deflate"}, 400),
    ],
)
async def test_types_and_encodings_nobody_speaks_are_named(door: Door, headers: dict[str, str], status: int) -> None:
    answer = await door.post(b'{"resourceSpans": []}', headers)
    assert answer.status_code == status
    assert answer.json()["message"].endswith(".")


async def test_an_empty_request_is_none_too_few(door: Door) -> None:
    assert (await door.post(b"", PROTOBUF)).status_code == 200
    assert (await door.post(b"{}", JSON)).status_code == 200


async def test_a_full_queue_sends_exporters_away_for_a_moment_and_loses_nothing(door: Door) -> None:
    bodies = {f"{number:032x}": traces(span(traceId=f"{number:032x}")) for number in range(1, 161)}
    async with door.database.write():  # somebody else holds the writer
        sending = {one: asyncio.create_task(door.post(body, JSON)) for one, body in bodies.items()}
        await asyncio.wait(sending.values(), timeout=10, return_when=asyncio.FIRST_COMPLETED)
    answers = {one: await task for one, task in sending.items()}
    refused = [answer for answer in answers.values() if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(503, "1")}
    assert all(answer.json()["code"] == 14 for answer in refused)
    for one, answer in answers.items():
        assert (await door.store.trace(one) is not None) == (answer.status_code == 200)


async def test_a_token_of_one_agent_stores_that_agent_s_spans_and_counts_the_others(tmp_path: Path) -> None:
    own, other = span({"gen_ai.agent.name": "helpdesk"}), span({"gen_ai.agent.name": "billing"}, traceId="ef" * 16)
    async with opened(tmp_path, KEYS) as door:
        answer = await door.post(traces(own, other), JSON | {"Authorization": "Bearer fir"})
        assert answer.status_code == 200
        assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
        assert await door.store.trace(TRACE_ID) is not None
        assert await door.store.trace("ef" * 16) is None
        assert (await door.post(traces(other), JSON | {"Authorization": "Bearer oak"})).status_code == 401
        assert (await door.post(traces(other), JSON)).status_code == 401


async def test_why_telemetry_is_left_out_is_logged_once_as_exporters_keep_it_to_themselves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    step = span({"gen_ai.tool.name": "search"}, parentSpanId="ef" * 8)
    async with opened(tmp_path, KEYS) as door:
        for _ in range(2):
            await door.post(traces(step, resource={"service.name": "x"}), JSON | {"Authorization": "Bearer fir"})
    (line,) = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert "list further names of it in the agents file" in line


async def test_a_token_of_one_environment_stamps_what_names_none(tmp_path: Path) -> None:
    away = traces(span(traceId="ef" * 16), resource={"deployment.environment.name": "production"})
    headers = PROTOBUF | {"Authorization": "Bearer elm"}
    async with opened(tmp_path, KEYS) as door:
        assert (await door.post(in_protobuf(traces(span()), "traces"), headers)).content == b""
        answer = await door.post(in_protobuf(away, "traces"), headers)
        assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 1
        kept = await door.store.trace(TRACE_ID)
    assert kept is not None
    assert kept.environment == "staging"


async def test_nothing_that_was_refused_is_stored(door: Door) -> None:
    broken = json.loads(traces(span(), span(spanId="01" * 8)))
    broken["resourceSpans"][0]["scopeSpans"][0]["spans"][1] = 7
    assert (await door.post(json.dumps(broken).encode(), JSON)).status_code == 400
    assert await door.store.trace(TRACE_ID) is None


@pytest.mark.parametrize("logs_first", [True, False])
@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
async def test_messages_that_come_as_log_records_are_said_by_their_span(
    door: Door, headers: dict[str, str], *, logs_first: bool
) -> None:
    record: dict[str, Any] = {"eventName": "gen_ai.choice", "timeUnixNano": "5", "traceId": TRACE_ID, "spanId": SPAN_ID}
    record["body"] = any_value({"message": {"content": "Shipped to mary.smith@example.org."}})
    requests = [("traces", traces(span({"gen_ai.operation.name": "chat"}))), ("logs", logs(record))]
    for signal_of, body in reversed(requests) if logs_first else requests:
        sent = in_protobuf(body, signal_of) if headers is PROTOBUF else body
        answer = await door.post(sent, headers, f"/v1/{signal_of}")
        assert (answer.status_code, answer.content) == (200, b"" if headers is PROTOBUF else b"{}")
    trace = await door.store.trace(TRACE_ID)
    assert trace is not None
    assert trace.spans[0].said == "Shipped to [e-mail]."
