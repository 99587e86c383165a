"""Messages that came as log records, in the store: part of their spans, whichever arrived first, on both databases."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.incident.logged_messages import LoggedMessages, Told
from bot.incident.telemetry import Span, ToldResult, Trace
from bot.sources.otlp import JSON, Decoded, decode
from bot.storage import telemetry_rows
from bot.storage.database import Database
from bot.storage.tables.telemetry import spans as spans_table
from bot.storage.tables.telemetry import traces as traces_table
from bot.storage.tables.telemetry import waiting_messages
from bot.storage.telemetry import SqlTelemetry
from tests.fakes.clock import FakeClock

FOREVER = 2**63 - 1
SAMPLES = json.loads((Path(__file__).parent.parent / "sources" / "framework_samples.json").read_text())
OLD, NEW = SAMPLES["openai-v2"], SAMPLES["openai-v2, newer names"]
RESULT = '{"order_id": "A-17", "status": "shipped"}'
LOOP = 8


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(database: Database, clock: FakeClock) -> AsyncIterator[SqlTelemetry]:
    opened = SqlTelemetry(database, clock)
    yield opened
    await opened.close()


def spans_of(sample: dict[str, Any], *wanted: int) -> Decoded:
    found = [sample["spans"][place] for place in wanted] or sample["spans"]
    group = {"resource": {"attributes": sample["resource"]}, "scopeSpans": [{"spans": found}]}
    return decode(json.dumps({"resourceSpans": [group]}).encode(), JSON, "", "traces")


def logs_of(sample: dict[str, Any], start: int = 0, end: int | None = None) -> Decoded:
    group = {
        "resource": {"attributes": sample["resource"]},
        "scopeLogs": [{"logRecords": sample["records"][start:end]}],
    }
    return decode(json.dumps({"resourceLogs": [group]}).encode(), JSON, "", "logs")


async def keep(store: SqlTelemetry, clock: FakeClock, *posts: Decoded) -> None:
    for post in posts:
        clock.advance(1)
        await store.add(post.spans, post.scores, post.messages)


async def whole(store: SqlTelemetry) -> Trace:
    (trace,) = await store.traces("orders", 0, FOREVER)
    return trace


async def waiting(database: Database) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(waiting_messages))).scalar_one()


def says_all(trace: Trace) -> bool:
    first, last = trace.model_spans
    (tool,) = trace.tool_spans
    assert tool.inferred
    assert tool.tool is not None
    assert (tool.tool.name, tool.tool.result_preview) == ("get_order", RESULT)
    return "get_order" in first.said and last.said == "Order A-17 was shipped on Monday."


@pytest.mark.parametrize("sample", [OLD, NEW], ids=["a record a message", "a record a call"])
@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_spans_and_their_records_arrive_in_any_order_and_say_the_same(
    store: SqlTelemetry, database: Database, clock: FakeClock, sample: dict[str, Any], order: tuple[int, ...]
) -> None:
    middle = len(sample["records"]) // 2
    posts = [spans_of(sample, 0), spans_of(sample, 1, 2), logs_of(sample, 0, middle), logs_of(sample, middle)]
    await keep(store, clock, *(posts[place] for place in order))
    assert says_all(await whole(store))
    assert await waiting(database) == 0
    (reading,) = await store.readings(["orders"], 0, FOREVER)
    assert [step.name for step in reading.tools] == ["get_order"]


async def test_each_record_may_come_alone_and_backwards(store: SqlTelemetry, clock: FakeClock) -> None:
    records = [logs_of(OLD, place, place + 1) for place in reversed(range(len(OLD["records"])))]
    await keep(store, clock, spans_of(OLD, 1), *records, spans_of(OLD, 0, 2))
    assert says_all(await whole(store))


async def test_what_is_sent_again_changes_nothing(store: SqlTelemetry, database: Database, clock: FakeClock) -> None:
    async def rows() -> list[Any]:
        async with database.read() as connection:
            spans = (await connection.execute(select(spans_table).order_by(spans_table.c.span_id))).all()
            return [*spans, *(await connection.execute(select(traces_table))).all()]

    await keep(store, clock, logs_of(OLD), spans_of(OLD))
    once = await rows()
    await keep(store, clock, logs_of(OLD), spans_of(OLD), logs_of(OLD, 3, 7), logs_of(OLD, 0, 2), spans_of(OLD, 1))
    assert await rows() == once
    assert await waiting(database) == 0


async def test_a_reading_that_was_looked_at_is_read_anew_when_words_come_later(
    store: SqlTelemetry, clock: FakeClock
) -> None:
    await keep(store, clock, spans_of(OLD))
    (silent,) = await store.readings(["orders"], 0, FOREVER)
    await keep(store, clock, logs_of(OLD))
    (told,) = await store.readings(["orders"], 0, FOREVER)
    assert (len(silent.tools), len(told.tools)) == (0, 1)


async def test_records_and_spans_of_one_commit_find_each_other(store: SqlTelemetry, database: Database) -> None:
    await store.add(spans_of(OLD).spans, [], logs_of(OLD).messages)
    assert says_all(await whole(store))
    assert await waiting(database) == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_results_before_the_models_newest_turn_are_old_whichever_is_heard_of_first(
    store: SqlTelemetry, order: tuple[int, ...]
) -> None:
    span = spans_of(OLD, 0).spans[0]
    old, turn = LoggedMessages(told=(Told((3, 0), (ToldResult("call_0"),)),)), LoggedMessages((5, 0))
    at = span.trace_id, span.span_id
    posts = [([span], {}), ([], {at: old}), ([], {at: turn})]
    for place in order:
        spans, messages = posts[place]
        await store.add(spans, [], messages)
    found = await store.trace(span.trace_id)
    assert found is not None
    assert [one.model.told for one in found.model_spans if one.model] == [()]


async def test_what_a_span_says_itself_stays(store: SqlTelemetry, clock: FakeClock) -> None:
    spans = [replace(span, said="Mine.") if span.model else span for span in spans_of(OLD).spans]
    await store.add(spans, [])
    await keep(store, clock, logs_of(OLD))
    assert [span.said for span in (await whole(store)).model_spans] == ["Mine.", "Mine."]


async def test_spans_nobody_logs_about_are_left_as_they_are(store: SqlTelemetry, clock: FakeClock) -> None:
    spans = [replace(span, trace_id="0c" * 16) for span in spans_of(OLD).spans]
    await store.add(spans, [])
    await keep(store, clock, logs_of(OLD))
    found = await store.trace("0c" * 16)
    assert found is not None
    assert found.spans == tuple(sorted(spans, key=lambda span: span.start_ns))


async def test_a_trace_that_never_ends_takes_words_and_is_not_read_again(
    store: SqlTelemetry, database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.telemetry_commit.MOST_SPANS_READ", 2)
    await keep(store, clock, spans_of(OLD), logs_of(OLD))
    assert says_all(await whole(store))
    async with database.read() as connection:
        assert (await connection.execute(select(traces_table.c.tool_calls))).scalar_one() == 0


async def test_messages_are_forgotten_with_their_trace_or_when_their_span_never_came(
    store: SqlTelemetry, database: Database, clock: FakeClock
) -> None:
    await keep(store, clock, logs_of(OLD), spans_of(OLD, 1))
    assert await waiting(database) == 1
    limit = int(clock.advance(60).timestamp() * 1e9)
    await keep(store, clock, logs_of(NEW))
    assert await waiting(database) == 3
    assert await store.delete_before(limit) == 1
    assert await waiting(database) == 2
    assert await store.delete_before(int(clock.advance(60).timestamp() * 1e9)) == 0
    assert await waiting(database) == 0


async def test_by_size_too_what_arrived_first_goes_first(
    store: SqlTelemetry, database: Database, clock: FakeClock
) -> None:
    await keep(store, clock, logs_of(OLD), spans_of(NEW), logs_of(SAMPLES["openllmetry-openai, events"]))
    async with database.read() as connection:
        size = (await connection.execute(select(traces_table.c.size))).scalar_one()
        size += (await connection.execute(select(func.sum(func.length(waiting_messages.c.body))))).scalar_one()
    assert await store.delete_beyond(size) == 0
    assert await waiting(database) == 4
    assert await store.delete_beyond(size - 1) == 0
    assert await waiting(database) == 2
    assert await store.delete_beyond(1) == 1
    assert await store.delete_beyond(0) == 0
    assert await waiting(database) == 0


async def test_a_loop_is_seen_in_records_alone(store: SqlTelemetry, clock: FakeClock) -> None:
    turn = spans_of(OLD, 0).spans[0]
    asking = logs_of(OLD).messages[turn.trace_id, turn.span_id].answers
    turns = [_later(turn, number) for number in range(LOOP)]
    told = [Told((number, 0), (ToldResult(None, "r", RESULT),)) for number in range(LOOP)]
    messages = {
        (span.trace_id, span.span_id): LoggedMessages(one.moment, (one,), asking)
        for span, one in zip(turns, told, strict=True)
    }
    await store.add([*turns, *spans_of(OLD, 2).spans], [])
    (silent,) = await store.readings(["orders"], 0, FOREVER)
    clock.advance(1)
    await store.add([], [], messages)
    (reading,) = await store.readings(["orders"], 0, FOREVER)
    assert (silent.looping, reading.looping) == (False, True)


def _later(span: Span, number: int) -> Span:
    at_ns = span.start_ns + number * 10**9
    return replace(span, span_id=f"{number + 16:016x}", start_ns=at_ns, end_ns=at_ns + 10**6)


def test_a_post_of_messages_alone_is_a_post() -> None:
    assert telemetry_rows.arrived([], [], logs_of(OLD).messages)
