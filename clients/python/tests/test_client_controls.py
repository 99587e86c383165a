"""What binds a call, and which of several values wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstfive_client import Controls, Kind, Rule, Scope
from firstfive_client.controls import compose
from firstfive_client.wire import NotControls, read_snapshot

NAMES = st.sampled_from(["", "a", "b"])
SCOPES = st.builds(Scope, environment=NAMES, tenant=NAMES, channel=NAMES, version=NAMES)
VALUES = {
    Kind.TURN_LIMIT: st.integers(0, 50),
    Kind.DISABLE_TOOLS: st.frozensets(st.sampled_from(["refund", "search", "mail"]), min_size=1),
    Kind.GUARDRAIL_LEVEL: st.integers(1, 3),
    Kind.HANDOFF: st.sampled_from(["new", "all"]),
    Kind.HALT: st.just(True),
    Kind.MODEL_PIN: st.sampled_from(["small", "large"]),
}
RULES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda kind: st.builds(Rule, st.uuids().map(str), st.just("INC-1"), st.just(kind), VALUES[kind], SCOPES)
    ),
    max_size=6,
)


def test_where_nothing_is_in_force_nothing_is_limited() -> None:
    assert compose((), Scope(), 3) == Controls(revision=3)


def test_the_safest_of_several_wins() -> None:
    rules = [
        Rule("m1", "INC-1", Kind.TURN_LIMIT, 8),
        Rule("m2", "INC-2", Kind.TURN_LIMIT, 5),
        Rule("m3", "INC-1", Kind.DISABLE_TOOLS, frozenset({"refund"})),
        Rule("m4", "INC-1", Kind.DISABLE_TOOLS, frozenset({"mail"})),
        Rule("m5", "INC-1", Kind.GUARDRAIL_LEVEL, 2),
        Rule("m6", "INC-1", Kind.HANDOFF, "all"),
        Rule("m7", "INC-1", Kind.HANDOFF, "new"),
        Rule("m8", "INC-1", Kind.CANARY_SHARE, 5),
    ]
    controls = compose(rules, Scope())
    assert controls.disabled_tools == {"refund", "mail"}
    assert (controls.max_turns, controls.handoff) == (5, "all")
    assert (controls.guardrail_level, controls.canary_percent) == (2, 5)
    assert controls.because[Kind.TURN_LIMIT].incident == "INC-2"


def test_a_rule_for_one_tenant_binds_it_and_whoever_says_none() -> None:
    rules = [Rule("m1", "INC-1", Kind.HALT, True, Scope(tenant="acme"))]
    assert compose(rules, Scope(tenant="acme")).halt
    assert compose(rules, Scope()).halt
    assert not compose(rules, Scope(tenant="other")).halt


@given(RULES, SCOPES)
def test_one_more_rule_never_makes_a_call_freer(rules: list[Rule], scope: Scope) -> None:
    if not rules:
        return
    more, fewer = compose(rules, scope), compose(rules[:-1], scope)
    assert more.halt >= fewer.halt
    assert more.disabled_tools >= fewer.disabled_tools
    assert more.guardrail_level >= fewer.guardrail_level
    assert fewer.max_turns is None or (more.max_turns is not None and more.max_turns <= fewer.max_turns)


@given(RULES, SCOPES)
def test_saying_less_never_makes_a_call_freer(rules: list[Rule], scope: Scope) -> None:
    said, unsaid = compose(rules, scope), compose(rules, Scope())
    assert unsaid.halt >= said.halt
    assert unsaid.disabled_tools >= said.disabled_tools


def test_a_rule_that_is_not_understood_is_named_and_the_others_hold() -> None:
    snapshot = read_snapshot(
        {
            "revision": 4,
            "rules": [
                {"id": "m1", "kind": "halt", "value": True, "incident": "INC-1"},
                {"id": "m2", "kind": "teleport", "value": 3},
                {"id": "m3", "kind": "turn-limit", "value": "many"},
                {"id": "m4", "kind": "turn-limit", "value": True},
                {"id": "m5", "kind": "guardrail-level", "value": 9},
                {"id": "m6", "kind": "disable-tools", "value": ["refund"]},
                {"id": "m7", "kind": "disable-tools", "value": {"tools": ["mail"]}},
                "what?",
            ],
        }
    )
    assert snapshot.applied == ("m1", "m6", "m7")
    assert snapshot.not_understood == ("m2", "m3", "m4", "m5", "?")
    assert compose(snapshot.rules, Scope()).disabled_tools == {"refund", "mail"}


@pytest.mark.parametrize("value", [None, [], "halt", {}, {"revision": 1}, {"revision": True, "rules": []}])
def test_what_is_no_control_object_is_refused_whole(value: object) -> None:
    with pytest.raises(NotControls):
        read_snapshot(value)
