"""Telemetry decoded beside the server: the same rows, nothing lost when a process dies, and none where it is not worth it."""

import asyncio
import gzip
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.app.intake import children, decoders
from bot.app.intake.child import MOST_MEMORY, MOST_RESIDENT, STATM
from bot.app.intake.decoders import Decoders
from bot.app.intake.otlp_intake import OtlpIntake
from bot.app.intake.preparing import Request, prepared
from bot.incident.errors import Unavailable
from bot.sources.otlp import JSON, PROTOBUF, TelemetryRejected
from bot.sources.ownership import OneAgent
from bot.sources.raw_spans import LATEST_NS
from bot.sources.redaction import Privacy, Redaction
from bot.storage.database import Database
from bot.storage.telemetry import SqlTelemetry
from tests.fakes.clock import FakeClock
from tests.sources.requests import SPAN_ID, TRACE_ID, in_protobuf, logs, sample_lines, span, traces

PRIVACY = Privacy(Redaction((("ticket", r"TCK-\d+"),)), frozenset({"helpdesk"}))
LARGE = 300  # spans; more than is decoded on the event loop


def many(first: int = 1, count: int = LARGE) -> bytes:
    """A request with that many traces of one span."""
    asked = {"gen_ai.agent.name": "helpdesk", "note": "about TCK-4711 " + "x" * 300}
    return traces(*(span(asked, traceId=f"{number:032x}") for number in range(first, first + count)))


def asked(body: bytes, kind: str = JSON, signal_of: str = "traces", scope: OneAgent | None = None) -> Request:
    return Request(body, kind, "", signal_of, scope, LATEST_NS)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any work at all is much."""
    monkeypatch.setattr(decoders, "MUCH", 0.0)
    monkeypatch.setattr(decoders, "START_WITHIN", 60.0)


@pytest.fixture
async def beside(eager: None) -> AsyncIterator[Decoders]:
    """Decoders with a process that is up."""
    del eager
    found = Decoders(PRIVACY, 1)
    await up(found)
    yield found
    await found.close()


async def up(found: Decoders) -> None:
    async with asyncio.timeout(60):
        while not processes(found):
            await found.prepare(asked(many()))
            await asyncio.sleep(0.02)


def processes(found: Decoders) -> list[int]:
    return [place._child.process.pid for place in found._places if place.outside and place._child]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while is_there(pid):  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.02)


@pytest.fixture
def quiet() -> Iterator[None]:
    """What is logged on purpose stays out of the test's output."""
    log = logging.getLogger("firstfive")
    log.disabled = True
    yield
    log.disabled = False


def test_a_process_that_decodes_loads_neither_the_database_nor_the_web() -> None:
    """Each of them would take twice its memory."""
    heavy = {"sqlalchemy", "starlette", "httpx"}
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, bot.app.intake.child; print({heavy!r} & sys.modules.keys())"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert told.stdout.strip() == "set()"


async def test_a_process_makes_the_same_rows_as_we_do(beside: Decoders) -> None:
    whose = OneAgent("helpdesk", frozenset({"helpdesk-agent"}))
    for name, signal_of in (("traces.jsonl", "traces"), ("evaluations.jsonl", "logs")):
        for line in sample_lines(name):
            request = asked(in_protobuf(line, signal_of), PROTOBUF, signal_of, whose)
            assert await beside.prepare(request) == prepared(request, PRIVACY)
    told = {"eventName": "gen_ai.choice", "timeUnixNano": "5", "traceId": TRACE_ID, "spanId": SPAN_ID}
    messages = asked(logs(told | {"body": {"stringValue": "Shipped. " + "x" * LARGE * 20}}), signal_of="logs")
    assert await beside.prepare(messages) == prepared(messages, PRIVACY)
    request = asked(many())
    found = await beside.prepare(request)
    assert found == prepared(request, PRIVACY)
    assert "TCK" not in str(found)
    assert await beside.reduce(found.arrived.spans) == list(found.arrived.traces.values())


async def test_what_it_refuses_is_refused_with_the_same_words(beside: Decoders) -> None:
    for body in (b"{" * 70_000, many().replace(b'"1000"', b'"soon"')):
        with pytest.raises(TelemetryRejected) as here:
            prepared(asked(body), PRIVACY)
        with pytest.raises(TelemetryRejected) as there:
            await beside.prepare(asked(body))
        assert (there.value.status, there.value.reason) == (here.value.status, here.value.reason)


async def test_little_telemetry_needs_no_process() -> None:
    found = Decoders(PRIVACY, 1)
    await found.prepare(asked(many()))
    assert processes(found) == []
    await found.close()


@pytest.mark.usefixtures("quiet")
async def test_a_request_whose_process_dies_is_sent_again_and_counted_once(beside: Decoders, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    await database.upgrade()
    store = SqlTelemetry(database, FakeClock())
    intake = OtlpIntake(store, beside)
    (pid,) = processes(beside)
    os.kill(pid, signal.SIGSTOP)  # it has the request and does not answer
    sent = asyncio.create_task(intake.traces(many(), JSON, ""))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable) as told:
        await sent
    assert told.value.retry_after.total_seconds() == 1
    assert await store.trace(f"{1:032x}") is None
    for _ in range(2):
        await intake.traces(many(), JSON, "")
    assert store.spans_taken == 2 * LARGE
    assert len(await store.traces("helpdesk", 0, LATEST_NS)) == LARGE
    (other,) = processes(beside)
    assert other != pid
    await store.close()
    await database.close()


@pytest.mark.usefixtures("quiet")
async def test_one_that_hangs_is_ended(beside: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "ANSWER_WITHIN", 0.1)
    monkeypatch.setattr(children, "END_WITHIN", 0.1)
    (pid,) = processes(beside)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(Unavailable):
        await beside.prepare(asked(many()))
    await gone(pid)


@pytest.mark.usefixtures("quiet", "eager")
@pytest.mark.parametrize("command", [("/nowhere/python",), ("false",), ("echo", "hello")])
async def test_where_none_can_be_started_all_is_decoded_here(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(children, "COMMAND", command)
    found = Decoders(PRIVACY, 1)
    for _ in range(3):
        assert (await found.prepare(asked(many()))).accepted.rejected == 0
    assert processes(found) == []
    await found.close()


async def test_it_ends_with_its_server_and_after_a_long_rest(beside: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    (pid,) = processes(beside)
    monkeypatch.setattr(decoders, "IDLE", 0.05)
    await beside.prepare(asked(many()))
    await gone(pid)
    monkeypatch.undo()
    monkeypatch.setattr(decoders, "MUCH", 0.0)
    await up(beside)
    (again,) = processes(beside)
    await beside.close()
    await gone(again)


async def test_many_at_once_are_shared_between_two(eager: None) -> None:
    del eager
    found = Decoders(PRIVACY, 2)
    await up(found)
    bodies = [many(1 + LARGE * number) for number in range(40)]
    async with asyncio.timeout(60):
        while len(processes(found)) < 2:
            done = await asyncio.gather(*(found.prepare(asked(body)) for body in bodies))
            assert [len(one.arrived.spans) for one in done] == [LARGE] * 40
    await found.close()


async def test_scores_keep_their_words_on_the_way(beside: Decoders) -> None:
    said = [{"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "wrong \u2028 \U0001f600 " * 20}}]
    records = [
        {"eventName": "gen_ai.evaluation.result", "timeUnixNano": str(n), "attributes": said} for n in range(1, 300)
    ]
    request = asked(logs(*records), signal_of="logs")
    assert await beside.prepare(request) == prepared(request, PRIVACY)


async def test_the_event_loop_goes_on_while_a_large_body_is_decoded() -> None:
    found, beats = Decoders(PRIVACY, 0), 0
    taking = asyncio.create_task(found.prepare(asked(many(count=4000))))
    while not taking.done():
        beats += 1
        await asyncio.sleep(0.001)
    assert len((await taking).arrived.spans) == 4000
    assert beats > 2
    await found.close()


async def test_what_is_large_is_never_unpacked_in_the_server(eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
    del eager
    monkeypatch.setattr(decoders, "MUCH", 1e9)
    found = Decoders(PRIVACY, 1)
    bomb = gzip.compress(b'{"resourceSpans": [' + b"{}," * 1_900_000 + b"{}]}")
    assert len(bomb) < 100_000
    answer = await found.prepare(Request(bomb, JSON, "gzip", "traces", None, LATEST_NS))
    assert not answer.arrived
    assert max(map(resident, processes(found)), default=0) < MOST_RESIDENT
    await found.prepare(asked(traces(span(note="x" * 2_000_000))))
    assert len(processes(found)) == 1
    await found.close()


@pytest.mark.skipif(not STATM.exists(), reason="memory is bounded on Linux")
async def test_a_body_that_would_take_gigabytes_to_parse_is_refused_and_the_process_lives(beside: Decoders) -> None:
    """Thirty million bytes of empty spans, in thirty kilobytes."""
    alive = processes(beside)
    scope = b"\x12\x00" * 15_000_000
    group = b"\x12" + length(len(scope)) + scope
    body = gzip.compress(b"\x0a" + length(len(group)) + group)
    with pytest.raises(TelemetryRejected, match="memory") as told:
        await beside.prepare(Request(body, PROTOBUF, "gzip", "traces", None, LATEST_NS))
    assert told.value.status == 413
    assert len((await beside.prepare(asked(many()))).arrived.spans) == LARGE
    assert processes(beside) == alive


@pytest.mark.skipif(not STATM.exists(), reason="memory is bounded on Linux")
@pytest.mark.parametrize(("allowed", "bound"), [(-1, MOST_MEMORY), (8 << 30, MOST_MEMORY), (600 << 20, 600 << 20)])
def test_the_bound_is_ours_or_a_tighter_one_from_outside(allowed: int, bound: int) -> None:
    """-1 is no limit. In a process of its own: what is bounded stays so."""
    code = (
        "import resource; from bot.app.intake.child import bound;"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({allowed}, {allowed}));"
        "bound(); print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) == bound


def length(number: int) -> bytes:
    """A varint."""
    return bytes([number]) if number < 128 else bytes([number % 128 | 128]) + length(number >> 7)
