"""A call that a framework tells, and the client beneath it once more, is one call."""

from dataclasses import replace

from bot.incident.assembly import assemble
from bot.incident.telemetry import ModelCall, Span, SpanKind, ToolCall

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
