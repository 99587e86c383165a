"""What the SDKs for JavaScript say differently from those for Python; the samples stand beside theirs."""

import json

import pytest

from bot.incident.telemetry import ModelCall, Span, Trace
from tests.sources.test_frameworks import ANSWER, ARGUMENTS, DATED, RESULT, SAMPLES, trace_of

IN_JAVASCRIPT = [name for name in SAMPLES if "js" in name or name.startswith(("mastra", "genkit"))]


def models(trace: Trace) -> list[ModelCall]:
    return [span.model for span in trace.model_spans if span.model]


def failed(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.error]


@pytest.mark.parametrize("name", ["genkit", "openinference-langchain.js"])
def test_the_answers_own_json_tells_who_answered(name: str) -> None:
    told = {(model.provider, model.requested, model.answering) for model in models(trace_of(name))}
    assert told == {("openai", "gpt-4o-mini", DATED)}


def test_a_flow_of_genkits_is_the_agent_and_its_results_are_matched_by_their_reference() -> None:
    trace = trace_of("genkit")
    assert (trace.agent, trace.spans[0].said) == ("orders", ANSWER)
    asking, answering = models(trace)
    assert [call.call_id for call in asking.asked] == [one.call_id for one in answering.told]
    assert [one.result_preview for one in answering.told] == [RESULT]


def test_an_agent_of_genkits_has_its_session_and_the_words_of_its_models() -> None:
    trace = trace_of("genkit agent")
    assert (trace.agent, trace.session_id) == ("orders_agent", "s-1")
    assert [span.said for span in trace.model_spans] == ['→ get_order {"order_id": "A-17"}', ANSWER]
    assert [(model.cached_tokens, model.reasoning_tokens) for model in models(trace)] == [(64, 5)] * 2


def test_a_model_call_that_ended_with_an_error_failed_though_its_status_says_ok() -> None:
    trace = trace_of("mastra failing")
    assert (trace.error, [span.name for span in failed(trace)]) == (True, ["invoke_agent orders", "chat gpt-4o-mini"])


def test_pieces_of_a_stream_are_no_model_calls() -> None:
    ((tokens_in, tokens_out),) = [
        (model.input_tokens, model.output_tokens) for model in models(trace_of("mastra by openinference"))
    ]
    assert (tokens_in, tokens_out) == (111 + 121, 22 + 22)


def test_an_agent_whose_root_is_never_sent_says_what_a_root_would() -> None:
    trace = trace_of("openai-agents.js failing")
    assert (trace.agent, trace.complete, trace.error) == ("orders", True, True)
    assert (trace.agent_version, trace.environment) == ("1.2.3", "prod")


def test_langsmith_tells_a_failure_by_its_exception_alone() -> None:
    trace = trace_of("langsmith.js failing")
    assert (trace.agent, trace.error) == ("orders", True)  # its service has no name
    assert [span.error_message for span in failed(trace)] == ["Error: 429 Rate limit reached for gpt-4o-mini"] * 2


def test_a_turn_that_seems_to_begin_before_the_last_one_ended_is_still_told_the_result() -> None:
    trace = trace_of("openinference-openai.js stream")
    first, second = trace.model_spans
    assert second.start_ns < first.end_ns
    (call,) = trace.tool_spans
    assert call.tool
    assert (call.tool.arguments_preview, call.tool.result_preview) == (
        ARGUMENTS,
        '{"order_id":"A-17","status":"shipped"}',
    )
    assert first.start_ns < call.start_ns <= second.start_ns


def test_a_failing_tool_that_no_span_tells_is_read_from_the_next_turn() -> None:
    trace = trace_of("google-adk.js, its tool failing")
    (call,) = trace.tool_spans
    assert (call.inferred, call.error, trace.error) == (True, True, False)
    assert call.tool
    assert "warehouse down" in call.tool.result_preview


@pytest.mark.parametrize("name", IN_JAVASCRIPT)
def test_no_message_is_kept_among_the_attributes(name: str) -> None:
    for span in trace_of(name).spans:
        kept = json.dumps(dict(span.attributes))
        assert "A-17" not in kept
        assert "Rate limit" not in kept or span.error
        assert "choices" not in kept
