"""A list of tasks is read without making nouns of their steps, and says exactly what the nouns would have said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bot.incident.assembly import UNNAMED
from bot.incident.codec import encode
from bot.incident.outline import Outline, outline
from bot.incident.telemetry import (
    AskedTool,
    EvalScore,
    GuardrailCheck,
    Heard,
    ModelCall,
    SideEffect,
    Span,
    SpanKind,
    ToldResult,
    ToolCall,
)
from bot.storage.database import Database
from bot.storage.head_json import HEADED, head_of
from bot.storage.outlines import needs_spans, outlines_of
from bot.storage.span_json import span_to_json
from bot.storage.tables.telemetry import traces as traces_table
from bot.storage.telemetry import SqlTelemetry
from bot.storage.telemetry_rows import MOST_SPANS_READ, grown_rows, traces_of
from tests.fakes.clock import START, FakeClock

SECOND = 1_000_000_000
AT = int(START.timestamp()) * SECOND
TRACE, AGENT = "a" * 32, "helpdesk-agent"

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.sampled_from(["search", "reset_password", "c1", "c2"])  # few, so that what is asked for is often recorded
MAYBE = st.none() | NAMES
COUNTS = st.none() | st.integers(0, 2**40)
SHARES = st.none() | st.floats(0, 1e6)
MOMENTS = st.integers(AT, AT + 5)  # few as well: steps often start together
FLAG = st.booleans()
TOOLS = st.builds(
    ToolCall,
    NAMES,
    MAYBE,
    MAYBE,
    MAYBE,
    WORDS,
    WORDS,
    FLAG,
    st.none() | st.sampled_from(SideEffect),
    FLAG,
    MAYBE,
    MAYBE,
)
MODELS = st.builds(
    ModelCall,
    *(MAYBE, MAYBE, MAYBE, COUNTS, COUNTS, SHARES, MAYBE, WORDS, MAYBE, COUNTS, COUNTS, SHARES),
    st.lists(st.builds(AskedTool, NAMES, MAYBE, MAYBE, WORDS), max_size=2).map(tuple),
    st.lists(st.builds(ToldResult, MAYBE, MAYBE, WORDS, FLAG, FLAG), max_size=2).map(tuple),
    MAYBE,
    MAYBE,
    st.none() | st.builds(Heard, WORDS, st.integers(0, 9), FLAG, FLAG),
)
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "service.name": NAMES,
        "gen_ai.conversation.id": NAMES,
        "task.outcome": st.sampled_from(["completed", "failed", "", 7]),
        "task.claimed_actions": st.lists(NAMES, max_size=2) | NAMES,
        "session.turn": st.integers(0, 9) | st.sampled_from(["3", "many", True, 1e400]),
        "gen_ai.agent.version": WORDS,
        "agent.prompt.version": WORDS,
        "gen_ai.provider.name": WORDS,
        "deployment.environment.name": WORDS,
        "user.id": st.sampled_from(["u1", "[email]"]),
    },
)
SPANS = st.builds(
    Span,
    st.just(TRACE),
    st.integers(0, 9).map("{:016x}".format),
    st.none() | st.integers(0, 2).map("{:016x}".format),
    st.sampled_from(SpanKind),
    WORDS,
    MOMENTS,
    MOMENTS,
    attributes=ATTRIBUTES,
    agent=MAYBE,
    said=WORDS,
)
FAILURES = st.tuples(st.none() | WORDS, WORDS)


@st.composite
def steps(draw: st.DrawFn) -> Span:
    """A span with at most one of tool, model and guardrail, that failed or not."""
    span = draw(SPANS)
    match draw(st.integers(0, 3)):
        case 1:
            span = replace(span, tool=draw(TOOLS))
        case 2:
            span = replace(span, model=draw(MODELS))
        case 3:
            span = replace(span, guardrail=GuardrailCheck(draw(WORDS), draw(FLAG)))
    if draw(FLAG):
        kind, message = draw(FAILURES)
        span = replace(span, error=True, error_type=kind, error_message=message)
    return span


Row = tuple[str, str, int, str]


def rows_of(spans: Sequence[Span]) -> list[Row]:
    return [(span.trace_id, span.span_id, span.start_ns, span_to_json(span)) for span in spans]


def direct(rows: Sequence[Row], *, wanted: bool = True) -> Outline:
    (row,) = grown_rows(rows)
    head = head_of([row[name] for name in HEADED])
    assert head is not None
    told = rows if needs_spans(head, steps=wanted) else []
    (found,) = outlines_of({TRACE: head}, told, [], steps=wanted)
    return found


def by_nouns(rows: Sequence[Row], *, wanted: bool = True) -> Outline:
    (trace,) = traces_of(rows)
    return outline(trace, (), steps=wanted)


@settings(deadline=None, max_examples=100)
@given(st.lists(steps(), min_size=1, max_size=8, unique_by=lambda span: span.span_id), FLAG)
def test_rows_say_what_the_nouns_say(spans: list[Span], wanted: bool) -> None:  # noqa: FBT001 - hypothesis hands it over
    rows = rows_of(spans)
    assert encode(direct(rows, wanted=wanted)) == encode(by_nouns(rows, wanted=wanted))


@pytest.mark.parametrize(
    "body",
    [
        '{"k":"llm","n":"chat","s":5,"e":9,"m":["orion","x","x",8,9,0.4,"p-1","Hello"]}\n',
        '{"k":"tool","n":"search","s":5,"e":9,"t":["search","c1","ab","cd","{}","{}",false,"read",false,null,null,"m1",false]}\n',
    ],
)
def test_what_an_earlier_version_stored_has_every_field(body: str) -> None:
    rows = [(TRACE, "1" * 16, 5, body)]
    (found,) = encode(direct(rows))["steps"]
    assert [found] == encode(by_nouns(rows))["steps"]
    assert None not in (found["tool"] or found["model"])


def test_a_call_that_nobody_recorded_is_among_the_steps() -> None:
    asks = Span(TRACE, "1" * 16, None, SpanKind.LLM, "chat", AT, AT + 1, model=ModelCall(asked=(AskedTool("search"),)))
    recorded = Span(TRACE, "2" * 16, "1" * 16, SpanKind.TOOL, "search", AT + 1, AT + 2, tool=ToolCall("search"))
    assert [step["inferred"] for step in direct(rows_of([asks])).steps or ()] == [False, True]
    assert [step["inferred"] for step in direct(rows_of([asks, recorded])).steps or ()] == [False, False]


@pytest.fixture
async def store(database: Database) -> AsyncIterator[SqlTelemetry]:
    opened = SqlTelemetry(database, FakeClock())
    yield opened
    await opened.close()


def task(number: int, *, failed: bool, spans: int = 3, agent: str = AGENT) -> tuple[list[Span], list[EvalScore]]:
    """A task that starts in the ``number``-th second, with two verdicts, the later one first."""
    trace_id, at = f"{number:032x}", AT + number * SECOND
    said = {"task.outcome": "failed" if failed else "completed", "gen_ai.conversation.id": f"s{number}"}
    root = Span(trace_id, "0" * 16, None, SpanKind.AGENT, "task", at, at + SECOND, agent=agent, attributes=said)
    calls = [
        replace(root, span_id=f"{place:016x}", parent_id="0" * 16, kind=SpanKind.TOOL, tool=ToolCall("search"))
        for place in range(1, spans)
    ]
    verdicts = [EvalScore(name, at + later, agent, 0.5, trace_id=trace_id) for name, later in (("b", 9), ("a", 1))]
    return [root, *calls], verdicts


async def test_the_newest_come_first_with_their_verdicts_in_order(store: SqlTelemetry) -> None:
    for number in range(6):
        await store.add(*task(number, failed=number % 2 == 0))
    await store.add(*task(9, failed=True, agent="field-agent"))
    found = await store.outlines([AGENT], 2, lambda one: one, failed=True, before_ns=AT + 4 * SECOND)
    nouns = await store.listed([AGENT], 2, failed=True, before_ns=AT + 4 * SECOND)
    scores = await store.scores_of([trace.id for trace in nouns])
    assert [one.head.session_id for one in found] == ["s2", "s0"]
    assert [score.name for score in found[0].scores] == ["a", "b"]
    assert [encode(one) for one in reversed(found)] == [encode(outline(one, scores, steps=True)) for one in nouns]
    assert await store.outlines(["stranger"], 2, lambda one: one) == []


async def test_very_many_steps_are_read_beside_the_event_loop(store: SqlTelemetry) -> None:
    await store.add(*task(1, failed=True, spans=1000))
    (found,), _ = await asyncio.gather(store.outlines([AGENT], 5, lambda one: one), store.trace(f"{1:032x}"))
    assert len(found.steps or ()) == 1000


async def test_steps_nobody_asked_for_are_left_out(store: SqlTelemetry) -> None:
    await store.add(*task(1, failed=False))
    (found,) = await store.outlines([AGENT], 5, lambda one: one, steps=False)
    assert (found.steps, found.head.task.outcome) == (None, "completed")


async def test_a_task_that_an_earlier_version_stored_is_listed_from_its_steps(
    store: SqlTelemetry, database: Database
) -> None:
    await store.add(*task(1, failed=True))
    listed = [await store.outlines([AGENT], 5, lambda one: one, steps=steps) for steps in (True, False)]
    async with database.write() as connection:
        await connection.execute(update(traces_table).values(head=None))
    assert [await store.outlines([AGENT], 5, lambda one: one, steps=steps) for steps in (True, False)] == listed


async def test_what_lists_say_of_a_task_grows_with_it(store: SqlTelemetry) -> None:
    spans, _ = task(1, failed=True)
    await store.add(spans[1:], [])
    (before,) = await store.outlines([AGENT, "unnamed-agent"], 5, lambda one: one, steps=False)
    await store.add(spans, [])
    (after,) = await store.outlines([AGENT], 5, lambda one: one, steps=False)
    assert (before.head.complete, after.head.complete) == (False, True)


async def test_a_task_that_never_ends_is_listed_with_all_its_steps(store: SqlTelemetry) -> None:
    spans, _ = task(1, failed=True, spans=MOST_SPANS_READ + 2)
    last = replace(spans[-1], span_id="f" * 16, end_ns=AT + 99 * SECOND)
    await store.add(spans, [])
    await store.add([last], [])
    (found,) = await store.outlines([AGENT], 5, lambda one: one)
    assert len(found.steps or ()) == len(spans) + 1
    assert found.head.end_ns == last.end_ns


async def test_what_lists_say_of_a_task_that_never_ends_is_of_all_its_steps(store: SqlTelemetry) -> None:
    """Its root, which says whose conversation it was, came when there were too many steps to read them all again."""
    (root, *steps), _ = task(1, failed=True, spans=MOST_SPANS_READ + 2)
    await store.add([replace(step, attributes={}) for step in steps], [])
    await store.add([root], [])
    (found,) = await store.outlines([AGENT], 5, lambda one: one, steps=False)
    assert found.head.session_id == "s1"


@pytest.mark.parametrize("steps", [True, False])
async def test_a_verdict_is_told_once_and_not_on_the_task_of_another_agent(store: SqlTelemetry, *, steps: bool) -> None:
    """As evidence counts them: an evaluator that tells its verdict in both ways gave one, and who is named is meant."""
    spans, (verdict, _) = task(1, failed=True)
    spans[2] = replace(spans[2], agent="researcher")  # a part of this agent, which frameworks call an agent too
    event = verdict._replace(name="helpful", at_ns=AT + 20, span_id=spans[0].span_id, explanation="It did not help.")
    record = event._replace(at_ns=AT + 25, explanation="")
    of_part = verdict._replace(name="grounded", at_ns=AT + 30, agent="researcher")
    by_old_name = verdict._replace(name="polite", at_ns=AT + 40, agent="helpdesk-v1")
    of_nobody = verdict._replace(name="short", at_ns=AT + 50, agent=None)
    of_service = verdict._replace(name="safe", at_ns=AT + 60, agent="eval-service", agent_said=False)
    of_another = verdict._replace(name="wrong", at_ns=AT + 70, agent="field-agent")
    told = [event, record, of_part, by_old_name, of_nobody, of_service, of_another]
    await store.add(spans, told)
    (found,) = await store.outlines({AGENT, "helpdesk-v1"}, 5, lambda one: one, steps=steps)
    assert [score.name for score in found.scores] == ["helpful", "grounded", "polite", "short", "safe"]
    assert (found.scores[0].at_ns, found.scores[0].explanation) == (record.at_ns, event.explanation)
    (trace,) = await store.listed([AGENT], 5)
    every = await store.scores_of([trace.id])
    assert found.scores == outline(trace, every, steps=steps, names={AGENT, "helpdesk-v1"}).scores


async def test_a_task_that_names_no_agent_keeps_every_verdict(store: SqlTelemetry) -> None:
    spans, (verdict, _) = task(1, failed=True)
    await store.add([replace(span, agent=None) for span in spans], [verdict._replace(agent="field-agent")])
    (found,) = await store.outlines([UNNAMED], 5, lambda one: one, steps=False)
    assert [score.agent for score in found.scores] == ["field-agent"]
