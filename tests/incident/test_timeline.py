"""The timeline is the truth; the state is a fold over it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.facts.classifying import ClassificationOverdue, Classified
from bot.incident.facts.closing import Resolved
from bot.incident.facts.mitigating import (
    MitigationApplied,
    MitigationExtended,
    MitigationHeld,
    MitigationProven,
    MitigationReverted,
)
from bot.incident.folding import after
from bot.incident.mitigation import MitigationState
from bot.incident.model import Person, Role, Status
from bot.incident.proof import Verdict
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.timeline import FACTS, Fact, fact_from_json, kind_of
from tests.incident import stories
from tests.incident.stories import ANA, BEN, WHOLE, told

facts = st.lists(st.sampled_from(WHOLE), max_size=20).map(lambda chosen: (WHOLE[0], *chosen))


def test_the_whole_story_ends_reviewed_with_nothing_in_force() -> None:
    state = stories.state(told())
    assert state.status is Status.REVIEWED
    assert state.incident_class is IncidentClass.QUAL
    assert state.severity is Severity.SEV3
    assert state.roles == {Role.COMMANDER: ANA}
    assert state.live_mitigations == ()
    assert {m: s.mitigation.state for m, s in state.mitigations.items()} == {
        "m1": MitigationState.REVERTED,
        "m2": MitigationState.REVERTED,
        "m3": MitigationState.EXPIRED,
        "m4": MitigationState.REVERTED,
        "m5": MitigationState.REFUSED,
    }
    assert state.last_seq == len(WHOLE)


def test_the_ladder_is_climbed_step_by_step() -> None:
    events = told()
    seen = [stories.state(events[:end]).status for end in range(1, len(events) + 1)]
    assert list(dict.fromkeys(seen)) == list(Status)


def test_the_story_holds_every_kind_of_fact() -> None:
    assert {kind_of(fact) for _, fact in WHOLE} == set(FACTS)


@settings(deadline=None)
@given(facts, st.integers(min_value=0, max_value=21))
def test_folding_a_prefix_and_going_on_is_folding_the_whole(chosen: tuple[tuple[Person, Fact], ...], cut: int) -> None:
    events = told(chosen)
    state = stories.state(events[:cut])
    for event in events[cut:]:
        state = after(state, event)
    assert state == stories.state(events)


@settings(deadline=None)
@given(facts)
def test_no_order_of_events_breaks_the_fold(chosen: tuple[tuple[Person, Fact], ...]) -> None:
    events = told(chosen)
    state = stories.state(events)
    assert state.last_seq == len(events)
    assert set(state.mitigations) == {e.fact.mitigation.id for e in events if isinstance(e.fact, MitigationApplied)}


def test_containment_before_the_class_counts_once_the_class_is_set() -> None:
    lever, named = WHOLE[7], WHOLE[5]
    assert stories.state(told((WHOLE[0], lever))).status is Status.DECLARED
    assert stories.state(told((WHOLE[0], lever, named))).status is Status.MITIGATED


def test_a_late_class_ends_overdue_and_keeps_when_it_was_first_set() -> None:
    events = told((WHOLE[0], (ANA, ClassificationOverdue(5)), WHOLE[5], WHOLE[11]))
    state = stories.state(events)
    assert not state.overdue
    assert state.classified_at == events[2].at


def test_remediation_stays_locked_until_class_and_cause_are_known() -> None:
    named = WHOLE[5][1]
    assert isinstance(named, Classified)
    assert named.cause is Cause.UNKNOWN
    assert not stories.state(told(WHOLE[:6])).remediation_unlocked
    assert stories.state(told(WHOLE[:12])).remediation_unlocked


def test_a_held_lever_stays_in_force_and_extending_frees_it() -> None:
    until = stories.DECLARED_AT + timedelta(hours=3)
    held = told((WHOLE[0], WHOLE[7], (ANA, MitigationHeld("m1"))))
    assert stories.state(held).live_mitigations[0].mitigation.state is MitigationState.HELD
    longer = told((WHOLE[0], WHOLE[7], (ANA, MitigationHeld("m1")), (ANA, MitigationExtended("m1", until))))
    (status,) = stories.state(longer).live_mitigations
    assert (status.mitigation.state, status.mitigation.expires_at) == (MitigationState.APPLIED, until)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.OBSERVED, MitigationState.OBSERVED),
        (Verdict.INEFFECTIVE, MitigationState.INEFFECTIVE),
        (Verdict.UNPROVEN, MitigationState.UNPROVEN),
        (Verdict.WAITING, MitigationState.DELIVERED),
    ],
)
def test_a_lever_is_where_its_latest_proof_says(verdict: Verdict, state: MitigationState) -> None:
    events = told((WHOLE[0], WHOLE[7], (BEN, MitigationProven("m1", stories.proof(verdict)))))
    assert stories.state(events).live_mitigations[0].mitigation.state is state


def test_what_ended_stays_on_record_with_who_and_when() -> None:
    events = told((WHOLE[0], WHOLE[7], (BEN, MitigationReverted("m1", "done", "turn limit 6", "no control"))))
    status = stories.state(events).mitigations["m1"]
    assert (status.ended_by, status.ended_at) == (BEN, events[-1].at)


def test_resolving_closes_the_incident() -> None:
    state = stories.state(told((WHOLE[0], (ANA, Resolved("over", (), ())))))
    assert not state.status.is_open


def test_a_kind_nobody_knows_is_an_error_and_not_silence() -> None:
    with pytest.raises(ValueError, match="unknown event kind 'forgotten'"):
        fact_from_json("forgotten", {})
