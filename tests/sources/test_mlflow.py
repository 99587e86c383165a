"""MLflow: recorded answers of a real one, and everything that can go wrong between it and us."""

import json
import re
from base64 import b64encode
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
from bot.sources import mlflow
from bot.sources.mlflow import Mlflow, open_source
from bot.sources.mlflow_rows import read_assessments, read_listed, unquoted
from bot.sources.vendor_rows import nanoseconds
from tests.sources.vendor_stub import BUSY_FOR_A_MINUTE, HOSTILE, HTML, REFUSED, Asked, Reply, StillClock, Stub, always
from tests.sources.vendor_stub import an_ask as any_ask

RECORDED = Path(__file__).parents[1] / "data" / "mlflow"
GOOD, LOOPING = "8a0489464bc8405cb6f793b4c6b9ccee", "1b607424d6a1b595b241280e7002b3bf"
START_NS = nanoseconds("2026-11-22T21:00:00Z")
END_NS = nanoseconds("2026-11-22T22:00:00Z")
Row = dict[str, Any]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["body"]


def an_ask(**changes: Any) -> SourceAsk:
    plain: Row = {"agent": "refund-agent", "names": frozenset({"refund-agent"})}
    times: Row = {"start_ns": START_NS, "end_ns": END_NS, "recent_ns": END_NS}
    return any_ask(**(plain | times | changes))


@dataclass
class LittleMlflow:
    """It answers from what was recorded, page by page; ``instead`` answers first where it has something to say."""

    instead: Callable[[Asked], Reply | None] = lambda _: None
    infos: list[Row] = field(default_factory=lambda: recorded("batchGetInfos")["trace_infos"])
    traces: list[Row] = field(default_factory=lambda: recorded("batchGet")["traces"])

    def __call__(self, asked: Asked) -> Reply:
        if (other := self.instead(asked)) is not None:
            return other
        match asked.path.rpartition("/")[2]:
            case "get" if asked.param("experiment_id") in {"0", "1"}:
                return Reply({"experiment": {"experiment_id": asked.param("experiment_id")}})
            case "get-by-name" if asked.param("experiment_name") == "refunds":
                return Reply({"experiment": {"experiment_id": "7"}})
            case "search":
                return self._search(asked.body)
            case "batchGet":
                wanted = [value for name, value in asked.query if name == "trace_ids"]
                return Reply({"traces": [t for t in self.traces if t["trace_info"]["trace_id"] in wanted]})
        return Reply({"error_code": "RESOURCE_DOES_NOT_EXIST"}, status=404)

    def _search(self, body: Row) -> Reply:
        service = re.search(r"`service\.name` = '([^']*)'", body["filter"])
        rows = [i for i in self.infos if service is None or i["tags"].get("service.name") == service[1]]
        if "trace.name" in body["filter"]:
            rows = []
        first, most = int(body.get("page_token", 0)), body["max_results"]
        if not rows[first:]:
            return Reply({})
        following = {"next_page_token": str(first + most)} if len(rows) > first + most else {}
        return Reply({"traces": rows[first : first + most], **following})


@asynccontextmanager
async def mlflow_that(
    answer: Callable[[Asked], Reply], token: str = ""
) -> AsyncIterator[tuple[Mlflow, Stub, StillClock]]:
    stub, clock = Stub(answer), StillClock()
    async with stub.serving() as url:
        source = open_source(url, token, "1", clock)
        try:
            yield source, stub, clock
        finally:
            await source.close()


async def found_in(answer: Callable[[Asked], Reply], **changes: Any) -> tuple[SourceFound, Stub]:
    async with mlflow_that(answer) as (source, stub, _):
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


def searches(stub: Stub) -> list[Row]:
    return [asked.body for asked in stub.asked if asked.path.endswith("/search")]


async def test_recorded_runs_come_back_in_order_with_their_steps() -> None:
    found, _ = await found_in(LittleMlflow())
    good, looping = found.traces
    assert (good.id, looping.id) == (GOOD, LOOPING)
    assert (good.agent, good.agent_version, good.session_id) == ("refund-agent", "v42", "conv-1")
    assert (good.environment, good.error, looping.error) == ("prod", False, True)
    assert [span.kind for span in good.spans][:3] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert (good.start_ns, good.spans[0].span_id) == (1795382978528896703, "788a3b1f5837f454")
    assert good.spans[1].parent_id == good.spans[0].span_id
    assert found.missing == ()


async def test_what_mlflow_made_of_the_arguments_still_has_one_fingerprint() -> None:
    found, _ = await found_in(LittleMlflow())
    tools = [span.tool for trace in found.traces for span in trace.spans if span.tool]
    assert {tool.arguments_hash for tool in tools} == {"06bc65cc9abe2c74"}  # of {"id":77}, as from any other source
    assert tools[0].result_preview == '{"ok": true}'


async def test_bodies_are_previewed_but_not_kept() -> None:
    found, _ = await found_in(LittleMlflow())
    kept = {name for trace in found.traces for span in trace.spans for name in span.attributes}
    assert not kept & {"mlflow.spanInputs", "mlflow.spanOutputs", "input.value", "output.value"}


async def test_tokens_of_the_whole_trace_are_at_its_root() -> None:
    found, _ = await found_in(LittleMlflow())
    assert found.traces[1].spans[0].attributes["gen_ai.usage.input_tokens"] == 5415


async def test_assessments_are_scores_and_a_verdict_told_twice_counts_once() -> None:
    found, _ = await found_in(LittleMlflow())
    assert [(s.name, s.trace_id, s.span_id, s.passed, s.label, s.agent) for s in found.scores] == [
        ("task_success", LOOPING, None, False, "false", "refund-agent"),
        ("task_success", GOOD, None, True, "true", "refund-agent"),
    ]


async def test_a_verdict_that_only_the_span_tells_counts_too() -> None:
    infos = [{**info, "assessments": []} for info in LittleMlflow().infos]
    found, _ = await found_in(LittleMlflow(infos=infos))
    assert [(s.name, s.trace_id, s.passed, s.label) for s in found.scores] == [
        ("task_success", GOOD, True, "pass"),
        ("task_success", LOOPING, False, "fail"),
    ]


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ({"value": True}, (1.0, "true", True)),
        ({"value": 0.9}, (0.9, None, True)),
        ({"value": 4}, (4.0, None, None)),
        ({"value": "no"}, (None, "no", False)),
        ({"value": {"a": 1}}, (None, '{"a": 1}', None)),
        ({"value": None, "error": {"error_message": "judge down"}}, (None, "error", None)),
    ],
)
def test_feedback_of_any_type_is_read(feedback: Row, expected: tuple[object, ...]) -> None:
    row = {"assessment_name": "judged", "create_time": "2026-11-22T21:30:00Z", "feedback": feedback}
    (score,), bad = read_assessments(read_listed({"trace_id": f"tr-{GOOD}", "assessments": [row]}))
    assert (score.value, score.label, score.passed) == expected
    assert bad == 0


def test_expectations_and_overridden_feedback_are_no_scores() -> None:
    told = {"assessment_name": "x", "create_time": "2026-11-22T21:30:00Z"}
    rows = [{**told, "expectation": {"value": "y"}}, {**told, "feedback": {"value": True}, "valid": False}, None]
    assert read_assessments(read_listed({"trace_id": f"tr-{GOOD}", "assessments": rows})) == ([], 0)


async def test_the_search_is_by_time_and_service_and_never_by_span_attributes() -> None:
    _, stub = await found_in(LittleMlflow(), names=frozenset({"refund-agent", "it's"}))
    filters = [body["filter"] for body in searches(stub)]
    between = f"trace.timestamp_ms >= {START_NS // 10**6} AND trace.timestamp_ms < {END_NS // 10**6}"
    assert filters == [
        f"{between} AND tag.`service.name` = 'refund-agent'",
        f"{between} AND trace.name = 'refund-agent'",
        f"""{between} AND tag.`service.name` = "it's\"""",
        f'''{between} AND trace.name = "it's"''',
    ]
    assert not any("span" in condition for condition in filters)


async def test_an_agent_that_no_tag_names_is_found_by_its_spans() -> None:
    infos = [{**info, "tags": {**info["tags"], "service.name": "backend"}} for info in LittleMlflow().infos]
    found, stub = await found_in(LittleMlflow(infos=infos))
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]
    assert "AND tag" not in searches(stub)[-1]["filter"]


async def test_of_a_shared_experiment_only_the_agents_traces_are_taken() -> None:
    found, _ = await found_in(LittleMlflow(), agent="other", names=frozenset({"other"}))
    assert (found.traces, found.scores) == ((), ())


async def test_an_experiment_of_the_agents_own_may_be_called_by_name_and_needs_no_other() -> None:
    found, stub = await found_in(LittleMlflow(), agent="desk", names=frozenset({"desk"}), project="refunds")
    assert {trace.agent for trace in found.traces} == {"desk"}
    (body,) = searches(stub)
    assert body["locations"][0]["mlflow_experiment"] == {"experiment_id": "7"}
    assert "tag" not in body["filter"]


async def test_links_lead_to_the_trace_in_mlflow() -> None:
    async with mlflow_that(LittleMlflow()) as (source, _, _):
        found = await source.find(an_ask())
        page = f"{source._public_url}/#/experiments/1/traces?selectedEvaluationId=tr-{GOOD}"
        assert found.links[GOOD] == page


@pytest.mark.parametrize(
    ("token", "header"),
    [("", None), ("abc", "Bearer abc"), ("ana:pw", f"Basic {b64encode(b'ana:pw').decode()}")],
)
async def test_a_token_is_a_bearer_and_a_pair_is_basic(token: str, header: str | None) -> None:
    async with mlflow_that(LittleMlflow(), token) as (source, stub, _):
        await source.find(an_ask())
        assert {asked.headers.get("authorization") for asked in stub.asked} == {header}


async def test_small_pages_give_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = await found_in(LittleMlflow())
    monkeypatch.setattr(mlflow, "TRACES_A_PAGE", 1)
    monkeypatch.setattr(mlflow, "TRACES_AT_A_TIME", 1)
    paged, _ = await found_in(LittleMlflow())
    assert replace(paged, links={}) == replace(whole, links={})


async def test_the_empty_answer_of_mlflow_is_an_empty_answer() -> None:
    found, _ = await found_in(LittleMlflow(instead=on("/search", Reply(recorded("search_v3_spanattr")))))
    assert found == SourceFound()


async def test_only_the_newest_are_read_and_the_rest_is_named() -> None:
    found, _ = await found_in(LittleMlflow(), most_traces=1)
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert found.missing == ("MLflow: only the newest 1 traces were read; there are older ones.",)


@pytest.mark.parametrize("project", ["nowhere", "404"])
async def test_a_wrong_experiment_is_named(project: str) -> None:
    with pytest.raises(Unavailable, match=f"MLflow has no experiment '{project}'; check FIRSTFIVE_MLFLOW_EXPERIMENT"):
        await found_in(LittleMlflow(), project=project)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "MLflow answers a web page where JSON was expected; check FIRSTFIVE_MLFLOW_URL"),
        (REFUSED, r"MLflow refuses the credentials \(HTTP 401\); check FIRSTFIVE_MLFLOW_URL and its token"),
        (Reply(b'{"traces": [{"'), "MLflow answers no JSON where JSON was expected"),
        (Reply({}, status=500), "MLflow answers HTTP 500"),
        (BUSY_FOR_A_MINUTE, r"MLflow is busy \(HTTP 429\)"),
        (Reply({}, after=5), "MLflow did not answer in time"),
    ],
)
async def test_a_mlflow_that_gives_nothing_is_one_sentence(reply: Reply, sentence: str) -> None:
    async with mlflow_that(LittleMlflow(instead=on("/search", reply))) as (source, _, _):
        started = monotonic()
        with pytest.raises(Unavailable, match=sentence):
            await source.find(an_ask(seconds=0.5))
        assert monotonic() - started < 1.5


@pytest.mark.parametrize("path", ["/experiments/get", "/batchGet"])
async def test_whichever_answer_is_a_web_page_the_address_is_questioned(path: str) -> None:
    with pytest.raises(Unavailable, match="MLflow answers a web page where JSON was expected; check FIRSTFIVE_MLFLOW"):
        await found_in(LittleMlflow(instead=on(path, HTML)))


async def test_a_busy_mlflow_is_left_alone_for_as_long_as_it_asked() -> None:
    async with mlflow_that(always(BUSY_FOR_A_MINUTE)) as (source, stub, clock):
        for _ in range(2):
            with pytest.raises(Unavailable) as refusal:
                await source.find(an_ask())
        assert refusal.value.retry_after == timedelta(seconds=60)
        assert len(stub.asked) == 1
        clock.moment += timedelta(seconds=61)
        stub.answer = LittleMlflow()
        assert len((await source.find(an_ask())).traces) == 2


async def test_time_that_runs_out_costs_the_oldest_traces_and_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "TRACES_AT_A_TIME", 1)
    found, _ = await found_in(LittleMlflow(instead=on("/batchGet", Reply({}, after=5), after=1)), seconds=1.0)
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert {score.trace_id for score in found.scores} == {LOOPING}
    assert found.missing == ("MLflow: the oldest 1 of 2 traces were not read; MLflow did not answer in time.",)


async def test_a_list_that_breaks_off_is_used_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "TRACES_A_PAGE", 1)
    found, _ = await found_in(LittleMlflow(instead=on("/search", Reply({}, status=500), after=1)))
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert found.missing[0].startswith("MLflow: the list of traces is not whole; MLflow answers HTTP 500")


async def test_traces_whose_spans_mlflow_does_not_give_are_counted() -> None:
    found, _ = await found_in(LittleMlflow(traces=LittleMlflow().traces[:1]))
    assert [trace.id for trace in found.traces] == [LOOPING]
    assert found.missing == ("MLflow: 1 of 2 traces came without spans.",)


@pytest.mark.parametrize("body", [{"traces": None}, {"traces": [], "next_page_token": ""}])
async def test_an_answer_without_rows_is_an_empty_one(body: Any) -> None:
    found, _ = await found_in(LittleMlflow(instead=on("/search", Reply(body))))
    assert found == SourceFound()


async def test_traces_that_cannot_be_read_are_counted() -> None:
    body = {"traces": [None, 3, {}, {"trace_id": 4}, *LittleMlflow().infos]}
    found, _ = await found_in(LittleMlflow(instead=on("/search", Reply(body))), project="1")
    assert [trace.id for trace in found.traces] == [GOOD, LOOPING]
    assert found.missing == ("MLflow: 4 traces could not be read.",)


async def test_one_bad_span_loses_no_other_and_is_counted() -> None:
    traces = LittleMlflow().traces
    traces[1]["spans"] += [{"span_id": "l+hXHx1F4qU="}, {"start_time_unix_nano": 5}, 7]
    found, _ = await found_in(LittleMlflow(traces=traces))
    assert [len(trace.spans) for trace in found.traces] == [5, 13]
    assert found.missing == ("MLflow: 3 spans could not be read.",)


async def test_hostile_text_stays_text() -> None:
    traces = LittleMlflow().traces
    attributes = [{"key": "gen_ai.agent.name", "value": {"string_value": "refund-agent"}}]
    attributes += [{"key": HOSTILE, "value": {"string_value": HOSTILE}}, {"key": "n", "value": {"int_value": "many"}}]
    attributes += [{"key": "list", "value": {"array_value": {"values": [{"string_value": HOSTILE}, 3]}}}]
    traces[0]["spans"] = [{**traces[0]["spans"][0], "name": HOSTILE, "attributes": attributes}]
    found, _ = await found_in(LittleMlflow(traces=traces))
    root = found.traces[1].spans[0]
    said = json.dumps([root.name, dict(root.attributes)], ensure_ascii=False)
    said.encode()
    assert "\\u0000" not in said


@pytest.mark.parametrize(
    ("said", "meant"),
    [('"plain"', "plain"), ('"', '"'), ('"a" or "b"', '"a" or "b"'), ("plain", "plain"), (5, 5), ('"5"', "5")],
)
def test_quotes_that_mlflow_put_around_text_are_taken_off(said: object, meant: object) -> None:
    assert unquoted(said) == meant
