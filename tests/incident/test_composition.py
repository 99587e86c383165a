"""Several levers on one agent: the safest wins, and undoing one leaves what the others ask for."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.codec import decode, encode
from bot.incident.composition import Controls, compose
from bot.incident.control_values import at_least_as_safe, from_flag, to_flag
from bot.incident.kinds import LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import EVERYWHERE, Mitigation, MitigationState, Scope
from tests.incident import stories
from tests.incident.levers import AGENT, SCOPES, levers, values

ORDERED = [kind for kind, lever in LEVERS.items() if lever.joining is not Joining.ALONE]


@settings(deadline=None)
@given(levers(), SCOPES)
def test_what_binds_is_what_lives_on_this_agent_and_meets_the_scope(live: list[Mitigation], scope: Scope) -> None:
    bound = {m.id for m in live if m.agent == AGENT and m.state.is_live and m.scope.meets(scope)}
    controls = compose(AGENT, scope, live, 3)
    assert set(controls.mitigations) == bound == {rule.id for rule in controls.rules}
    assert controls.revision == 3


@settings(deadline=None)
@given(levers(), SCOPES)
def test_every_kind_is_at_least_as_safe_as_any_that_binds(live: list[Mitigation], scope: Scope) -> None:
    controls = compose(AGENT, scope, live, 1)
    for rule in controls.rules:
        if rule.kind in ORDERED:
            assert at_least_as_safe(rule.kind, controls.value(rule.kind), rule.value)
        else:
            assert controls.value(rule.kind) in {other.value for other in controls.rules if other.kind is rule.kind}


@settings(deadline=None)
@given(levers(), levers(prefix="n"), SCOPES)
def test_one_more_lever_never_loosens_anything(live: list[Mitigation], more: list[Mitigation], scope: Scope) -> None:
    before, after = compose(AGENT, scope, live, 1), compose(AGENT, scope, [*live, *more], 1)
    for kind in ORDERED:
        assert at_least_as_safe(kind, after.value(kind), before.value(kind))


@settings(deadline=None)
@given(levers(), SCOPES, SCOPES)
def test_saying_less_about_a_call_never_loosens_anything(live: list[Mitigation], scope: Scope, keep: Scope) -> None:
    vague = Scope(*(said if kept else "" for said, kept in zip(_parts(scope), _parts(keep), strict=True)))
    precise, unsaid = compose(AGENT, scope, live, 1), compose(AGENT, vague, live, 1)
    for kind in ORDERED:
        assert at_least_as_safe(kind, unsaid.value(kind), precise.value(kind))


def _parts(scope: Scope) -> tuple[str, str, str, str]:
    return scope.environment, scope.tenant, scope.channel, scope.version


@settings(deadline=None)
@given(levers(), st.randoms())
def test_the_order_in_which_levers_are_listed_changes_nothing(live: list[Mitigation], chance: Random) -> None:
    shuffled = list(live)
    chance.shuffle(shuffled)
    assert compose(AGENT, EVERYWHERE, live, 1) == compose(AGENT, EVERYWHERE, shuffled, 1)


@settings(deadline=None)
@given(levers(), SCOPES)
def test_undoing_one_leaves_exactly_what_the_others_ask_for(live: list[Mitigation], scope: Scope) -> None:
    for index, lever in enumerate(live):
        undone = [*live[:index], lever.moved(MitigationState.REVERTED), *live[index + 1 :]]
        assert compose(AGENT, scope, undone, 1) == compose(AGENT, scope, [*live[:index], *live[index + 1 :]], 1)


@settings(deadline=None)
@given(levers())
def test_a_client_composes_the_same_from_the_rules(live: list[Mitigation]) -> None:
    """What a client holds for an unsaid context is enough for every single call."""
    whole = compose(AGENT, EVERYWHERE, live, 1)
    by_id = {m.id: m for m in live}
    held = [by_id[rule.id] for rule in whole.rules]
    for scope in {m.scope for m in live} | {Scope("one", "other", "", "one")}:
        assert compose(AGENT, scope, held, 1) == compose(AGENT, scope, live, 1)


@settings(deadline=None)
@given(st.sampled_from(MitigationKind).flatmap(lambda kind: st.tuples(st.just(kind), values(kind))))
def test_a_value_survives_being_stored_and_being_served(pair: tuple[MitigationKind, Value]) -> None:
    kind, value = pair
    lever = replace(stories.mitigation(), kind=kind, value=value)
    assert decode(Mitigation, encode(lever)) == lever
    assert from_flag(kind, to_flag(kind, lever.value)) == lever.value


@given(levers())
def test_controls_survive_being_stored(live: list[Mitigation]) -> None:
    controls = compose(AGENT, EVERYWHERE, live, 2)
    assert decode(Controls, encode(controls)) == controls


def test_at_rest_nothing_is_in_force_and_every_kind_reads_its_resting_value() -> None:
    controls = compose(AGENT, EVERYWHERE, [], 0)
    assert controls.in_words == "no control"
    for kind, lever in LEVERS.items():
        assert controls.value(kind) is None
        assert controls.read(kind) == lever.at_rest


def test_a_lever_of_staging_does_not_bind_production() -> None:
    lever = replace(stories.mitigation(), scope=Scope("staging"))
    assert compose(AGENT, Scope("production"), [lever], 1).max_turns is None
    assert compose(AGENT, Scope("staging", tenant="acme"), [lever], 1).max_turns == 6


def test_an_asker_that_names_no_environment_is_bound_by_all() -> None:
    lever = replace(stories.mitigation(), scope=Scope("staging"))
    assert compose(AGENT, EVERYWHERE, [lever], 1).max_turns == 6


def test_the_earliest_end_and_every_incident_stand_with_the_controls() -> None:
    one, two = stories.mitigation("m1"), stories.mitigation("m2", limit=4)
    sooner = replace(two, expires_at=two.applied_at)
    controls = compose(AGENT, EVERYWHERE, [one, sooner], 1)
    assert controls.expires_at == two.applied_at
    assert controls.incidents == (stories.KEY,)
    assert controls.in_words == "turn limit 4"


def test_two_different_pins_cannot_be_compared() -> None:
    assert not at_least_as_safe(MitigationKind.MODEL_PIN, "a", "b")
    assert at_least_as_safe(MitigationKind.MODEL_PIN, "a", None)
    assert not at_least_as_safe(MitigationKind.MODEL_PIN, None, "a")
