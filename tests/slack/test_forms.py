"""What people answered, read back: as Slack sends it, and as the local workspace does."""

import json

import pytest

from bot.incident.classification import Question, Reply
from bot.incident.kinds import MitigationKind
from bot.incident.model import Role
from bot.incident.review import Section
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.timeline import ReviewWritten
from bot.slack.views import (
    classify,
    declare,
    menu,
    mitigate,
    note,
    postmortem,
    resolve,
    role,
    severity,
    undo,
    update,
)
from tests.slack.answering import fields, submitted
from tests.slack.stories import ANSWERS, APPLIED, AT, CLASSIFIED, LOOPS, OFFERS, STAGES, mitigation, told
from tests.taxonomies import TAXONOMY

BROWSERS = pytest.mark.parametrize("initials", [True, False], ids=["slack", "local workspace"])
AGENTS = [declare.AgentChoice("helpdesk-agent", "eval pass rate 22 of 40"), declare.AgentChoice("field-agent")]


def refused(read: object) -> set[str]:
    """The fields at which a dialog says that something is wrong."""
    assert isinstance(read, dict)
    return set(read)


@BROWSERS
def test_a_declaration_with_untouched_fields_takes_the_suggestions(*, initials: bool) -> None:
    view = declare.dialog("n1", "C1", AGENTS, Severity.SEV2)
    form = declare.read(submitted(view, {"title": " It loops ", "agent": "helpdesk-agent"}, initials=initials))
    assert isinstance(form, declare.DeclareForm)
    assert (form.title, form.agent, form.nonce, form.channel) == ("It loops", "helpdesk-agent", "n1", "C1")
    assert (form.severity, form.chosen, form.harm_now, form.test, form.private) == (
        None,
        Severity.SEV2,
        False,
        False,
        False,
    )


def test_harm_now_is_severe_even_when_the_suggestion_was_not() -> None:
    view = declare.dialog("n1", "C1", AGENTS, Severity.SEV3)
    said = {"title": "It leaks", "agent": "field-agent", "harm_now": "yes", "options": ["private", "test"]}
    form = declare.read(submitted(view, said))
    assert isinstance(form, declare.DeclareForm)
    assert form.chosen is Severity.SEV2
    assert form.private
    assert form.test


def test_what_is_missing_in_a_declaration_is_said_where_it_is_missing() -> None:
    view = declare.dialog("n1", "C1", AGENTS)
    assert declare.read(submitted(view)) == {
        "title": "Say in a few words what is going wrong.",
        "agent": "Choose the agent that is in trouble.",
    }
    errors = declare.read(submitted(view, {"title": "x" * 10_000, "agent": "field-agent"}))
    assert isinstance(errors, dict)
    assert errors["title"].startswith("This has 10000 characters; 200 fit.")


def test_what_was_typed_early_survives_the_arrival_of_the_figures() -> None:
    early, late = declare.skeleton("n1", "C1"), declare.dialog("n1", "C1", AGENTS)
    assert fields(early) < fields(late)
    answer = declare.read(submitted(early, {"title": "It loops"}))
    assert answer == {"title": "The agents are still being read. Press Declare again in a moment."}


def test_a_typed_agent_name_counts_when_nothing_is_listed() -> None:
    form = declare.read(submitted(declare.dialog("n", "C", []), {"title": "t", "agent_name": "new-agent"}))
    assert isinstance(form, declare.DeclareForm)
    assert form.agent == "new-agent"


@BROWSERS
def test_untouched_questions_keep_what_telemetry_says(*, initials: bool) -> None:
    view = classify.questions("INC-7", ANSWERS, TAXONOMY)
    assert len(classify.asked(ANSWERS)) == 3
    assert classify.read_question(submitted(view, initials=initials)).replies == {}


def test_only_what_differs_from_telemetry_is_an_override() -> None:
    view = classify.questions("INC-7", ANSWERS, TAXONOMY)
    form = classify.read_question(submitted(view, {"q_looping": "no", "q_action": "cant_tell"}))
    assert form.replies == {Question.LOOPING: Reply.NO}


def test_the_questions_asked_are_those_that_carry_the_class() -> None:
    assert [answer.question for answer in classify.asked(ANSWERS)] == [
        Question.ACTION,
        Question.LOOPING,
        Question.LOOP_BY_TOOL,
    ]


def test_one_question_at_a_time_remembers_the_earlier_ones() -> None:
    view = classify.question("INC-7", 2, 3, ANSWERS[4], "Do tasks loop?", chosen={Question.LOUD: Reply.YES})
    form = classify.read_question(submitted(view, {"q_looping": "cant_tell"}))
    assert form.replies == {Question.LOUD: Reply.YES, Question.LOOPING: Reply.CANT_TELL}
    assert (form.key, form.index, form.total) == ("INC-7", 2, 3)


@BROWSERS
def test_confirming_untouched_takes_the_tree_at_its_word(*, initials: bool) -> None:
    view = classify.summary("INC-7", LOOPS, TAXONOMY, replies={Question.LOUD: Reply.NO})
    form = classify.read_summary(submitted(view, initials=initials))
    assert form == classify.ClassifyForm(
        "INC-7", IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV3, "", {Question.LOUD: Reply.NO}
    )


def test_classifying_does_not_suggest_to_lower_the_severity() -> None:
    form = classify.read_summary(submitted(classify.summary("INC-7", LOOPS, TAXONOMY, current=Severity.SEV1)))
    assert isinstance(form, classify.ClassifyForm)
    assert form.severity is Severity.SEV1


def test_a_severity_below_the_floor_is_not_offered() -> None:
    assert "SEV4" not in json.dumps(classify.summary("INC-7", LOOPS, TAXONOMY))


@BROWSERS
def test_an_untouched_order_is_the_offer_for_an_hour(*, initials: bool) -> None:
    state, _ = told(CLASSIFIED)
    picked = mitigate.read_list(submitted(mitigate.list_view(state, OFFERS), initials=initials))
    assert picked == mitigate.Pick("INC-7", MitigationKind.TURN_LIMIT)
    form = mitigate.read_preview(submitted(mitigate.preview(state, OFFERS[0], AT), initials=initials))
    assert form == mitigate.OrderForm("INC-7", MitigationKind.TURN_LIMIT, 5, 60, "", None)


def test_a_lever_that_is_advised_against_needs_a_reason() -> None:
    state, _ = told(CLASSIFIED)
    view = mitigate.preview(state, OFFERS[1], AT)
    assert refused(mitigate.read_preview(submitted(view))) == {"order_override"}
    form = mitigate.read_preview(submitted(view, {"order_override": "it writes tickets", "minutes": "15"}))
    assert form == mitigate.OrderForm("INC-7", MitigationKind.HALT, None, 15, "", "it writes tickets")


def test_undoing_alone_needs_a_reason_and_a_second_person_needs_none() -> None:
    state, _ = told(CLASSIFIED, APPLIED)
    mid = mitigation().id
    assert refused(undo.read(submitted(undo.dialog(state, mid, "U0ANA")))) == {"undo_reason"}
    assert undo.read(submitted(undo.dialog(state, mid, "U0BEN"))) == undo.UndoForm("INC-7", mid, "")


@BROWSERS
def test_an_untouched_draft_is_posted_as_it_stands(*, initials: bool) -> None:
    form = update.read(submitted(update.dialog("INC-7", "We are\nlooking."), initials=initials))
    assert form == update.UpdateForm("INC-7", "We are\nlooking.")


def test_empty_texts_are_answered_and_not_recorded() -> None:
    assert refused(update.read(submitted(update.dialog("INC-7", "x"), {"update_text": " "}))) == {"update_text"}
    assert refused(note.read(submitted(note.dialog("INC-7")))) == {"note_text"}
    assert refused(resolve.read(submitted(resolve.dialog(told()[0])))) == {"resolve_summary"}


@BROWSERS
def test_a_role_left_alone_is_the_commanders_for_who_submits(*, initials: bool) -> None:
    view = role.dialog(told()[0], [role.PersonChoice("U0BEN", "ben")])
    assert role.read(submitted(view, initials=initials)) == role.RoleForm("INC-7", Role.COMMANDER, None)
    chosen = role.read(submitted(view, {"role": "scribe", "person": "U0BEN"}, initials=initials))
    assert chosen == role.RoleForm("INC-7", Role.SCRIBE, "U0BEN")
    assert refused(role.read(submitted(view, {"person_id": "ben!"}))) == {"person_id"}


def test_severity_is_read_with_its_reason() -> None:
    view = severity.dialog(told(CLASSIFIED)[0])
    form = severity.read(submitted(view, {"new_severity": "SEV1", "severity_reason": "12 customers called"}))
    assert form == severity.SeverityForm("INC-7", Severity.SEV1, "12 customers called")


def test_controls_are_undone_on_resolve_unless_kept() -> None:
    state, _ = told(CLASSIFIED, APPLIED)
    view = resolve.dialog(state, ("38 of 40 pass",), recovered=True)
    assert resolve.read(submitted(view, {"resolve_summary": "over"})) == resolve.ResolveForm(
        "INC-7", "over", frozenset()
    )
    kept = resolve.read(submitted(view, {"resolve_summary": "over", "keep": [mitigation().id]}))
    assert kept == resolve.ResolveForm("INC-7", "over", frozenset({mitigation().id}))


@BROWSERS
def test_only_changed_sections_of_a_postmortem_are_written(*, initials: bool) -> None:
    state, _ = told(CLASSIFIED, ReviewWritten("impact", "12 people"))
    form = postmortem.read(submitted(postmortem.dialog(state), {"actions": "a loop alarm"}, initials=initials))
    assert form == postmortem.PostmortemForm("INC-7", {Section.ACTIONS: "a loop alarm"})


def test_a_review_needs_the_monitoring_gap() -> None:
    view = postmortem.dialog(told(*STAGES["resolved"])[0])
    assert refused(postmortem.read(submitted(view, {"mark_reviewed": ["yes"]}))) == {"monitoring_gap"}
    form = postmortem.read(submitted(view, {"mark_reviewed": ["yes"], "monitoring_gap": "steps per task"}))
    assert isinstance(form, postmortem.PostmortemForm)
    assert form.reviewed


@BROWSERS
def test_the_menu_left_alone_opens_the_next_step(*, initials: bool) -> None:
    assert menu.read(submitted(menu.dialog(told()[0]), initials=initials)) == menu.MenuForm("INC-7", "classify")


def test_a_dialog_nobody_can_read_is_answered_and_does_not_crash() -> None:
    broken = {"private_metadata": "not json", "blocks": [], "state": {}}
    assert isinstance(mitigate.read_preview(broken), dict)
    assert isinstance(declare.read(broken), dict)
    assert isinstance(classify.read_summary(broken), dict)
    assert classify.read_question(broken).replies == {}
