"""The agent metrics read back from a real Prometheus that scraped them (Debian's package, or the one on PATH)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bot.incident.errors import Unavailable
from bot.incident.metrics import Metric
from bot.ports import Clock, SourceAsk, SourceFound
from bot.sources.prometheus import NAME, QUESTIONS, SETTING, Prometheus, open_source
from bot.sources.visiting import Api
from tests.integration.prometheus_server import Agent, program, scraping, version

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD = 'we.ird (agent)+ "x"\\y|z'
STEPS = (5.0, 10.0, 20.0, 40.0)
LATENCIES = (0.5, 1.0, 2.0, 4.0, 8.0)


class WallClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)


def now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * 1e9)


@dataclass(frozen=True)
class Scene:
    """What Prometheus has seen: a good stretch, then a bad one."""

    address: str
    ask: SourceAsk


def count(agent: Agent, who: str, completed: int, failed: int, escalated: int, passed: int, wrong: int) -> None:
    agent.add("agent_tasks_total", completed, agent=who, outcome="completed", failure_tier="")
    agent.add("agent_tasks_total", failed, agent=who, outcome="failed", failure_tier="quality")
    agent.add("agent_escalations_total", escalated, agent=who, reason="unsure")
    agent.add("agent_synthetic_eval_cases_total", passed, agent=who, suite="core-40", result="pass")
    agent.add("agent_synthetic_eval_cases_total", wrong, agent=who, suite="core-40", result="fail")
    agent.add("agent_synthetic_eval_cases_total", wrong, agent=who, suite="core-40", result="not_scored")


def measure(agent: Agent, who: str, steps: float, seconds: float, times: int) -> None:
    agent.observe("agent_task_steps", steps, STEPS, times, agent=who)
    agent.observe("agent_llm_request_duration_seconds", seconds, LATENCIES, times, agent=who, model="m", role="main")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    program()
    agent = Agent()
    for who in ("refund-agent", "other-agent", ODD):
        # Far from zero: close to it, Prometheus extrapolates each counter a little differently
        count(agent, who, 10_000, 10_000, 10_000, 10_000, 10_000)
        measure(agent, who, 1, 0.1, 0)
    agent.add("agent_tasks_total", 0, agent="half-told", outcome="completed", failure_tier="")
    run = 'agent_synthetic_eval_last_run_timestamp_seconds{agent="refund-agent",suite="core-40"}'
    agent.series[run] = int(now_ns() / 1e9)
    async with scraping(agent, tmp_path_factory.mktemp("prometheus")) as address:
        await agent.scraped(3)
        start_ns = now_ns()
        await agent.scraped(2)
        for who in ("refund-agent", ODD):
            count(agent, who, completed=95, failed=5, escalated=10, passed=38, wrong=2)
            measure(agent, who, steps=4, seconds=0.9, times=100)
        count(agent, "other-agent", completed=7, failed=93, escalated=0, passed=0, wrong=40)
        await agent.scraped(3)
        recent_ns = now_ns()
        await agent.scraped(2)
        count(agent, "refund-agent", completed=30, failed=10, escalated=12, passed=24, wrong=16)
        measure(agent, "refund-agent", steps=35, seconds=7.5, times=40)
        await agent.scraped(3)
        names = frozenset({"refund-agent", "refunds"})
        yield Scene(address, SourceAsk("refund-agent", names, start_ns, now_ns(), recent_ns, seconds=10))


async def found(scene: Scene, **changes: Any) -> SourceFound:
    source = open_source(scene.address, "", WallClock())
    try:
        return await source.find(replace(scene.ask, **changes))
    finally:
        await source.close()


def figures(answer: SourceFound) -> dict[str, Metric]:
    return {metric.name: metric for metric in answer.metrics}


async def test_shares_now_and_before_are_what_the_agent_counted(scene: Scene) -> None:
    answer = await found(scene)
    of = figures(answer)
    assert answer.missing == ()
    assert of["task_completion"].value == pytest.approx(30 / 40)
    assert of["task_completion"].baseline == pytest.approx(95 / 100)
    assert of["escalations"].value == pytest.approx(12 / 40)
    assert of["escalations"].baseline == pytest.approx(10 / 100)
    assert of["eval_pass"].value == pytest.approx(24 / 40)
    assert of["eval_pass"].baseline == pytest.approx(38 / 40)


async def test_counts_are_estimates_near_the_true_ones(scene: Scene) -> None:
    of = figures(await found(scene))
    assert of["task_completion"].n == pytest.approx(40, rel=0.6)
    assert of["task_completion"].baseline_n == pytest.approx(100, rel=0.6)
    assert of["eval_pass"].n == pytest.approx(40, rel=0.6)
    assert of["steps_p95"].n == pytest.approx(40, rel=0.6)
    assert of["model_latency_p95"].baseline_n == pytest.approx(100, rel=0.6)


async def test_percentiles_lie_in_the_bucket_of_the_observations(scene: Scene) -> None:
    of = figures(await found(scene))
    assert 20 < (of["steps_p50"].value or 0) <= (of["steps_p95"].value or 0) <= 40
    assert 0 < (of["steps_p50"].baseline or 0) <= 5
    assert 4 < (of["model_latency_p95"].value or 0) <= 8
    assert 0.5 < (of["model_latency_p95"].baseline or 0) <= 1


async def test_the_age_of_a_figure_is_that_of_its_newest_sample(scene: Scene) -> None:
    of = figures(await found(scene))
    newest = of["task_completion"].sampled_ns
    assert newest is not None
    assert 0 <= scene.ask.end_ns - newest < 3_000_000_000
    evaluated = of["eval_pass"].sampled_ns
    assert evaluated is not None
    assert evaluated < scene.ask.start_ns


async def test_an_agent_that_prometheus_does_not_know_is_unknown_and_never_zero(scene: Scene) -> None:
    answer = await found(scene, agent="nobody", names=frozenset({"nobody"}))
    assert {(m.value, m.n, m.baseline, m.baseline_n, m.sampled_ns) for m in answer.metrics} == {(None,) * 5}
    assert answer.missing[0].startswith("Prometheus knows nothing of nobody about: tasks completed; ")


async def test_tasks_that_nobody_did_have_no_completion_rate(scene: Scene) -> None:
    answer = await found(scene, agent="half-told", names=frozenset({"half-told"}))
    rate = figures(answer)["task_completion"]
    assert (rate.value, rate.n) == (None, 0)
    assert rate.sampled_ns is not None


async def test_a_time_before_the_first_scrape_is_unknown(scene: Scene) -> None:
    hour = 3_600_000_000_000
    ask = scene.ask
    answer = await found(scene, start_ns=ask.start_ns - hour, recent_ns=ask.recent_ns - hour, end_ns=ask.end_ns - hour)
    assert all(metric.value is None for metric in answer.metrics)


async def test_names_are_matched_as_they_are_spelled(scene: Scene) -> None:
    odd = figures(await found(scene, agent=ODD, names=frozenset({ODD})))
    assert odd["task_completion"].baseline == pytest.approx(95 / 100)
    everything = figures(await found(scene, agent=".*", names=frozenset({".*", 'x"} or vector(1) #'})))
    assert everything["task_completion"].baseline is None


async def test_the_label_may_be_another_than_the_agents_names(scene: Scene) -> None:
    of = figures(await found(scene, agent="something-else", names=frozenset({"something-else"}), project="other-agent"))
    assert of["task_completion"].baseline == pytest.approx(7 / 100)


@contextmanager
def asking(address: str, value: str) -> Iterator[Prometheus]:
    client = httpx.AsyncClient(base_url=address, trust_env=False)
    yield Prometheus(Api(NAME, SETTING, client, WallClock()), [replace(QUESTIONS[0], value=value), *QUESTIONS[1:]])


@pytest.mark.parametrize(
    "query", ["sum(agent_tasks_total{$agent}", "agent_tasks_total{$agent} / on() agent_tasks_total"]
)
async def test_a_query_that_prometheus_refuses_is_named_and_loses_no_other_figure(scene: Scene, query: str) -> None:
    with asking(scene.address, query) as source:
        answer = await source.find(scene.ask)
        await source.close()
    of = figures(answer)
    assert of["task_completion"].value is None
    assert of["eval_pass"].value == pytest.approx(24 / 40)
    assert len(answer.missing) == 1
    assert "Prometheus: not all figures came; Prometheus refuses a query (" in answer.missing[0]


async def test_an_address_that_is_not_prometheus_api_is_named(scene: Scene) -> None:
    source = open_source(f"{scene.address}/prefix", "", WallClock())
    with pytest.raises(Unavailable, match="Prometheus answers HTTP 404; check FIRSTFIVE_PROMETHEUS_URL"):
        await source.find(scene.ask)
    await source.close()


async def test_the_server_says_which_one_it_is(scene: Scene) -> None:
    assert int((await version(scene.address)).partition(".")[0]) >= 2
