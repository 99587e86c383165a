"""Which way a change goes, judged where it matters most."""

from dataclasses import replace

from hypothesis import given, settings

from bot.incident.composition import compose
from bot.incident.control_values import at_least_as_safe
from bot.incident.direction import Direction, change, direction, exposed
from bot.incident.kinds import LEVERS, Joining, MitigationKind
from bot.incident.mitigation import EVERYWHERE, Mitigation, Scope
from tests.incident import stories
from tests.incident.levers import AGENT, SCOPES, levers

LIMIT = stories.mitigation("m1", limit=5)


@settings(deadline=None)
@given(levers(), SCOPES)
def test_undoing_is_never_safer_and_applying_never_riskier(live: list[Mitigation], scope: Scope) -> None:
    for lever in live:
        if lever.state.is_live and lever.agent == AGENT:
            assert change(live, lever, None).direction is not Direction.SAFER
    more = replace(LIMIT, scope=scope)
    before, after = compose(AGENT, scope, live, 1), compose(AGENT, scope, [*live, more], 1)
    assert not direction(before, after).is_riskier


@settings(deadline=None)
@given(levers(), SCOPES)
def test_what_is_called_harmless_loosens_no_call_anywhere(live: list[Mitigation], call: Scope) -> None:
    for lever in live:
        if not lever.state.is_live or lever.agent != AGENT or change(live, lever, None).is_riskier:
            continue
        before = compose(AGENT, call, live, 1)
        after = compose(AGENT, call, [m for m in live if m.id != lever.id], 1)
        for kind in (kind for kind, known in LEVERS.items() if known.joining is not Joining.ALONE):
            assert at_least_as_safe(kind, after.value(kind), before.value(kind))


def test_undoing_says_what_the_agent_may_do_again() -> None:
    way = change([LIMIT], LIMIT, None)
    assert (way.direction, way.reason) == (
        Direction.RISKIER,
        "it lets the agent do more: turn limit 5 → no turn limit",
    )


def test_undoing_the_looser_of_two_changes_nothing_for_the_agent() -> None:
    looser = stories.mitigation("m2", limit=9)
    assert change([LIMIT, looser], looser, None).direction is Direction.NONE


def test_a_stricter_limit_for_one_tenant_does_not_make_undoing_the_one_for_all_harmless() -> None:
    strict = replace(stories.mitigation("m2", limit=3), scope=Scope(tenant="acme"))
    assert compose(AGENT, EVERYWHERE, [LIMIT, strict], 1).max_turns == 3
    assert change([LIMIT, strict], LIMIT, None).is_riskier


def test_a_pin_in_place_of_a_pin_is_no_riskier_unless_it_leaves_somebody_unpinned() -> None:
    pin = replace(LIMIT, kind=MitigationKind.MODEL_PIN, value="gpt-x")
    other = replace(pin, id="m2", value="gpt-y")
    assert change([pin], pin, other).direction is Direction.SAFER
    assert change([pin], pin, replace(other, scope=Scope(tenant="acme"))).is_riskier
    assert change([pin], pin, None).is_riskier


def test_a_pin_that_comes_to_light_when_another_ends_is_neither_safer_nor_riskier() -> None:
    below = replace(LIMIT, kind=MitigationKind.MODEL_PIN, value="gpt-x")
    above = replace(below, id="m2", value="gpt-y")
    way = change([below, above], above, None)
    assert (way.direction, way.reason) == (Direction.NONE, "model pinned to gpt-y → model pinned to gpt-x")


def test_a_tighter_value_is_safer_and_a_looser_one_is_not() -> None:
    assert change([LIMIT], LIMIT, replace(LIMIT, value=3)).direction is Direction.SAFER
    assert change([LIMIT], LIMIT, replace(LIMIT, value=8)).is_riskier


def test_the_exposed_call_meets_the_scope_and_as_little_else_as_possible() -> None:
    call = exposed(Scope(tenant="acme"))
    assert call.meets(Scope(tenant="acme"))
    assert not call.meets(Scope(environment="production"))
