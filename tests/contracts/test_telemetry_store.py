"""What the built-in telemetry store promises, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.incident.errors import Unavailable
from bot.incident.telemetry import (
    Attributes,
    EvalScore,
    GuardrailCheck,
    ModelCall,
    SideEffect,
    Span,
    SpanKind,
    ToolCall,
)
from bot.sources.otlp import JSON, decode
from bot.storage import telemetry
from bot.storage.database import Database
from bot.storage.tables import telemetry as tables
from bot.storage.telemetry import MOST_WAITING, SqlTelemetry
from tests.fakes.clock import FakeClock

AGENT = "helpdesk-agent"
TRACE = "ab" * 16
FOREVER = 2**63 - 1
SAMPLES = Path(__file__).parent.parent / "data" / "otlp"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(database: Database, clock: FakeClock) -> AsyncIterator[SqlTelemetry]:
    opened = SqlTelemetry(database, clock)
    yield opened
    await opened.close()


def root(
    trace_id: str = TRACE, start_ns: int = 100, agent: str | None = AGENT, attributes: Attributes | None = None
) -> Span:
    end_ns = min(start_ns + 100, FOREVER)
    return Span(
        trace_id,
        "01" * 8,
        None,
        SpanKind.AGENT,
        "invoke_agent",
        start_ns,
        end_ns,
        agent=agent,
        attributes=attributes or {},
    )


def step(number: int, trace_id: str = TRACE, start_ns: int = 110, agent: str | None = None) -> Span:
    tool = ToolCall("search", arguments_hash="a1", side_effect=SideEffect.READ, empty_result=True)
    return Span(
        trace_id,
        f"{number:016x}",
        "01" * 8,
        SpanKind.TOOL,
        "search",
        start_ns + number,
        start_ns + number,
        agent=agent,
        tool=tool,
    )


async def rows(database: Database) -> list[int]:
    """How many spans, traces and scores there are."""
    async with database.read() as connection:
        counted = [select(func.count()).select_from(t) for t in (tables.spans, tables.traces, tables.scores)]
        return [(await connection.execute(query)).scalar_one() for query in counted]


async def test_a_request_sent_again_changes_no_count(database: Database, store: SqlTelemetry) -> None:
    spans, scores = [root(), step(2), step(3)], [EvalScore("groundedness", 300, AGENT, 0.9, trace_id=TRACE)]
    for _ in range(3):
        await store.add(spans, scores)
    await store.add(spans[1:2], [])
    assert await rows(database) == [3, 1, 1]
    async with database.read() as connection:
        assert (await connection.execute(select(tables.traces.c.spans))).scalar_one() == 3


async def test_a_score_without_an_agent_belongs_to_its_trace_and_still_counts_once(store: SqlTelemetry) -> None:
    score = EvalScore("groundedness", 300, trace_id=TRACE)
    await store.add([root()], [score])
    await store.add([], [score])
    assert await store.scores(AGENT, 0, FOREVER) == (score._replace(agent=AGENT),)


async def test_a_score_that_came_before_its_trace_counts_once_when_sent_again(
    database: Database, store: SqlTelemetry
) -> None:
    score = EvalScore("groundedness", 300, trace_id=TRACE)
    await store.add([], [score])
    await store.add([root()], [])
    await store.add([], [score])
    assert await rows(database) == [1, 1, 1]


async def test_two_scores_of_one_name_and_moment_that_differ_are_both_kept(store: SqlTelemetry) -> None:
    first = EvalScore("groundedness", 300, AGENT, 0.9)
    await store.add([], [first, first._replace(value=0.2)])
    assert len(await store.scores(AGENT, 0, FOREVER)) == 2


async def test_every_field_comes_back_as_it_went_in(store: SqlTelemetry) -> None:
    tool = ToolCall("pay", "c1", "a", "r", "{}", "ok", True, SideEffect.WRITE, True, "ap", "x.example", "m", True)
    model = ModelCall("orion", "large", "small", 10, 5, 0.4, "p-1", "out", response_id="r-1", instrumentation="lib")
    odd: dict[str, object] = {"text": "line\nbreak \u2028 \0 é😀", "list": [1, {"deep": None}], "flag": True}
    spans = [
        replace(root(), error=True, error_type="Timeout", error_message="no\nanswer", attributes=odd),
        replace(step(2), tool=tool),
        replace(step(3), kind=SpanKind.LLM, tool=None, model=model),
        replace(step(4), kind=SpanKind.GUARDRAIL, tool=None, guardrail=GuardrailCheck("egress_dlp", True)),
    ]
    await store.add(spans, [])
    trace = await store.trace(TRACE.upper())
    assert trace is not None
    assert trace.spans == tuple(spans)
    assert trace.error
    score = EvalScore("q", 5, AGENT, 0.5, "pass", True, TRACE, "01" * 8, "how_to", "probe-1", "because\nof this")
    await store.add([], [score])
    assert await store.scores(AGENT, 0, FOREVER) == (score,)


async def test_a_late_root_completes_its_trace(store: SqlTelemetry) -> None:
    await store.add([step(2, agent=AGENT)], [])
    (early,) = await store.traces(AGENT, 0, FOREVER)
    assert not early.complete
    await store.add([root(attributes={"task.type": "how_to", "task.outcome": "completed"})], [])
    (whole,) = await store.traces(AGENT, 0, FOREVER)
    assert whole.complete
    assert (whole.task.type, whole.start_ns, len(whole.spans)) == ("how_to", 100, 2)


async def test_spans_out_of_order_are_read_in_order_of_start(store: SqlTelemetry) -> None:
    for span in (step(4), root(), step(3), step(2)):
        await store.add([span], [])
    trace = await store.trace(TRACE)
    assert trace is not None
    assert [span.start_ns for span in trace.spans] == [100, 112, 113, 114]


async def test_a_trace_of_several_agents_belongs_to_the_agent_of_its_root(store: SqlTelemetry) -> None:
    await store.add([step(2, agent="researcher"), root(agent="team"), step(3, agent="writer")], [])
    assert [trace.agent for trace in await store.traces("team", 0, FOREVER)] == ["team"]
    assert await store.traces("researcher", 0, FOREVER) == ()


async def test_a_root_without_a_name_takes_that_of_a_step_or_else_of_the_service(store: SqlTelemetry) -> None:
    service = {"service.name": "desk-service"}
    await store.add([root(agent=None, attributes=service), step(2, agent=AGENT)], [])
    await store.add([root("0c" * 16, agent=None, attributes=service)], [])
    assert await store.agents(0, FOREVER) == ("desk-service", AGENT)


async def test_only_the_newest_traces_of_a_window_are_read_in_order(store: SqlTelemetry) -> None:
    await store.add([root(f"{number:032x}", number * 1000) for number in range(1, 10)], [])
    found = await store.traces(AGENT, 2000, 9000, limit=3)
    assert [trace.start_ns for trace in found] == [6000, 7000, 8000]


async def test_a_clock_in_the_future_is_stored(store: SqlTelemetry) -> None:
    await store.add([root(start_ns=FOREVER - 1)], [EvalScore("q", FOREVER - 1, AGENT)])
    assert len(await store.traces(AGENT, FOREVER - 1, FOREVER)) == 1
    assert len(await store.scores(AGENT, FOREVER - 1, FOREVER)) == 1


async def test_an_agent_that_was_only_judged_is_an_agent_too(store: SqlTelemetry) -> None:
    await store.add([], [EvalScore("synthetic_task_success", 50, "probed-agent", probe_id="p")])
    assert await store.agents(0, 100) == ("probed-agent",)
    assert await store.agents(51, 100) == ()


async def test_posts_at_once_are_all_stored(database: Database, store: SqlTelemetry) -> None:
    posts = [[root(f"{number:032x}"), step(2, f"{number:032x}")] for number in range(1, 31)]
    await asyncio.gather(*(store.add(post, []) for post in posts + posts))
    assert await rows(database) == [60, 30, 0]


async def test_a_post_that_cannot_be_stored_leaves_its_neighbours_alone(
    database: Database, store: SqlTelemetry
) -> None:
    impossible = replace(root("0d" * 16), attributes={"object": object()})
    outcomes = await asyncio.gather(
        store.add([root()], []), store.add([impossible], []), store.add([step(2)], []), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), TypeError, type(None)]
    assert await rows(database) == [2, 1, 0]


async def test_too_many_waiting_posts_are_told_to_come_back(database: Database, store: SqlTelemetry) -> None:
    posts = [[root(f"{number:032x}")] for number in range(1, MOST_WAITING + 20)]
    outcomes = await asyncio.gather(*(store.add(post, []) for post in posts), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    assert refused
    assert all(error.retry_after >= timedelta(seconds=1) for error in refused)
    assert (await rows(database))[0] == len(posts) - len(refused)


async def test_a_store_that_stops_leaves_nobody_waiting(store: SqlTelemetry) -> None:
    posts = [asyncio.create_task(store.add([root(f"{number:032x}")], [])) for number in range(1, 20)]
    await asyncio.sleep(0)
    await store.close()
    done, waiting = await asyncio.wait(posts, timeout=5)
    assert not waiting
    assert all(post.exception() is None or isinstance(post.exception(), Unavailable) for post in done)


async def test_what_arrives_lets_a_look_go_first_and_is_kept_after_it(
    database: Database, store: SqlTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "COURTESY", 600)
    with store.looks.under_way(), store.looks.under_way():
        posts = [asyncio.create_task(store.add([root(f"{number:032x}")], [])) for number in (1, 2)]
        kept, _ = await asyncio.wait(posts, timeout=0.2)
        assert not kept
    await asyncio.gather(*posts)
    assert await rows(database) == [2, 2, 0]


async def test_looks_that_never_end_keep_nothing_from_being_stored(
    database: Database, store: SqlTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "COURTESY", 0.01)
    with store.looks.under_way():
        await store.add([root()], [])
        assert await rows(database) == [1, 1, 0]


async def test_a_store_that_stops_while_a_look_is_under_way_tells_who_waits(
    store: SqlTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "COURTESY", 600)
    with store.looks.under_way():
        posts = [asyncio.create_task(store.add([root(f"{number:032x}")], [])) for number in (1, 2)]
        await asyncio.sleep(0.05)
        await store.close()
        told = await asyncio.gather(*posts, return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable, Unavailable]


async def test_backslashes_and_line_ends_in_what_was_said_come_back(store: SqlTelemetry) -> None:
    said = 'C:\\new\\table\t"quoted"\r\n\\N \\. \u2028 \x01'
    await store.add([replace(root(), attributes={"said": said, "back\\slash": "\\"})], [])
    found = await store.trace(TRACE)
    assert found is not None
    assert found.spans[0].attributes == {"said": said, "back\\slash": "\\"}


async def test_a_poster_that_goes_away_does_not_stop_the_others(database: Database, store: SqlTelemetry) -> None:
    gone = asyncio.create_task(store.add([root("0d" * 16)], []))
    await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    await store.add([root()], [])
    assert (await rows(database))[1] >= 1
    assert await store.trace(TRACE) is not None


async def test_what_arrived_long_ago_is_forgotten_and_the_rest_stays(
    database: Database, store: SqlTelemetry, clock: FakeClock
) -> None:
    await store.add([root(), step(2)], [EvalScore("q", 1, AGENT)])
    limit = int(clock.advance(60).timestamp() * 1e9)
    await store.add([root("0d" * 16)], [EvalScore("q", 2, AGENT)])
    assert await store.delete_before(limit) == 1
    assert await rows(database) == [1, 1, 1]
    assert await store.trace(TRACE) is None
    assert await store.delete_before(limit) == 0


async def test_samples_make_complete_traces_and_scores_of_their_agent(store: SqlTelemetry) -> None:
    for line in (SAMPLES / "traces.jsonl").read_bytes().splitlines():
        await store.add(decode(line, JSON, "", "traces").spans, [])
    for line in (SAMPLES / "evaluations.jsonl").read_bytes().splitlines():
        await store.add([], decode(line, JSON, "", "logs").scores)
    traces = await store.traces(AGENT, 0, FOREVER)
    assert {len(trace.spans) for trace in traces} == {8, 11}
    assert all(trace.complete and trace.task.outcome == "completed" and not trace.failed for trace in traces)
    scores = await store.scores(AGENT, 0, FOREVER)
    assert {"groundedness", "synthetic_task_success"} <= {score.name for score in scores}
    assert list(scores) == sorted(scores, key=lambda score: score.at_ns)
