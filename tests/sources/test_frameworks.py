"""What real SDKs sent for one and the same task, and one call of a tool of theirs that looped.

``framework_samples.json`` holds their spans as they came, without what nobody reads (tool schemas, long prompts). Each
agent was asked where order A-17 is; its model asked for ``get_order``, was told, and answered. ``records`` are log
records with the messages, where the spans have none.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.incident.assembly import assemble
from bot.incident.detectors.loop import loop_in
from bot.incident.logged_messages import NOTHING, LoggedMessages, Place, completed
from bot.incident.telemetry import SpanKind, Trace
from bot.sources.otlp import decode
from bot.sources.values import fingerprint
from bot.sources.wrappings import arguments_in, result_in

SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "framework_samples.json").read_text())
ARGUMENTS = '{"order_id": "A-17"}'
RESULT = '{"order_id": "A-17", "status": "shipped"}'
ANSWER = "Order A-17 was shipped on Monday."
DATED = "gpt-4o-mini-2024-07-18"

COMPLETE = sorted(name for name in SAMPLES if "failing" not in name and name != "smolagents")
WITHOUT_MODEL = {"crewai"}  # its instrumentation leaves model calls to that of the client
WITHOUT_TOKENS = {  # the last but one has their sum, the last those of the last turn
    *(*WITHOUT_MODEL, "openinference-openai.js stream", "mastra by openinference", "voltagent"),
}
PLACED = {"openinference-langchain", "openinference-langchain.js"}  # they tell a single argument without its name
AGENTS = {
    "langfuse-decorators": "orders task",
    "openllmetry-langchain": "orders-run",
    "google-adk": "orders-service",
    "genkit agent": "orders_agent",
    "openai-agents by logfire": "orders_lf",
    "openai-agents by logfire, chat": "orders_lf",
    "openai-agents by openllmetry": "orders_tl",
    "openai-agents-v2": "orders_ctr",
    "langfuse.js": "orders-lfjs",
    "voltagent": "orders_volt",
}


def trace_of(name: str) -> Trace:
    sample = SAMPLES[name]
    scopes = [{"scope": {"name": span.get("scope", "")}, "spans": [span]} for span in sample["spans"]]
    group = {"resource": {"attributes": sample["resource"]}, "scopeSpans": scopes}
    decoded = decode(json.dumps({"resourceSpans": [group]}).encode(), "application/json", "", "traces")
    assert decoded.accepted.rejected == 0
    logged = logged_in(sample)
    return assemble(
        [completed(span, NOTHING, logged.get((span.trace_id, span.span_id), NOTHING))[0] for span in decoded.spans]
    )


def logged_in(sample: dict[str, Any]) -> Mapping[Place, LoggedMessages]:
    group = {"resource": {"attributes": sample["resource"]}, "scopeLogs": [{"logRecords": sample.get("records", [])}]}
    decoded = decode(json.dumps({"resourceLogs": [group]}).encode(), "application/json", "", "logs")
    assert decoded.accepted.rejected == 0
    return decoded.messages


@pytest.mark.parametrize("name", COMPLETE)
def test_the_task_is_the_agents_and_did_not_fail(name: str) -> None:
    trace = trace_of(name)
    assert (trace.agent, trace.error, trace.complete) == (AGENTS.get(name, "orders"), False, True)
    assert loop_in(trace) is None


@pytest.mark.parametrize("name", COMPLETE)
def test_the_tools_call_is_told_once_with_arguments_and_result(name: str) -> None:
    (tool,) = trace_of(name).tool_spans
    assert tool.tool is not None
    assert tool.tool.name in {"get_order", "get_order_tool"}
    assert tool.tool.arguments_hash == fingerprint("A-17" if name in PLACED else ARGUMENTS)
    assert tool.tool.result_hash == fingerprint(RESULT)
    assert not tool.error


@pytest.mark.parametrize("name", [name for name in COMPLETE if name not in WITHOUT_TOKENS])
def test_each_model_call_is_told_once_with_its_tokens(name: str) -> None:
    models = [span.model for span in trace_of(name).model_spans if span.model]
    assert [(model.input_tokens, model.output_tokens) for model in models] == [(111, 22), (121, 22)]
    assert all((model.requested or "").startswith(("gpt-4o-mini", "claude-sonnet", "gemini")) for model in models)


@pytest.mark.parametrize(
    "name",
    ["openinference-openai responses", "openinference-langchain", "openinference-langchain.js", "openai-agents"],
)
def test_openinference_tells_the_model_asked_for_among_the_parameters(name: str) -> None:
    first = trace_of(name).model_spans[0].model
    assert first is not None
    assert {first.requested, first.answering} <= {"gpt-4o-mini", DATED, None}
    if name != "openai-agents":
        assert (first.requested, first.answering) == ("gpt-4o-mini", DATED)


@pytest.mark.parametrize(
    "name",
    [
        "openllmetry-langchain",
        "langsmith-langchain",
        "langfuse-langchain",
        "mlflow-langchain",
        "strands",
        "mastra",
        "mastra by openinference",
        "openinference-langchain.js",
        "langsmith.js failing",
    ],
)
def test_session_and_user_are_found_under_each_frameworks_names(name: str) -> None:
    trace = trace_of(name)
    assert (trace.session_id, trace.user) == ("s-1", "u-1")


@pytest.mark.parametrize("name", [name for name in COMPLETE if name not in WITHOUT_MODEL])
def test_the_answer_stands_in_the_last_turn(name: str) -> None:
    said = [span.said for span in trace_of(name).model_spans]
    assert ANSWER in said[-1] or name in {"google-adk", "voltagent"}


@pytest.mark.parametrize("name", [name for name in SAMPLES if "beside" in name])
def test_what_the_client_tells_beside_its_instrumentation_fills_it_in(name: str) -> None:
    trace = trace_of(name)
    by_client = [span for span in trace.spans if span.name == "anthropic.messages.create"]
    assert [(span.kind, span.model) for span in by_client] == [(SpanKind.OTHER, None)] * len(trace.model_spans)
    assert {bool(span.model.response_id) for span in trace.model_spans if span.model} == {"failing" not in name}


def test_a_failed_call_told_side_by_side_failed_once() -> None:
    (told,) = trace_of("openinference-anthropic failing beside the client's own spans").model_spans
    assert (told.error, told.error_type) == (True, "rate_limit_error")  # as the client says


def test_a_schema_is_no_arguments() -> None:
    (tool,) = trace_of("smolagents").tool_spans
    assert tool.tool is not None
    assert "type" not in tool.tool.arguments_preview


def test_logfire_tells_the_session_and_why_an_agent_failed() -> None:
    told = trace_of("openai-agents by logfire")
    assert told.session_id == "s-1"
    assert [span.name for span in told.spans[2:5]] == [
        "Agent run: orders_lf",
        "Turn 1 for agent orders_lf",
        "Responses API with gpt-4o-mini",
    ]
    trace = trace_of("openai-agents by logfire, failing")
    agent, model = [span for span in trace.spans if span.error]
    assert (trace.agent, trace.error, trace.session_id) == ("orders_lf", True, None)  # it wrote null
    assert (agent.kind, agent.error_message) == (SpanKind.AGENT, "Error code: 400 - quota is used up")
    assert (model.kind, model.error_type) == (SpanKind.LLM, "openai.BadRequestError")


def test_a_failure_that_has_a_span_of_its_own_is_no_second_call() -> None:
    trace = trace_of("beeai, its tool failing")
    assert [(span.tool.name, span.error) for span in trace.tool_spans if span.tool] == [
        ("get_order", True),
        ("final_answer", False),
    ]
    assert trace.tool_spans[0].tool is not None
    assert trace.tool_spans[0].tool.arguments_hash == fingerprint(ARGUMENTS)


def test_one_request_of_litellms_is_a_model_call_though_nothing_is_around_it() -> None:
    trace = trace_of("litellm failing")
    (call,) = trace.model_spans
    assert (trace.agent, trace.error, call.error_type) == ("orders-litellm", True, "BadRequestError")
    assert call.model is not None
    assert (call.model.requested, call.model.answering) == ("gpt-4o-mini", None)


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_that_was_said_is_kept_under_a_name_nobody_knows(name: str) -> None:
    for span in trace_of(name).spans:
        kept = json.dumps(dict(span.attributes))
        assert "shipped" not in kept
        assert "where is A-17" not in kept.lower()


def test_a_root_that_never_says_so_failed_with_its_agent() -> None:
    trace = trace_of("openai-agents failing")
    assert (trace.agent, trace.error) == ("orders", True)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"type":"tool","data":{"content":"x","tool_call_id":"call_1","status":"success"}}', ("x", False)),
        ('{"content":"no","type":"tool","tool_call_id":"call_1","status":"error"}', ("no", True)),
        ("content='x' name='f' tool_call_id='call_2'", ("x", False)),
        ('{"content":[{"type":"text","text":"no such order"}],"isError":true}', ("no such order", True)),
        ('[{"text": "x"}]', ("x", False)),
        ('[{"toolResult":{"toolUseId":"1","status":"error","content":[{"text":"x"}]}}]', ("x", True)),
        ('{"status": "error", "tool_call_id_of": 1}', ('{"status": "error", "tool_call_id_of": 1}', False)),
        ('[{"text": "x"}, {"text": "y"}]', ('[{"text": "x"}, {"text": "y"}]', False)),
        ('{"tool_call_id": broken', ('{"tool_call_id": broken', False)),
        ("", ("", False)),
        (None, (None, False)),
    ],
)
def test_a_result_is_read_without_its_wrapping(written: str | None, expected: tuple[str | None, bool]) -> None:
    assert result_in(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"input_str": "{\'q\': 1}", "inputs": {"q": 1}, "tags": ["a"]}', '{"q": 1}'),
        ('{"args": [], "sanitize_inputs_outputs": true, "kwargs": {"q": 1}}', '{"q": 1}'),
        ('{"args": [2], "kwargs": {"q": 1}}', '{"args": [2], "kwargs": {"q": 1}}'),
        ('{"q": "kwargs"}', '{"q": "kwargs"}'),
        (None, None),
    ],
)
def test_arguments_are_read_without_their_callers(written: str | None, expected: str | None) -> None:
    assert arguments_in(written) == expected
