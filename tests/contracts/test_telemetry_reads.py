"""What is read back from the telemetry store: the right window, the right agent, and only what is still kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.incident.assembly import UNNAMED
from bot.incident.telemetry import EvalScore, GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, ToolCall
from bot.storage.database import Database
from bot.storage.telemetry import SqlTelemetry
from tests.fakes.clock import START, FakeClock

SECOND = 1_000_000_000
AT = int(START.timestamp()) * SECOND
LATER = AT + 3600 * SECOND
AGENT = "helpdesk-agent"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(database: Database, clock: FakeClock) -> AsyncIterator[SqlTelemetry]:
    opened = SqlTelemetry(database, clock)
    yield opened
    await opened.close()


def trace_id(number: int) -> str:
    return f"{number:032x}"


def root(number: int = 1, *, at: int = AT, agent: str = AGENT) -> Span:
    said = {"task.type": "vpn", "task.outcome": "completed", "gen_ai.agent.version": "4.12.0"}
    return Span(trace_id(number), "1" * 16, None, SpanKind.AGENT, "task", at, at + SECOND, agent=agent, attributes=said)


def steps(number: int = 1, *, at: int = AT) -> list[Span]:
    """A model call, a tool call with an error, and a guardrail: everything a span can carry."""
    first = Span(
        trace_id(number),
        "2" * 16,
        "1" * 16,
        SpanKind.LLM,
        "chat",
        at + 10,
        at + 20,
        model=ModelCall("orion", "gpt-x", "gpt-x-mini", 812, 94, 0.4, "p-118", "Hello 👋"),
    )
    tool = ToolCall(
        "reset_password", "c1", "ab" * 8, "cd" * 8, '{"u": 1}', "{}", True, SideEffect.WRITE, True, "a1", "host", "m1"
    )
    second = replace(
        first,
        span_id="3" * 16,
        kind=SpanKind.TOOL,
        name="execute_tool reset_password",
        start_ns=at + 30,
        end_ns=at + 40,
        error=True,
        error_type="timeout",
        error_message="no answer",
        tool=tool,
        model=None,
    )
    third = replace(
        first,
        span_id="4" * 16,
        kind=SpanKind.GUARDRAIL,
        start_ns=at + 50,
        end_ns=at + 60,
        model=None,
        guardrail=GuardrailCheck("egress", triggered=True),
        attributes={"content.length": 12, "nested": {"a": [1, 2]}},
    )
    return [first, second, third]


def score(number: int | None = 1, *, agent: str | None = None, at: int = AT, name: str = "correct") -> EvalScore:
    return EvalScore(name, at, agent, 0.0, "fail", passed=False, trace_id=None if number is None else trace_id(number))


async def test_what_is_stored_comes_back_as_it_was(store: SqlTelemetry) -> None:
    judged = score(agent=AGENT)._replace(span_id="2" * 16, task_type="vpn", probe_id="p1", explanation="wrong 🤷")
    await store.add([root(), *steps()], [judged])
    found = await store.trace(trace_id(1))
    assert found
    assert list(found.spans)[1:] == steps()
    assert (found.agent, found.complete, found.task.outcome) == (AGENT, True, "completed")
    assert await store.scores(AGENT, AT, LATER) == (judged,)


async def test_the_same_spans_in_requests_sent_at_once_count_once(store: SqlTelemetry) -> None:
    await asyncio.gather(*(store.add([root(n), *steps(n)], [score(n, agent=AGENT)]) for n in (1, 2, 3) * 8))
    assert len(await store.traces(AGENT, AT, LATER)) == 3
    assert len(await store.scores(AGENT, AT, LATER)) == 3


async def test_spans_that_come_one_by_one_and_backwards_make_the_same_trace(store: SqlTelemetry) -> None:
    for span in reversed([root(1), *steps(1)]):
        await store.add([span], [])
    await store.add([root(2), *steps(2)], [])
    one, other = await store.trace(trace_id(1)), await store.trace(trace_id(2))
    assert one
    assert other
    assert replace(one, id="", spans=()) == replace(other, id="", spans=())
    assert [span.span_id for span in one.spans] == [span.span_id for span in other.spans]


def told_twice(number: int) -> list[Span]:
    """The task, and three calls of its model that a framework and its client tell side by side; the last one failed."""
    spans = [root(number)]
    for place in range(3):
        model = ModelCall("orion", "gpt-x", None, 100, 10, response_id=None if place == 2 else f"r{place}")
        for inner, library in enumerate(("framework", "client")):
            call = Span(
                trace_id(number),
                f"{place * 2 + inner + 2:016x}",
                "1" * 16,
                SpanKind.LLM,
                "chat",
                AT + place * 100 + inner,
                AT + place * 100 + 90 - inner,
                error=place == 2,
                model=replace(model, instrumentation=library),
            )
            spans.append(call)
    return spans


async def test_a_call_told_side_by_side_counts_once_however_its_spans_come(store: SqlTelemetry) -> None:
    await store.add(told_twice(1), [])
    for span in reversed(told_twice(2)):
        await store.add([span], [])
    for number in (1, 2):
        trace = await store.trace(trace_id(number))
        assert trace
        assert [span.span_id[-1] for span in trace.model_spans] == ["2", "4", "6"]
    readings = await store.readings([AGENT], AT, LATER)
    assert [(one.tokens, len(one.models), one.model_errors) for one in readings] == [(330, 3, 1)] * 2
    for found in await store.outlines([AGENT], 5, lambda one: one):
        assert sum(step["model"] is not None for step in found.steps or ()) == 3


async def test_a_score_in_the_same_request_as_its_trace_finds_its_agent(store: SqlTelemetry) -> None:
    await store.add([root()], [score()])
    assert len(await store.scores(AGENT, AT, LATER)) == 1


async def test_a_score_about_nothing_known_is_kept_apart(store: SqlTelemetry) -> None:
    await store.add([], [score(None)])
    assert len(await store.scores(UNNAMED, AT, LATER)) == 1
    assert await store.scores(AGENT, AT, LATER) == ()


@pytest.mark.parametrize("late", [False, True])
async def test_a_verdict_of_an_evaluation_service_is_that_of_the_task_it_is_about(
    store: SqlTelemetry, *, late: bool
) -> None:
    sent = score(agent="eval-service")._replace(agent_said=False)
    if late:
        await store.add([], [sent])
        assert await store.scores("eval-service", AT, LATER) == (sent,)  # no task of anybody is known yet
    await store.add([root()], [])
    await store.add([], [sent])  # and sent once more it changes nothing
    assert await store.scores(AGENT, AT, LATER) == (sent._replace(agent=AGENT),)
    assert await store.scores("eval-service", AT, LATER) == ()


async def test_a_verdict_about_no_task_is_that_of_the_service_that_sends_it(store: SqlTelemetry) -> None:
    sent = score(None, agent=AGENT)._replace(agent_said=False)
    await store.add([root()], [sent])
    assert await store.scores(AGENT, AT, LATER) == (sent,)


async def test_a_window_takes_its_start_and_leaves_its_end(store: SqlTelemetry) -> None:
    await store.add([root(n, at=AT + n * SECOND) for n in range(5)], [])
    found = await store.traces(AGENT, AT + SECOND, AT + 3 * SECOND)
    assert [trace.id for trace in found] == [trace_id(1), trace_id(2)]


async def test_one_agent_sees_nothing_of_another(store: SqlTelemetry) -> None:
    await store.add([root(1), root(2, agent="field-agent")], [score(agent="billing-agent")])
    assert [trace.id for trace in await store.traces("field-agent", AT, LATER)] == [trace_id(2)]
    assert await store.agents(AT, LATER) == ("billing-agent", "field-agent", AGENT)
    assert await store.agents(LATER, LATER + SECOND) == ()


async def test_a_trace_nobody_knows_is_none(store: SqlTelemetry) -> None:
    assert await store.trace("f" * 32) is None


async def test_old_telemetry_goes_by_its_arrival_and_not_by_its_own_time(
    store: SqlTelemetry, database: Database, clock: FakeClock
) -> None:
    await store.add([root(1, at=LATER), *steps(1, at=LATER)], [score(1, at=LATER)])
    noon = clock.advance(timedelta(hours=1))
    await store.add([root(2, at=AT)], [score(2, at=AT)])
    gone = await store.delete_before(int(noon.timestamp()) * SECOND)
    assert gone == 1
    assert await store.trace(trace_id(1)) is None
    assert await store.trace(trace_id(2)) is not None
    assert len(await store.scores(AGENT, AT, LATER + SECOND)) == 1
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM spans"))).scalar() == 1


async def test_a_trace_that_still_grows_counts_as_arrived_now(store: SqlTelemetry, clock: FakeClock) -> None:
    await store.add(steps(), [])
    noon = clock.advance(timedelta(hours=1))
    await store.add([root()], [])
    assert await store.delete_before(int(noon.timestamp()) * SECOND) == 0


async def test_many_spans_in_one_request_are_stored_together(store: SqlTelemetry) -> None:
    await store.add([root(number, at=AT + number) for number in range(1200)], [score(n) for n in range(1200)])
    assert len(await store.traces(AGENT, AT, LATER)) == 1200


async def test_words_no_database_likes_are_kept_or_refused_whole(store: SqlTelemetry) -> None:
    odd = "Ω\u202e 🧯 'quote\" -- ; \\ %s :name"
    await store.add([root(agent=odd)], [score(agent=odd)._replace(name=odd)])
    assert await store.agents(AT, LATER) == (odd,)
    assert [found.name for found in await store.scores(odd, AT, LATER)] == [odd]


async def test_a_score_that_came_before_its_trace_finds_its_agent(store: SqlTelemetry) -> None:
    await store.add([], [EvalScore("correct", AT, passed=True, trace_id=trace_id(1))])
    assert await store.scores(AGENT, AT, LATER) == ()
    await store.add([root()], [])
    (found,) = await store.scores(AGENT, AT, LATER)
    assert (found.agent, found.trace_id) == (AGENT, trace_id(1))


async def test_a_task_says_where_it_ran_also_to_its_neighbours(store: SqlTelemetry) -> None:
    """Where the root does not say it, a step of it may."""
    placed = replace(root(1), attributes={"deployment.environment.name": "staging"})
    below = replace(steps(2)[0], attributes={"deployment.environment.name": "production"})
    await store.add([placed, root(2), below, root(3)], [])
    expected = {trace_id(1): "staging", trace_id(2): "production", trace_id(3): None}
    whole = await store.readings([AGENT], 0, LATER)
    thin = (await store.sampled([AGENT], 0, LATER, 9, models_only=True))[AGENT]
    assert {task.id: task.environment for task in whole} == expected
    assert {task.id: task.environment for task in thin} == expected
    assert {task.id: task.environment for task in await store.listed([AGENT], 9)} == expected
    assert {one.head.id: one.head.environment for one in await store.outlines([AGENT], 9, lambda one: one)} == expected


async def test_a_task_stored_by_an_earlier_version_names_no_environment(
    database: Database, store: SqlTelemetry
) -> None:
    at = {"deployment.environment.name": "staging", "user.id": "u1"}
    await store.add([replace(root(), attributes=at)], [])
    async with database.write() as connection:
        await connection.execute(text("UPDATE traces SET reading = replace(reading, ',\"staging\"]', ']')"))
    (task,) = await store.readings([AGENT], 0, LATER)
    assert (task.user, task.environment) == ("u1", None)
