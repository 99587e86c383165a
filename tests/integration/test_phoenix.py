"""A real Phoenix: runs go in with OpenTelemetry's SDK, annotations over its API, and both come back as evidence."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Any

import httpx
import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind
from bot.ports import SourceAsk
from bot.sources import phoenix
from bot.sources.phoenix_rows import Abilities
from tests.integration import servers
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

AGENT = "refund-agent"
OTHER = "o'hara's \"bot\""
SHARED = "shared"
STEPS_OF_BOTH = 3 + 1 + 2 * CALLS_OF_A_LOOP


@pytest.fixture(scope="module")
def runs(phoenix_url: str) -> tuple[Run, Run]:
    """A good and a looping run of one agent, 20 and 10 minutes ago, beside another agent's in the same project."""
    now = time_ns()
    with tracing(phoenix_url, "refunds-svc", {}, openinference__project__name=SHARED) as tracer:
        both = good_run(tracer, AGENT, now - 20 * MINUTE_NS), looping_run(tracer, AGENT, now - 10 * MINUTE_NS)
        good_run(tracer, OTHER, now - 15 * MINUTE_NS)
    with tracing(phoenix_url, "solo-svc", {}, openinference__project__name="solo project") as tracer:
        good_run(tracer, "solo", now - 5 * MINUTE_NS)
    return both


@pytest.fixture
async def source(phoenix_url: str) -> AsyncIterator[phoenix.Phoenix]:
    opened = phoenix.open_source(phoenix_url, "", SHARED, WallClock())
    yield opened
    await opened.close()


@pytest.fixture
async def api(phoenix_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=phoenix_url, trust_env=False, timeout=30) as client:
        yield client


async def both_runs(source: phoenix.Phoenix, **changes: Any) -> tuple[SourceAsk, Any]:
    ask = an_ask(AGENT, **changes)
    return ask, await found_by(source, ask, lambda found: spans_of(found) >= STEPS_OF_BOTH)


async def test_a_good_and_a_looping_run_come_back_with_their_steps(
    source: phoenix.Phoenix, runs: tuple[Run, Run]
) -> None:
    _, found = await both_runs(source)
    good, looping = found.traces
    assert (good.id, looping.id) == (runs[0].trace_id, runs[1].trace_id)
    assert (good.agent, good.agent_version, good.session_id, good.error) == (AGENT, "v42", "conv-1", False)
    assert looping.error
    assert looping.complete
    assert [span.kind for span in good.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert good.spans[1].model is not None
    assert (good.spans[1].model.answering, good.spans[1].model.input_tokens) == ("gpt-4o-2024-08-06", 900)
    assert found.missing == ()


async def test_repeated_calls_have_one_fingerprint_and_their_errors(
    source: phoenix.Phoenix, runs: tuple[Run, Run]
) -> None:
    _, found = await both_runs(source)
    calls = [(span.tool.name, span.tool.arguments_hash, span.error_type) for span in found.traces[1].tool_spans]
    assert len(calls) == CALLS_OF_A_LOOP
    assert len(set(calls)) == 1
    assert calls[0][2] == "TimeoutError"
    assert found.traces[0].tool_spans[0].tool.arguments_hash == calls[0][1]
    assert abs(runs[0].start_ns - found.traces[0].start_ns) < 1000  # Phoenix keeps microseconds


async def test_every_annotation_becomes_a_score_even_beyond_the_ten_that_phoenix_gives_unasked(
    source: phoenix.Phoenix, runs: tuple[Run, Run], api: httpx.AsyncClient
) -> None:
    await both_runs(source)
    verdicts = [
        {
            "name": "task_success",
            "annotator_kind": "LLM",
            "span_id": runs[1].root_id,
            "identifier": f"judge-{number}",
            "result": {"label": "fail", "score": 0.0, "explanation": "gave up"},
        }
        for number in range(13)
    ]
    feedback = {
        "name": "user_feedback",
        "annotator_kind": "HUMAN",
        "trace_id": runs[0].trace_id,
        "result": {"label": "thumbs-up", "score": 1.0},
    }
    for what, rows in (("span_annotations", verdicts), ("trace_annotations", [feedback])):
        (await api.post(f"/v1/{what}?sync=true", json={"data": rows})).raise_for_status()
    _, found = await both_runs(source)
    judged = [score for score in found.scores if score.name == "task_success"]
    assert len(judged) == 13
    assert {(s.passed, s.trace_id, s.span_id, s.agent, s.explanation) for s in judged} == {
        (False, runs[1].trace_id, runs[1].root_id, AGENT, "gave up")
    }
    liked = [score for score in found.scores if score.name == "user_feedback"]
    assert [(score.passed, score.trace_id, score.span_id) for score in liked] == [(True, runs[0].trace_id, None)]


async def test_two_windows_side_by_side_hold_every_run_once(source: phoenix.Phoenix, runs: tuple[Run, Run]) -> None:
    ask, found = await both_runs(source)
    between = found.traces[1].start_ns
    before = await source.find(replace(ask, end_ns=between))
    after = await source.find(replace(ask, start_ns=between))
    assert [trace.id for trace in before.traces] == [runs[0].trace_id]
    assert [trace.id for trace in after.traces] == [runs[1].trace_id]


async def test_an_agent_with_quotes_in_its_name_is_told_apart_in_a_shared_project(
    source: phoenix.Phoenix, runs: tuple[Run, Run]
) -> None:
    await both_runs(source)
    found = await found_by(source, an_ask(OTHER), lambda found: spans_of(found) == 3)
    assert len(found.traces) == 1
    assert found.traces[0].id not in {run.trace_id for run in runs}
    assert found.traces[0].agent == OTHER


async def test_an_alias_of_the_agent_is_the_agent(source: phoenix.Phoenix, runs: tuple[Run, Run]) -> None:
    ask = an_ask("refunds", names=frozenset({"refunds", AGENT}))
    found = await found_by(source, ask, lambda found: len(found.traces) == len(runs))
    assert {trace.agent for trace in found.traces} == {"refunds"}


@pytest.mark.usefixtures("runs")
async def test_in_a_project_of_its_own_everything_is_the_agents(source: phoenix.Phoenix) -> None:
    found = await found_by(source, an_ask("catalogue-name", project="solo project"), lambda found: spans_of(found) == 3)
    assert [trace.agent for trace in found.traces] == ["catalogue-name"]


@pytest.mark.usefixtures("runs")
async def test_an_agent_without_traces_is_an_empty_answer_and_not_an_error(source: phoenix.Phoenix) -> None:
    found = await source.find(an_ask("nobody"))
    assert (found.traces, found.scores, found.missing) == ((), (), ())


async def test_a_project_that_does_not_exist_is_named(source: phoenix.Phoenix) -> None:
    with pytest.raises(Unavailable, match="Phoenix has no project 'nowhere'; check FIRSTFIVE_PHOENIX_PROJECT"):
        await source.find(an_ask(AGENT, project="nowhere"))


async def test_many_small_pages_give_the_same_as_one(
    source: phoenix.Phoenix, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, whole = await both_runs(source)
    monkeypatch.setattr(phoenix, "SPANS_A_PAGE", 2)
    monkeypatch.setattr(phoenix, "TRACES_A_PAGE", 1)
    monkeypatch.setattr(phoenix, "TRACES_AT_A_TIME", 1)
    monkeypatch.setattr(phoenix, "ANNOTATIONS_A_PAGE", 3)
    paged = await source.find(ask)
    assert paged == whole
    assert len(paged.traces) == len(runs)


async def test_only_the_newest_are_read_where_few_are_wanted(source: phoenix.Phoenix, runs: tuple[Run, Run]) -> None:
    await both_runs(source)
    found = await source.find(an_ask(AGENT, most_traces=1))
    assert [trace.id for trace in found.traces] == [runs[1].trace_id]
    assert found.missing == ("Phoenix: only the newest 1 traces were read; there are older ones.",)


async def test_a_phoenix_that_cannot_list_traces_is_read_by_its_spans(
    source: phoenix.Phoenix, runs: tuple[Run, Run]
) -> None:
    _, whole = await both_runs(source)
    source._abilities = Abilities(trace_annotations=frozenset({"limit"}), span_annotations=frozenset({"limit"}))
    source._described_at = WallClock().now()
    found = await source.find(an_ask(AGENT))
    assert found.traces == whole.traces
    assert len(found.scores) == len(whole.scores)
    assert len(found.traces) == len(runs)


async def test_the_link_of_a_trace_opens_in_phoenix(
    source: phoenix.Phoenix, runs: tuple[Run, Run], api: httpx.AsyncClient
) -> None:
    _, found = await both_runs(source)
    page = await api.get(found.links[runs[1].trace_id], follow_redirects=True)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


async def test_a_phoenix_with_authentication_lets_in_only_who_has_the_key(tmp_path: Path) -> None:
    key = "1-key-for-this-one-test-and-nothing-else"
    with servers.phoenix(tmp_path, key) as url:
        with tracing(url, AGENT, {"authorization": f"Bearer {key}"}, openinference__project__name=SHARED) as tracer:
            sent = good_run(tracer, AGENT, time_ns() - MINUTE_NS)
        welcome = phoenix.open_source(url, key, SHARED, WallClock())
        found = await found_by(welcome, an_ask(AGENT), lambda found: spans_of(found) == 3)
        assert [trace.id for trace in found.traces] == [sent.trace_id]
        for wrong in ("", "another-key"):
            stranger = phoenix.open_source(url, wrong, SHARED, WallClock())
            with pytest.raises(
                Unavailable, match=r"Phoenix refuses the credentials \(HTTP 401\); check FIRSTFIVE_PHOENIX"
            ):
                await stranger.find(an_ask(AGENT))
            await stranger.close()
        await welcome.close()
