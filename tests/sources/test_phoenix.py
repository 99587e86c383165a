"""Phoenix: recorded answers of a real one, and everything that can go wrong between it and us."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind
from bot.ports import SourceAsk, SourceFound
from bot.sources import phoenix
from bot.sources.phoenix import Phoenix, open_source
from bot.sources.phoenix_rows import naming, read_span
from bot.sources.vendor_rows import iso, nanoseconds
from tests.sources.vendor_stub import BUSY_FOR_A_MINUTE, HOSTILE, HTML, REFUSED, Asked, Reply, StillClock, Stub, always
from tests.sources.vendor_stub import an_ask as any_ask

RECORDED = Path(__file__).parents[1] / "data" / "phoenix"
GOOD, LOOPING = "8e54959bcfe3160cce16ebbf54f2b9d7", "7e4c30d0b2001eb3f90a65157513867e"
START_NS = nanoseconds("2026-11-22T21:00:00Z")
END_NS = nanoseconds("2026-11-22T22:00:00Z")
PROJECT = "/v1/projects/refund-agent"
Row = dict[str, Any]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["body"]


def an_ask(**changes: Any) -> SourceAsk:
    plain: Row = {"agent": "refund-agent", "names": frozenset({"refund-agent"})}
    times: Row = {"start_ns": START_NS, "end_ns": END_NS, "recent_ns": END_NS}
    return any_ask(**(plain | times | changes))


def described(**without: str) -> Row:
    """What a Phoenix says of itself, in our words: ``without`` takes a parameter from an endpoint, or all of it."""
    offered = {
        "traces": {"start_time", "end_time", "sort", "order", "limit", "cursor", "filter"},
        "spans": {"start_time", "end_time", "limit", "cursor", "trace_id"},
        "trace_annotations": {"trace_ids", "limit", "cursor"},
        "span_annotations": {"span_ids", "limit", "cursor"},
    }
    for endpoint, gone in without.items():
        if gone == "all":
            del offered[endpoint]
        else:
            offered[endpoint] -= {gone}
    return {
        "paths": {
            f"/v1/projects/{{project_identifier}}/{endpoint}": {"get": {"parameters": [{"name": n} for n in names]}}
            for endpoint, names in offered.items()
        }
    }


@dataclass
class LittlePhoenix:
    """It answers from what was recorded, page by page; ``instead`` answers first where it has something to say."""

    description: Any = field(default_factory=described)
    instead: Callable[[Asked], Reply | None] = lambda _: None
    traces: list[Row] = field(default_factory=lambda: recorded("traces")["data"])
    spans: list[Row] = field(
        default_factory=lambda: recorded("spans_attr")["data"] + recorded("spans_tool_error")["data"]
    )
    span_annotations: list[Row] = field(default_factory=lambda: recorded("span_annotations")["data"])
    trace_annotations: list[Row] = field(default_factory=lambda: recorded("trace_annotations")["data"])

    def __call__(self, asked: Asked) -> Reply:
        if (other := self.instead(asked)) is not None:
            return other
        if asked.path == "/openapi.json":
            return Reply(self.description)
        if not asked.path.startswith(PROJECT):
            return Reply(b"Project not found", status=404)
        wanted = [value for name, value in asked.query if name in {"trace_id", "trace_ids", "span_ids"}]
        match asked.path.removeprefix(f"{PROJECT}/"):
            case "traces":
                between = [
                    t for t in self.traces if asked.param("start_time") <= t["start_time"] < asked.param("end_time")
                ]
                rows = [
                    trace for trace in between if not asked.param("filter") or "refund-agent" in asked.param("filter")
                ]
            case "spans":
                rows = [s for s in self.spans if not wanted or s["context"]["trace_id"] in wanted]
            case "span_annotations":
                rows = [a for a in self.span_annotations if a["span_id"] in wanted]
            case _:
                rows = [a for a in self.trace_annotations if a["trace_id"] in wanted]
        return page_of(rows, int(asked.param("cursor") or 0), int(asked.param("limit") or 10))


def page_of(rows: list[Row], first: int, limit: int) -> Reply:
    following = str(first + limit) if len(rows) > first + limit else None
    return Reply({"data": rows[first : first + limit], "next_cursor": following})


@asynccontextmanager
async def phoenix_that(answer: Callable[[Asked], Reply]) -> AsyncIterator[tuple[Phoenix, Stub, StillClock]]:
    stub, clock = Stub(answer), StillClock()
    async with stub.serving() as url:
        source = open_source(url, "px-key", "refund-agent", clock)
        try:
            yield source, stub, clock
        finally:
            await source.close()


async def found_in(answer: Callable[[Asked], Reply], **changes: Any) -> tuple[SourceFound, Stub]:
    async with phoenix_that(answer) as (source, stub, _):
        return await source.find(an_ask(**changes)), stub


def on(path: str, reply: Reply, after: int = 0) -> Callable[[Asked], Reply | None]:
    """That reply to every request of an endpoint but the first ``after``."""
    seen: list[Asked] = []

    def instead(asked: Asked) -> Reply | None:
        if not asked.path.endswith(path):
            return None
        seen.append(asked)
        return reply if len(seen) > after else None

    return instead


async def test_recorded_runs_come_back_in_order_with_their_steps() -> None:
    found, _ = await found_in(LittlePhoenix())
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]
    good, looping = found.traces
    assert (good.agent, good.agent_version, good.session_id, good.error) == ("refund-agent", "v42", "conv-1", False)
    assert looping.error
    assert [span.kind for span in looping.spans] == [SpanKind.AGENT, SpanKind.TOOL, SpanKind.TOOL]
    assert {span.tool.arguments_hash for span in looping.spans if span.tool} == {"06bc65cc9abe2c74"}
    assert {span.error_type for span in looping.tool_spans} == {"TimeoutError"}
    assert good.start_ns == nanoseconds("2026-11-22T21:29:05.558199+00:00")
    assert found.missing == ()


async def test_annotations_of_spans_and_traces_are_scores_and_a_verdict_told_twice_counts_once() -> None:
    found, _ = await found_in(LittlePhoenix())
    assert {(s.name, s.trace_id, s.span_id, s.passed, s.agent) for s in found.scores} == {
        ("task_success", LOOPING, "95366088a9344eef", False, "refund-agent"),
        ("task_success", GOOD, "cb6ffb374b8ea689", True, "refund-agent"),
        ("user_feedback", LOOPING, None, False, "refund-agent"),
        ("user_feedback", GOOD, None, True, "refund-agent"),
    }
    assert len(found.scores) == 4


async def test_a_verdict_that_only_the_span_tells_counts_too() -> None:
    found, _ = await found_in(LittlePhoenix(span_annotations=[], trace_annotations=[]))
    assert {(s.name, s.trace_id, s.passed) for s in found.scores} == {
        ("task_success", GOOD, True),
        ("task_success", LOOPING, False),
    }


async def test_a_note_is_no_score() -> None:
    note = {**recorded("trace_annotations")["data"][0], "name": "note", "result": {"explanation": "look here"}}
    found, _ = await found_in(LittlePhoenix(span_annotations=[], trace_annotations=[note, {**note, "result": None}]))
    assert {score.name for score in found.scores} == {"task_success"}


async def test_links_lead_to_the_trace_in_phoenix() -> None:
    async with phoenix_that(LittlePhoenix()) as (source, stub, _):
        found = await source.find(an_ask())
        assert found.links[GOOD] == f"{source._public_url}/redirects/traces/{GOOD}"
        assert stub.asked[0].headers["authorization"] == "Bearer px-key"


async def test_the_requests_say_time_names_and_limits_outright() -> None:
    _, stub = await found_in(LittlePhoenix())
    listing = next(asked for asked in stub.asked if asked.path.endswith("/traces"))
    assert (listing.param("start_time"), listing.param("end_time")) == (iso(START_NS), iso(END_NS))
    assert listing.param("limit") == "501"
    assert "attributes['gen_ai.agent.name'] in ['refund-agent']" in listing.param("filter")
    assert all(asked.param("limit") == "1000" for asked in stub.asked if "annotations" in asked.path)


def test_a_name_with_quotes_stays_one_name_in_the_filter() -> None:
    assert """attributes['agent.name'] in ['a"b', "o'hara's"]""" in naming(frozenset({"o'hara's", 'a"b'}))


async def test_the_description_is_read_once_an_hour() -> None:
    async with phoenix_that(LittlePhoenix()) as (source, stub, clock):
        await source.find(an_ask())
        await source.find(an_ask())
        assert [asked.path for asked in stub.asked].count("/openapi.json") == 1
        clock.moment += timedelta(minutes=61)
        await source.find(an_ask())
        assert [asked.path for asked in stub.asked].count("/openapi.json") == 2


@pytest.mark.parametrize("status", [404, 422])
async def test_after_an_endpoint_went_away_the_description_is_read_again(status: int) -> None:
    little = LittlePhoenix()
    async with phoenix_that(little) as (source, stub, _):
        await source.find(an_ask())
        little.instead = on("/spans", Reply({}, status=status))
        with pytest.raises(Unavailable):
            await source.find(an_ask())
        little.instead = lambda _: None
        found = await source.find(an_ask())
        assert len(found.traces) == 2
        assert [asked.path for asked in stub.asked].count("/openapi.json") == 2


async def test_after_annotations_went_away_the_description_is_read_again() -> None:
    little = LittlePhoenix(instead=on("/trace_annotations", Reply({}, status=404)))
    async with phoenix_that(little) as (source, _, _):
        assert (await source.find(an_ask())).missing
        little.description = described(trace_annotations="all")
        assert not (await source.find(an_ask())).missing


async def test_without_a_filter_the_traces_are_told_apart_here() -> None:
    other = replace_in(recorded("spans_attr")["data"][1], {"gen_ai.agent.name": "other", "agent.name": "other"})
    little = LittlePhoenix(described(traces="filter"), spans=[recorded("spans_attr")["data"][0], other])
    found, stub = await found_in(little)
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert not any(asked.param("filter") for asked in stub.asked)
    assert {score.trace_id for score in found.scores} == {LOOPING}


def replace_in(span: Row, attributes: Row) -> Row:
    return {**span, "attributes": {**span["attributes"], **attributes}}


async def test_a_filter_that_phoenix_refuses_is_done_without() -> None:
    def instead(asked: Asked) -> Reply | None:
        return Reply(recorded("traces_filter").encode(), status=400) if asked.param("filter") else None

    found, _ = await found_in(LittlePhoenix(instead=instead))
    assert len(found.traces) == 2


async def test_a_project_of_the_agents_own_needs_no_name() -> None:
    found, stub = await found_in(LittlePhoenix(), agent="refunds", names=frozenset({"refunds"}), project="refund-agent")
    assert {trace.agent for trace in found.traces} == {"refunds"}
    assert not any(asked.param("filter") for asked in stub.asked)


async def test_a_phoenix_that_cannot_list_traces_is_read_by_its_spans() -> None:
    found, _ = await found_in(LittlePhoenix(described(traces="all")))
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]
    assert {score.name for score in found.scores} == {"task_success", "user_feedback"}


async def test_a_phoenix_that_hides_its_description_is_asked_the_oldest_way() -> None:
    found, _ = await found_in(LittlePhoenix(instead=on("/openapi.json", Reply({}, status=404))))
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]


async def test_without_annotation_endpoints_there_are_only_the_verdicts_of_spans() -> None:
    little = LittlePhoenix(described(trace_annotations="all", span_annotations="all"))
    found, stub = await found_in(little)
    assert {score.name for score in found.scores} == {"task_success"}
    assert not any("annotations" in asked.path for asked in stub.asked)


async def test_a_phoenix_without_any_spans_says_so() -> None:
    with pytest.raises(Unavailable, match="Phoenix offers no spans over its API; update it"):
        await found_in(LittlePhoenix({"paths": {"/v1/projects": {"get": {}}}}))


async def test_small_pages_give_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = await found_in(LittlePhoenix())
    for name in ("TRACES_A_PAGE", "SPANS_A_PAGE", "ANNOTATIONS_A_PAGE", "TRACES_AT_A_TIME", "SPANS_AT_A_TIME"):
        monkeypatch.setattr(phoenix, name, 1)
    paged, _ = await found_in(LittlePhoenix())
    assert replace(paged, links={}) == replace(whole, links={})


async def test_nothing_there_is_an_empty_answer() -> None:
    found, _ = await found_in(LittlePhoenix(traces=[], spans=[]))
    assert found == SourceFound()


async def test_only_the_newest_are_read_and_the_rest_is_named() -> None:
    found, _ = await found_in(LittlePhoenix(), most_traces=1)
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert found.missing == ("Phoenix: only the newest 1 traces were read; there are older ones.",)


async def test_a_wrong_project_is_named() -> None:
    with pytest.raises(Unavailable, match="Phoenix has no project 'nowhere'; check FIRSTFIVE_PHOENIX_PROJECT"):
        await found_in(LittlePhoenix(), project="nowhere")


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Phoenix answers a web page where JSON was expected; check FIRSTFIVE_PHOENIX_URL"),
        (REFUSED, r"Phoenix refuses the credentials \(HTTP 401\); check FIRSTFIVE_PHOENIX_URL and its key"),
        (Reply(b'{"data": [{"'), "Phoenix answers no JSON where JSON was expected"),
        (Reply({}, status=500), "Phoenix answers HTTP 500"),
        (BUSY_FOR_A_MINUTE, r"Phoenix is busy \(HTTP 429\)"),
        (Reply({}, after=5), "Phoenix did not answer in time"),
    ],
)
async def test_a_phoenix_that_gives_nothing_is_one_sentence(reply: Reply, sentence: str) -> None:
    async with phoenix_that(always(reply)) as (source, _, _):
        started = monotonic()
        with pytest.raises(Unavailable, match=sentence):
            await source.find(an_ask(seconds=0.3))
        assert monotonic() - started < 1


async def test_a_busy_phoenix_is_left_alone_for_as_long_as_it_asked() -> None:
    async with phoenix_that(always(BUSY_FOR_A_MINUTE)) as (source, stub, clock):
        for _ in range(2):
            with pytest.raises(Unavailable) as refusal:
                await source.find(an_ask())
        assert refusal.value.retry_after == timedelta(seconds=60)
        assert len(stub.asked) == 1
        clock.moment += timedelta(seconds=61)
        stub.answer = LittlePhoenix()
        assert len((await source.find(an_ask())).traces) == 2


async def test_time_that_runs_out_costs_the_oldest_traces_and_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phoenix, "TRACES_AT_A_TIME", 1)
    found, _ = await found_in(LittlePhoenix(instead=on("/spans", Reply({}, after=5), after=1)), seconds=1.0)
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert {score.trace_id for score in found.scores} == {LOOPING}
    assert found.missing == ("Phoenix: the oldest 1 of 2 traces were not read; Phoenix did not answer in time.",)


@pytest.mark.parametrize("reply", [HTML, Reply({}, status=500), Reply({}, after=5), REFUSED])
async def test_traces_come_even_where_annotations_do_not(reply: Reply) -> None:
    found, _ = await found_in(LittlePhoenix(instead=on("annotations", reply)), seconds=1.0)
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]
    assert found.missing[0].startswith("Phoenix: annotations are not all there; Phoenix ")
    assert len(found.missing) == 1


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": [None, 3, {}, {"context": 4}]}])
async def test_an_answer_without_a_row_that_can_be_read_is_an_empty_one(body: Any) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(described()) if asked.path == "/openapi.json" else Reply(body)

    found, _ = await found_in(answer)
    assert found.traces == ()


async def test_one_bad_span_loses_no_other_and_is_counted() -> None:
    good = LittlePhoenix().spans
    bad = [{**good[0], "start_time": "soon"}, {**good[0], "context": {"trace_id": LOOPING}}]
    found, _ = await found_in(LittlePhoenix(spans=[*good, *bad]))
    assert [len(trace.spans) for trace in found.traces] == [1, 3]
    assert found.missing == ("Phoenix: 2 spans could not be read.",)


async def test_hostile_text_stays_text() -> None:
    attributes = {"gen_ai.agent.name": "refund-agent", "note": HOSTILE, HOSTILE: [HOSTILE, {"x": HOSTILE}]}
    hostile = {**LittlePhoenix().spans[0], "name": HOSTILE, "status_message": HOSTILE, "attributes": attributes}
    found, _ = await found_in(LittlePhoenix(spans=[hostile]))
    said = json.dumps([found.traces[0].spans[0].name, dict(found.traces[0].spans[0].attributes)], ensure_ascii=False)
    said.encode()
    assert "\\u0000" not in said
    assert "\0" not in said


def test_arguments_that_phoenix_took_apart_are_put_together_again() -> None:
    row = {
        **LittlePhoenix().spans[2],
        "attributes": {"tool.name": "lookup", "tool.parameters.id": 77, "tool.parameters.items.0.a": 1},
    }
    span = read_span(row)
    assert span.attributes["tool.parameters"] == '{"id": 77, "items.0.a": 1}'
    assert "tool.parameters.id" not in span.attributes
