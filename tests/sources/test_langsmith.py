"""LangSmith, never called: the stub's requests and rows were checked against the v2 classes of langchain-ai/langsmith-sdk's generated client."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind, Trace
from bot.sources.langsmith import LangSmith, of_names, open_source, site_of
from tests.sources.vendor_stub import (
    BUSY_FOR_A_MINUTE,
    HOSTILE,
    HTML,
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
PROJECT = "7a88fb47-b4e2-43b8-a06c-a5ce950dc53a"
QUERY = "/api/v2/runs/query"
PARAMETERS = {
    "cursor": str,
    "filter": str,
    "has_error": bool,
    "ids": list,
    "is_root": bool,
    "max_start_time": str,
    "min_start_time": str,
    "page_size": int,
    "project_ids": list,
    "run_type": str,
    "selects": list,
    "trace_filter": str,
    "trace_id": str,
    "tree_filter": str,
}
FIELDS = frozenset(
    re.findall(
        r"\w+",
        """ID NAME RUN_TYPE STATUS START_TIME END_TIME LATENCY_SECONDS FIRST_TOKEN_TIME ERROR ERROR_PREVIEW EXTRA METADATA
        EVENTS INPUTS INPUTS_PREVIEW OUTPUTS OUTPUTS_PREVIEW MANIFEST PARENT_RUN_IDS PROJECT_ID TRACE_ID THREAD_ID
        DOTTED_ORDER IS_ROOT TOTAL_TOKENS PROMPT_TOKENS COMPLETION_TOKENS TOTAL_COST PROMPT_COST COMPLETION_COST TAGS
        FEEDBACK_STATS""",
    )
)


def uid(number: int) -> str:
    """A UUIDv7-like id: the beginning is the time and the same for all."""
    return f"019cdd82-6584-7000-8000-{number:012x}"


def run(number: int, trace: int, minutes: float, **fields: Any) -> Row:
    parent = fields.pop("parent", None)
    return {
        "id": uid(number),
        "trace_id": uid(trace),
        "parent_run_ids": [uid(trace), uid(parent)] if parent else [],
        "is_root": parent is None,
        "name": "helpdesk-agent",
        "run_type": "CHAIN",
        "status": "SUCCESS",
        "start_time": moment(minutes),
        "end_time": moment(minutes, 1),
        "metadata": {},
    } | fields


def a_task(trace: int, minutes: float, **root: Any) -> list[Row]:
    return [
        run(trace, trace, minutes, **root),
        run(
            trace + 1,
            trace,
            minutes - 0.001,
            parent=trace,
            name="ChatAnthropic",
            run_type="LLM",
            metadata={"ls_model_name": "claude-sonnet-4-5", "ls_provider": "anthropic", "lc_hub_commit_hash": "c0ffee"},
            prompt_tokens=900,
            completion_tokens=70,
            total_cost=0.01,
            first_token_time=moment(minutes - 0.001, 0.25),
            outputs_preview="Let me look.",
        ),
        run(
            trace + 2,
            trace,
            minutes - 0.002,
            parent=trace,
            name="search_orders",
            run_type="TOOL",
            inputs={"customer": "c-1", "note": "x" * 400},
            outputs={"orders": []},
        ),
    ]


@dataclass
class LittleLangSmith:
    """Answers with the selected fields only, and refuses what the v2 client could not have sent."""

    runs: list[Row] = field(default_factory=list)
    page: int = 1000

    def __call__(self, asked: Asked) -> Reply:
        assert asked.headers["x-api-key"] == "ls-key"
        if asked.method == "GET":
            assert asked.path == f"/api/v1/sessions/{PROJECT}"
            return Reply({"id": PROJECT, "tenant_id": "workspace-1"})
        assert (asked.method, asked.path) == ("POST", QUERY)
        body = asked.body
        assert all(type(body[name]) is PARAMETERS[name] for name in body)
        assert set(body["selects"]) <= FIELDS
        assert body["project_ids"] == [PROJECT]
        assert 1 <= body["page_size"] <= 1000
        assert "min_start_time" in body
        found = [row for row in self.runs if self._matches(row, body)]
        start, size = int(body.get("cursor", 0)), min(self.page, body["page_size"])
        wanted = [name.lower() for name in body["selects"]]
        shown = [{name: row[name] for name in wanted if name in row} for row in found[start : start + size]]
        return Reply({"items": shown, "next_cursor": str(start + size) if start + size < len(found) else None})

    def _matches(self, row: Row, body: Row) -> bool:
        root = next((one for one in self.runs if one["id"] == row["trace_id"]), row)
        return (
            body["min_start_time"] <= row["start_time"] < body.get("max_start_time", "9")
            and body.get("is_root", row["is_root"]) == row["is_root"]
            and body.get("run_type", row["run_type"]) == row["run_type"]
            and meets(row, body.get("filter", ""))
            and meets(root, body.get("trace_filter", ""))
        )


def meets(row: Row, condition: str) -> bool:
    if not condition:
        return True
    if ids := re.fullmatch(r"in\(trace_id, (\[.*\])\)", condition):
        return row["trace_id"] in json.loads(ids[1])
    names = re.findall(r"eq\(name, (\"(?:[^\"\\]|\\.)*\")\)", condition)
    assert names
    return row["name"] in map(json.loads, names)


@asynccontextmanager
async def langsmith(answer: Callable[[Asked], Reply], project: str = PROJECT) -> AsyncIterator[tuple[LangSmith, Stub]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(url, "ls-key", project, StillClock())
        try:
            yield source, stub
        finally:
            await source.close()


def only(traces: Iterable[Trace]) -> Trace:
    (trace,) = traces
    return trace


async def test_a_task_arrives_with_its_steps_its_model_and_its_tool() -> None:
    root = {"metadata": {"revision_id": "r-9"}, "thread_id": "t-1", "outputs_preview": "All done."}
    async with langsmith(LittleLangSmith(a_task(16, 5, **root))) as (source, _):
        trace = only((await source.find(an_ask())).traces)
    assert trace.id == uid(16).replace("-", "")
    assert (trace.agent, trace.agent_version, trace.session_id) == ("helpdesk-agent", "r-9", "t-1")
    assert [span.kind for span in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert [span.parent_id for span in trace.spans] == [None, trace.spans[0].span_id, trace.spans[0].span_id]
    model = trace.model_spans[0].model
    assert model is not None
    assert (model.requested, model.provider, model.prompt_version) == ("claude-sonnet-4-5", "anthropic", "c0ffee")
    assert (model.input_tokens, model.output_tokens, model.first_chunk_seconds) == (900, 70, 0.25)
    assert model.output_preview == "Let me look."
    assert [step.said for step in trace.spans] == ["All done.", "Let me look.", ""]
    tool = trace.tool_spans[0].tool
    assert tool is not None
    assert (tool.name, tool.empty_result) == ("search_orders", True)
    assert tool.arguments_hash is not None


async def test_ids_that_begin_with_the_same_time_stay_apart() -> None:
    async with langsmith(LittleLangSmith(a_task(16, 5))) as (source, _):
        spans = only((await source.find(an_ask())).traces).spans
    assert len({span.span_id for span in spans}) == 3


async def test_arguments_that_differ_only_at_their_end_are_not_the_same() -> None:
    rows = a_task(16, 5)
    rows.append(rows[2] | {"id": uid(99), "inputs": {"customer": "c-1", "note": "x" * 400 + "y"}})
    async with langsmith(LittleLangSmith(rows)) as (source, _):
        spans = only((await source.find(an_ask())).traces).tool_spans
    assert len({span.tool.arguments_hash for span in spans if span.tool}) == 2


async def test_a_failed_run_is_an_error_with_its_text_and_type() -> None:
    rows = a_task(16, 5, status="ERROR", error_preview="RateLimitError('slow down')Traceback (most recent call last)")
    async with langsmith(LittleLangSmith(rows)) as (source, _):
        trace = only((await source.find(an_ask())).traces)
    assert (trace.error, trace.spans[0].error_type) == (True, "RateLimitError")
    assert trace.spans[0].error_message.startswith("RateLimitError('slow down')")


async def test_feedback_becomes_scores_of_the_task_and_of_the_step() -> None:
    rows = a_task(
        16,
        5,
        feedback_stats={
            "helpful": {"n": 2, "avg": 0.25, "values": {}, "comments": ["No answer."], "errors": 0},
            "resolved": {"n": 3, "avg": None, "values": {"yes": 1, "no": 2}, "sources": ["app", {"type": "x"}]},
            "judge": {"n": 1, "avg": None, "values": {}, "errors": 1},
            "odd": None,
        },
    )
    rows[2]["feedback_stats"] = {"useful": {"n": 1, "avg": 1.0}}
    async with langsmith(LittleLangSmith(rows)) as (source, _):
        scores = (await source.find(an_ask())).scores
    read = {one.name: (one.value, one.label, one.passed, one.span_id is not None) for one in scores}
    assert read == {
        "helpful": (0.25, None, False, False),
        "resolved": (None, "no", False, False),
        "judge": (None, None, None, False),
        "useful": (1.0, None, True, True),
    }
    assert {one.trace_id for one in scores} == {uid(16).replace("-", "")}
    assert next(one for one in scores if one.name == "helpful").explanation == "No answer."


async def test_the_window_and_the_fields_are_always_said() -> None:
    async with langsmith(LittleLangSmith(a_task(16, 5))) as (source, stub):
        await source.find(an_ask())
    queries = [asked.body for asked in stub.asked if asked.path == QUERY]
    assert [body["min_start_time"][11:16] for body in queries] == ["11:00", "11:55", "11:55"]
    assert queries[0]["max_start_time"] == "2026-11-02T12:00:00.000000Z"
    assert all(body["selects"] for body in queries)


async def test_in_the_common_project_only_runs_with_the_agents_name_are_its() -> None:
    rows = [*a_task(16, 5), *a_task(32, 6, name="other-agent")]
    async with langsmith(LittleLangSmith(rows)) as (source, stub):
        seen = await source.find(an_ask(names=frozenset({"helpdesk-agent", 'help"desk'})))
    assert len(only(seen.traces).spans) == 3
    tools = [asked.body for asked in stub.asked if (asked.body or {}).get("run_type") == "TOOL"]
    assert tools[0]["trace_filter"] == 'or(eq(name, "help\\"desk"), eq(name, "helpdesk-agent"))'


async def test_in_the_agents_own_project_all_traces_are_its() -> None:
    async with langsmith(LittleLangSmith(a_task(16, 5, name="LangGraph")), project="") as (source, stub):
        seen = await source.find(an_ask(project=PROJECT.upper()))
    assert only(seen.traces).agent == "helpdesk-agent"
    assert all("filter" not in asked.body or "trace_id" in asked.body["filter"] for asked in stub.asked if asked.body)


@pytest.mark.parametrize("project", ["", "helpdesk", "../../x"])
async def test_without_a_projects_id_the_sentence_says_where_it_goes(project: str) -> None:
    async with langsmith(LittleLangSmith(), project) as (source, stub):
        with pytest.raises(Unavailable, match=r"needs the id \(a UUID\) of the project of helpdesk-agent; set it in"):
            await source.find(an_ask())
    assert stub.asked == []


async def test_traces_link_to_their_page_and_the_workspace_is_asked_for_once() -> None:
    async with langsmith(LittleLangSmith(a_task(16, 5))) as (source, stub):
        links = (await source.find(an_ask())).links
        await source.find(an_ask())
    assert [link.partition("/o/")[2] for link in links.values()] == [f"workspace-1/projects/p/{PROJECT}/r/{uid(16)}"]
    assert sum(asked.method == "GET" for asked in stub.asked) == 1


async def test_without_a_workspace_there_are_traces_and_no_links() -> None:
    little = LittleLangSmith(a_task(16, 5))
    answer = lambda asked: Reply({}, 404) if asked.method == "GET" else little(asked)  # noqa: E731 - one line is enough
    async with langsmith(answer) as (source, _):
        seen = await source.find(an_ask())
    assert (len(seen.traces), seen.links, seen.missing) == (1, {}, ())


def test_people_look_at_another_address_than_programs() -> None:
    assert site_of("https://api.smith.langchain.com") == "https://smith.langchain.com"
    assert site_of("https://eu.api.smith.langchain.com/") == "https://eu.smith.langchain.com"
    assert site_of("http://127.0.0.1:1984/api") == "http://127.0.0.1:1984"
    assert of_names({"a"}) == 'eq(name, "a")'


async def test_pages_are_followed_and_traces_asked_for_in_batches() -> None:
    rows = [row for number in range(1, 121) for row in a_task(number * 16, number / 4)]
    async with langsmith(LittleLangSmith(rows, page=70)) as (source, stub):
        seen = await source.find(an_ask())
    assert len(seen.traces) == 120
    assert all(len(trace.spans) == 3 for trace in seen.traces)
    assert [trace.start_ns for trace in seen.traces] == sorted(trace.start_ns for trace in seen.traces)
    batches = {asked.body["filter"] for asked in stub.asked if "in(trace_id" in (asked.body or {}).get("filter", "")}
    assert len(batches) == 3
    assert seen.missing == ()


async def test_the_newest_traces_are_taken_whatever_order_they_come_in() -> None:
    rows = [row for number in (3, 1, 2) for row in a_task(number * 16, number)]
    async with langsmith(LittleLangSmith(rows)) as (source, _):
        seen = await source.find(an_ask(most_traces=3))
        assert [trace.id[-2:] for trace in seen.traces] == ["30", "20", "10"]


async def test_a_spent_budget_leaves_out_half_read_traces_and_says_how_many() -> None:
    rows = [row for number in range(1, 121) for row in a_task(number * 16, number / 4)]
    async with langsmith(LittleLangSmith(rows, page=20)) as (source, _):
        seen = await source.find(an_ask())
    assert [trace.id for trace in seen.traces] == [uid(number * 16).replace("-", "") for number in range(100, 0, -1)]
    assert all(len(trace.spans) == 3 for trace in seen.traces)
    assert seen.missing == ("LangSmith has more than one look may ask for. 20 of 120 traces are missing.",)


async def test_bad_rows_are_left_out_and_counted_and_never_lose_the_others() -> None:
    little = LittleLangSmith(a_task(16, 5))
    bad: list[Any] = [
        None,
        "x",
        run(91, 16, 5, parent=16) | {"start_time": 5},
        run(92, 16, 5, parent=16) | {"id": ["a"]},
        run(93, 16, 5, parent=16) | {"parent_run_ids": "x", "metadata": "{", "feedback_stats": [1], "run_type": 3},
    ]

    def answer(asked: Asked) -> Reply:
        reply = little(asked)
        if asked.body and asked.body.get("is_root") is False:
            return Reply({**reply.body, "items": [*reply.body["items"], *bad]})
        return reply

    async with langsmith(answer) as (source, _):
        seen = await source.find(an_ask())
    assert len(only(seen.traces).spans) == 4
    assert seen.missing == ("LangSmith: 4 runs could not be read.",)


async def test_hostile_text_stays_text() -> None:
    rows = a_task(16, 5, metadata={"revision_id": HOSTILE, HOSTILE: HOSTILE}, feedback_stats={HOSTILE: {"avg": 1.0}})
    rows[1] |= {"name": HOSTILE, "outputs_preview": HOSTILE}
    rows[2] |= {"inputs": {HOSTILE: [HOSTILE]}, "status": "ERROR", "error_preview": HOSTILE}
    async with langsmith(LittleLangSmith(rows)) as (source, _):
        seen = await source.find(an_ask())
    trace = only(seen.traces)
    texts = [span.name + span.error_message for span in trace.spans] + [str(trace.agent_version), seen.scores[0].name]
    for text in [*texts, str(trace.spans[0].attributes)]:
        assert "\0" not in text
        assert text.encode()


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "LangSmith answers a web page where JSON was expected; check FIRSTFIVE_LANGSMITH_URL and "),
        (REFUSED, "LangSmith refuses the credentials (HTTP 401); check FIRSTFIVE_LANGSMITH_URL and "),
        (BUSY_FOR_A_MINUTE, "LangSmith "),
        (Reply({}, 500), "LangSmith answers HTTP 500"),
    ],
)
async def test_a_langsmith_that_gives_nothing_says_why(reply: Reply, sentence: str) -> None:
    async with langsmith(always(reply)) as (source, _):
        with pytest.raises(Unavailable) as failure:
            await source.find(an_ask())
    assert str(failure.value).startswith(sentence)


async def test_a_key_with_odd_characters_is_refused_by_langsmith_and_does_not_hinder_the_start() -> None:
    async with Stub(always(REFUSED)).serving() as url:
        source = open_source(url, "k\u00e9y", PROJECT, StillClock())
        with pytest.raises(Unavailable, match="LangSmith refuses the credentials"):
            await source.find(an_ask())
        await source.close()


async def test_a_busy_langsmith_is_left_alone_for_as_long_as_it_asks() -> None:
    async with langsmith(always(BUSY_FOR_A_MINUTE)) as (source, stub):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await source.find(an_ask())
    assert len(stub.asked) <= 2


async def test_a_short_wait_is_waited_for() -> None:
    little, refusals = LittleLangSmith(a_task(16, 5)), [Reply({}, 429, {"retry-after": "0.05"})]
    async with langsmith(lambda asked: refusals.pop() if refusals and asked.body else little(asked)) as (source, _):
        assert len((await source.find(an_ask())).traces) == 1


async def test_a_slow_langsmith_ends_in_time_and_names_what_is_missing() -> None:
    little = LittleLangSmith(a_task(16, 5))

    def answer(asked: Asked) -> Reply:
        return SLOW if asked.body and asked.body.get("run_type") == "TOOL" else little(asked)

    async with langsmith(answer) as (source, _):
        began = monotonic()
        seen = await source.find(an_ask(seconds=0.5))
        assert monotonic() - began < 0.9
    assert len(only(seen.traces).spans) == 3
    assert seen.missing == ("LangSmith did not answer in time. Arguments and results of some tool calls are missing.",)
