"""OTLP as exporters meet it: bodies, limits, tokens, and errors they understand."""

import gzip
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from bot.incident.errors import Unavailable
from bot.web.application import build
from bot.web.doors import Telemetry
from bot.web.otlp import MOST_BYTES, OtlpRoutes, status_in_protobuf
from tests.web.fakes import World


@dataclass(frozen=True)
class Taken:
    rejected: int = 0
    message: str = ""


class CannotUseError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class FakeIntake:
    failing: Exception | None = None
    bodies: list[tuple[str, bytes, str, str]] = field(default_factory=list)
    scopes: list[object] = field(default_factory=list)

    async def traces(self, body: bytes, content_type: str, encoding: str, scope: object = None) -> Taken:
        self.scopes.append(scope)
        return self._take("traces", body, content_type, encoding)

    async def logs(self, body: bytes, content_type: str, encoding: str, scope: object = None) -> Taken:
        self.scopes.append(scope)
        return self._take("logs", body, content_type, encoding)

    def _take(self, signal: str, body: bytes, content_type: str, encoding: str) -> Taken:
        if self.failing is not None:
            raise self.failing
        self.bodies.append((signal, body, content_type, encoding))
        return Taken()


def written(acceptance: Taken, content_type: str, signal: str) -> bytes:
    return f"{acceptance.rejected} {content_type} {signal}".encode()


def client(
    intake: FakeIntake, token: str | None = None, keys: tuple[tuple[str, object], ...] = ()
) -> httpx.AsyncClient:
    app = Starlette(routes=OtlpRoutes(Telemetry(intake, CannotUseError, written, keys), token).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


LANGFUSE = "/api/public/otel/v1/traces"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


async def test_spans_and_logs_are_handed_on_untouched() -> None:
    intake = FakeIntake()
    packed = gzip.compress(b"spans")
    async with client(intake) as exporter:
        traces = await exporter.post("/v1/traces", content=packed, headers={**PROTOBUF, "Content-Encoding": "gzip"})
        logs = await exporter.post("/v1/logs", content=b"{}", headers=JSON)
    assert (traces.status_code, traces.content) == (200, b"0 application/x-protobuf traces")
    assert traces.headers["content-type"] == "application/x-protobuf"
    assert (logs.status_code, logs.headers["content-type"]) == (200, "application/json")
    assert intake.bodies == [
        ("traces", packed, "application/x-protobuf", "gzip"),
        ("logs", b"{}", "application/json", ""),
    ]


async def test_a_busy_store_asks_the_exporter_to_come_again() -> None:
    intake = FakeIntake(Unavailable("Too much at once.", timedelta(seconds=1.2)))
    async with client(intake) as exporter:
        answer = await exporter.post("/v1/traces", content=b"x", headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {"code": 14, "message": "Too much at once."}


async def test_what_cannot_be_used_is_refused_in_the_exporters_encoding() -> None:
    intake = FakeIntake(CannotUseError(400, "This is no trace request."))
    async with client(intake) as exporter:
        answer = await exporter.post("/v1/traces", content=b"x", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (400, b"\x08\x03\x12\x19This is no trace request.")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_eight_mebibytes_is_refused_while_it_is_read(announced: bool) -> None:  # noqa: FBT001
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10 * MOST_BYTES:
            sent += MOST_BYTES // 4
            yield b"x" * (MOST_BYTES // 4)

    intake = FakeIntake()
    content = b"x" * (MOST_BYTES + 1) if announced else endless()
    async with client(intake) as exporter:
        answer = await exporter.post("/v1/traces", content=content, headers=PROTOBUF)
    assert answer.status_code == 413
    assert intake.bodies == []


async def test_without_the_telemetry_token_nothing_is_read() -> None:
    intake = FakeIntake()
    async with client(intake, "pine") as exporter:
        for header in ({}, {"Authorization": "Bearer fir"}, {"Authorization": "Basic pine"}):
            answer = await exporter.post("/v1/traces", content=b"x", headers=PROTOBUF | header)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="firstfive"')
        assert (
            await exporter.post("/v1/traces", content=b"x", headers=PROTOBUF | {"Authorization": "Bearer pine"})
        ).status_code == 200
    assert len(intake.bodies) == 1


@pytest.mark.parametrize("general", [None, "pine"])
async def test_a_token_of_one_agent_opens_the_door_for_that_agent_s_telemetry(general: str | None) -> None:
    intake = FakeIntake()
    async with client(intake, general, (("fir", "helpdesk"), ("elm", "staging"))) as exporter:
        for token in ("elm", "fir", "oak", ""):
            await exporter.post("/v1/logs", content=b"x", headers=JSON | {"Authorization": f"Bearer {token}"})
        bare = await exporter.post("/v1/logs", content=b"x", headers=JSON)
    assert bare.status_code == 401
    assert intake.scopes == ["staging", "helpdesk"]


async def test_the_general_token_goes_on_bringing_everybody_s_telemetry() -> None:
    intake = FakeIntake()
    async with client(intake, "pine", (("fir", "helpdesk"),)) as exporter:
        answer = await exporter.post("/v1/traces", content=b"x", headers=JSON | {"Authorization": "Bearer pine"})
    assert (answer.status_code, intake.scopes) == (200, [None])


def test_tokens_stay_out_of_what_is_printed() -> None:
    assert "fir" not in repr(Telemetry(FakeIntake(), CannotUseError, written, (("fir", "helpdesk"),)))


async def test_other_content_types_and_methods_are_refused() -> None:
    async with client(FakeIntake()) as exporter:
        assert (
            await exporter.post("/v1/traces", content=b"x", headers={"Content-Type": "text/plain"})
        ).status_code == 415
        assert (await exporter.get("/v1/traces")).status_code == 405


def test_long_messages_carry_their_length_as_a_varint() -> None:
    packed = status_in_protobuf(3, "x" * 300)
    assert packed[:5] == b"\x08\x03\x12\xac\x02"
    assert len(packed) == 5 + 300


async def test_langfuses_sdk_finds_its_path_and_its_secret_key_is_our_token() -> None:
    pair = b64encode(b"pk-any:pine").decode()
    wrong = b64encode(b"pine:pk-any").decode()
    intake = FakeIntake()
    async with client(intake, "pine") as exporter:
        taken = await exporter.post(LANGFUSE, content=b"x", headers=PROTOBUF | {"Authorization": f"Basic {pair}"})
        others = [
            await exporter.post(LANGFUSE, content=b"x", headers=PROTOBUF | header)
            for header in ({}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "Basic p=ne"})
        ]
    assert taken.status_code == 200
    assert [answer.status_code for answer in others] == [401, 401, 401]
    assert [signal for signal, *_ in intake.bodies] == ["traces"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_beside_the_pages_too_another_method_is_told_the_right_one(tmp_path: Path, method: str) -> None:
    app = build(replace(World(tmp_path).parts(), telemetry=Telemetry(FakeIntake(), CannotUseError, written)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        answer = await http.request(method, "/v1/traces")
    assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "POST", 12)
