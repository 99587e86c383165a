"""Jaeger, contract-tested: requests and answers of a stub are held against Jaeger's OpenAPI file (never called).

The file says TracesData where Jaeger sends ``{"result": TracesData}``, as its own text on GetTrace admits, and does
not mention that a search without a result is a 404; the stub does as Jaeger's source code does.
"""

import functools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import jsonschema
import pytest

from bot.incident.errors import Unavailable
from bot.incident.telemetry import SpanKind
from bot.ports import SourceFound
from bot.sources.jaeger import Jaeger, moment, open_source
from bot.sources.trace_stores import hex_id
from tests.sources.otlp_rows import Row, in_base64, span, span_id, task, trace_id, traces_data
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
)

SPEC = Path(__file__).parents[1] / "data" / "openapi" / "jaeger_query_v3.openapi.json"
PATH = "/api/v3/traces"
NOTHING = Reply({"error": {"httpCode": 404, "message": "No traces found"}}, status=404)


@functools.cache
def spec() -> Any:
    return json.loads(SPEC.read_text("utf-8"), object_hook=closed)


def closed(node: Row) -> Row:
    """No object has fields that the file does not name."""
    return {**node, "additionalProperties": False} if node.get("type") == "object" and "properties" in node else node


def conforms(schema: Row, value: object) -> None:
    jsonschema.Draft202012Validator({**schema, "components": spec()["components"]}).validate(value)


def conforming_request(asked: Asked) -> None:
    """Path, method, and every parameter's name and type; raises where it is not so."""
    operation = spec()["paths"][asked.path][asked.method.lower()]
    known = {one["name"]: one["schema"] for one in operation["parameters"]}
    for name, text in asked.query:
        conforms(known[name], int(text) if known[name]["type"] == "integer" else text)
        if known[name].get("format") == "date-time":
            assert datetime.fromisoformat(text).utcoffset() == timedelta(0)
    assert {"query.startTimeMin", "query.startTimeMax", "query.serviceName"} <= {name for name, _ in asked.query}


def conforming_answer(data: Row) -> None:
    """TracesData as the file has it."""
    answers = spec()["paths"][PATH]["get"]["responses"]["200"]["content"]["application/json"]
    conforms(answers["schema"], data)


@dataclass
class LittleJaeger:
    """Services with their spans; a search finds the whole traces of which a span began in its time, any of them."""

    services: dict[str, list[Row]]
    most: int = 10_000
    misbehaves: bool = False  # answers may break the schema on purpose
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        conforming_request(asked)
        self.asked.append(asked)
        service = asked.param("query.serviceName")
        start, end = (in_ns(asked.param(f"query.startTime{edge}")) for edge in ("Min", "Max"))
        spans = self.services.get(service, [])
        found = list(dict.fromkeys(one["traceId"] for one in spans if start <= begun(one) < end))
        found = found[: min(self.most, int(asked.param("query.searchDepth")))]
        if not found:
            return NOTHING
        data = traces_data([one for one in spans if one["traceId"] in found], service)
        if not self.misbehaves:
            conforming_answer(data)
        return Reply({"result": data})


def in_ns(text: str) -> int:
    whole, _, rest = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{whole}+00:00").timestamp()) * 1_000_000_000 + int(rest.ljust(9, "0") or 0)


def begun(row: Row) -> int:
    said = row.get("startTimeUnixNano")
    return int(said) if isinstance(said, str) and said.isdigit() else NOON_NS - 1


@asynccontextmanager
async def jaeger(answer: Callable[[Asked], Reply], token: str = "") -> AsyncIterator[tuple[Jaeger, Stub, str]]:
    stub = Stub(answer)
    async with stub.serving() as url:
        source = open_source(url, token, StillClock())
        try:
            yield source, stub, url
        finally:
            await source.close()


async def found(answer: Callable[[Asked], Reply], **ask: Any) -> SourceFound:
    async with jaeger(answer) as (source, _, _):
        return await source.find(an_ask(**ask))


def helpdesk(*tasks: list[Row], **more: Any) -> LittleJaeger:
    return LittleJaeger({"helpdesk-agent": [one for steps in tasks for one in steps]}, **more)


async def test_a_task_comes_with_its_steps_its_verdict_and_its_page() -> None:
    little = helpdesk(task(1, 5, failed=True, judged=True))
    async with jaeger(little) as (source, _, url):
        seen = await source.find(an_ask())
    [trace] = seen.traces
    assert (trace.id, trace.agent, trace.complete) == (trace_id(1), "helpdesk-agent", True)
    assert [one.kind for one in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.TOOL]
    assert trace.spans[1].model is not None
    assert trace.spans[1].model.input_tokens == 1200
    assert (trace.spans[2].error, trace.spans[2].error_message) == (True, "no such order")
    assert [(score.name, score.passed, score.trace_id) for score in seen.scores] == [("helpful", False, trace_id(1))]
    assert seen.links == {trace_id(1): f"{url}/trace/{trace_id(1)}"}
    assert seen.missing == ()


async def test_the_whole_time_is_asked_for_to_the_nanosecond() -> None:
    little = helpdesk(task(1, 5))
    await found(little)
    [asked] = little.asked
    assert asked.param("query.startTimeMin") == "2026-11-02T11:00:00.000000000Z"
    assert asked.param("query.startTimeMax") == "2026-11-02T12:00:00.000000000Z"
    assert asked.param("query.searchDepth") == "500"
    assert moment(1) == "1970-01-01T00:00:00.000000001Z"


async def test_a_service_without_traces_is_no_failure() -> None:
    assert await found(helpdesk()) == SourceFound()


async def test_every_name_of_the_agent_may_be_its_service() -> None:
    little = LittleJaeger({"helpdesk-agent": task(1, 5), "helpdesk": task(2, 4)})
    seen = await found(little, names=frozenset({"helpdesk-agent", "helpdesk"}))
    assert [trace.id for trace in seen.traces] == [trace_id(1), trace_id(2)]


async def test_the_catalogue_may_name_the_service() -> None:
    little = LittleJaeger({"support-svc": task(1, 5, agent=""), "helpdesk-agent": task(2, 4)})
    seen = await found(little, project="support-svc")
    assert [(trace.id, trace.agent) for trace in seen.traces] == [(trace_id(1), "helpdesk-agent")]


async def test_tasks_of_other_agents_in_the_same_service_are_left_out_and_named() -> None:
    little = helpdesk(task(1, 5), task(2, 4, agent="billing-agent"), task(3, 3, agent=""))
    seen = await found(little)
    assert [trace.id for trace in seen.traces] == [trace_id(1), trace_id(3)]
    assert seen.missing == ("Jaeger: traces of other agents were left out, 1 in all (billing-agent).",)


async def test_a_full_answer_is_asked_again_in_halves_newest_first() -> None:
    tasks = [task(number, 59 - number) for number in range(1, 41)]
    seen = await found(helpdesk(*tasks, most=10), most_traces=10)
    assert [trace.id for trace in seen.traces] == [trace_id(number) for number in range(31, 41)]
    assert seen.missing == ("Jaeger: only the newest 10 traces were read; there may be older ones.",)


async def test_more_traces_in_a_second_than_one_answer_may_hold_are_named() -> None:
    crowd = [task(number, 30 - number / 100_000) for number in range(1, 61)]  # all within 36 ms
    seen = await found(helpdesk(*crowd, most=50), most_traces=50)
    assert len(seen.traces) == 50
    assert "Jaeger: in 1 s of the time there are more traces than one answer may hold." in seen.missing


async def test_several_results_one_after_the_other_are_one_answer() -> None:
    chunks = [json.dumps({"result": traces_data(task(number, 5))}) for number in (1, 2)]
    for between in ("", "\n", " \r\n"):
        seen = await found(always(Reply(between.join(chunks).encode())))
        assert len(seen.traces) == 2
    bare = await found(always(Reply(traces_data(task(1, 5)))))
    assert len(bare.traces) == 1


async def test_a_trace_that_comes_in_two_parts_is_one_trace_with_each_step_once() -> None:
    steps = task(1, 5, judged=True)
    chunks = [json.dumps({"result": traces_data(part)}) for part in (steps[:2], steps[1:], steps[:1])]
    seen = await found(always(Reply("".join(chunks).encode())))
    assert [len(trace.spans) for trace in seen.traces] == [3]
    assert len(seen.scores) == 1


async def test_an_answer_that_ends_early_keeps_what_came_and_says_so() -> None:
    body = json.dumps({"result": traces_data(task(1, 5))}).encode()
    seen = await found(always(Reply(body + body[:80])))
    assert len(seen.traces) == 1
    assert seen.missing == ("Jaeger: an answer ends early; some traces are missing.",)


async def test_an_error_in_the_stream_keeps_what_came_and_says_so() -> None:
    body = json.dumps({"result": traces_data(task(1, 5))}) + json.dumps(
        {"error": {"code": 14, "message": "shard\nlost."}}
    )
    seen = await found(always(Reply(body.encode())))
    assert len(seen.traces) == 1
    assert seen.missing == ("Jaeger: some traces are missing; shard lost.",)


async def test_ids_may_be_base64() -> None:
    steps = [
        {key: in_base64(value) if key in {"traceId", "spanId", "parentSpanId"} else value for key, value in one.items()}
        for one in task(1, 5)
    ]
    data = traces_data(steps)
    conforming_answer(data)
    [trace] = (await found(always(Reply({"result": data})))).traces
    assert trace.id == trace_id(1)
    assert [one.parent_id for one in trace.spans] == [None, span_id(17), span_id(17)]


def test_an_id_is_hex_or_base64_of_the_right_size() -> None:
    assert hex_id("ABCDEF0123456789" * 2, 16) == "abcdef0123456789" * 2
    assert hex_id("abcdef0123456789", 16) == "0" * 16 + "abcdef0123456789"
    assert hex_id(in_base64("ab" * 16).rstrip("="), 16) == "ab" * 16
    assert hex_id(in_base64("ab" * 8), 8) == "ab" * 8
    for wrong in ("", "ab", "0" * 32, "AAAAAAAAAAAAAAAAAAAAAA==", "g" * 32, in_base64("ab" * 8), "ä" * 16, 7, None):
        assert hex_id(wrong, 16) == ""


async def test_spans_with_wrong_ids_or_times_are_counted_and_lose_nobody_else() -> None:
    start = NOON_NS - 10**9
    bad = [
        span(2, 0, start, {}, traceId=""),
        span(3, 0, start, {}, traceId="0" * 32),
        span(4, 0, start, {}, spanId="xyz"),
        span(5, 0, start, {}, spanId=7),
        span(6, 0, start, {}, startTimeUnixNano=None),
        span(7, 0, start, {}, endTimeUnixNano=str(2**64)),
        span(8, 0, start, {}, attributes=["x"]),
    ]
    seen = await found(helpdesk(task(1, 5), bad, misbehaves=True))
    assert [trace.id for trace in seen.traces] == [trace_id(1)]
    assert seen.missing == ("Jaeger: 7 spans could not be read.",)


async def test_spans_without_their_parent_are_an_incomplete_trace() -> None:
    odd_parent = span(2, 1, NOON_NS - 10**9, {}, parentSpanId="not an id")
    seen = await found(helpdesk(task(1, 5)[1:], [odd_parent], misbehaves=True))
    assert [(trace.complete, len(trace.spans)) for trace in seen.traces] == [(False, 2), (False, 1)]


async def test_no_parent_may_be_said_in_zeros() -> None:
    for zeros in ("0" * 16, "AAAAAAAAAAA="):
        [trace] = (await found(helpdesk([span(1, 1, NOON_NS - 10**9, {}, parentSpanId=zeros)]))).traces
        assert trace.complete


async def test_hostile_text_is_only_text() -> None:
    steps = task(1, 5, agent="")
    steps[0]["name"] = HOSTILE
    [trace] = (await found(helpdesk(steps, misbehaves=True))).traces
    assert "\x00" not in trace.spans[0].name
    trace.spans[0].name.encode()


async def test_an_older_jaeger_is_asked_in_its_own_words_from_then_on() -> None:
    def answer(asked: Asked) -> Reply:
        if not asked.param("query.start_time_min"):
            return Reply({"error": {"httpCode": 400, "message": "start_time_min is required"}}, status=400)
        assert asked.param("query.service_name") == "helpdesk-agent"
        return Reply({"result": traces_data(task(1, 5))})

    async with jaeger(answer) as (source, stub, _):
        for _ in range(2):
            assert len((await source.find(an_ask())).traces) == 1
        assert len(stub.asked) == 3


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "Jaeger answers a web page where JSON was expected; check FIRSTFIVE_JAEGER_URL"),
        (Reply(b""), "Jaeger answers no JSON"),
        (Reply({"error": "nothing " * 10_000}, status=404), "Jaeger answers no JSON"),  # as no Jaeger says it
        (REFUSED, "Jaeger refuses the credentials"),
        (Reply({}, status=400), "Jaeger answers HTTP 400"),
        (Reply({}, status=500), "Jaeger answers HTTP 500"),
        (SLOW, "Jaeger did not answer in time"),
    ],
)
async def test_nothing_at_all_is_one_sentence(reply: Reply, sentence: str) -> None:
    with pytest.raises(Unavailable, match=sentence):
        await found(always(reply), seconds=0.4)


async def test_a_busy_jaeger_is_left_alone_afterwards() -> None:
    async with jaeger(always(BUSY_FOR_A_MINUTE)) as (source, stub, _):
        for sentence in ("is busy", "asked to be left alone"):
            with pytest.raises(Unavailable, match=sentence) as failure:
                await source.find(an_ask())
            assert failure.value.retry_after == timedelta(seconds=60)
        assert len(stub.asked) == 1


async def test_at_the_deadline_the_newest_are_there_and_the_unsearched_time_is_named() -> None:
    little = helpdesk(*(task(number, 59 - number) for number in range(1, 59)), most=10)

    def answer(asked: Asked) -> Reply:
        reply = little(asked)
        return Reply(reply.body, after=3) if asked.param("query.startTimeMax") < "2026-11-02T11:55" else reply

    started = monotonic()
    seen = await found(answer, most_traces=10, seconds=1.2)
    assert monotonic() - started < 3
    assert [trace.id for trace in seen.traces][-7:] == [trace_id(number) for number in range(52, 59)]
    assert seen.missing == (
        "Jaeger: the time from 11:00 UTC to 11:52 UTC was not wholly searched; Jaeger did not answer in time.",
    )


async def test_a_spent_budget_names_the_unsearched_time() -> None:
    crowd = [task(number, 30 - number / 100_000) for number in range(1, 61)]
    seen = await found(
        helpdesk(*crowd, most=50), most_traces=50, names=frozenset(map(str, range(11))) | {"helpdesk-agent"}
    )
    assert len(seen.traces) == 50
    assert seen.missing == (
        "Jaeger: the time from 11:00 UTC to 12:00 UTC was not wholly searched; Jaeger has more than one look may ask for.",
    )


async def test_the_token_is_for_the_proxy() -> None:
    async with jaeger(helpdesk(task(1, 5)), token="abc") as (source, stub, _):
        await source.find(an_ask())
    assert stub.asked[0].headers["authorization"] == "Bearer abc"
