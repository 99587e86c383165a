"""Tool calls that nobody recorded are inferred from what models asked for, once and the same every time."""

import json
from collections.abc import Sequence

import pytest

from bot.incident.assembly import assemble
from bot.incident.telemetry import Span, SpanKind, Trace
from bot.sources.asked_tools import asked_in
from bot.sources.otlp import JSON, decode
from bot.sources.redaction import DEFAULT
from bot.sources.said import words_of
from bot.sources.values import fingerprint
from bot.storage.span_json import span_from_json, span_to_json
from tests.sources.requests import Json, span, traces

T0 = 1_793_584_800_000_000_000


def at(second: int, attributes: dict[str, object], identifier: str, **more: object) -> Json:
    start = T0 + second * 10**9
    return span(
        attributes,
        spanId=identifier * 8,
        parentSpanId="01" * 8,
        startTimeUnixNano=str(start),
        endTimeUnixNano=str(start + 10**9),
        **more,
    )


def read(*raws: Json) -> list[Span]:
    return decode(traces(*raws), JSON, "", "traces").spans


def tools_of(trace: Trace) -> list[Span]:
    return [one for one in trace.spans if one.tool]


def asked_otel() -> list[Json]:
    call = {"type": "tool_call", "id": "call_1", "name": "search", "arguments": {"q": "vpn"}}
    told = {"type": "tool_call_response", "id": "call_1", "response": {"hits": []}}
    return [
        at(0, {"gen_ai.operation.name": "chat", "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [call]}])}, "02"),
        at(5, {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([{"role": "tool", "parts": [told]}])}, "03"),
    ]  # fmt: skip


def asked_openai() -> list[Json]:
    call = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "vpn"}'}}
    history = [
        {"role": "user", "content": "help"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"hits":[]}'},
    ]
    return [
        at(0, {"gen_ai.operation.name": "chat", "gen_ai.completion": json.dumps({"role": "assistant", "tool_calls": [call]})}, "02"),
        at(5, {"gen_ai.operation.name": "chat", "gen_ai.prompt": json.dumps(history)}, "03"),
    ]  # fmt: skip


def asked_openinference() -> list[Json]:
    flat = "llm.output_messages.0.message.tool_calls.0.tool_call."
    answer: dict[str, object] = {
        "openinference.span.kind": "LLM",
        flat + "id": "call_1",
        flat + "function.name": "search",
        flat + "function.arguments": '{"q": "vpn"}',
    }
    history = {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": '{"hits": []}'}]}
    return [at(0, answer, "02"), at(5, {"openinference.span.kind": "LLM", "input.value": json.dumps(history)}, "03")]


def asked_anthropic() -> list[Json]:
    call = {"type": "tool_use", "id": "call_1", "name": "search", "input": {"q": "vpn"}}
    told = {"type": "tool_result", "tool_use_id": "call_1", "content": '{"hits": []}'}
    return [
        at(0, {"langfuse.observation.type": "generation", "langfuse.observation.output": json.dumps({"role": "assistant", "content": [call]})}, "02"),
        at(5, {"langfuse.observation.type": "generation", "langfuse.observation.input": json.dumps([{"role": "user", "content": [told]}])}, "03"),
    ]  # fmt: skip


def asked_vercel() -> list[Json]:
    call = [{"toolCallId": "call_1", "toolName": "search", "args": {"q": "vpn"}}]
    told = [{"type": "tool-result", "toolCallId": "call_1", "result": {"hits": []}}]
    return [
        at(0, {"ai.operationId": "ai.generateText.doGenerate", "ai.response.toolCalls": json.dumps(call)}, "02"),
        at(5, {"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.messages": json.dumps([{"role": "tool", "content": told}])}, "03"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raws",
    [asked_otel(), asked_openai(), asked_openinference(), asked_anthropic()],
    ids=["otel", "openai", "openinference", "anthropic in langfuse"],
)
def test_a_call_that_only_the_model_tells_of_becomes_a_step(raws: list[Json]) -> None:
    (call,) = tools_of(assemble(read(*raws)))
    assert call.tool is not None
    assert (call.kind, call.inferred, call.tool.name, call.tool.call_id) == (SpanKind.TOOL, True, "search", "call_1")
    assert json.loads(call.tool.arguments_preview) == {"q": "vpn"}
    assert (call.tool.empty_result, call.error) == (True, False)
    assert (call.start_ns - T0, call.end_ns - T0) == (10**9, 5 * 10**9)


def test_every_convention_gives_the_same_arguments_the_same_fingerprint() -> None:
    found = {
        call.tool.arguments_hash
        for raws in (asked_otel(), asked_openai(), asked_openinference(), asked_anthropic(), asked_vercel())
        for call in tools_of(assemble(read(*raws)))
        if call.tool
    }
    assert len(found) == 1


def test_a_call_that_a_span_records_is_not_inferred_again() -> None:
    recorded = at(2, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}, "04")
    (call,) = tools_of(assemble(read(*asked_otel(), recorded)))
    assert not call.inferred


def test_order_and_storage_change_nothing() -> None:
    spans = read(*asked_otel())
    stored = [span_from_json(one.trace_id, one.span_id, span_to_json(one)) for one in reversed(spans)]
    first, again = tools_of(assemble(spans)), tools_of(assemble(stored))
    assert [one.span_id for one in first] == [one.span_id for one in again]
    assert first[0].tool == again[0].tool


def test_a_result_that_says_error_is_a_failed_call() -> None:
    call = {"type": "tool_call", "id": "c", "name": "book", "arguments": {}}
    told = {"type": "tool_call_response", "id": "c", "response": "Error: no such flight"}
    raws = [
        at(0, {"gen_ai.operation.name": "chat", "gen_ai.output.messages": json.dumps([{"parts": [call]}])}, "02"),
        at(5, {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([{"role": "tool", "parts": [told]}])}, "03"),
    ]  # fmt: skip
    (failed,) = tools_of(assemble(read(*raws)))
    assert failed.error


def test_older_results_in_a_long_history_are_not_taken_for_new_ones() -> None:
    history = [
        {"role": "tool", "tool_call_id": "old", "content": "old answer"},
        {"role": "assistant", "content": "Next."},
        {"role": "tool", "tool_call_id": "new", "content": "new answer"},
    ]
    (turn,) = read(at(5, {"gen_ai.operation.name": "chat", "gen_ai.prompt": json.dumps(history)}, "03"))
    assert turn.model is not None
    assert [told.call_id for told in turn.model.told] == ["new"]


@pytest.mark.parametrize(
    "raw",
    [
        "[",
        "[1, 2]",
        '{"messages": 3}',
        '[{"role": "tool"}]',
        '"tool"',
        '[{"parts": [null, {"type": "tool_call_response"}]}]',
    ],
)
def test_messages_of_any_shape_are_taken(raw: str) -> None:
    (turn,) = read(at(0, {"gen_ai.operation.name": "chat", "gen_ai.prompt": raw, "gen_ai.completion": raw}, "02"))
    assert turn.model is not None


def test_a_model_that_asks_twenty_times_for_the_same_is_seen_to_do_so() -> None:
    def turn(second: int, identifier: str) -> Sequence[Json]:
        call = {"type": "tool_call", "id": f"c{second}", "name": "search", "arguments": {"q": "vpn"}}
        answer = json.dumps([{"role": "assistant", "parts": [call]}])
        return [at(second, {"gen_ai.operation.name": "chat", "gen_ai.output.messages": answer}, identifier)]

    raws = [raw for number in range(20) for raw in turn(2 * number, f"{number + 16:02x}")]
    assert len(tools_of(assemble(read(*raws)))) == 20


@pytest.mark.parametrize("written", ['{"q": 1}', '"{\\"q\\": 1}"'])
def test_arguments_within_a_json_text_read_like_any_other(written: str) -> None:
    call = {"type": "tool_call", "id": "c1", "name": "find", "arguments": written}
    (asked,) = asked_in([call], {}, DEFAULT)
    assert (asked.arguments_preview, asked.arguments_hash) == ('{"q": 1}', fingerprint('{"q": 1}'))
    assert words_of([call]) == '→ find {"q": 1}'
