"""A call that a framework tells, and the client beneath it once more, is one call."""

from dataclasses import replace

import pytest

from bot.incident.assembly import assemble
from bot.incident.telemetry import ModelCall, Span, SpanKind, ToolCall
from bot.incident.told_once import MOST_BESIDE

ROOT = Span("t", "root", None, SpanKind.AGENT, "orders", 0, 100, agent="orders")
OUTER = Span("t", "outer", "root", SpanKind.LLM, "chat", 1, 9, model=ModelCall("openai", "gpt-4o", None, 10, 5))
INNER = Span(
    "t", "inner", "outer", SpanKind.LLM, "POST", 2, 8, said="Hello.", model=ModelCall("openai", "gpt-4o", "gpt-4o-1", 10, 5)
)  # fmt: skip


def test_the_inner_call_fills_in_what_the_outer_does_not_know() -> None:
    trace = assemble([INNER, ROOT, OUTER])
    (told,) = trace.model_spans
    assert (told.span_id, told.said) == ("outer", "Hello.")
    assert told.model is not None
    assert (told.model.answering, told.model.input_tokens) == ("gpt-4o-1", 10)
    assert [span.kind for span in trace.spans] == [SpanKind.AGENT, SpanKind.LLM, SpanKind.OTHER]


def test_three_layers_are_one_call() -> None:
    innermost = replace(
        INNER, span_id="innermost", parent_id="inner", start_ns=3, model=ModelCall(first_chunk_seconds=0.5)
    )
    (told,) = assemble([ROOT, OUTER, INNER, innermost]).model_spans
    assert told.model is not None
    assert told.model.first_chunk_seconds == 0.5


def test_another_model_within_a_call_is_a_call_of_its_own() -> None:
    guard = replace(INNER, model=ModelCall("meta", "llama-guard", None, 7, 1))
    assert len(assemble([ROOT, OUTER, guard]).model_spans) == 2
    alias = replace(INNER, model=ModelCall("openai", "mini", None, 10, 5))  # a router's name for it, the same tokens
    assert len(assemble([ROOT, OUTER, alias]).model_spans) == 1


def test_a_tool_that_calls_itself_with_other_arguments_is_called_twice() -> None:
    outer = Span("t", "a", "root", SpanKind.TOOL, "search", 1, 9, tool=ToolCall("search", None, "11"))
    inner = replace(outer, span_id="b", parent_id="a", tool=ToolCall("search", "call-1", None))
    (told,) = assemble([ROOT, outer, inner]).tool_spans
    assert told.tool == ToolCall("search", "call-1", "11")
    other = replace(inner, tool=ToolCall("search", None, "22"))
    assert len(assemble([ROOT, outer, other]).tool_spans) == 2


def test_spans_within_themselves_or_one_another_are_left_alone() -> None:
    alone = replace(INNER, parent_id="inner")
    assert len(assemble([ROOT, alone]).model_spans) == 1
    first, second = replace(INNER, parent_id="outer"), replace(OUTER, parent_id="inner")
    assert len(assemble([ROOT, first, second]).model_spans) == 2


def test_the_task_fails_with_the_last_agent_below_a_root_that_is_none() -> None:
    flow = replace(ROOT, agent=None, name="flow")
    fell = Span("t", "first", "root", SpanKind.AGENT, "orders", 1, 5, error=True, agent="orders")
    stood = replace(fell, span_id="second", name="shipping", agent="shipping", start_ns=6, end_ns=9, error=False)
    assert assemble([flow, fell]).error
    assert not assemble([flow, fell, stood]).error
    assert not assemble([ROOT, fell]).error  # an agent that recovered from what a sub-agent met


def told(span_id: str, library: str, at: tuple[int, int], response_id: str | None = "msg_1", **other: str) -> Span:
    model = ModelCall("anthropic", "claude", None, 10, 5, response_id=response_id, instrumentation=library)
    start_ns, end_ns = at
    failed = response_id is None
    parent_id = other.get("below", "root")
    return Span("t", span_id, parent_id, SpanKind.LLM, "chat", start_ns, end_ns, error=failed, model=model)


def models(*spans: Span) -> list[str]:
    """The ids of the model calls that are left, whatever order their spans come in."""
    found = {tuple(span.span_id for span in assemble([ROOT, *order]).model_spans) for order in (spans, spans[::-1])}
    assert len(found) == 1
    return list(found.pop())


def test_one_answer_that_two_libraries_tell_at_once_is_one_call() -> None:
    framework, client = told("a", "framework", (10, 100)), told("b", "client", (12, 98))
    assert models(framework, client) == ["a"]
    assert models(framework, replace(client, end_ns=103)) == ["a"]  # a stream is closed after its last word
    assert models(framework, client, told("c", "proxy", (13, 97))) == ["a"]
    deeper = Span("t", "step", "root", SpanKind.OTHER, "request", 11, 99)
    assert models(framework, deeper, replace(client, parent_id="step")) == ["a"]


def test_what_only_the_client_knows_is_kept() -> None:
    framework, client = told("a", "framework", (10, 100)), told("b", "client", (12, 98))
    assert client.model
    client = replace(client, model=replace(client.model, answering="claude-1", first_chunk_seconds=0.2), said="Hello.")
    (one,) = assemble([ROOT, client, framework]).model_spans
    assert one.model
    assert (one.span_id, one.said, one.model.answering, one.model.first_chunk_seconds) == (
        "a",
        "Hello.",
        "claude-1",
        0.2,
    )


@pytest.mark.parametrize(
    "other",
    [
        told("b", "framework", (12, 98)),  # one library's calls are as many as it tells
        told("b", "client", (12, 98), "msg_2"),  # another answer
        told("b", "client", (100, 190)),  # a retry that was answered from a cache
        told("b", "client", (60, 150)),  # half of it at another time
        told("b", "", (12, 98)),  # nobody knows who tells it
        replace(
            told("b", "client", (12, 98)),
            model=ModelCall("x", "guard", None, 7, 1, None, None, "", response_id="msg_1"),
        ),
    ],
)
def test_two_calls_stay_two(other: Span) -> None:
    assert models(told("a", "framework", (10, 100)), other) == ["a", "b"]


def test_calls_side_by_side_that_share_a_cached_answer_are_not_confused() -> None:
    framework = [told("a1", "framework", (10, 100)), told("a2", "framework", (11, 100))]
    client = [told("b1", "client", (12, 98)), told("b2", "client", (13, 98))]
    assert models(*framework, *client) == ["a1", "a2", "b1", "b2"]
    others = [told("a2", "framework", (11, 100), "msg_2"), told("b2", "client", (13, 98), "msg_2")]
    assert models(framework[0], client[0], *others) == ["a1", "a2"]


def test_a_failed_call_told_side_by_side_failed_once() -> None:
    framework, client = told("a", "framework", (10, 100), None), told("b", "client", (12, 98), None)
    again = [told("c", "framework", (110, 200), None), told("d", "client", (112, 190), None)]
    assert models(framework, client) == ["a"]
    assert models(framework, client, *again) == ["a", "c"]  # the retry is a call of its own
    named = assemble([ROOT, framework, replace(client, error_type="overloaded_error")]).model_spans[0]
    assert named.error_type == "overloaded_error"


def test_failed_calls_that_may_be_two_stay_two() -> None:
    framework, client = told("a", "framework", (10, 100), None), told("b", "client", (12, 98), None)
    assert models(framework, replace(client, parent_id="other")) == ["a", "b"]  # below another step
    assert models(framework, replace(client, model=ModelCall("x", instrumentation="client"))) == ["a", "b"]
    assert models(framework, told("b", "client", (12, 98))) == ["a", "b"]  # one of them was answered
    attempts = [told("b1", "client", (12, 50), None), told("b2", "client", (52, 98), None)]
    assert models(framework, *attempts) == ["a", "b1", "b2"]  # which of the two is it?


def test_a_call_is_compared_with_a_few_before_it_only() -> None:
    def told_with(between: int) -> int:
        outer, inner = told("outer", "framework", (10, 2000)), told("inner", "client", (1000, 1900))
        over = [told(f"{number:04}", "framework", (20 + number, 20 + number)) for number in range(between)]
        return len(models(outer, *over, inner)) - between

    assert told_with(between=MOST_BESIDE - 1) == 1
    assert told_with(between=MOST_BESIDE) == 2
