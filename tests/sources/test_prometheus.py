"""Prometheus over a loopback stub: recorded answers, and everything that can go wrong (the real server: tests/integration)."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from bot.incident.evidence import Unit, Window
from bot.incident.metrics import Metric
from bot.ports import SourceFound
from bot.sources.prometheus import QUESTIONS, Prometheus, filled, matcher, number_of, open_source
from tests.sources.vendor_stub import (
    BUSY_FOR_A_MINUTE,
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

RECORDED = Path(__file__).parents[1] / "data" / "prometheus"


def recorded(name: str, status: int = 200) -> Reply:
    return Reply((RECORDED / f"{name}.json").read_bytes(), status)


def says(value: str, **more: Any) -> Reply:
    vector = {"resultType": "vector", "result": [{"metric": {}, "value": [NOON_NS / 1e9, value]}]}
    return Reply({"status": "success", "data": vector, **more})


@asynccontextmanager
async def prometheus(answer: Callable[[Asked], Reply], token: str = "") -> AsyncIterator[tuple[Prometheus, Stub]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(url, token, StillClock())
        try:
            yield source, stub
        finally:
            await source.close()


async def found(answer: Callable[[Asked], Reply], **ask: Any) -> SourceFound:
    async with prometheus(answer) as (source, _):
        return await source.find(an_ask(**ask))


def figure(answer: SourceFound, name: str) -> Metric:
    return next(metric for metric in answer.metrics if metric.name == name)


async def test_every_figure_is_asked_for_at_the_end_of_now_and_of_the_baseline() -> None:
    async with prometheus(always(says("0.5"))) as (source, stub):
        answer = await source.find(an_ask())
    assert [metric.name for metric in answer.metrics] == [question.name for question in QUESTIONS]
    assert {asked.param("time") for asked in stub.asked} == {"1793620800.000", "1793620200.000"}
    assert {asked.path for asked in stub.asked} == {"/api/v1/query"}
    of = {(asked.param("query"), asked.param("time")) for asked in stub.asked}
    assert len(of) == len(stub.asked), "a query that two figures share is asked once"
    assert any("[600000ms]" in query for query, time in of if time == "1793620800.000")
    assert all("[600000ms]" not in query for query, time in of if time == "1793620200.000")
    assert answer.metrics[0].window.seconds == 600
    assert answer.metrics[0].before.seconds == 3000


async def test_a_recorded_share_is_read_from_its_text() -> None:
    completion = figure(await found(always(recorded("task_completion_rate"))), "task_completion")
    assert completion.value == pytest.approx(0.9226857978686355)
    assert completion.unit is Unit.SHARE


async def test_a_missing_series_is_unknown_and_named() -> None:
    answer = await found(always(recorded("missing_series")))
    assert {(m.value, m.n, m.baseline, m.baseline_n, m.sampled_ns) for m in answer.metrics} == {(None,) * 5}
    assert answer.missing == (
        "Prometheus knows nothing of helpdesk-agent about: tasks completed; synthetic evals passed; tasks escalated; model latency, P95; steps per task, P50; steps per task, P95.",
    )


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "", "five"])
async def test_what_is_no_finite_number_is_unknown(value: str) -> None:
    answer = await found(always(says(value)))
    assert {metric.value for metric in answer.metrics} == {None}


async def test_a_share_stays_between_nothing_and_all() -> None:
    answer = await found(always(says("1.25")))
    assert figure(answer, "escalations").value == 1
    assert figure(answer, "model_latency_p95").value == 1.25


async def test_counts_need_not_be_whole() -> None:
    assert figure(await found(always(says("40.37"))), "task_completion").n == 40.37


async def test_a_sample_is_never_newer_than_the_moment_asked_about() -> None:
    answer = await found(always(says(str(NOON_NS / 1e9 + 60))))
    assert figure(answer, "eval_pass").sampled_ns == NOON_NS
    earlier = await found(always(says(str(NOON_NS / 1e9 - 60))))
    assert figure(earlier, "eval_pass").sampled_ns == NOON_NS - MINUTE_NS


async def test_a_refused_query_says_why_and_the_others_still_come() -> None:
    def answer(asked: Asked) -> Reply:
        return recorded("bad_query", 400) if "outcome" in asked.param("query") else says("0.5")

    seen = await found(answer)
    assert figure(seen, "task_completion").value is None
    assert figure(seen, "task_completion").n == 0.5
    assert figure(seen, "eval_pass").value == 0.5
    assert seen.missing == (
        'Prometheus: not all figures came; Prometheus refuses a query (invalid parameter "query": 1:10: parse error: unclosed left parenthesis).',
    )


async def test_warnings_are_passed_on_once_and_remarks_are_not() -> None:
    answer = await found(always(says("0.5", warnings=["one store\ndid not answer"], infos=["might not be a counter"])))
    assert answer.missing == ("Prometheus warns: one store did not answer",)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Prometheus answers a web page where JSON was expected"),
        (REFUSED, "Prometheus refuses the credentials"),
        (Reply({}, status=500), "Prometheus answers HTTP 500"),
        (Reply([1, 2]), r"Prometheus refuses a query \(it does not say why\)"),
        (Reply({"status": "error", "error": ["odd"]}, status=422), r"refuses a query \(\['odd'\]\)"),
    ],
)
async def test_nothing_at_all_is_one_sentence(reply: Reply, sentence: str) -> None:
    with pytest.raises(Unavailable, match=sentence):
        await found(always(reply))


async def test_a_busy_prometheus_is_left_alone_afterwards() -> None:
    async with prometheus(always(BUSY_FOR_A_MINUTE)) as (source, stub):
        with pytest.raises(Unavailable) as failure:
            await source.find(an_ask())
        assert failure.value.retry_after == timedelta(seconds=60)
        before = len(stub.asked)
        with pytest.raises(Unavailable, match="asked to be left alone"):
            await source.find(an_ask())
        assert len(stub.asked) == before


async def test_a_slow_figure_is_missing_at_the_deadline_and_the_others_are_there() -> None:
    def answer(asked: Asked) -> Reply:
        return SLOW if "histogram_quantile" in asked.param("query") else says("0.5")

    started = monotonic()
    seen = await found(answer, seconds=0.9)
    assert monotonic() - started < 3  # the stub's own end included
    assert figure(seen, "task_completion").value == 0.5
    assert figure(seen, "model_latency_p95").value is None
    assert seen.missing == ("Prometheus: not all figures came; Prometheus did not answer in time.",)


async def test_credentials_are_basic_or_bearer() -> None:
    for token, header in (("ada:pw", "Basic YWRhOnB3"), ("abc", "Bearer abc")):
        async with prometheus(always(says("1")), token) as (source, stub):
            await source.find(an_ask())
        assert stub.asked[0].headers["authorization"] == header


def test_names_are_values_of_a_label_and_never_promql() -> None:
    assert matcher({"b", "a"}) == 'agent=~"a|b"'
    assert matcher({"support.bot (v2)"}) == 'agent=~"support\\\\.bot \\\\(v2\\\\)"'
    assert matcher({'x"} or vector(1) #\n'}) == 'agent=~"x\\"\\\\} or vector\\\\(1\\\\) #\\U0000000a"'
    assert (
        filled("m{$agent}[$time]", matcher({"$time"}), Window(0, 10 * MINUTE_NS)) == 'm{agent=~"\\\\$time"}[600000ms]'
    )


def test_a_scalar_is_a_number_and_a_matrix_is_none() -> None:
    assert number_of({"resultType": "scalar", "result": [1.0, "3"]}) == 3
    assert number_of(json.loads((RECORDED / "llm_latency_p95.json").read_text())["data"]) == pytest.approx(
        9.4239, abs=1e-3
    )
    assert number_of({"result": [{"values": [[1, "2"]]}]}) is None
    odd: object
    for odd in (None, {}, {"result": {}}, {"result": [None]}, {"result": [{"value": 3}]}):
        assert number_of(odd) is None
