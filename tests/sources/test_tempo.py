"""Grafana Tempo over a loopback stub, written from its documented format; not run against a Tempo, and it has no OpenAPI file."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.incident.errors import Unavailable
from bot.incident.evidence import Window
from bot.incident.telemetry import SpanKind
from bot.ports import SourceFound
from bot.sources.tempo import Tempo, drawn, of_agent, open_source, starts_in, traceql_string
from tests.sources.otlp_rows import Row, in_base64, span, task, trace_id, traces_data
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

GRAFANA = "https://grafana.example/team"
SECOND_NS = 1_000_000_000


@dataclass
class LittleTempo:
    """Traces by id. A search gives any of those that match and overlap its time; ids come without leading zeros."""

    traces: dict[str, list[Row]]
    service: str = "helpdesk-agent"
    base64: bool = True
    most: int = 10_000
    partial: dict[str, str] = field(default_factory=dict)  # trace id -> why
    gone: set[str] = field(default_factory=set)
    searches: list[Asked] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        assert asked.method == "GET"
        if asked.path == "/api/search":
            self.searches.append(asked)
            return Reply(self._searched(asked))
        one = asked.path.removeprefix("/api/v2/traces/")
        self.reads.append(one)
        assert int(asked.param("start")) * SECOND_NS <= began(self.traces[one]) < int(asked.param("end")) * SECOND_NS
        return Reply({}, status=404) if one in self.gone else Reply(self._trace(one))

    def _searched(self, asked: Asked) -> Row:
        assert set(dict(asked.query)) == {"q", "start", "end", "limit", "spss"}
        start, end = int(asked.param("start")) * SECOND_NS, int(asked.param("end")) * SECOND_NS
        found = [
            {
                "traceID": one.lstrip("0"),
                "rootServiceName": self.service,
                "rootTraceName": "invoke_agent",
                "startTimeUnixNano": str(began(spans)),
                "durationMs": 102,
                "spanSets": [{"spans": [{"spanID": "563d623c76514f8e"}], "matched": 3}],
            }
            for one, spans in self.traces.items()
            if start <= began(spans) < end and self._matches(asked.param("q"), spans)
        ]
        return {"traces": found[: min(self.most, int(asked.param("limit")))], "metrics": {"totalBlocks": 13}}

    def _matches(self, query: str, spans: list[Row]) -> bool:
        asked = set(re.findall(r'= "([^"]*)"', query))
        said = {value["value"].get("stringValue") for one in spans for value in one["attributes"]}
        return bool(asked & (said | {self.service}))

    def _trace(self, one: str) -> Row:
        spans = [in_protobuf_json(row) if self.base64 else row for row in self.traces[one]]
        said = {"status": "PARTIAL", "message": self.partial[one]} if one in self.partial else {}
        return {"trace": traces_data(spans, self.service), "metrics": {}, **said}


def in_protobuf_json(row: Row) -> Row:
    """As protobuf's own JSON has it: ids in base64, names for numbers."""
    ids: Row = {key: in_base64(row[key]) for key in ("traceId", "spanId", "parentSpanId") if key in row}
    status = {"status": {**row["status"], "code": "STATUS_CODE_ERROR"}} if "status" in row else {}
    return {**row, **ids, **status, "kind": "SPAN_KIND_INTERNAL"}


def began(spans: list[Row]) -> int:
    return min(int(one["startTimeUnixNano"]) for one in spans)


def tempo_of(*tasks: list[Row], **more: Any) -> LittleTempo:
    return LittleTempo({spans[0]["traceId"]: spans for spans in tasks}, **more)


@asynccontextmanager
async def tempo(answer: Callable[[Asked], Reply], **options: str) -> AsyncIterator[tuple[Tempo, Stub]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(
            url, options.get("token", ""), options.get("tenant", ""), options.get("grafana_url", ""), StillClock()
        )
        try:
            yield source, stub
        finally:
            await source.close()


async def found(answer: Callable[[Asked], Reply], **ask: Any) -> SourceFound:
    async with tempo(answer) as (source, _):
        return await source.find(an_ask(**ask))


@pytest.mark.parametrize("ids", ["base64", "hex"])
async def test_a_task_comes_with_its_steps_and_its_verdict(ids: str) -> None:
    seen = await found(tempo_of(task(1, 5, failed=True, judged=True), base64=ids == "base64"))
    [trace] = seen.traces
    assert (trace.id, trace.agent, trace.complete) == (trace_id(1), "helpdesk-agent", True)
    assert [one.kind for one in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert (trace.spans[2].error, trace.spans[2].error_message) == (True, "no such order")
    assert [(score.name, score.passed) for score in seen.scores] == [("helpful", False)]
    assert (seen.missing, seen.links) == ((), {})


async def test_the_agent_is_searched_for_by_its_name_and_by_its_service() -> None:
    little = tempo_of(task(1, 5), task(2, 4, agent=""), service="helpdesk-agent")
    seen = await found(little)
    assert len(seen.traces) == 2
    assert {asked.param("q") for asked in little.searches} == {
        '{ span.gen_ai.agent.name = "helpdesk-agent" || resource.service.name = "helpdesk-agent" }',
    }
    assert {(asked.param("start"), asked.param("end")) for asked in little.searches} == {("1793617200", "1793620800")}


async def test_the_catalogue_may_name_the_service() -> None:
    little = tempo_of(task(1, 5, agent=""), service="support-svc")
    seen = await found(little, project="support-svc")
    assert [trace.agent for trace in seen.traces] == ["helpdesk-agent"]
    assert little.searches[0].param("q").startswith('{ resource.service.name = "support-svc" }')


async def test_tasks_of_other_agents_in_the_same_service_are_left_out_and_named() -> None:
    seen = await found(tempo_of(task(1, 5), *(task(number, 4, agent=f"other-{number}") for number in range(2, 7))))
    assert [trace.id for trace in seen.traces] == [trace_id(1)]
    assert seen.missing == ("Tempo: traces of other agents were left out, 5 in all (other-2, other-3, other-4, …).",)


async def test_nothing_found_is_no_failure() -> None:
    assert await found(tempo_of()) == SourceFound()
    assert await found(always(Reply({"metrics": {}}))) == SourceFound()


async def test_a_search_that_comes_back_full_is_asked_again_in_halves_and_read_all_over_the_time() -> None:
    little = tempo_of(*(task(number, 59 - number) for number in range(1, 41)))
    seen = await found(little, most_traces=10)
    assert len(little.reads) == 10
    numbers = [int(trace.id, 16) for trace in seen.traces]
    assert numbers == sorted(numbers)
    assert numbers[0] < 15
    assert numbers[-1] > 25
    assert seen.missing == ("Tempo: 10 of 40 traces were read, drawn as if by lot.",)


async def test_what_is_read_is_not_picked_by_its_outcome() -> None:
    little = tempo_of(*(task(number, 55 - number / 6, failed=number % 4 == 0) for number in range(1, 301)))
    seen = await found(little, most_traces=80)
    failed = sum(any(step.error for step in trace.spans) for trace in seen.traces)
    assert len(seen.traces) == 80
    assert 11 <= failed <= 29


def test_every_beginning_of_the_order_is_a_draw() -> None:
    starts = {f"{number:03d}": number for number in range(400)}
    assert abs(sum(int(one) for one in drawn(starts, 100)) / 100 - 200) < 35
    assert drawn(starts, 100)[:10] == drawn(starts, 10)
    assert sorted(drawn(starts, 1000)) == sorted(starts)
    assert drawn({}, 5) == []


async def test_more_than_can_be_searched_for_is_said() -> None:
    little = tempo_of(*(task(number, 59 - number) for number in range(1, 59)))
    seen = await found(little, most_traces=10)
    assert "the oldest of the time are missing" in seen.missing[-1]


async def test_a_trace_that_came_in_part_is_kept_and_named() -> None:
    little = tempo_of(task(1, 5), task(2, 4), partial={trace_id(2): "trace exceeds\nmax size."})
    seen = await found(little)
    assert len(seen.traces) == 2
    assert seen.missing == ("Tempo: traces that came only in part: 1; trace exceeds max size.",)


async def test_a_trace_that_is_gone_is_named() -> None:
    seen = await found(tempo_of(task(1, 5), task(2, 4), gone={trace_id(2)}))
    assert [trace.id for trace in seen.traces] == [trace_id(1)]
    assert seen.missing == ("Tempo: traces found and then not there to be read: 1. Reading needs Tempo 2.7 or later.",)


async def test_wrong_ids_and_spans_without_parents_lose_nobody_else() -> None:
    odd = [span(2, 1, NOON_NS - MINUTE_NS, {}, parentSpanId="?"), span(2, 2, NOON_NS - MINUTE_NS, {}, spanId="zz")]
    little = tempo_of(task(1, 5), task(3, 4)[1:], odd, base64=False)
    seen = await found(little)
    assert [(trace.id, trace.complete) for trace in seen.traces] == [
        (trace_id(1), True),
        (trace_id(3), False),
        (trace_id(2), False),
    ]
    assert seen.missing == ("Tempo: 1 spans could not be read.",)


def test_a_search_row_that_is_no_trace_is_passed_over() -> None:
    window = Window(5, 10**19)
    rows = [
        None,
        {},
        {"traceID": 7},
        {"traceID": "../admin"},
        {"traceID": "ab", "startTimeUnixNano": "-4"},
        {"traceID": "cd", "startTimeUnixNano": "1793620000000000000"},
    ]
    assert starts_in(rows, window) == {"ab".zfill(32): 5, "cd".zfill(32): 1793620000000000000}


def test_names_are_strings_of_traceql_and_never_traceql() -> None:
    assert traceql_string('a"b\\c\n') == '"a\\"b\\\\c\\U0000000a"'
    hostile = of_agent(an_ask(names=frozenset({'x" } || { true'})))
    assert hostile == '{ span.gen_ai.agent.name = "x\\" } || { true" || resource.service.name = "x\\" } || { true" }'


async def test_links_lead_to_grafana() -> None:
    async with tempo(tempo_of(task(1, 5)), grafana_url=f"{GRAFANA}/") as (source, _):
        seen = await source.find(an_ask())
    link = urlsplit(seen.links[trace_id(1)])
    assert (link.netloc, link.path) == ("grafana.example", "/team/explore")
    [panes] = parse_qs(link.query)["panes"]
    [query] = json.loads(panes)["trace"]["queries"]
    assert (query["query"], query["queryType"]) == (trace_id(1), "traceql")


async def test_tenant_and_token_go_along() -> None:
    async with tempo(tempo_of(task(1, 5)), tenant="team-a", token="ada:pw") as (source, stub):
        await source.find(an_ask())
    assert {asked.headers["x-scope-orgid"] for asked in stub.asked} == {"team-a"}
    assert {asked.headers["authorization"] for asked in stub.asked} == {"Basic YWRhOnB3"}


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Tempo answers a web page where JSON was expected; check FIRSTFIVE_TEMPO_URL"),
        (REFUSED, "Tempo refuses the credentials"),
        (Reply({}, status=400), "Tempo answers HTTP 400"),
        (SLOW, "Tempo did not answer in time"),
    ],
)
async def test_nothing_at_all_is_one_sentence(reply: Reply, sentence: str) -> None:
    with pytest.raises(Unavailable, match=sentence):
        await found(always(reply), seconds=0.5)


async def test_a_busy_tempo_is_left_alone_afterwards() -> None:
    async with tempo(always(BUSY_FOR_A_MINUTE)) as (source, stub):
        for _ in range(2):
            with pytest.raises(Unavailable) as failure:
                await source.find(an_ask())
            assert failure.value.retry_after == timedelta(seconds=60)
        assert len(stub.asked) <= 2, "the two searches of the first look at most"


async def test_a_tempo_that_is_busy_in_between_gives_what_it_gave() -> None:
    little = tempo_of(*(task(number, 50 - number) for number in range(1, 41)))

    def answer(asked: Asked) -> Reply:
        return BUSY_FOR_A_MINUTE if len(little.reads) >= 20 else little(asked)

    seen = await found(answer)
    assert 0 < len(seen.traces) <= 20
    [sentence] = seen.missing
    assert re.match(r"Tempo: \d+ of 40 traces were not read; Tempo ", sentence)


async def test_at_the_deadline_what_came_is_there_and_the_rest_is_counted() -> None:
    little = tempo_of(task(1, 5, failed=True), task(2, 4), task(3, 3))

    def answer(asked: Asked) -> Reply:
        reply = little(asked)
        return Reply(reply.body, after=3) if asked.path.endswith((trace_id(2), trace_id(3))) else reply

    started = monotonic()
    seen = await found(answer, seconds=1.2)
    assert monotonic() - started < 3
    assert [trace.id for trace in seen.traces] == [trace_id(1)]
    assert seen.missing == ("Tempo: 2 of 3 traces were not read; Tempo did not answer in time.",)


async def test_time_that_could_not_be_searched_is_named() -> None:
    little = tempo_of(*(task(number, 59 - number) for number in range(1, 59)))

    def answer(asked: Asked) -> Reply:
        old = asked.path == "/api/search" and int(asked.param("end")) * SECOND_NS < NOON_NS - 5 * MINUTE_NS
        return Reply({}, after=3) if old else little(asked)

    seen = await found(answer, most_traces=10, seconds=2)
    assert len(seen.traces) == 10
    assert (
        "Tempo: the time from 11:00 UTC to 11:52 UTC was not wholly searched; Tempo did not answer in time."
        in seen.missing
    )
