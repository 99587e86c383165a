"""Several levers on one agent: the safest wins, and undoing one leaves what the others ask for."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.mitigation import Mitigation, MitigationKind, MitigationState, compose
from tests.incident import stories

AGENT = "helpdesk-agent"


@st.composite
def levers(draw: st.DrawFn) -> list[Mitigation]:
    """Levers of any kind, place and state on two agents."""
    made = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(MitigationKind))
        limit = draw(st.integers(1, 50)) if kind is MitigationKind.TURN_LIMIT else None
        lever = replace(
            stories.mitigation(f"m{number}", kind, limit),
            agent=draw(st.sampled_from([AGENT, "field-agent"])),
            environment=draw(st.sampled_from(["", "production", "staging"])),
            state=draw(st.sampled_from(MitigationState)),
        )
        made.append(lever)
    return made


def binds(lever: Mitigation, environment: str) -> bool:
    here = not lever.environment or not environment or lever.environment == environment
    return lever.agent == AGENT and lever.state.is_live and here


@settings(deadline=None)
@given(levers(), st.sampled_from(["", "production", "staging"]))
def test_the_safest_value_wins(live: list[Mitigation], environment: str) -> None:
    controls = compose(AGENT, environment, live, revision=3)
    bound = [lever for lever in live if binds(lever, environment)]
    limits = [lever.limit for lever in bound if lever.limit is not None]
    assert controls.halt == any(lever.kind is MitigationKind.HALT for lever in bound)
    assert controls.max_turns == (min(limits) if limits else None)
    assert controls.mitigations == tuple(lever.id for lever in bound)
    assert controls.revision == 3


@settings(deadline=None)
@given(levers(), st.randoms())
def test_the_order_in_which_levers_were_pulled_changes_nothing(live: list[Mitigation], chance: Random) -> None:
    shuffled = list(live)
    chance.shuffle(shuffled)
    one, other = compose(AGENT, "", live, 1), compose(AGENT, "", shuffled, 1)
    assert (one.halt, one.max_turns, one.expires_at) == (other.halt, other.max_turns, other.expires_at)
    assert set(one.mitigations) == set(other.mitigations)


@settings(deadline=None)
@given(levers())
def test_undoing_one_leaves_exactly_what_the_others_ask_for(live: list[Mitigation]) -> None:
    for index, lever in enumerate(live):
        undone = [*live[:index], lever.moved(MitigationState.REVERTED), *live[index + 1 :]]
        assert compose(AGENT, "", undone, 1) == compose(AGENT, "", [*live[:index], *live[index + 1 :]], 1)


@settings(deadline=None)
@given(levers(), levers())
def test_one_more_lever_never_loosens_anything(live: list[Mitigation], more: list[Mitigation]) -> None:
    before, after = compose(AGENT, "", live, 1), compose(AGENT, "", [*live, *more], 1)
    assert after.halt or not before.halt
    assert before.max_turns is None or (after.max_turns is not None and after.max_turns <= before.max_turns)


def test_a_lever_of_staging_does_not_bind_production() -> None:
    lever = replace(stories.mitigation(), environment="staging")
    assert compose(AGENT, "production", [lever], 1).max_turns is None
    assert compose(AGENT, "staging", [lever], 1).max_turns == 6


def test_an_asker_that_names_no_environment_is_bound_by_all() -> None:
    lever = replace(stories.mitigation(), environment="staging")
    assert compose(AGENT, "", [lever], 1).max_turns == 6


def test_the_earliest_end_and_every_incident_stand_with_the_controls() -> None:
    one, two = stories.mitigation("m1"), stories.mitigation("m2", limit=4)
    sooner = replace(two, expires_at=two.applied_at)
    controls = compose(AGENT, "", [one, sooner], 1)
    assert controls.expires_at == two.applied_at
    assert controls.incidents == (stories.KEY,)


def test_a_label_carries_its_figure() -> None:
    assert stories.mitigation().label == "Turn limit 6"
    assert stories.mitigation("m2", MitigationKind.HALT, None).label == "Kill switch"


def test_waiting_longer_teaches_nothing_about_a_lever_seen_to_work() -> None:
    waiting = {state for state in MitigationState if not state.is_proven_or_given_up}
    assert waiting == {MitigationState.APPLIED, MitigationState.DELIVERED, MitigationState.UNPROVEN}
