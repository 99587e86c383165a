"""A token of one agent or environment brings that telemetry and no other."""

import json
from typing import Any

import pytest

from bot.incident.assembly import assemble
from bot.incident.model import Agent, Catalogue
from bot.sources.otlp import JSON, PROTOBUF, Decoded, Rules, decode, response_body
from bot.sources.ownership import Scope, scope_of
from tests.sources.requests import any_value, in_protobuf, logs, pairs, span, traces

CATALOGUE = Catalogue((Agent("helpdesk", service_names=("helpdesk-svc",), agent_names=("planner",)), Agent("billing")))
HELPDESK = scope_of("agent", "helpdesk-svc", CATALOGUE)
STAGING = scope_of("environment", "staging", CATALOGUE)
NAME = "gen_ai.agent.name"
CHILD = {"parentSpanId": "ef" * 8}


def taken(scope: Scope, *spans: dict[str, Any], **resource: str) -> Decoded:
    named = {name.replace("_", "."): value for name, value in resource.items()}
    return decode(traces(*spans, resource=named), JSON, "", "traces", Rules(scope))


@pytest.mark.parametrize("name", ["helpdesk", "helpdesk-svc", "planner"])
def test_every_name_of_the_agent_in_the_catalogue_is_its_own(name: str) -> None:
    assert taken(HELPDESK, span({NAME: name})).accepted.rejected == 0
    assert taken(HELPDESK, span(), service_name=name).accepted.rejected == 0


@pytest.mark.parametrize("fields", [{}, CHILD])
def test_spans_that_name_another_agent_are_left_out_and_counted_in_one_sentence(fields: dict[str, Any]) -> None:
    own = span({NAME: "helpdesk"}, spanId="01" * 8)
    found = taken(HELPDESK, own, span({NAME: "billing"}, **fields), span({NAME: "stranger"}, **fields))
    assert [kept.span_id for kept in found.spans] == ["01" * 8]
    answer = json.loads(response_body(found.accepted, JSON, "traces"))["partialSuccess"]
    assert answer["rejectedSpans"] == "2"
    assert "the agent helpdesk only" in answer["errorMessage"]


def test_a_service_of_another_name_is_left_out_unless_the_span_names_the_agent() -> None:
    assert taken(HELPDESK, span(), service_name="billing").accepted.rejected == 1
    assert taken(HELPDESK, span({NAME: "helpdesk"}), service_name="platform").accepted.rejected == 0


def test_a_step_that_a_framework_calls_an_agent_stays_with_the_agent_whose_service_runs_it() -> None:
    step = span({"graph.node.name": "retrieve"}, **CHILD)
    (kept,) = taken(HELPDESK, step, service_name="helpdesk-svc").spans
    assert assemble([kept]).agent == "helpdesk"
    assert taken(HELPDESK, span({NAME: "retrieve"}), service_name="helpdesk-svc").accepted.rejected == 1
    assert taken(HELPDESK, span({NAME: "billing"}, **CHILD), service_name="helpdesk-svc").accepted.rejected == 1


def test_what_names_nobody_belongs_to_the_token_s_agent() -> None:
    assert assemble(taken(HELPDESK, span()).spans).agent == "helpdesk"
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "attributes": []}
    assert [score.agent for score in decode(logs(record), JSON, "", "logs", Rules(HELPDESK)).scores] == ["helpdesk"]


def test_scores_of_another_agent_are_left_out_also_on_a_span() -> None:
    named = [
        {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "attributes": pairs({NAME: name})}
        for name in ("helpdesk", "billing")
    ]
    found = decode(in_protobuf(logs(*named), "logs"), PROTOBUF, "", "logs", Rules(HELPDESK))
    assert ([score.agent for score in found.scores], found.accepted.rejected) == (["helpdesk"], 1)
    event = {"name": "gen_ai.evaluation.result", "timeUnixNano": "5", "attributes": pairs({NAME: "billing"})}
    assert taken(HELPDESK, span({NAME: "helpdesk"}, events=[event])).scores == []


@pytest.mark.parametrize("attribute", ["deployment_environment_name", "deployment_environment"])
@pytest.mark.parametrize("fields", [{}, CHILD])
def test_spans_of_another_environment_are_left_out(attribute: str, fields: dict[str, Any]) -> None:
    assert taken(STAGING, span(**fields), **{attribute: "staging"}).accepted.rejected == 0
    found = taken(STAGING, span(**fields), **{attribute: "production"})
    assert (found.spans, found.accepted.rejected) == ([], 1)
    assert "the environment staging only" in found.accepted.message


def test_spans_without_an_environment_get_the_token_s() -> None:
    assert assemble(taken(STAGING, span({NAME: "helpdesk"})).spans).environment == "staging"


def test_both_reasons_stand_in_one_message() -> None:
    found = taken(HELPDESK, span(spanId="00"), span({NAME: "billing"}))
    assert found.accepted.rejected == 2
    assert "8 bytes" in found.accepted.message
    assert "helpdesk only" in found.accepted.message


def test_without_a_scope_everything_is_taken_as_it_is() -> None:
    assert len(decode(traces(span({NAME: "billing"})), JSON, "", "traces").spans) == 1


def test_a_token_s_verdicts_stay_its_agent_s_whosever_task_they_name() -> None:
    """Left open, such a verdict becomes that of the agent whose task it is about: here it could be anybody's."""
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "traceId": "ab" * 16}
    for resource in ({}, {"service.name": "helpdesk-svc"}):
        (score,) = decode(logs(record, resource=resource), JSON, "", "logs", Rules(HELPDESK)).scores
        assert (score.agent, score.agent_said) == ("helpdesk", True)


def test_a_verdict_told_in_the_body_of_its_record_names_its_environment_there() -> None:
    body = any_value({"gen_ai.evaluation.name": "right", "deployment.environment.name": "production"})
    record = {"eventName": "gen_ai.evaluation.result", "timeUnixNano": "5", "body": body}
    found = decode(logs(record), JSON, "", "logs", Rules(STAGING))
    assert (found.scores, found.accepted.rejected) == ([], 1)
