"""Whatever convention a framework speaks, the nouns are the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.assembly import assemble
from bot.incident.telemetry import Span, SpanKind
from bot.sources.otlp import JSON, decode
from bot.sources.scores import verdict
from bot.sources.values import MOST_VALUE, MOST_WORD, fingerprint
from tests.sources.requests import SPAN_ID, Json, span, traces

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def one(raw: Json, resource: dict[str, object] | None = None) -> Span:
    (found,) = decode(traces(raw, resource=resource), JSON, "", "traces").spans
    return found


@given(st.dictionaries(st.text(), values, max_size=5))
def test_arguments_in_another_order_or_spacing_have_the_same_fingerprint(arguments: dict[str, object]) -> None:
    turned = dict(reversed(arguments.items()))
    assert fingerprint(json.dumps(arguments)) == fingerprint(json.dumps(turned, indent=2, ensure_ascii=False))


@given(st.text())
def test_any_text_has_a_fingerprint_of_16_digits(content: str) -> None:
    assert len(fingerprint(content) or "") == 16


def test_other_arguments_have_another_fingerprint() -> None:
    assert fingerprint('{"id": 1}') != fingerprint('{"id": 2}')


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "invoke_agent"}, SpanKind.AGENT),
        ({"gen_ai.operation.name": "chat"}, SpanKind.LLM),
        ({"gen_ai.operation.name": "execute_tool"}, SpanKind.TOOL),
        ({"gen_ai.operation.name": "guardrail"}, SpanKind.GUARDRAIL),
        ({"openinference.span.kind": "RETRIEVER"}, SpanKind.RETRIEVAL),
        ({"openinference.span.kind": "EMBEDDING"}, SpanKind.EMBEDDING),
        ({"openinference.span.kind": "CHAIN"}, SpanKind.OTHER),
        ({"llm.request.type": "acompletion"}, SpanKind.LLM),
        ({"span.type": "model"}, SpanKind.OTHER),
        ({"entity.type": "agent", "entity.name": "a seller of houses"}, SpanKind.OTHER),
        ({"gen_ai.tool.name": "search"}, SpanKind.TOOL),
        ({"http.method": "GET"}, SpanKind.OTHER),
    ],
)
def test_the_kind_of_a_step_follows_from_its_attributes(attributes: dict[str, object], kind: SpanKind) -> None:
    assert one(span(attributes, parentSpanId="ef" * 8)).kind is kind


def test_only_the_outermost_chain_is_the_task() -> None:
    assert one(span({"openinference.span.kind": "CHAIN"})).kind is SpanKind.AGENT


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "orion",
            "gen_ai.request.model": "large",
            "gen_ai.response.model": "small",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "orion",
            "gen_ai.request.model": "large",
            "gen_ai.response.model": "small",
            "gen_ai.usage.prompt_tokens": 10,
            "gen_ai.usage.completion_tokens": 5,
        },
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "orion",
            "llm.request.model_name": "large",
            "llm.response.model_name": "small",
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 5,
        },
    ],
    ids=["current", "older", "openinference"],
)
def test_three_conventions_tell_the_same_model_call(attributes: dict[str, object]) -> None:
    model = one(span(attributes)).model
    assert model is not None
    assert (model.provider, model.requested, model.answering) == ("orion", "large", "small")
    assert (model.input_tokens, model.output_tokens) == (10, 5)


def test_numbers_that_cannot_be_are_unknown() -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": 2**62}
    waits = {"gen_ai.response.time_to_first_chunk": 1e308, "gen_ai.usage.cost": -0.5}
    model = one(span({**told, **waits})).model
    assert model is not None
    assert (model.input_tokens, model.output_tokens, model.first_chunk_seconds, model.cost) == (None,) * 4


@pytest.mark.parametrize(
    ("answer", "response_id"),
    [
        ('{"id": "resp_68a0", "output": []}', "resp_68a0"),
        ('{"id":"chatcmpl-9x.1:2","choices":[]}', "chatcmpl-9x.1:2"),
        ('{"id": "ana@example.com", "name": "Ana"}', None),  # an answer in a form of the team's own
        ('{"id": "4929123412341234"}', None),
        ('{"name": "Ana", "id": "resp_68a0"}', None),
    ],
)
def test_the_id_an_answer_begins_with_is_the_providers_only_if_it_looks_like_one(
    answer: str, response_id: str | None
) -> None:
    model = one(span({"openinference.span.kind": "LLM", "llm.model_name": "m", "output.value": answer})).model
    assert model is not None
    assert model.response_id == response_id


def test_structured_arguments_count_like_the_same_arguments_as_text() -> None:
    structured = one(span({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": {"id": "7"}})).tool
    written = one(span({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": '{"id":"7"}'})).tool
    assert structured is not None
    assert written is not None
    assert structured.arguments_hash == written.arguments_hash


@pytest.mark.parametrize("result", ["[]", "{}", "", "null", ' { "results" : [ ] } '])
def test_an_answer_with_nothing_in_it_is_empty(result: str) -> None:
    tool = one(span({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": result})).tool
    assert tool is not None
    assert tool.empty_result


@pytest.mark.parametrize("attributes", [{}, {"gen_ai.tool.call.result": '["found"]'}])
def test_an_answer_that_was_not_recorded_is_not_called_empty(attributes: dict[str, object]) -> None:
    tool = one(span({"gen_ai.operation.name": "execute_tool", **attributes})).tool
    assert tool is not None
    assert not tool.empty_result


def test_an_exception_event_says_what_went_wrong() -> None:
    event = {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}]}
    failed = one(span(status={"code": 2, "message": "no answer in 30 s"}, events=[event]))
    assert (failed.error, failed.error_type, failed.error_message) == (True, "Timeout", "no answer in 30 s")


def test_an_exception_that_was_caught_is_no_error() -> None:
    event = {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "Timeout"}}]}
    assert not one(span(events=[event])).error


def test_unknown_attributes_are_kept_and_message_bodies_are_not() -> None:
    kept = one(span({"team.own": 3, "gen_ai.input.messages": "my address is"}, parentSpanId="ef" * 8)).attributes
    assert kept == {"team.own": 3}


def test_messages_are_not_kept_under_whatever_name_they_come() -> None:
    told = [{"role": "user", "content": "my address is"}]
    own = {"team.role": '{"role": "admin"}', "team.note": "role: user, content: none"}
    given = {"team.history": json.dumps(told), "team.turns": '[{"parts":[],"role":"user"}]', **own}
    assert one(span(given, parentSpanId="ef" * 8)).attributes == own


@pytest.mark.parametrize(
    "told",
    [
        json.dumps([{"content": "my address is " + "x" * MOST_VALUE, "role": "user"}]),  # names in order, as Go writes
        json.dumps({"body": json.dumps({"messages": [{"role": "user", "content": "my address is"}]})}),
        str([{"role": "user", "content": "my address is"}]),
        '{"role" : "user", "parts" : [{"text": "my address is"}]}',
        [{"role": "user", "content": "my address is"}],
        [json.dumps({"role": "user", "content": "my address is"})],
    ],
    ids=["long", "packed", "python", "spaced", "structured", "listed"],
)
def test_messages_are_not_kept_however_they_are_written(told: object) -> None:
    own = {
        "team.tags": ["role", "content"],
        "team.map": {"role": "admin"},
        "team.rights": '[{"role": "editor", "content": ["billing"]}]',
        "page.button": '{"role": "button", "content": "Save"}',
    }
    assert one(span({"team.history": told, **own}, parentSpanId="ef" * 8)).attributes == own


def test_a_framework_that_calls_itself_the_provider_is_kept_as_a_framework() -> None:
    kept = one(span(attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.system": "langgraph"})).attributes
    assert kept["gen_ai.agent.framework"] == "langgraph"
    assert "gen_ai.provider.name" not in kept
    listed = one(span(attributes={"gen_ai.provider.name": ["langgraph"], "gen_ai.operation.name": "chat"}))
    assert "gen_ai.agent.framework" not in listed.attributes


def test_a_huge_attribute_of_any_type_is_cut() -> None:
    kept = one(span({"text": "x" * 100_000, "list": ["y" * 1000] * 100})).attributes
    assert [len(str(kept[name])) for name in ("text", "list")] == [MOST_VALUE, MOST_VALUE]


def test_names_that_are_searched_are_short_and_storable() -> None:
    assert one(span({"gen_ai.agent.name": "a\0" + "b" * 10_000})).agent == "a" + "b" * (MOST_WORD - 2)


def test_a_step_whose_root_is_still_under_way_keeps_the_name_of_its_service() -> None:
    step = one(span({"gen_ai.operation.name": "chat"}, parentSpanId="ef" * 8), {"service.name": "helpdesk"})
    assert step.attributes["service.name"] == "helpdesk"


@pytest.mark.parametrize(
    ("label", "value", "passed"),
    [
        ("pass", 0.1, True),
        ("Thumbs up", None, True),
        ("incorrect", 0.9, False),
        ("bad", None, False),
        (None, 1.0, True),
        (None, 0.0, False),
        (None, 0.49, False),
        ("partly", 0.5, True),
        (None, 4.2, None),
        ("partly", None, None),
        (None, None, None),
    ],
)
def test_a_verdict_follows_from_the_label_else_from_a_score_of_0_to_1(
    label: str | None,
    value: float | None,
    passed: bool | None,  # noqa: FBT001 - a column of the table above
) -> None:
    assert verdict(label, value) is passed


@pytest.mark.parametrize("name", ["deployment.environment.name", "deployment.environment"])
def test_a_task_whose_root_names_no_environment_takes_it_from_a_step_by_either_name(name: str) -> None:
    root, step = span({"gen_ai.operation.name": "invoke_agent"}), span({name: "staging"}, spanId="ef" * 8)
    sent = traces(root, step | {"parentSpanId": SPAN_ID})
    assert assemble(decode(sent, JSON, "", "traces").spans).environment == "staging"


def test_an_environment_that_nobody_set_does_not_hide_the_one_of_the_resource() -> None:
    unset = span({"langfuse.environment": "default"})
    assert assemble([one(unset, {"deployment.environment": "production"})]).environment == "production"
    assert assemble([one(unset)]).environment == "default"
