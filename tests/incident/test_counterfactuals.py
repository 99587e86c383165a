"""What would change the tree's mind is tried, not guessed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.classification import Answer, Classification, Question, Reply, WouldChange
from bot.incident.counterfactuals import explained, would_change
from bot.incident.evidence import Direction, EvidenceBundle
from bot.incident.look import look_at
from bot.incident.rules import QuestionRole
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify, decide
from tests.incident.agents_at_work import work
from tests.incident.faults import ONSET, H, on
from tests.incident.test_tree import seen
from tests.taxonomies import CLASSES, QUESTIONS, TAXONOMY

LOOPS, _ = seen(work(1, ONSET + 12, ONSET, on(H, 0.4, repeats=12)), H, ONSET + 10)
FLAT, _ = seen(work(2, 75), H, 60)
CRASHES, _ = seen(work(3, ONSET + 12, ONSET, on(H, crash=0.5)), H, ONSET + 10)
COUNTED = [signal.name for signal in LOOPS.signals if signal.k is not None and signal.n]


def noisy(bundle: EvidenceBundle, name: str, share: float) -> EvidenceBundle:
    """The bundle with one signal at another share."""
    return replace(
        bundle,
        signals=tuple(
            replace(one, k=round(share * one.n), value=share) if one.name == name and one.n else one
            for one in bundle.signals
        ),
    )


BUNDLES = st.builds(
    noisy, st.sampled_from([LOOPS, FLAT, CRASHES]), st.sampled_from(COUNTED), st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])
)


def done(bundle: EvidenceBundle, one: WouldChange) -> IncidentClass | None:
    """The class once that one thing is changed."""
    if one.question is not None and one.reply is not None:
        told = {one.question: Answer(one.question, one.reply, "", by="people")}
        return decide(look_at(bundle, TAXONOMY), told).chosen
    return decide(look_at(noisy(bundle, one.signal, one.value or 0.0), TAXONOMY), {}).chosen


@settings(deadline=None, max_examples=25)
@given(BUNDLES)
def test_each_of_them_leads_where_it_says_and_nowhere_it_is_already(bundle: EvidenceBundle) -> None:
    now = classify(bundle, TAXONOMY).incident_class
    for one in would_change(bundle, TAXONOMY):
        assert one.to is not now
        assert done(bundle, one) is one.to, one.text


def test_a_loop_names_the_figure_at_which_it_is_none() -> None:
    said = explained(LOOPS, TAXONOMY, {})
    assert said.incident_class is IncidentClass.LOOP
    answers = [one for one in said.would_change if one.question is Question.LOOPING]
    assert [one.reply for one in answers] == [Reply.NO]
    assert any(one.signal == "security_hits" and one.to is IncidentClass.SECU for one in said.would_change)


def test_where_nothing_is_wrong_it_says_what_would_have_to_be_seen() -> None:
    said = explained(FLAT, TAXONOMY, {})
    assert said.incident_class is None
    assert said.onset is None
    failures = next(one for one in said.would_change if one.to is IncidentClass.HARD and one.signal)
    assert failures.text.startswith("HARD if ")
    assert "now 0)" in failures.text


def stale(bundle: EvidenceBundle) -> EvidenceBundle:
    """Nothing has come from anybody for an hour; the window's figures are still there."""
    ages = {"span_age", "fleet_age"}
    return replace(
        bundle,
        signals=tuple(
            replace(one, value=500.0, direction=Direction.UP) if one.name in ages else one for one in bundle.signals
        ),
    )


@settings(deadline=None, max_examples=60)
@given(BUNDLES)
def test_stale_telemetry_never_says_no(bundle: EvidenceBundle) -> None:
    said = classify(stale(bundle), TAXONOMY)
    about_classes = [one for one in said.answers if TAXONOMY.asked(one.question).role is QuestionRole.CLASS]
    assert Reply.NO not in {one.reply for one in about_classes}
    assert said.incident_class is not None


@settings(deadline=None, max_examples=60)
@given(BUNDLES, st.sampled_from([name for name in QUESTIONS if TAXONOMY.asked(name).role is QuestionRole.CLASS]))
def test_people_win_and_the_disagreement_is_flagged(bundle: EvidenceBundle, question: Question) -> None:
    measured = {one.question: one.reply for one in classify(bundle, TAXONOMY).answers}
    other = Reply.NO if measured[question] is Reply.YES else Reply.YES
    said = classify(bundle, TAXONOMY, {question: Answer(question, other, "Ana knows", by="U1")})
    assert next(one for one in said.answers if one.question is question).by == "U1"
    assert any(flag.startswith("U1 says") for flag in said.flags)


@settings(deadline=None, max_examples=60)
@given(BUNDLES)
def test_a_class_is_never_both_chosen_and_ruled_out(bundle: EvidenceBundle) -> None:
    said: Classification = classify(bundle, TAXONOMY)
    for name in CLASSES:
        ruled_out = any(one.startswith(f"not {name}:") for one in said.rules_out)
        assert not (ruled_out and name is said.incident_class)
    if said.incident_class not in {None, IncidentClass.UNKN}:
        assert len(said.rules_out) == len(CLASSES) - 2


@pytest.mark.parametrize("bundle", [LOOPS, CRASHES])
def test_the_onset_is_part_of_the_classification(bundle: EvidenceBundle) -> None:
    assert classify(bundle, TAXONOMY).onset == bundle.onset
