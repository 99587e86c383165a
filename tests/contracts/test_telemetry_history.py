"""Readings, what is usual, forgetting and announced changes, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from bot.incident.evidence import Change, ChangeKind
from bot.incident.first_sight import Sought
from bot.incident.reading import read
from bot.incident.telemetry import EvalScore, ModelCall, Span, SpanKind, ToolCall
from bot.storage import telemetry_commit, telemetry_rows
from bot.storage.announcements import SqlAnnouncements
from bot.storage.database import Database
from bot.storage.tables import telemetry as tables
from bot.storage.telemetry import SqlTelemetry
from tests.fakes.clock import FakeClock

AGENT = "helpdesk-agent"
HOUR = 3_600_000_000_000
MONDAY = 498_000  # an hour since the epoch, long ago
FOREVER = 2**63 - 1


@pytest.fixture
async def store(database: Database) -> AsyncIterator[SqlTelemetry]:
    opened = SqlTelemetry(database, FakeClock())
    yield opened
    await opened.close()


def task(number: int, at_ns: int, *, failed: bool = False, tool_fails: bool = False, agent: str = AGENT) -> list[Span]:
    trace_id = f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}{number:016x}"
    root = Span(trace_id, "01" * 8, None, SpanKind.AGENT, "task", at_ns, at_ns + 900, error=failed, agent=agent)
    tool = ToolCall("search", arguments_hash="a")
    step = Span(
        trace_id, "02" * 8, "01" * 8, SpanKind.TOOL, "search", at_ns + 1, at_ns + 500, error=tool_fails, tool=tool
    )
    return [root, step]


async def test_a_reading_is_that_of_its_trace_however_its_spans_came(store: SqlTelemetry) -> None:
    root, step = task(1, MONDAY * HOUR, tool_fails=True)
    await store.add([step], [])
    (early,) = await store.readings([AGENT, "unnamed-agent"], 0, FOREVER)
    assert not early.finished
    await store.add([root], [])
    (whole,) = await store.readings([AGENT], 0, FOREVER)
    trace = await store.trace(root.trace_id)
    assert trace is not None
    assert whole == read(trace)
    assert (whole.finished, whole.tool_errors) == (True, 1)


async def test_whose_task_it_was_is_read_where_it_is_told_and_not_redacted(store: SqlTelemetry) -> None:
    told = {"gen_ai.conversation.id": "s-1", "tenant.id": "acme", "enduser.id": "u-1"}
    hidden = {"gen_ai.conversation.id": "s-2", "user.id": "[email]"}
    for number, attributes in enumerate((told, hidden)):
        root, step = task(number, MONDAY * HOUR + number)
        await store.add([replace(root, attributes=attributes), step], [])
    first, second = await store.readings([AGENT], 0, FOREVER)
    assert (first.session, first.tenant, first.user) == ("s-1", "acme", "u-1")
    assert (second.session, second.tenant, second.user) == ("s-2", None, None)


async def test_traces_from_before_there_were_readings_are_read_from_their_spans(
    store: SqlTelemetry, database: Database
) -> None:
    await store.add(task(1, MONDAY * HOUR), [])
    async with database.write() as connection:
        await connection.execute(update(tables.traces).values(reading=None))
    (found,) = await store.readings([AGENT], 0, FOREVER)
    assert found.steps == 1


async def test_many_tasks_are_the_newest_or_spread_over_the_whole_time(store: SqlTelemetry) -> None:
    spans = [span for number in range(400) for span in task(number, MONDAY * HOUR + number * 1000)]
    await store.add(spans, [])
    newest = await store.readings([AGENT], 0, FOREVER, 100)
    assert [one.at_ns for one in newest] == [MONDAY * HOUR + number * 1000 for number in range(300, 400)]
    spread = (await store.sampled([AGENT], 0, FOREVER, 100))[AGENT]
    assert 60 <= len(spread) <= 100
    assert spread[0].at_ns < MONDAY * HOUR + 50_000


async def test_neighbours_tell_when_they_were_and_what_their_models_did(store: SqlTelemetry) -> None:
    model = ModelCall("orion", "gpt-x", "gpt-x-mini")
    for number in range(3):
        root, step = task(number, MONDAY * HOUR + number)
        asked = replace(step, kind=SpanKind.LLM, tool=None, model=model, error=number == 1)
        await store.add([root, asked, replace(step, span_id="03" * 8)], [])
    whole = (await store.sampled([AGENT], 0, FOREVER, 9))[AGENT]
    assert [one.model_errors for one in whole] == [0, 1, 0]
    assert all(one.models and one.tools for one in whole)
    for _ in ("decoded", "kept from before"):
        thin = (await store.sampled([AGENT], 0, FOREVER, 9, models_only=True))[AGENT]
        assert [(one.id, one.at_ns, one.end_ns, one.models, one.model_errors, one.mismatched) for one in thin] == [
            (one.id, one.at_ns, one.end_ns, one.models, one.model_errors, one.mismatched) for one in whole
        ]
    assert await store.readings([AGENT], 0, FOREVER) == whole


async def test_a_draw_holds_the_newest_and_some_of_all_others(store: SqlTelemetry) -> None:
    starts = [MONDAY * HOUR + number * 731_000_000 for number in range(900)]  # nanoseconds
    for begin in range(0, 900, 300):
        await store.add([span for number in range(begin, begin + 300) for span in task(number, starts[number])], [])
    every, nothing = await store.drawn([AGENT], 0, FOREVER, 900, 100)
    assert (len(every), nothing) == (900, None)
    read, draw = await store.drawn([AGENT], 0, FOREVER, 300, 100)
    assert draw is not None
    assert (list(draw.starts), draw.since_ns, draw.each) == (starts, starts[-100], 4)
    assert list(read) == sorted(read, key=lambda one: one.at_ns)
    assert [one.at_ns for one in read if draw.stands_for(one) == 1] == starts[-100:]
    older = [one.at_ns for one in read if draw.stands_for(one) == 4]
    assert 140 <= len(older) <= 260
    assert 100 <= sum(at < starts[400] for at in older) <= 2 * len(older) / 3  # all over the time
    again, _ = await store.drawn([AGENT], starts[5], FOREVER, 300, 100)
    assert {one.id for one in again} == {one.id for one in read if one.at_ns >= starts[5]}
    alike, spread = await store.drawn([AGENT], 0, FOREVER, 300, 0)
    assert spread is not None
    assert {spread.stands_for(one) for one in alike} == {4}


@pytest.mark.parametrize("apart", [1_000_000, 1_000_000_000, 4_000_000_000])
async def test_tasks_that_start_in_step_are_drawn_all_the_same(store: SqlTelemetry, apart: int) -> None:
    await store.add([span for number in range(400) for span in task(number, MONDAY * HOUR + number * apart)], [])
    read, draw = await store.drawn([AGENT], 0, FOREVER, 100, 0)
    assert draw is not None
    assert draw.each == 4
    assert 60 <= len(read) <= 140


async def test_only_scores_of_some_tasks_and_of_none_where_wanted(store: SqlTelemetry) -> None:
    spans = [span for number in range(3) for span in task(number, MONDAY * HOUR + number)]
    ids = sorted({span.trace_id for span in spans})
    scores = [
        EvalScore("right", MONDAY * HOUR + at, AGENT, 1.0, trace_id=trace) for at, trace in enumerate([*ids, None])
    ]
    await store.add(spans, scores)
    assert await store.scores(AGENT, 0, FOREVER, ids[:1]) == (scores[0], scores[3])
    assert len(await store.scores(AGENT, 0, FOREVER)) == 4


async def test_which_tasks_began_before_a_moment_is_known_of_those_that_are_kept(store: SqlTelemetry) -> None:
    spans = [span for number in range(1200) for span in task(number, MONDAY * HOUR + number)]
    for begin in range(0, len(spans), 600):
        await store.add(spans[begin : begin + 600], [])
    ids = list(dict.fromkeys(span.trace_id for span in spans))
    assert await store.begun_before([*ids, "f" * 32], MONDAY * HOUR + 700) == frozenset(ids[:700])
    assert await store.begun_before([], FOREVER) == frozenset()


async def test_when_tasks_started_is_told_without_reading_them(store: SqlTelemetry) -> None:
    await store.add([span for number in range(9) for span in task(number, MONDAY * HOUR + number)], [])
    await store.add(task(9, MONDAY * HOUR + 3, agent="another"), [])
    assert list(await store.starts([AGENT], MONDAY * HOUR + 2, MONDAY * HOUR + 8, 4)) == [
        MONDAY * HOUR + at for at in (4, 5, 6, 7)
    ]
    assert list(await store.starts([AGENT, "another"], MONDAY * HOUR + 2, MONDAY * HOUR + 5, 9)) == [
        MONDAY * HOUR + at for at in (2, 3, 3, 4)
    ]


def of_agent(value: str) -> Sought:
    return Sought(value, FOREVER, value, lambda reading: reading.destinations, lambda _: True)


async def test_the_first_task_with_a_value_is_found_among_all(store: SqlTelemetry) -> None:
    spans = [span for number in range(60) for span in task(number, MONDAY * HOUR + number)]
    sent = {7: 'a "quoted" ünï.example', 9: "search", 30: "search", 31: 'a "quoted" ünï.example'}
    for number, place in sent.items():
        tool = ToolCall("search", destination=place)
        spans[2 * number + 1] = replace(spans[2 * number + 1], tool=tool)
    await store.add(spans, [])
    sought = [of_agent(place) for place in ('a "quoted" ünï.example', "search", "nowhere.example")]
    found = await store.first_with([AGENT, "another"], MONDAY * HOUR, sought)
    assert [one.at_ns - MONDAY * HOUR for one in found] == [7, 9]  # every task's record holds the word "search"
    since = await store.first_with(
        [AGENT], MONDAY * HOUR + 8, [*sought[:1], replace(sought[1], before_ns=MONDAY * HOUR + 9)]
    )
    assert [one.at_ns - MONDAY * HOUR for one in since] == [31]
    assert await store.first_with(["another"], 0, sought) == ()


async def test_tasks_that_started_at_one_moment_are_drawn_once_each(store: SqlTelemetry) -> None:
    spans = [span for number in range(300) for span in task(number, MONDAY * HOUR)]
    await store.add(spans, [])
    for limit in (20, 100, 299):
        drawn = (await store.sampled([AGENT], 0, FOREVER, limit))[AGENT]
        assert len({one.id for one in drawn}) == len(drawn)


async def test_what_is_usual_is_counted_as_what_is_now(store: SqlTelemetry) -> None:
    for number in range(10):
        root, step = task(number, MONDAY * HOUR + number)
        model = replace(step, kind=SpanKind.LLM, tool=None, model=ModelCall("orion", "gpt-x"), error=number == 0)
        await store.add([root, model] if number < 4 else [root], [])
        for judge, passed in (("groundedness", number > 0), ("answer_correct", number > 1), ("thumbs", number > 2)):
            score = EvalScore(judge, MONDAY * HOUR + number, AGENT, passed=passed, trace_id=root.trace_id)
            await store.add([], [score])
    for number in range(10, 14):
        _, step = task(number, (MONDAY + 168) * HOUR)
        await store.add([replace(step, agent=AGENT)], [])
    expected = {
        "model_errors": (1, 4),  # of the tasks that called a model
        "repeats": (0, 8),  # of those that took a step
        "task_failures": (0, 10),  # of an hour in which no span tells of ends, nothing is known
        "escalations": (0, 10),
        "quality": (2, 10),  # answers, whoever judged them
        "eval:groundedness": (1, 10),
        "feedback": (3, 10),
    }
    for _ in ("kept", "forgotten"):
        known = await store.usual([AGENT], [MONDAY, MONDAY + 168])
        assert {name: known[name] for name in expected} == expected
        await store.delete_before(int(FakeClock().now().timestamp() + 1) * 10**9)


async def test_where_roots_go_elsewhere_what_is_usual_is_told_by_those_that_come(store: SqlTelemetry) -> None:
    """Half of the tasks of one hour never end, one of ten in the next."""
    for hour, each in ((MONDAY, 2), (MONDAY + 168, 10)):
        for number in range(20):
            root, step = task(hour + number, hour * HOUR + number, failed=number == 1)
            step = replace(step, agent=AGENT, tool=ToolCall("transfer_to_human"))
            await store.add([step] if number % each == 0 else [root, step] if number == 1 else [root], [])
        usual = await store.usual([AGENT], [hour])
        assert usual["task_failures"] == {2: (1, 10), 10: (3, 20)}[each]
        assert usual["escalations"] == {2: (1, 10), 10: (3, 20)}[each]


async def test_an_answer_that_one_evaluator_judged_twice_is_usual_once(store: SqlTelemetry) -> None:
    root, step = task(1, MONDAY * HOUR)
    await store.add([root, step], [])
    for hour, passed, span_id in (
        (MONDAY, True, root.span_id),
        (MONDAY, False, step.span_id),
        (MONDAY + 168, True, ""),
    ):
        said = EvalScore("groundedness", hour * HOUR, AGENT, passed=passed, trace_id=root.trace_id, span_id=span_id)
        await store.add([], [said])
    for name in ("thumbs", "csat"):
        await store.add([], [EvalScore(name, MONDAY * HOUR, AGENT, passed=False, trace_id=root.trace_id)])
    expected = {"quality": (1, 2), "eval:groundedness": (1, 3), "feedback": (2, 2)}
    for _ in ("kept", "forgotten"):
        known = await store.usual([AGENT], [MONDAY, MONDAY + 168])
        assert {name: known[name] for name in expected} == expected
        await store.delete_before(int(FakeClock().now().timestamp() + 1) * 10**9)


async def test_what_is_usual_stays_when_its_traces_are_forgotten(store: SqlTelemetry, database: Database) -> None:
    for number in range(10):
        spans = task(number, MONDAY * HOUR + number, failed=number < 3, tool_fails=number < 2)
        await store.add(spans, [EvalScore("groundedness", MONDAY * HOUR + number, AGENT, passed=number < 4)])
    await store.add(task(99, (MONDAY + 1) * HOUR, failed=True), [])
    known = await store.usual([AGENT], [MONDAY, MONDAY + 168])
    assert known["task_failures"] == (3, 10)
    assert known["tool_errors"] == (2, 10)
    assert known["quality"] == known["eval:groundedness"] == (6, 10)
    assert await store.delete_before(int(FakeClock().now().timestamp() + 1) * 10**9) == 11
    assert await store.usual([AGENT], [MONDAY, MONDAY + 168]) == known
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(tables.spans))).scalar() == 0
    assert await store.usual(["somebody-else"], [MONDAY]) == {}


async def test_beyond_its_size_the_oldest_is_forgotten_and_the_rest_stays(
    store: SqlTelemetry, database: Database
) -> None:
    for number in range(30):
        await store.add(task(number, MONDAY * HOUR + number), [])
    async with database.read() as connection:
        size = int((await connection.execute(select(func.sum(tables.traces.c.size)))).scalar() or 0)
    assert await store.delete_beyond(size) == 0
    assert 14 <= await store.delete_beyond(size // 2) <= 16
    assert await store.delete_beyond(size // 2) == 0
    assert await store.delete_beyond(0) >= 14
    assert await store.readings([AGENT], 0, FOREVER) == ()


async def test_the_newest_failed_tasks_come_with_their_spans_and_scores(store: SqlTelemetry) -> None:
    for number in range(12):
        await store.add(task(number, MONDAY * HOUR + number, failed=number % 2 == 0), [])
    failed = await store.listed([AGENT], 3, failed=True)
    assert [trace.start_ns - MONDAY * HOUR for trace in failed] == [6, 8, 10]
    assert all(len(trace.spans) == 2 for trace in failed)
    earlier = await store.listed([AGENT], 3, failed=True, before_ns=failed[0].start_ns)
    assert [trace.start_ns - MONDAY * HOUR for trace in earlier] == [0, 2, 4]
    await store.add([], [EvalScore("correct", 5, trace_id=failed[0].id, passed=False)])
    (score,) = await store.scores_of([trace.id for trace in failed])
    assert score.agent == AGENT


async def test_a_trace_that_never_ends_is_counted_on_without_reading_it_again(
    store: SqlTelemetry, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_commit, "MOST_SPANS_READ", 10)
    monkeypatch.setattr(telemetry_rows, "MOST_SPANS_READ", 10)
    root, step = task(1, MONDAY * HOUR)
    endless = [replace(step, span_id=f"{number:016x}", end_ns=root.end_ns + number) for number in range(3, 43)]
    await store.add([root, *endless[:20]], [])
    await store.add(endless[20:], [])
    await store.add(endless, [])
    async with database.read() as connection:
        row = (await connection.execute(select(tables.traces))).one()
    assert (row.spans, row.end_ns) == (41, max(span.end_ns for span in endless))
    (reading,) = await store.readings([AGENT], 0, FOREVER)
    assert reading.steps == 9


async def test_an_announced_change_is_kept_once_and_reaches_those_it_is_about(database: Database) -> None:
    kept = SqlAnnouncements(database)
    deploy = Change(ChangeKind.DEPLOY, "1.1", "1.2", 500, 0, 0)
    await kept.announce(AGENT, "production", deploy, "d1")
    await kept.announce(AGENT, "production", replace(deploy, after="other"), "d1")
    await kept.announce("", "", Change(ChangeKind.FLAG, None, "new-router on", 400, 0, 0), "f1")
    await kept.announce("billing-agent", "production", deploy, "d2")
    found = await kept.about([AGENT], 0, 1000)
    assert [(change.kind, change.after, change.environment) for change in found] == [
        (ChangeKind.FLAG, "new-router on", ""),
        (ChangeKind.DEPLOY, "1.2", "production"),
    ]
    assert await kept.about([AGENT], 501, 1000) == ()
