"""Messages that came as log records: whatever the order, the batches and the repetitions, a span says the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.logged_messages import NOTHING, Answer, LoggedMessages, Told, all_merged, completed, merged
from bot.incident.telemetry import AskedTool, ModelCall, Span, SpanKind, ToldResult

MODEL = Span("ab" * 16, "cd" * 8, None, SpanKind.LLM, "chat", 1, 2, model=ModelCall(requested="small"))
AGENT = replace(MODEL, kind=SpanKind.AGENT, model=None)
ASKED = AskedTool("get_order", "call_1", "a1", "{}")
ANSWERS = LoggedMessages(answers=(Answer((5, 0), "Shipped.", (ASKED,)),))
TELLS = LoggedMessages((2, 0), (Told((3, 0), (ToldResult("call_0", "r0", "{}"),)),))

moments = st.tuples(st.integers(1, 6), st.integers(0, 1))
results = st.tuples(st.builds(ToldResult, st.sampled_from([None, "call_1", "call_2"]), st.sampled_from(["a", "b"])))
asked = st.lists(st.builds(AskedTool, st.sampled_from(["f", "g"]), st.sampled_from([None, "1"])), max_size=2)
messages = st.builds(
    LoggedMessages,
    st.just((0, 0)) | moments,
    st.lists(st.builds(Told, moments, results), max_size=3).map(tuple),
    st.lists(st.builds(Answer, moments, st.sampled_from(["", "x", "y"]), asked.map(tuple)), max_size=3).map(tuple),
).map(lambda one: merged(one, NOTHING))
spans = st.sampled_from([MODEL, AGENT, replace(MODEL, said="Mine."), replace(MODEL, kind=SpanKind.TOOL, model=None)])


@given(messages, messages, messages)
def test_joining_knows_no_order_and_no_repetition(a: LoggedMessages, b: LoggedMessages, c: LoggedMessages) -> None:
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(merged(a, b), b) == merged(a, b)


@given(spans, st.lists(messages, min_size=1, max_size=4))
def test_a_span_says_the_same_whichever_part_came_first_and_however_often(
    span: Span, parts: list[LoggedMessages]
) -> None:
    at_once, _ = completed(span, NOTHING, all_merged({("t", "s"): part} for part in parts)["t", "s"])
    bit_by_bit, before = span, NOTHING
    for part in [*reversed(parts), *parts]:
        bit_by_bit, before = completed(bit_by_bit, before, part)
    assert bit_by_bit == at_once


def test_a_models_step_gets_its_words_its_calls_and_what_it_was_told() -> None:
    span, _ = completed(MODEL, NOTHING, merged(ANSWERS, TELLS))
    assert span.model == ModelCall(
        requested="small", output_preview="Shipped.", asked=(ASKED,), told=(ToldResult("call_0", "r0", "{}"),)
    )
    assert span.said == "Shipped."


def test_results_before_the_models_newest_turn_are_old() -> None:
    old = LoggedMessages((0, 0), (Told((1, 0), (ToldResult("call_9"),)),))
    span, _ = completed(MODEL, NOTHING, merged(TELLS, old))
    assert span.model is not None
    assert [told.call_id for told in span.model.told] == ["call_0"]


def test_what_a_span_says_itself_goes_before_its_log_records() -> None:
    own = replace(MODEL, said="Mine.", model=ModelCall(told=(ToldResult("mine"),)))
    assert completed(own, NOTHING, merged(ANSWERS, TELLS)) == (own, NOTHING)


def test_an_agents_step_gets_words_and_a_tools_step_nothing() -> None:
    assert completed(AGENT, NOTHING, merged(ANSWERS, TELLS))[0] == replace(AGENT, said="Shipped.")
    tool = replace(AGENT, kind=SpanKind.TOOL)
    assert completed(tool, NOTHING, ANSWERS)[0] == tool


@pytest.mark.parametrize("count", [20, 21, 90])
def test_only_so_many_answers_and_results_count(count: int) -> None:
    words = [LoggedMessages(answers=(Answer((at, 0), f"{at:050}", (AskedTool("f", str(at)),)),)) for at in range(count)]
    told = [LoggedMessages(told=(Told((at, 0), (ToldResult(str(at)),)),)) for at in range(count)]
    span, _ = completed(MODEL, NOTHING, all_merged({("t", "s"): one} for one in words + told)["t", "s"])
    assert span.model is not None
    assert (len(span.said), len(span.model.output_preview)) == (600, 300)
    assert (len(span.model.asked), span.model.told[-1].call_id, len(span.model.told)) == (20, str(count - 1), 20)
