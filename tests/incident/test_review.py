"""The postmortem says what the timeline supports, and asks people for the rest."""

import re
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import Classified
from bot.incident.facts.closing import Resolved, ReviewWritten
from bot.incident.facts.declaring import Declared, EvidenceFrozen
from bot.incident.kinds import MitigationKind
from bot.incident.model import Person, Via
from bot.incident.postmortem import REVIEW_QUESTIONS, Postmortem, Section
from bot.incident.review import draft
from bot.incident.statements import Statement
from bot.incident.timeline import Event, Fact
from tests.incident import stories
from tests.incident.stories import BEN, WHOLE, told
from tests.taxonomies import TAXONOMY

NOW = stories.DECLARED_AT + timedelta(hours=3)
SELECTIONS = st.lists(st.booleans(), min_size=len(WHOLE), max_size=len(WHOLE)).map(
    lambda kept: tuple(fact for fact, keep in zip(WHOLE, kept, strict=True) if keep)
)


def drafted(events: tuple[Event, ...], bundle: EvidenceBundle | None = None) -> Postmortem:
    return draft(stories.state(events), events, bundle, NOW, TAXONOMY)


def spoken(document: Postmortem) -> list[Statement]:
    sections = [statement for said in document.sections.values() for statement in said]
    return [*sections, *document.classification_story, *document.mitigations, *document.times, *document.approvals]


def words(document: Postmortem) -> str:
    return "\n".join(statement.text for statement in spoken(document))


def test_every_sentence_of_the_whole_story_cites_events_that_exist() -> None:
    events = told()
    known = {event.id for event in events}
    document = drafted(events, stories.bundle())
    assert len(spoken(document)) > 30
    for statement in spoken(document):
        assert statement.events, statement.text
        assert set(statement.events) <= known, statement.text


@settings(deadline=None)
@given(SELECTIONS, st.booleans())
def test_nothing_is_said_that_no_event_supports(chosen: tuple[tuple[Person, Fact], ...], with_evidence: bool) -> None:  # noqa: FBT001  drawn by hypothesis
    events = told(chosen)
    kinds = {type(event.fact) for event in events}
    frozen = with_evidence and EvidenceFrozen in kinds
    document = drafted(events, stories.bundle() if frozen else None)
    known = {event.id for event in events}
    for statement in spoken(document):
        assert statement.events
        assert set(statement.events) <= known
    assert bool(document.mitigations) == any(kind.__name__.startswith("Mitigation") for kind in kinds)
    if not any(kind.__name__.startswith("Mitigation") for kind in kinds):
        levers = "|".join(kind.label for kind in MitigationKind)
        refused = re.findall(levers, words(document))
        assert refused == []
    if Resolved not in kinds:
        assert "Resolved" not in words(document)
    if Classified not in kinds:
        assert "Classified" not in words(document)
        assert "suspected cause" not in words(document)
    if EvidenceFrozen not in kinds:
        assert document.sections[Section.IMPACT] == ()
        assert document.sections[Section.CONTRIBUTING_FACTORS] == ()


@settings(deadline=None)
@given(SELECTIONS)
def test_a_section_is_either_written_or_carried_by_events_or_a_gap(chosen: tuple[tuple[Person, Fact], ...]) -> None:
    events = told(chosen)
    document = drafted(events)
    gaps = {todo.section for todo in document.todos}
    written = {Section(event.fact.section) for event in events if isinstance(event.fact, ReviewWritten)}
    for section in Section:
        if section in written:
            assert section not in gaps
        elif section not in {Section.SUMMARY, Section.DETECTION} or not document.sections[section]:
            assert section in gaps
    assert all(todo.question == REVIEW_QUESTIONS[todo.section] for todo in document.todos)


def test_a_fresh_declaration_leaves_four_gaps_for_people() -> None:
    document = drafted(told(WHOLE[:1]))
    assert {todo.section for todo in document.todos} == {
        Section.IMPACT,
        Section.CONTRIBUTING_FACTORS,
        Section.MONITORING_GAP,
        Section.ACTIONS,
    }
    assert not document.reviewable


def test_the_monitoring_gap_decides_whether_it_may_be_reviewed() -> None:
    empty = (BEN, ReviewWritten(Section.MONITORING_GAP.value, "   "))
    filled = (BEN, ReviewWritten(Section.MONITORING_GAP.value, "An alert on the pass rate, at 14:06; not yet."))
    assert not drafted(told((WHOLE[0], empty))).reviewable
    assert drafted(told((WHOLE[0], filled))).reviewable


def test_the_summary_tells_what_class_and_how_it_ended() -> None:
    said = [statement.text for statement in drafted(told()).sections[Section.SUMMARY]]
    assert said[0] == f"{stories.TITLE} (helpdesk-agent in production), declared by Ben at 14:31:00 UTC."
    assert said[1] == "Class QUAL: silent quality degradation; suspected cause our-prompt; SEV3."
    assert said[2] == "Resolved at 14:54:00 UTC, 23 min after the declaration: prompt p-118 is back"


def test_impact_gives_the_figures_users_felt_and_no_others() -> None:
    said = [statement.text for statement in drafted(told(), stories.bundle()).sections[Section.IMPACT]]
    assert len(said) == 3
    assert said[0].startswith("At the declaration: 1 of 84 tasks failed (1")
    assert said[1].startswith("At the declaration: 18 of 40 answers were judged wrong (45 %, 35-55 %; was")
    assert said[2] == "Other agents with the same trouble: field-agent."
    assert not any("people" in text for text in said)


def test_impact_says_whose_tasks_its_figures_leave_out() -> None:
    seen = {"production": 84, "staging": 340}
    counted = replace(stories.bundle(), environment="production", environments=seen, left_out={"staging": 340})
    said = [statement.text for statement in drafted(told(), counted).sections[Section.IMPACT]]
    assert "At the declaration: 340 tasks of staging are not counted." in said


def test_detection_says_who_noticed_and_how_long_after_the_onset() -> None:
    said = [statement.text for statement in drafted(told(), stories.bundle()).sections[Section.DETECTION]]
    assert said == [
        "Noticed by a person and declared through Slack. In their words: a user told us",
        "Telemetry puts the onset at 14:02:00 UTC, 29 min before the declaration.",
    ]


def test_what_a_monitor_raised_is_not_credited_to_a_person() -> None:
    events = told(((BEN, stories.declared(detection="", via=Via.ALERT)),))
    document = drafted(events, stories.bundle())
    assert document.sections[Section.DETECTION][0].text == "Noticed by a monitor and declared through an alert."
    assert document.sections[Section.MONITORING_GAP][0].text == "A monitor raised it."
    assert "a person did" not in words(document)


def test_a_change_near_the_onset_is_a_factor_and_says_since_when() -> None:
    (factor,) = drafted(told(), stories.bundle()).sections[Section.CONTRIBUTING_FACTORS]
    assert factor.text == (
        "Changed near the onset: prompt version p-119 (was p-118), first seen 13:58:00 UTC, in 40 of 40 tasks since."
    )


def test_the_classification_story_keeps_what_was_thought_first() -> None:
    story = "\n".join(statement.text for statement in drafted(told()).classification_story)
    order = [story.index(word) for word in ("it looks like QUAL", "5 min without a class", "Classified LOOP")]
    assert order == sorted(order)
    assert story.index("Classified LOOP") < story.index("Classified QUAL")
    assert "Not LOOP: no repeats in 50 traces" in story


def test_the_levers_tell_their_whole_life() -> None:
    said = "\n".join(statement.text for statement in drafted(told()).mitigations)
    for part in (
        "Kill switch was refused",
        "Turn limit 6 applied to helpdesk-agent until 15:36 UTC; before: no control, now: turn limit 6.",
        "observed: 31 of 31 tasks started since obey",
        "ineffective: 30 of 31 tasks started since obey",
        "Turn limit 6 undone (it is no loop); now: no control.",
        "Override: answers do harm",
        "it stays in force until somebody decides",
        "Kill switch extended until 16:31 UTC.",
        "Turn limit 4 expired; now: halted.",
        "Kill switch undone alone (pass rate is back); now: no control.",
    ):
        assert part in said


def test_without_evidence_nothing_is_guessed() -> None:
    document = drafted(told(WHOLE[:1]))
    assert document.sections[Section.IMPACT] == ()
    assert document.sections[Section.MONITORING_GAP] == ()
    assert "onset" not in words(document)


def test_the_declaration_counts_even_when_it_stands_alone() -> None:
    events = told(WHOLE[:1])
    assert isinstance(events[0].fact, Declared)
    assert [statement.events for statement in drafted(events).sections[Section.SUMMARY]] == [("INC-7#1",)]
