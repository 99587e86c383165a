"""A real MLflow: runs go in with OpenTelemetry's SDK and with MLflow's own, assessments over its API, and all come back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import time_ns
from typing import Any

import httpx
import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind
from bot.ports import SourceAsk, SourceFound
from bot.sources import mlflow
from tests.integration.conftest import WallClock
from tests.integration.runs import (
    CALLS_OF_A_LOOP,
    MINUTE_NS,
    Run,
    an_ask,
    found_by,
    good_run,
    looping_run,
    spans_of,
    tracing,
)
from tests.integration.servers import environment

AGENT = "refund-agent"
SERVICE = "refunds-svc"
OTHER = "o'hara's bot"
STEPS_OF_BOTH = 3 + 1 + 2 * CALLS_OF_A_LOOP
OWN_SDK = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("own sdk")
@mlflow.trace(name="lookup_order", span_type="TOOL")
def look_up(number):
    if number == 2:
        raise TimeoutError("orders-api timeout")
    return {"ok": True}
@mlflow.trace(name="chat", span_type="CHAT_MODEL")
def chat(text):
    usage = {"input_tokens": 900, "output_tokens": 30, "total_tokens": 930}
    mlflow.get_current_active_span().set_attribute("mlflow.chat.tokenUsage", usage)
    return "hello"
@mlflow.trace(name="desk-agent", span_type="AGENT")
def agent(question):
    chat(question)
    look_up(1)
    try:
        look_up(2)
    except TimeoutError:
        pass
    mlflow.update_current_trace(metadata={"mlflow.trace.session": "conv-9"})
    return "done"
agent("where is order 2")
trace = mlflow.get_last_active_trace_id()
step = mlflow.get_trace(trace).data.spans[1].span_id
mlflow.log_feedback(trace_id=trace, name="correct", value=False, rationale="it gave up")
mlflow.log_feedback(trace_id=trace, name="tone", value=0.9, span_id=step)
mlflow.log_feedback(trace_id=trace, name="judged", error=ValueError("judge down"))
mlflow.log_expectation(trace_id=trace, name="expected", value="x")
"""


@pytest.fixture(scope="module")
def runs(mlflow_url: str) -> tuple[Run, Run]:
    """A good and a looping run of one agent, 20 and 10 minutes ago, beside another agent's in the same experiment."""
    now = time_ns()
    into = {"x-mlflow-experiment-id": "0"}
    with tracing(mlflow_url, SERVICE, into) as tracer:
        both = good_run(tracer, AGENT, now - 20 * MINUTE_NS), looping_run(tracer, AGENT, now - 10 * MINUTE_NS)
    with tracing(mlflow_url, OTHER, into) as tracer:
        good_run(tracer, OTHER, now - 15 * MINUTE_NS)
    return both


@pytest.fixture
async def source(mlflow_url: str) -> AsyncIterator[mlflow.Mlflow]:
    opened = mlflow.open_source(mlflow_url, "", "0", WallClock())
    yield opened
    await opened.close()


@pytest.fixture
async def api(mlflow_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=mlflow_url, trust_env=False, timeout=30) as client:
        yield client


async def both_runs(source: mlflow.Mlflow, **changes: Any) -> tuple[SourceAsk, SourceFound]:
    ask = an_ask(AGENT, names=frozenset({AGENT, SERVICE}), **changes)
    return ask, await found_by(source, ask, lambda found: spans_of(found) >= STEPS_OF_BOTH)


async def test_a_good_and_a_looping_run_come_back_with_their_steps(
    source: mlflow.Mlflow, runs: tuple[Run, Run]
) -> None:
    _, found = await both_runs(source)
    good, looping = found.traces
    assert (good.id, looping.id) == (runs[0].trace_id, runs[1].trace_id)
    assert (good.start_ns, looping.start_ns) == (runs[0].start_ns, runs[1].start_ns)
    assert (good.agent, good.agent_version, good.session_id, good.environment) == (AGENT, "v42", "conv-1", "prod")
    assert (good.error, looping.error, looping.complete) == (False, True, True)
    assert [span.kind for span in good.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert good.spans[0].span_id == runs[0].root_id
    assert good.spans[1].parent_id == runs[0].root_id
    assert good.spans[1].model is not None
    assert (good.spans[1].model.answering, good.spans[1].model.input_tokens) == ("gpt-4o-2024-08-06", 900)
    assert found.missing == ()


async def test_repeated_calls_have_one_fingerprint_and_their_errors(
    source: mlflow.Mlflow, runs: tuple[Run, Run]
) -> None:
    _, found = await both_runs(source)
    tools = [span.tool for span in found.traces[1].tool_spans if span.tool]
    assert len(tools) == CALLS_OF_A_LOOP
    assert len({(tool.name, tool.arguments_hash) for tool in tools}) == 1
    assert {span.error_type for span in found.traces[1].tool_spans} == {"TimeoutError"}
    assert "größer" in tools[0].arguments_preview
    assert len(found.traces) == len(runs)


async def test_an_assessment_becomes_a_score(
    source: mlflow.Mlflow, runs: tuple[Run, Run], api: httpx.AsyncClient
) -> None:
    await both_runs(source)
    for run, value in zip(runs, (True, False), strict=True):
        assessment = {
            "assessment_name": "task_success",
            "trace_id": f"tr-{run.trace_id}",
            "source": {"source_type": "LLM_JUDGE", "source_id": "judge-1"},
            "feedback": {"value": value},
            "rationale": "as it ended",
        }
        path = f"/api/3.0/mlflow/traces/tr-{run.trace_id}/assessments"
        (await api.post(path, json={"assessment": assessment})).raise_for_status()
    _, found = await both_runs(source)
    judged = {score.trace_id: (score.name, score.passed, score.explanation, score.agent) for score in found.scores}
    assert judged == {
        runs[0].trace_id: ("task_success", True, "as it ended", AGENT),
        runs[1].trace_id: ("task_success", False, "as it ended", AGENT),
    }


async def test_two_windows_side_by_side_hold_every_run_once(source: mlflow.Mlflow, runs: tuple[Run, Run]) -> None:
    ask, _ = await both_runs(source)
    between = runs[1].start_ns
    before = await source.find(replace(ask, end_ns=between))
    after = await source.find(replace(ask, start_ns=between))
    assert [trace.id for trace in before.traces] == [runs[0].trace_id]
    assert [trace.id for trace in after.traces] == [runs[1].trace_id]


async def test_an_agent_with_a_quote_in_its_name_is_told_apart_in_a_shared_experiment(
    source: mlflow.Mlflow, runs: tuple[Run, Run]
) -> None:
    await both_runs(source)
    found = await found_by(source, an_ask(OTHER), lambda found: spans_of(found) == 3)
    assert [trace.agent for trace in found.traces] == [OTHER]
    assert found.traces[0].id not in {run.trace_id for run in runs}


async def test_an_agent_that_only_its_spans_name_is_found_too(source: mlflow.Mlflow, runs: tuple[Run, Run]) -> None:
    await both_runs(source)
    found = await source.find(an_ask(AGENT))
    assert {trace.id for trace in found.traces} == {run.trace_id for run in runs}


async def test_an_agent_without_traces_is_an_empty_answer_and_not_an_error(source: mlflow.Mlflow) -> None:
    found = await source.find(an_ask("nobody"))
    assert (found.traces, found.scores, found.missing) == ((), (), ())


@pytest.mark.parametrize("project", ["no such experiment", "987654"])
async def test_an_experiment_that_does_not_exist_is_named(source: mlflow.Mlflow, project: str) -> None:
    with pytest.raises(Unavailable, match=f"MLflow has no experiment '{project}'; check FIRSTFIVE_MLFLOW_EXPERIMENT"):
        await source.find(an_ask(AGENT, project=project))


async def test_many_small_pages_give_the_same_as_one(
    source: mlflow.Mlflow, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, whole = await both_runs(source)
    monkeypatch.setattr(mlflow, "TRACES_A_PAGE", 1)
    monkeypatch.setattr(mlflow, "TRACES_AT_A_TIME", 1)
    paged = await source.find(ask)
    assert paged == whole
    assert len(paged.traces) == len(runs)


async def test_only_the_newest_are_read_where_few_are_wanted(source: mlflow.Mlflow, runs: tuple[Run, Run]) -> None:
    _, found = await both_runs(source)
    one = await source.find(an_ask(AGENT, names=frozenset({SERVICE, AGENT}), most_traces=1))
    assert [trace.id for trace in one.traces] == [runs[1].trace_id]
    assert one.missing == ("MLflow: only the newest 1 traces were read; there are older ones.",)
    assert len(found.traces) == len(runs)


async def test_the_link_of_a_trace_leads_to_the_page_of_mlflow(
    source: mlflow.Mlflow, runs: tuple[Run, Run], api: httpx.AsyncClient
) -> None:
    _, found = await both_runs(source)
    link = found.links[runs[1].trace_id]
    assert link.endswith(f"/#/experiments/0/traces?selectedEvaluationId=tr-{runs[1].trace_id}")
    page = await api.get(link)
    assert page.headers["content-type"].startswith("text/html")


async def test_a_run_traced_with_mlflows_own_sdk_comes_back_with_its_steps_and_verdicts(
    source: mlflow.Mlflow, mlflow_url: str, tmp_path: Any
) -> None:
    settings = {"HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"}
    python = environment("mlflow") / "python"
    child = await asyncio.create_subprocess_exec(python, "-c", OWN_SDK, mlflow_url, env=settings, cwd=tmp_path)
    assert await child.wait() == 0
    found = await source.find(an_ask("desk-agent", project="own sdk"))
    (trace,) = found.traces
    assert (trace.agent, trace.session_id, trace.error) == ("desk-agent", "conv-9", False)
    kinds = [span.kind for span in trace.spans]
    assert kinds == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL, SpanKind.TOOL]
    assert trace.spans[1].model is not None
    assert trace.spans[1].model.input_tokens == 900
    assert [span.error for span in trace.tool_spans] == [False, True]
    assert trace.tool_spans[1].error_message == "TimeoutError: orders-api timeout"
    verdicts = {s.name: (s.passed, s.label, s.value, s.explanation, s.span_id is not None) for s in found.scores}
    assert verdicts == {
        "correct": (False, "false", 0.0, "it gave up", False),
        "tone": (True, None, 0.9, "", True),
        "judged": (None, "error", None, "judge down", False),
    }
