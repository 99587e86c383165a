"""Datadog, never called: the stub's requests and rows were checked against the LLMObs model classes of DataDog/datadog-api-client-python and Datadog's page on its Export API."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind, Trace
from bot.sources.datadog import Datadog, open_source, site_of
from tests.sources.vendor_stub import (
    BUSY_FOR_A_MINUTE,
    HOSTILE,
    HTML,
    MINUTE_NS,
    NOON_NS,
    REFUSED,
    SLOW,
    Asked,
    Reply,
    StillClock,
    Stub,
    always,
    an_ask,
)

Row = dict[str, Any]
SEARCH = "/api/v2/llm-obs/v1/spans/events/search"
FILTERS = {"from", "ml_app", "query", "span_id", "span_kind", "span_name", "tags", "to", "trace_id"}


def trace_id(number: int) -> str:
    return f"6903738200000000{number:016x}"


def span(number: int, trace: int, minutes: float, **fields: Any) -> Row:
    """A span that began that many minutes before noon and took a second; ids as Datadog writes them."""
    identifier = str(14624140233640368324 + number)
    attributes = {
        "span_id": identifier,
        "trace_id": trace_id(trace),
        "parent_id": "undefined",
        "name": "answer a ticket",
        "span_kind": "agent",
        "status": "ok",
        "start_ns": NOON_NS - int(minutes * MINUTE_NS),
        "duration": 1e9,
        "ml_app": "helpdesk-agent",
        "tags": ["service:helpdesk", "env:production", "version:v12", "session_id:s-1", "source:integration"],
    } | fields
    return {"id": identifier, "type": "span", "attributes": attributes}


def a_task(trace: int, minutes: float, **root: Any) -> list[Row]:
    parent = str(14624140233640368324 + trace * 10)
    return [
        span(trace * 10, trace, minutes, **root),
        span(
            trace * 10 + 1,
            trace,
            minutes - 0.01,
            parent_id=parent,
            span_kind="llm",
            name="chat",
            model_name="gpt-4o-mini",
            model_provider="openai",
            metrics={"input_tokens": 10.0, "output_tokens": 12.0, "estimated_total_cost": 7500.0},
            output={"messages": [{"role": "assistant", "content": "Let me look."}]},
        ),
        span(
            trace * 10 + 2,
            trace,
            minutes - 0.02,
            parent_id=parent,
            span_kind="tool",
            name="search_orders",
            input={"value": '{"customer": "c-1"}'},
            output={"value": "[]"},
        ),
    ]


@dataclass
class LittleDatadog:
    """Newest first, a page at a time, and nothing that the client library could not have sent."""

    spans: list[Row] = field(default_factory=list)
    page: int = 5000

    def __call__(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", SEARCH)
        assert (asked.headers["dd-api-key"], asked.headers["dd-application-key"]) == ("api", "application")
        data = asked.body["data"]
        assert set(asked.body) == {"data"}
        assert data["type"] == "spans"
        told = data["attributes"]
        assert set(told) <= {"filter", "options", "page", "sort"}
        assert set(told["filter"]) <= FILTERS
        assert {"from", "to"} <= set(told["filter"])
        assert all(isinstance(value, str) for value in told["filter"].values())
        assert set(told["page"]) <= {"cursor", "limit"}
        assert told["sort"] == "-timestamp"
        found = [row for row in self.spans if row["attributes"]["ml_app"] == told["filter"]["ml_app"]]
        found.sort(key=lambda row: -row["attributes"]["start_ns"])
        start, size = int(told["page"].get("cursor", 0)), min(self.page, told["page"]["limit"])
        page = {"after": str(start + size)} if start + size < len(found) else None
        meta = {"elapsed": 3, "request_id": "r", "status": "done", "page": page}
        return Reply({"data": found[start : start + size], "meta": meta, "links": {}})


@asynccontextmanager
async def datadog(answer: Callable[[Asked], Reply]) -> AsyncIterator[tuple[Datadog, Stub]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(url, "api", "application", StillClock())
        try:
            yield source, stub
        finally:
            await source.close()


def only(traces: Iterable[Trace]) -> Trace:
    (trace,) = traces
    return trace


async def test_a_task_arrives_with_its_steps_its_model_and_its_tool() -> None:
    async with datadog(LittleDatadog(a_task(1, 5))) as (source, _):
        trace = only((await source.find(an_ask())).traces)
    assert (trace.id, trace.agent, trace.agent_version) == (trace_id(1), "helpdesk-agent", "v12")
    assert (trace.session_id, trace.environment, trace.complete) == ("s-1", "production", True)
    assert [step.kind for step in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert trace.spans[1].parent_id == trace.spans[0].span_id == f"{14624140233640368324 + 10:016x}"
    model = trace.model_spans[0].model
    assert model is not None
    assert (model.requested, model.provider, model.input_tokens, model.output_tokens) == (
        "gpt-4o-mini",
        "openai",
        10,
        12,
    )
    assert model.output_preview == "Let me look."
    tool = trace.tool_spans[0].tool
    assert tool is not None
    assert (tool.name, tool.arguments_preview, tool.empty_result) == ("search_orders", '{"customer": "c-1"}', True)
    assert trace.spans[0].seconds == 1


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("workflow", SpanKind.AGENT),
        ("retrieval", SpanKind.RETRIEVAL),
        ("embedding", SpanKind.EMBEDDING),
        ("task", SpanKind.OTHER),
        ("brand-new", SpanKind.OTHER),
    ],
)
async def test_every_kind_of_span_has_its_place(kind: str, ours: SpanKind) -> None:
    async with datadog(LittleDatadog([span(1, 1, 5, span_kind=kind)])) as (source, _):
        assert only((await source.find(an_ask())).traces).spans[0].kind is ours


async def test_a_model_that_asks_for_a_tool_says_so() -> None:
    rows = a_task(1, 5, output={"value": "All done."})
    asks = {"role": "assistant", "content": "", "tool_calls": [{"name": "search_orders", "arguments": {"id": 1}}]}
    rows[1]["attributes"]["output"] = {"messages": [asks]}
    async with datadog(LittleDatadog(rows)) as (source, _):
        trace = only((await source.find(an_ask())).traces)
    assert [step.said for step in trace.spans] == ["All done.", '→ search_orders {"id": 1}', ""]


async def test_a_span_in_error_has_the_type_its_tags_name() -> None:
    rows = a_task(1, 5, status="error", tags=["error:1", "error_type:TimeoutError", "version:"])
    async with datadog(LittleDatadog(rows)) as (source, _):
        trace = only((await source.find(an_ask())).traces)
    assert (trace.error, trace.spans[0].error_type, trace.agent_version) == (True, "TimeoutError", None)


async def test_evaluations_inside_spans_become_scores() -> None:
    rows = a_task(
        1,
        5,
        evaluation={
            "failure_to_answer": {"eval_metric_type": "categorical", "value": "not answered", "assessment": "fail"},
            "quality": {"eval_metric_type": "score", "value": 0.9, "status": "OK", "reasoning": "Polite."},
            "safe": {"eval_metric_type": "boolean", "value": True},
            "strict": {"eval_metric_type": "score", "value": 0.9, "assessment": "fail"},
            "judge": {"eval_metric_type": "score", "value": 0.1, "status": "ERROR", "error": {"message": "no key"}},
            "form": {"eval_metric_type": "json", "value": {"a": 1}},
        },
    )
    rows[2]["attributes"]["evaluation"] = {"useful": {"value": 0.2}}
    async with datadog(LittleDatadog(rows)) as (source, _):
        scores = (await source.find(an_ask())).scores
    read = {one.name: (one.value, one.label, one.passed, one.span_id is not None) for one in scores}
    assert read == {
        "failure_to_answer": (None, "not answered", False, False),
        "quality": (0.9, None, True, False),
        "safe": (None, "true", True, False),
        "strict": (0.9, None, False, False),
        "judge": (None, None, None, False),
        "form": (None, None, None, False),
        "useful": (0.2, None, False, True),
    }
    assert {(one.trace_id, one.agent) for one in scores} == {(trace_id(1), "helpdesk-agent")}
    assert next(one for one in scores if one.name == "quality").explanation == "Polite."


async def test_the_window_is_always_said_and_the_page_asked_for_is_large() -> None:
    async with datadog(LittleDatadog(a_task(1, 5))) as (source, stub):
        await source.find(an_ask())
    told = stub.asked[0].body["data"]["attributes"]
    assert told["filter"]["from"] == "2026-11-02T11:00:00.000000Z"
    assert told["filter"]["to"] == "2026-11-02T12:00:00.000000Z"
    assert told["page"]["limit"] == 1000


async def test_each_name_of_the_agent_is_an_application_unless_the_catalogue_names_one() -> None:
    rows = [*a_task(1, 5), span(50, 5, 4, ml_app="helpdesk"), span(60, 6, 3, ml_app="other")]
    async with datadog(LittleDatadog(rows)) as (source, _):
        both = await source.find(an_ask(names=frozenset({"helpdesk-agent", "helpdesk"})))
        named = await source.find(an_ask(project="other"))
    assert [trace.id for trace in both.traces] == [trace_id(1), trace_id(5)]
    assert [(trace.id, trace.agent) for trace in named.traces] == [(trace_id(6), "helpdesk-agent")]


async def test_traces_link_to_a_search_for_them() -> None:
    async with datadog(LittleDatadog(a_task(1, 5))) as (source, _):
        links = (await source.find(an_ask())).links
    assert links[trace_id(1)].endswith(f"/llm/traces?query=trace_id:{trace_id(1)}")


@pytest.mark.parametrize(
    ("api", "site"),
    [
        ("https://api.datadoghq.com", "https://app.datadoghq.com"),
        ("https://api.datadoghq.eu/", "https://app.datadoghq.eu"),
        ("https://api.us5.datadoghq.com", "https://us5.datadoghq.com"),
    ],
)
def test_people_look_at_another_address_than_programs(api: str, site: str) -> None:
    assert site_of(api) == site


async def test_a_start_in_milliseconds_as_in_datadogs_own_example_is_understood() -> None:
    row = span(1, 1, 5)
    row["attributes"]["start_ns"] = (NOON_NS - 5 * MINUTE_NS) // 1_000_000
    async with datadog(LittleDatadog([row])) as (source, _):
        assert only((await source.find(an_ask())).traces).start_ns == NOON_NS - 5 * MINUTE_NS


async def test_pages_are_followed_to_the_last_one() -> None:
    rows = [row for number in range(1, 8) for row in a_task(number, number)]
    async with datadog(LittleDatadog(rows, page=4)) as (source, stub):
        seen = await source.find(an_ask())
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in range(7, 0, -1)]
    assert all(len(trace.spans) == 3 for trace in seen.traces)
    assert (len(stub.asked), seen.missing) == (6, ())


async def test_the_newest_traces_are_enough_when_no_more_are_asked_for() -> None:
    rows = [row for number in range(1, 30) for row in a_task(number, number)]
    async with datadog(LittleDatadog(rows, page=10)) as (source, stub):
        seen = await source.find(an_ask(most_traces=3))
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in (3, 2, 1)]
    assert (len(stub.asked), seen.missing) == (1, ())


async def test_a_spent_budget_keeps_the_newest_whole_traces_and_names_what_is_missing() -> None:
    rows = [row for number in range(1, 30) for row in a_task(number, number)]
    async with datadog(LittleDatadog(rows, page=4)) as (source, _):
        seen = await source.find(an_ask())
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in range(16, 0, -1)]
    assert seen.missing == ("Datadog has more than one look may ask for. Spans before 11:44 UTC are missing.",)


async def test_bad_rows_are_left_out_and_counted_and_never_lose_the_others() -> None:
    odd = span(90, 9, 5, name=3, tags="x", metrics=[1], output="y", evaluation={"a": 1, "b": None}, duration="long")
    bad: list[Any] = [
        None,
        7,
        {"id": "1", "attributes": None},
        span(91, 9, 5, start_ns="soon"),
        span(92, 9, 5, start_ns=2**80),
        span(93, 9, 5, trace_id=""),
    ]
    async with datadog(always(Reply({"data": [*a_task(1, 5), odd, *bad], "meta": {"page": None}}))) as (source, _):
        seen = await source.find(an_ask())
    assert {trace.id for trace in seen.traces} == {trace_id(1), trace_id(9)}
    assert seen.missing == ("Datadog: 6 spans could not be read.",)


async def test_hostile_text_stays_text() -> None:
    rows = a_task(1, 5, name=HOSTILE, tags=[f"version:{HOSTILE}", HOSTILE], metadata={HOSTILE: HOSTILE})
    rows[0]["attributes"]["evaluation"] = {HOSTILE: {"value": HOSTILE, "reasoning": HOSTILE}}
    for row in rows:
        row["attributes"]["trace_id"] = "a/b?c=#" + HOSTILE
    async with datadog(LittleDatadog(rows)) as (source, _):
        seen = await source.find(an_ask())
    trace = only(seen.traces)
    assert len(trace.id) == 32
    assert "a%2Fb%3Fc%3D%23" in seen.links[trace.id]
    (score,) = seen.scores
    for text in (trace.spans[0].name, str(trace.agent_version), str(trace.spans[0].attributes), score.name):
        assert "\0" not in text
        assert text.encode()
    assert score.explanation.encode()


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Datadog answers a web page where JSON was expected; check FIRSTFIVE_DATADOG_URL and its keys."),
        (REFUSED, "Datadog refuses the credentials (HTTP 401); check FIRSTFIVE_DATADOG_URL and its keys."),
        (Reply({}, 403), "Datadog refuses the credentials (HTTP 403); check FIRSTFIVE_DATADOG_URL and its keys."),
        (BUSY_FOR_A_MINUTE, "Datadog is busy (HTTP 429)."),
        (Reply({"errors": ["x"]}, 400), "Datadog answers HTTP 400; check FIRSTFIVE_DATADOG_URL and its keys."),
    ],
)
async def test_a_datadog_that_gives_nothing_says_why(reply: Reply, sentence: str) -> None:
    async with datadog(always(reply)) as (source, _):
        with pytest.raises(Unavailable) as failure:
            await source.find(an_ask())
    assert str(failure.value) == sentence


async def test_a_key_with_odd_characters_is_refused_by_datadog_and_does_not_hinder_the_start() -> None:
    async with Stub(always(REFUSED)).serving() as url:
        source = open_source(url, "k\u00e9y", "\u2603", StillClock())
        with pytest.raises(Unavailable, match="Datadog refuses the credentials"):
            await source.find(an_ask())
        await source.close()


async def test_a_busy_datadog_is_left_alone_for_as_long_as_it_asks() -> None:
    async with datadog(always(BUSY_FOR_A_MINUTE)) as (source, stub):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await source.find(an_ask())
    assert len(stub.asked) == 1


async def test_a_datadog_that_slows_down_gives_what_came_in_time() -> None:
    rows = [row for number in range(1, 8) for row in a_task(number, number)]
    little = LittleDatadog(rows, page=6)

    def answer(asked: Asked) -> Reply:
        return SLOW if "cursor" in asked.body["data"]["attributes"]["page"] else little(asked)

    async with datadog(answer) as (source, _):
        began = monotonic()
        seen = await source.find(an_ask(seconds=0.4))
        assert monotonic() - began < 0.8
    assert [trace.id for trace in seen.traces] == [trace_id(2), trace_id(1)]
    assert seen.missing == ("Datadog did not answer in time. Spans before 11:58 UTC are missing.",)


async def test_a_datadog_that_is_not_there_is_named_with_its_setting() -> None:
    source = open_source("http://127.0.0.1:9", "api", "application", StillClock())
    with pytest.raises(Unavailable, match=r"Datadog cannot be reached \(.*\); check FIRSTFIVE_DATADOG_URL"):
        await source.find(an_ask())
    await source.close()
