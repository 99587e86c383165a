"""Langfuse, contract-tested: every request and every answer of the stub is held against its OpenAPI file (never called)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import jsonschema
import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind, Trace
from bot.ports import SourceFound
from bot.sources.langfuse import Langfuse, open_source
from tests.sources.langfuse_stub import OBSERVATIONS, SCORES, LittleLangfuse, conforming_request, conforms, spec
from tests.sources.vendor_stub import (
    BUSY_FOR_A_MINUTE,
    HOSTILE,
    HTML,
    NOON_NS,
    REFUSED,
    SLOW,
    Asked,
    Reply,
    StillClock,
    Stub,
    always,
    an_ask,
    moment,
)

Row = dict[str, Any]


def trace_id(number: int) -> str:
    return f"{number:032x}"


def observation(number: int, trace: int, minutes: float, **fields: Any) -> Row:
    """An observation that began that many minutes before noon and took a second."""
    return {
        "id": f"{number:016x}",
        "traceId": trace_id(trace),
        "projectId": "proj-1",
        "type": "SPAN",
        "startTime": moment(minutes),
        "endTime": moment(minutes, 1),
        "parentObservationId": None,
        "traceName": "helpdesk-agent",
        "name": "answer a ticket",
        "level": "DEFAULT",
        "statusMessage": None,
        "isRootObservation": fields.get("parentObservationId") is None,
    } | fields


def a_task(trace: int, minutes: float, **root: Any) -> list[Row]:
    """A task of three steps: the agent, a model call and a tool call."""
    first = f"{trace * 10:016x}"
    return [
        observation(trace * 10, trace, minutes, type="AGENT", **root),
        observation(
            trace * 10 + 1,
            trace,
            minutes - 0.01,
            type="GENERATION",
            name="chat",
            parentObservationId=first,
            providedModelName="claude-sonnet-4-5",
            usageDetails={"input": 1200, "output": 80, "total": 1280},
            costDetails={"total": 0.0125},
            totalCost=0.0125,
            promptName="helpdesk",
            promptVersion=7,
            timeToFirstToken=0.4,
            output="Let me look.",
        ),
        observation(
            trace * 10 + 2,
            trace,
            minutes - 0.02,
            type="TOOL",
            name="search_orders",
            parentObservationId=first,
            input='{"customer": "c-1"}',
            output='{"orders": []}',
        ),
    ]


def score(number: int, trace: int, minutes: float, **fields: Any) -> Row:
    return {
        "id": f"score-{number}",
        "projectId": "proj-1",
        "name": "helpful",
        "value": 0.25,
        "dataType": "NUMERIC",
        "source": "EVAL",
        "timestamp": moment(minutes),
        "createdAt": moment(minutes),
        "updatedAt": moment(minutes),
        "environment": "production",
        "comment": "It did not answer.",
        "configId": None,
        "metadata": {},
        "subject": {"kind": "trace", "id": trace_id(trace)},
    } | fields


@pytest.fixture(autouse=True, scope="module")
def specification() -> None:
    """Read before the first question: the source's deadline runs while the stub looks into it."""
    spec()


@asynccontextmanager
async def langfuse(answer: Callable[[Asked], Reply]) -> AsyncIterator[tuple[Langfuse, Stub]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(url, "pk-1", "sk-1", StillClock())
        try:
            yield source, stub
        finally:
            await source.close()


async def found(little: LittleLangfuse, **ask: Any) -> SourceFound:
    async with langfuse(little) as (source, _):
        return await source.find(an_ask(**ask))


def only(traces: tuple[Trace, ...]) -> Trace:
    (trace,) = traces
    return trace


async def test_the_environment_that_nobody_set_leaves_the_resource_its_own() -> None:
    placed = {"metadata": {"resourceAttributes": {"deployment.environment": "staging"}}}
    tasks = [a_task(1, 5, environment="default", **placed), a_task(2, 5, environment="default", metadata={})]
    traces = (await found(LittleLangfuse([row for task in tasks for row in task]))).traces
    assert {trace.id: trace.environment for trace in traces} == {trace_id(1): "staging", trace_id(2): None}


async def test_a_task_arrives_with_its_steps_its_model_its_tool_and_its_prompt() -> None:
    root = {"release": "v12", "version": None, "sessionId": "s-1", "environment": "production"}
    trace = only((await found(LittleLangfuse(a_task(1, 5, **root)))).traces)
    assert (trace.id, trace.agent, trace.agent_version) == (trace_id(1), "helpdesk-agent", "v12")
    assert (trace.session_id, trace.environment, trace.complete, trace.error) == ("s-1", "production", True, False)
    assert [span.kind for span in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    model = trace.model_spans[0].model
    assert model is not None
    assert (model.requested, model.input_tokens, model.output_tokens) == ("claude-sonnet-4-5", 1200, 80)
    assert (model.prompt_version, model.first_chunk_seconds) == ("7", 0.4)
    tool = trace.tool_spans[0].tool
    assert tool is not None
    assert (tool.name, tool.arguments_preview, tool.empty_result) == ("search_orders", '{"customer": "c-1"}', True)
    assert tool.arguments_hash is not None
    assert trace.spans[0].start_ns == NOON_NS - 5 * 60 * 10**9


async def test_an_observation_of_level_error_is_an_error_with_its_message_and_its_type() -> None:
    rows = a_task(1, 5, level="ERROR", statusMessage="ToolTimeoutError: search_orders took 30 s")
    trace = only((await found(LittleLangfuse(rows))).traces)
    assert (trace.error, trace.failed) == (True, True)
    assert trace.spans[0].error_type == "ToolTimeoutError"
    assert trace.spans[0].error_message == "ToolTimeoutError: search_orders took 30 s"


async def test_every_trace_links_to_its_page() -> None:
    async with langfuse(LittleLangfuse(a_task(1, 5))) as (source, stub):
        links = (await source.find(an_ask())).links
    assert list(links) == [trace_id(1)]
    assert links[trace_id(1)].endswith(f"/project/proj-1/traces/{trace_id(1)}")
    assert all(asked.path in {OBSERVATIONS, SCORES} for asked in stub.asked)


async def test_what_came_in_over_opentelemetry_is_found_under_metadata() -> None:
    said = {
        "attributes": {"gen_ai.response.model": "claude-sonnet-4-5-20260901", "task.type": "refund"},
        "resourceAttributes": json.dumps({"service.version": "3.1"}),
        "attributes.agent.step.limit": 20,
    }
    rows = a_task(1, 5)
    rows[0]["metadata"] = rows[1]["metadata"] = said
    trace = only((await found(LittleLangfuse(rows))).traces)
    assert (trace.task.type, trace.task.step_limit, trace.agent_version) == ("refund", 20, "3.1")
    model = trace.model_spans[0].model
    assert model is not None
    assert (model.requested, model.answering) == ("claude-sonnet-4-5", "claude-sonnet-4-5-20260901")


async def test_attributes_longer_than_langfuse_shows_of_metadata_are_asked_for_whole() -> None:
    rows = a_task(1, 5)
    rows[0]["metadata"] = {"attributes": {"note": "n" * 300, "task.type": "refund"}}
    assert only((await found(LittleLangfuse(rows))).traces).task.type == "refund"


async def test_scores_of_every_type_are_read_with_what_they_judge() -> None:
    step = {"kind": "observation", "id": f"{12:016x}", "traceId": trace_id(1)}
    scores = [
        score(1, 1, 4),
        score(2, 1, 3.9, name="resolved", dataType="BOOLEAN", value=True, subject=step),
        score(3, 1, 3.8, name="tone", dataType="CATEGORICAL", value="bad"),
        score(4, 1, 3.7, name="note", dataType="TEXT", value="Rude.", comment=None),
        score(5, 1, 3.6, name="better", dataType="CORRECTION", value="Hello."),
    ]
    little = LittleLangfuse(a_task(1, 5), scores)
    read = (await found(little)).scores
    assert [(one.name, one.value, one.label, one.passed) for one in read] == [
        ("helpful", 0.25, None, False),
        ("resolved", 1.0, "true", True),
        ("tone", None, "bad", False),
        ("note", None, None, None),
    ]
    assert {one.trace_id for one in read} == {trace_id(1)}
    assert [one.span_id for one in read] == [None, f"{12:016x}", None, None]
    assert (read[0].explanation, read[3].explanation, read[0].agent) == (
        "It did not answer.",
        "Rude.",
        "helpdesk-agent",
    )


async def test_a_score_given_after_the_asked_time_does_not_count() -> None:
    assert (await found(LittleLangfuse(a_task(1, 5), [score(1, 1, -1)]))).scores == ()


async def test_pages_are_followed_to_the_last_one() -> None:
    rows = [row for number in range(1, 8) for row in a_task(number, number)]
    little = LittleLangfuse(rows, [score(number, number, number - 0.5) for number in range(1, 8)], page=5)
    seen = await found(little)
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in range(7, 0, -1)]
    assert all(len(trace.spans) == 3 for trace in seen.traces)
    assert len(seen.scores) == 7
    assert seen.missing == ()


async def test_the_newest_traces_are_enough_when_no_more_are_asked_for() -> None:
    rows = [row for number in range(1, 30) for row in a_task(number, number)]
    async with langfuse(LittleLangfuse(rows, page=12)) as (source, stub):
        seen = await source.find(an_ask(most_traces=4))
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in (4, 3, 2, 1)]
    assert seen.missing == ()
    assert sum("metadata" in asked.param("fields") for asked in stub.asked) == 1
    assert len(stub.asked) == 4


async def test_many_traces_are_asked_for_their_scores_in_short_addresses() -> None:
    rows = [observation(number, number, 50 - number / 10) for number in range(1, 151)]
    async with langfuse(LittleLangfuse(rows)) as (source, stub):
        await source.find(an_ask())
    asked = [one.param("traceId") for one in stub.asked if one.path == SCORES]
    assert len(asked) == 3
    assert max(map(len, asked)) < 2100


async def test_a_spent_budget_keeps_the_newest_whole_traces_and_names_what_is_missing() -> None:
    rows = [row for number in range(1, 20) for row in a_task(number, number)]
    seen = await found(LittleLangfuse(rows, page=4))
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in range(13, 0, -1)]
    assert seen.missing[0] == "Langfuse has more than one look may ask for. Steps before 11:46 UTC are missing."


async def test_an_agent_within_other_teams_traces_is_found_by_its_agent_observation() -> None:
    rows = a_task(1, 5, traceName="orchestrator", name="orchestrator")
    for row in rows:
        row["traceName"] = "orchestrator"
    rows.append(
        observation(19, 1, 4.9, type="AGENT", name="helpdesk-agent", traceName="orchestrator", parentObservationId="a")
    )
    seen = await found(LittleLangfuse([*rows, *a_task(2, 6, traceName="other", name="other")[:1]]))
    assert [trace.id for trace in seen.traces] == [trace_id(1)]
    assert only(seen.traces).tool_spans[0].tool is not None


async def test_the_catalogues_project_is_the_name_of_the_traces() -> None:
    rows = [observation(1, 1, 5, traceName="helpdesk-prod"), observation(2, 2, 5)]
    seen = await found(LittleLangfuse(rows), project="helpdesk-prod")
    assert [(trace.id, trace.agent) for trace in seen.traces] == [(trace_id(1), "helpdesk-agent")]


async def test_what_models_and_agents_said_is_read_aside_and_named_where_it_is_missing() -> None:
    rows = [*a_task(1, 5, output="All done."), *a_task(2, 30)]
    little = LittleLangfuse(rows)
    seen = await found(little)
    assert [step.said for step in seen.traces[1].spans] == ["All done.", "Let me look.", ""]

    def held_back(asked: Asked) -> Reply:
        return BUSY_FOR_A_MINUTE if "GENERATION" in asked.param("filter") else little(asked)

    async with langfuse(held_back) as (source, _):
        seen = await source.find(an_ask())
    assert len(seen.traces) == 2
    assert "Langfuse is busy (HTTP 429). What models and agents said is missing." in seen.missing


async def test_a_task_still_running_is_there_and_not_complete() -> None:
    trace = only((await found(LittleLangfuse(a_task(1, 5)[1:]))).traces)
    assert (trace.complete, trace.agent, len(trace.spans)) == (False, "helpdesk-agent", 2)


async def test_bad_rows_are_left_out_and_counted_and_never_lose_the_others() -> None:
    broken: list[Any] = [
        observation(91, 9, 5, startTime="yesterday"),
        observation(92, 9, 5, traceId=None),
        observation(93, 9, 5, id=7, endTime=[]),
    ]
    deep = observation(94, 9, 5, name={"a": [1]}, metadata=[1], usageDetails="x", level=3, release={"x": 1}, type=None)
    scores = [score(1, 1, 4), score(2, 1, 4, timestamp=None), score(3, 1, 4, name="")]
    little = LittleLangfuse([*a_task(1, 5), *broken, deep], scores, misbehaves=True)

    def unfiltered(asked: Asked) -> Reply:
        if asked.path == OBSERVATIONS and "metadata" in asked.param("fields"):
            return Reply({"data": [*little.observations, None, 5], "meta": {}})
        return little(asked)

    async with langfuse(unfiltered) as (source, _):
        seen = await source.find(an_ask())
    assert {trace.id for trace in seen.traces} == {trace_id(1), trace_id(9)}
    assert [one.name for one in seen.scores] == ["helpful"]
    assert seen.missing == (
        "Langfuse: 5 observations could not be read.",
        "Langfuse: 2 scores could not be read.",
    )


async def test_hostile_text_stays_text() -> None:
    rows = a_task(1, 5, name=HOSTILE, statusMessage=HOSTILE, level="ERROR", sessionId=HOSTILE)
    rows = [{**row, "projectId": "../../x?y=#"} for row in rows]
    seen = await found(LittleLangfuse(rows, [score(1, 1, 4, comment=HOSTILE, name=HOSTILE)]))
    trace = only(seen.traces)
    assert "/project/..%2F..%2Fx%3Fy%3D%23/traces/" in seen.links[trace.id]
    for text in (trace.spans[0].name, trace.spans[0].error_message, str(trace.session_id), seen.scores[0].name):
        assert "\0" not in text
        assert text.encode()


@pytest.mark.parametrize("body", [{"data": None, "meta": 3}, {"data": [[]], "meta": {"cursor": 5}}])
async def test_an_answer_without_a_row_that_can_be_read_is_an_empty_one(body: object) -> None:
    async with langfuse(always(Reply(body))) as (source, _):
        assert (await source.find(an_ask())).traces == ()


async def test_a_cursor_that_never_changes_ends_the_look() -> None:
    rows = a_task(1, 5)
    async with langfuse(always(Reply({"data": rows, "meta": {"cursor": "same"}}))) as (source, stub):
        seen = await source.find(an_ask(most_traces=50))
    assert len(only(seen.traces).spans) == 3
    assert len(stub.asked) <= 8
    assert "round in a circle" in seen.missing[0]


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Langfuse answers a web page where JSON was expected; check FIRSTFIVE_LANGFUSE_URL and its keys."),
        (REFUSED, "Langfuse refuses the credentials (HTTP 401); check FIRSTFIVE_LANGFUSE_URL and its keys."),
        (BUSY_FOR_A_MINUTE, "Langfuse is busy (HTTP 429)."),
        (Reply(b'{"data": [', status=200), "Langfuse answers no JSON where JSON was expected"),
    ],
)
async def test_a_langfuse_that_gives_nothing_says_why(reply: Reply, sentence: str) -> None:
    async with langfuse(always(reply)) as (source, _):
        with pytest.raises(Unavailable) as failure:
            await source.find(an_ask())
    assert str(failure.value).startswith(sentence)


async def test_a_busy_langfuse_is_left_alone_for_as_long_as_it_asks() -> None:
    async with langfuse(always(BUSY_FOR_A_MINUTE)) as (source, stub):
        for _ in range(2):
            with pytest.raises(Unavailable) as failure:
                await source.find(an_ask())
    assert failure.value.retry_after == timedelta(seconds=60)
    assert len(stub.asked) == 1


async def test_scores_that_are_held_back_do_not_hold_back_the_traces() -> None:
    little = LittleLangfuse(a_task(1, 5))
    async with langfuse(lambda asked: BUSY_FOR_A_MINUTE if asked.path == SCORES else little(asked)) as (source, _):
        seen = await source.find(an_ask())
    assert len(seen.traces) == 1
    assert seen.missing[-1] == "Langfuse is busy (HTTP 429). Some scores are missing."


async def test_a_slow_langfuse_ends_in_time_with_what_came() -> None:
    little = LittleLangfuse(a_task(1, 5))
    async with langfuse(lambda asked: SLOW if asked.path == SCORES else little(asked)) as (source, _):
        began = monotonic()
        seen = await source.find(an_ask(seconds=0.5))
        assert monotonic() - began < 0.9
    assert len(seen.traces) == 1
    assert seen.missing == ("Langfuse did not answer in time. Some scores are missing.",)


TIMELY = '[{"type":"datetime","column":"startTime","operator":">=","value":"2026-11-02T11:00:00Z"}]'


def test_the_contract_itself_bites() -> None:
    good = Asked("GET", SCORES, (("limit", "100"), ("fields", "subject")), {"authorization": "Basic x"})
    conforming_request(good)
    for path, query in (
        ("/api/public/traces", (("limit", "100"),)),
        (SCORES, (("limit", "101"), ("fields", "subject"))),
        (SCORES, (("limit", "100"), ("fields", "everything"))),
        (OBSERVATIONS, (("limit", "100"), ("fields", "core"), ("parseIoAsJson", "true"))),
        (OBSERVATIONS, (("limit", "9"), ("fields", "core"), ("filter", "[]"))),
        (OBSERVATIONS, (("limit", "9"), ("fields", "core"), ("filter", TIMELY), ("level", "ERROR"))),
    ):
        with pytest.raises(AssertionError):
            conforming_request(Asked("GET", path, query, {"authorization": "Basic x"}))
    with pytest.raises(jsonschema.ValidationError):
        conforms({"$ref": "#/components/schemas/ScoreV3"}, score(1, 1, 4, dataType="NUMERIC", value="high"))
