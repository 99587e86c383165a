"""Messages in log records: in each of the shapes SDKs send, checked, redacted and cut as those of spans."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.incident.logged_messages import NOTHING, LoggedMessages, completed
from bot.incident.model import Agent, Catalogue
from bot.incident.telemetry import Span
from bot.sources.otlp import JSON, PROTOBUF, Decoded, Rules, decode, response_body
from bot.sources.ownership import Scope, scope_of
from bot.sources.values import fingerprint
from tests.sources.requests import SPAN_ID, TRACE_ID, any_value, in_protobuf, logs, pairs, span, traces

Json = dict[str, Any]
CATALOGUE = Catalogue((Agent("helpdesk", service_names=("helpdesk-svc",)), Agent("billing")))
HELPDESK = scope_of("agent", "helpdesk", CATALOGUE)
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"order_id": "A-17"}'}}
OWN_TURN = {"tool_calls": [CALL]}
RESULT = '{"content": "sent", "message": "to A-17"}'


def record(name: str, body: object = None, at_ns: int = 5, attributes: Mapping[str, object] | None = None) -> Json:
    found: Json = {"eventName": name, "timeUnixNano": str(at_ns), "traceId": TRACE_ID, "spanId": SPAN_ID}
    found["attributes"] = pairs(attributes or {})
    return found if body is None else found | {"body": any_value(body)}


def taken(*records: Json, rules: Rules | None = None, **resource: str) -> Decoded:
    body = logs(*records, resource={name.replace("_", "."): value for name, value in resource.items()})
    found = decode(body, JSON, "", "logs", rules or Rules())
    assert found == decode(in_protobuf(body, "logs"), PROTOBUF, "", "logs", rules or Rules())
    return found


def told(*records: Json) -> LoggedMessages:
    """What they tell, all of one span."""
    found = taken(*records)
    assert found.accepted.rejected == 0
    return found.messages.get((TRACE_ID, SPAN_ID), NOTHING)


def as_attributes(attributes: Mapping[str, object]) -> Span:
    """The same told by a span itself."""
    return decode(traces(span({"gen_ai.operation.name": "chat", **attributes})), JSON, "", "traces").spans[0]


def as_records(*records: Json) -> Span:
    return completed(as_attributes({}), NOTHING, told(*records))[0]


@pytest.mark.parametrize(
    "choice",
    [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [CALL]}},
        {"index": 0, "message": {}, "finish_reason": "tool_calls", "tool_calls": [CALL]},
        json.dumps({"message": OWN_TURN}),
    ],
    ids=["in the message", "beside the message", "as text"],
)
def test_an_answer_is_read_as_in_the_attributes_of_a_span(choice: object) -> None:
    expected = as_attributes({"gen_ai.output.messages": json.dumps([{"role": "assistant", "tool_calls": [CALL]}])})
    found = as_records(record("gen_ai.choice", choice))
    assert (found.said, found.model.asked if found.model else ()) == (
        expected.said,
        expected.model.asked if expected.model else None,
    )
    assert "get_order" in found.said


def test_an_answer_may_stand_in_an_attribute() -> None:
    content = json.dumps({"message": {"content": "Shipped."}})
    assert as_records(record("gen_ai.choice", attributes={"gen_ai.event.content": content})).said == "Shipped."


def test_only_what_was_told_since_the_models_last_turn_counts() -> None:
    earlier = [record("gen_ai.assistant.message", OWN_TURN, 1), record("gen_ai.tool.message", {"content": "old"}, 2)]
    newest = record("gen_ai.tool.message", {"id": "call_1", "content": RESULT}, 4)
    found = as_records(*earlier, record("gen_ai.assistant.message", OWN_TURN, 3), newest).model
    assert found is not None
    (result,) = found.told
    assert (result.call_id, result.result_hash, result.result_preview) == ("call_1", fingerprint(RESULT), RESULT)


def test_records_of_one_nanosecond_stay_in_the_order_they_came_in() -> None:
    records = [("gen_ai.assistant.message", OWN_TURN), ("gen_ai.tool.message", {"content": "x"})]
    assert len(told(*(record(name, body, 7) for name, body in records)).told) == 1
    assert told(*(record(name, body, 7) for name, body in reversed(records))).told == ()


@pytest.mark.parametrize("in_body", [False, True])
def test_a_whole_call_in_one_record_is_read_as_in_the_attributes_of_a_span(in_body: bool) -> None:  # noqa: FBT001
    messages = {
        "gen_ai.input.messages": [
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": {"ok": True}}]},
        ],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "Done."}]}],
    }
    name = "gen_ai.client.inference.operation.details"
    found = as_records(record(name, messages) if in_body else record(name, attributes=messages))
    expected = as_attributes(messages)
    assert (found.said, found.model) == (expected.said, expected.model)
    assert found.model is not None
    assert found.model.told


def test_words_are_redacted_and_cut() -> None:
    long = "Ask mary.smith@example.org about it. " + "word " * 300
    (answer,) = told(record("gen_ai.choice", {"message": {"content": long}})).answers
    assert "[e-mail]" in answer.words
    assert "example.org" not in answer.words
    assert len(answer.words) <= 600
    (results,) = told(record("gen_ai.tool.message", {"content": long})).told
    assert "example.org" not in results.results[0].result_preview
    assert len(results.results[0].result_preview) <= 300


@pytest.mark.parametrize(
    "silent",
    [
        record("gen_ai.system.message", {"content": "You help."}),
        record("gen_ai.user.message", {"content": "Where is it?"}),
        record("gen_ai.choice", {"index": 0, "message": {"role": "assistant"}}),
        record("gen_ai.choice"),
        record("gen_ai.client.inference.operation.details", attributes={"gen_ai.request.model": "small"}),
        record("something.else", {"content": "x"}),
    ],
)
def test_what_tells_no_answer_and_no_result_leaves_nothing_to_keep(silent: Json) -> None:
    found = taken(silent)
    assert (found.messages, found.accepted.rejected) == ({}, 0)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"traceId": ""}, "trace id and span id"),
        ({"spanId": "00" * 8}, "trace id and span id"),
        ({"timeUnixNano": "0"}, "need a time"),
        ({"timeUnixNano": "100"}, "a day ahead"),
    ],
)
def test_records_that_cannot_be_used_are_counted_and_named(wrong: Json, reason: str) -> None:
    good = record("gen_ai.choice", {"message": {"content": "Shipped."}})
    found = taken(good, good | wrong, rules=Rules(latest_ns=50))
    assert list(found.messages) == [(TRACE_ID, SPAN_ID)]
    answer = json.loads(response_body(found.accepted, JSON, "logs"))["partialSuccess"]
    assert answer["rejectedLogRecords"] == "1"
    assert reason in answer["errorMessage"]


@pytest.mark.parametrize(
    ("scope", "resource", "attributes", "own"),
    [
        (HELPDESK, {}, {}, True),
        (HELPDESK, {"service_name": "helpdesk-svc"}, {}, True),
        (HELPDESK, {"service_name": "helpdesk-svc"}, {"gen_ai.agent.name": "planner"}, True),
        (HELPDESK, {"service_name": "helpdesk-svc"}, {"gen_ai.agent.name": "billing"}, False),
        (HELPDESK, {"service_name": "billing"}, {}, False),
        (scope_of("environment", "staging", CATALOGUE), {}, {}, True),
        (scope_of("environment", "staging", CATALOGUE), {"deployment_environment_name": "prod"}, {}, False),
    ],
)
def test_a_token_brings_messages_as_it_brings_steps(
    scope: Scope,
    resource: dict[str, str],
    attributes: dict[str, object],
    own: bool,  # noqa: FBT001
) -> None:
    choice = record("gen_ai.choice", {"message": {"content": "Shipped."}}, attributes=attributes)
    found = taken(choice, rules=Rules(scope), **resource)
    assert (len(found.messages), found.accepted.rejected) == ((1, 0) if own else (0, 1))
    assert own or scope.refusal in found.accepted.message
