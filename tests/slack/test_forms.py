"""What people answered, read back: as Slack sends it, and as the local workspace does."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.incident.classification import Question, Reply
from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.facts.classifying import QuestionAnswered, SeverityChanged
from bot.incident.facts.closing import ReviewWritten
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, Scope
from bot.incident.model import Role
from bot.incident.postmortem import Section
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.answering import Sent
from bot.response.orders import Order
from bot.slack import card_controls
from bot.slack.views import (
    contain_now,
    declare,
    menu,
    mitigate,
    note,
    postmortem,
    preview,
    question,
    resolve,
    role,
    severity,
    undo,
    update,
    verdict,
)
from tests.slack.answering import fields, named, submitted
from tests.slack.stories import APPLIED, AT, CLASSIFIED, KNOWN, OFFERS, PREVIEWS, STAGES, asked, mitigation, told
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


@BROWSERS
def test_an_environment_is_asked_for_where_there_are_several(*, initials: bool) -> None:
    said = {"title": "It loops", "agent": "helpdesk-agent"}
    view = declare.dialog("n1", "C1", AGENTS, environments=("production", "staging"))
    for more, environment in (({}, ""), ({"environment": "staging"}, "staging")):
        form = declare.read(submitted(view, said | more, initials=initials))
        assert isinstance(form, declare.DeclareForm)
        assert form.environment == environment
    assert "environment" not in fields(declare.dialog("n1", "C1", AGENTS, environments=("production",)))


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
def test_an_untouched_question_keeps_what_telemetry_says(*, initials: bool) -> None:
    view = question.dialog(asked(), Question.LOOPING)
    turn = question.read(submitted(view, initials=initials))
    figure = "17 of 50 tasks at the cap = 34 %"
    sent = Sent(Question.LOOPING, Reply.YES, Reply.YES, Reply.YES, figure)
    assert turn == question.Turn("INC-7", sent, "next", declared=False)


@BROWSERS
def test_a_reply_and_the_way_back_are_read(*, initials: bool) -> None:
    view = question.dialog(asked(), Question.LOOPING, declared=True)
    turn = question.read(submitted(view, {named(view, "reply"): "no", named(view, "then"): "back"}, initials=initials))
    assert turn is not None
    assert (turn.sent.reply, turn.sent.shown, turn.then, turn.declared) == (Reply.NO, Reply.YES, "back", True)


def test_an_answer_of_somebody_else_is_what_untouched_means() -> None:
    view = question.dialog(asked(QuestionAnswered(Question.LOOPING, Reply.NO, Reply.YES)), Question.LOOPING)
    turn = question.read(submitted(view))
    assert turn is not None
    assert (turn.sent.reply, turn.sent.shown, turn.sent.telemetry) == (Reply.NO, Reply.NO, Reply.YES)
    assert turn.sent.seen.startswith("U0ANA@")


def test_fields_of_two_screens_never_share_a_name() -> None:
    """Slack keeps what was chosen in a field whose name stays, and would answer the next question with it."""
    screens = [question.dialog(asked(), one) for one in TAXONOMY.questions]
    screens += [question.dialog(asked(QuestionAnswered(one, Reply.NO)), one) for one in TAXONOMY.questions]
    screens += [verdict.dialog(asked(), one) for one in TAXONOMY.classes]
    names = [name for view in screens for name in fields(view) if name not in {verdict.COMMENT, verdict.LOOK}]
    assert len(names) == len(set(names))


def test_only_questions_with_something_behind_them_lead_there() -> None:
    first, last = (question.dialog(asked(), one) for one in (Question.HARM_NOW, Question.LOOPING))
    assert '"back"' not in json.dumps(first)
    assert '"end"' in json.dumps(first)
    assert '"back"' in json.dumps(last)
    assert '"end"' not in json.dumps(last)


@BROWSERS
def test_confirming_untouched_takes_the_tree_at_its_word(*, initials: bool) -> None:
    form = verdict.read(submitted(verdict.dialog(asked()), initials=initials))
    loop = IncidentClass.LOOP
    assert form == verdict.Verdict("INC-7", loop, loop, Cause.OUR_PROMPT, Severity.SEV3, "", None, "", declared=False)


def test_another_class_and_an_answer_to_look_at_are_read() -> None:
    view = verdict.dialog(asked())
    form = verdict.read(submitted(view, {named(view, "incident_class"): "UNKN", verdict.LOOK: "looping"}))
    assert isinstance(form, verdict.Verdict)
    assert (form.shown, form.incident_class, form.look) == (IncidentClass.LOOP, IncidentClass.UNKN, Question.LOOPING)


def test_classifying_does_not_suggest_to_lower_the_severity() -> None:
    form = verdict.read(submitted(verdict.dialog(asked(SeverityChanged(Severity.SEV3, Severity.SEV1, "")))))
    assert isinstance(form, verdict.Verdict)
    assert form.severity is Severity.SEV1


def test_a_severity_below_the_floor_is_not_offered() -> None:
    assert "SEV4" not in json.dumps(verdict.dialog(asked()))


def test_no_lever_is_pulled_by_leaving_it_alone() -> None:
    view = contain_now.dialog(told()[0], OFFERS, declared=True)
    assert refused(contain_now.read(submitted(view))) == {"lever"}
    limit = contain_now.read(submitted(view, {"lever": "0"}))
    assert limit == contain_now.Lever("INC-7", MitigationKind.TURN_LIMIT, 5, declared=True)
    halt = contain_now.read(submitted(view, {"lever": "1"}))
    assert halt == contain_now.Lever("INC-7", MitigationKind.HALT, OFFERS[1].value, declared=True)
    on = contain_now.read(submitted(view, {"lever": "not_now"}))
    assert on == contain_now.Lever("INC-7", None, None, declared=True)


@BROWSERS
def test_an_untouched_order_is_the_offer_for_an_hour(*, initials: bool) -> None:
    state, _ = told(CLASSIFIED)
    picked = mitigate.read_list(submitted(mitigate.list_view(state, OFFERS), initials=initials))
    assert picked == mitigate.Pick("INC-7", MitigationKind.TURN_LIMIT, 5)
    form = ordered(previewed(state, 0), initials=initials)
    assert form.shown
    assert form.order == Order(MitigationKind.TURN_LIMIT, 5)


def previewed(state: IncidentState, number: int) -> dict[str, Any]:
    found = PREVIEWS[number]
    return preview.preview(state, found, Order(found.wanted.kind, found.wanted.value), KNOWN)


def ordered(view: Mapping[str, Any], said: Mapping[str, Any] | None = None, *, initials: bool = True) -> preview.Asked:
    form = preview.read(submitted(view, said, initials=initials))
    assert isinstance(form, preview.Asked)
    return form


def test_a_lever_that_is_advised_against_needs_a_reason() -> None:
    view = previewed(told(CLASSIFIED)[0], 1)
    assert refused(preview.read(submitted(view))) == {"order_override"}
    form = ordered(view, {"order_override": "it writes tickets", "minutes": "15"})
    assert form.shown
    assert form.order == Order(MitigationKind.HALT, value=True, minutes=15, override="it writes tickets")


@pytest.mark.parametrize("said", [{"value:turn-limit": "3"}, {"scope": "1"}])
def test_what_was_changed_is_previewed_before_it_is_applied(said: Mapping[str, str]) -> None:
    form = ordered(previewed(told(CLASSIFIED)[0], 0), said)
    assert not form.shown
    assert (form.order.value, form.order.scope.tenant) in {(3, ""), (5, "acme")}


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ({"scope_typed": "tenant=acme, version = 2.3"}, Scope(tenant="acme", version="2.3")),
        ({"scope_typed": "env=production"}, Scope("production")),
        ({"scope": "1", "scope_typed": "channel=mail"}, Scope(channel="mail")),
        ({"scope": "0"}, Scope("production")),
        ({}, EVERYWHERE),
    ],
)
def test_any_part_of_the_traffic_is_chosen_or_typed(said: Mapping[str, str], scope: Scope) -> None:
    assert ordered(previewed(told(CLASSIFIED)[0], 0), said).order.scope == scope


@BROWSERS
def test_a_combination_stays_until_it_is_changed_in_either_field(*, initials: bool) -> None:
    both = Scope(tenant="acme", version="2.3")
    order = Order(MitigationKind.HALT, scope=both)
    found = replace(PREVIEWS[1], wanted=replace(PREVIEWS[1].wanted, scope=both))
    view = preview.preview(told(CLASSIFIED)[0], found, order, KNOWN)
    said = {"order_override": "it writes tickets"}
    same = ordered(view, said, initials=initials)
    assert (same.shown, same.order.scope) == (True, both)
    changes: list[tuple[dict[str, str], Scope]] = [
        ({"scope": "2"}, Scope(tenant="acme")),
        ({"scope": "all"}, EVERYWHERE),
        ({"scope_typed": "version=2.4"}, Scope(version="2.4")),
    ]
    for change, scope in changes:
        form = ordered(view, {**said, **change}, initials=initials)
        assert (form.shown, form.order.scope) == (False, scope)


@pytest.mark.parametrize("typed", ["acme", "tenant=", "team=acme", "tenant=a, tenant=b", "=x", "tenant acme"])
def test_a_scope_that_cannot_be_read_says_how_to_write_it(typed: str) -> None:
    read = preview.read(submitted(previewed(told(CLASSIFIED)[0], 0), {"scope_typed": typed}))
    assert refused(read) == {"scope_typed"}
    assert "write it like tenant=acme, version=2.3" in str(read)


@BROWSERS
def test_names_are_chosen_or_typed(*, initials: bool) -> None:
    state = told(CLASSIFIED)[0]
    tools = preview.preview(state, None, Order(MitigationKind.DISABLE_TOOLS), KNOWN)
    assert refused(preview.read(submitted(tools, initials=initials))) == {"value:disable-tools"}
    said = {"value:disable-tools": ["search_kb"], "value_named:disable-tools": "mail, "}
    assert ordered(tools, said, initials=initials).order.value == ("mail", "search_kb")
    pin = preview.preview(state, None, Order(MitigationKind.MODEL_PIN), KNOWN)
    assert ordered(pin, {"value:model-pin": "orion-large-2"}, initials=initials).order.value == "orion-large-2"
    assert ordered(pin, {"value_named:model-pin": "other"}, initials=initials).order.value == "other"


def test_a_pin_takes_the_place_of_another_only_when_somebody_says_so() -> None:
    pinned = replace(mitigation(), kind=MitigationKind.MODEL_PIN, value="orion-mini-2")
    found = replace(
        PREVIEWS[0], wanted=replace(PREVIEWS[0].wanted, kind=MitigationKind.MODEL_PIN, value="orion-large-2")
    )
    view = preview.preview(told()[0], found, Order(MitigationKind.MODEL_PIN, "orion-large-2"), KNOWN, (pinned,))
    assert ordered(view).order.supersedes == ""
    form = ordered(view, {"supersedes": pinned.id})
    assert (form.order.supersedes, form.shown) == (pinned.id, False)


def test_what_is_in_force_is_known_by_its_value_not_by_its_proof() -> None:
    one = mitigation()
    assert preview.fingerprint((one,)) == preview.fingerprint((replace(one, revision=9),))
    assert preview.fingerprint((one,)) != preview.fingerprint((replace(one, value=4),))


@BROWSERS
def test_a_limit_can_go_in_steps(*, initials: bool) -> None:
    state, mid = told(CLASSIFIED, APPLIED)[0], mitigation().id
    form = undo.read(submitted(undo.dialog(state, mid), {"undo_how": "steps"}, initials=initials))
    assert form == undo.UndoForm("INC-7", mid, "", "", undo.IN_STEPS, ("8", "15"), 20)
    other = submitted(undo.dialog(state, mid), {"undo_how": "value"}, initials=initials)
    assert refused(undo.read(other)) == {"undo_values"}


def test_undoing_asks_a_second_person_or_says_why_it_cannot_wait() -> None:
    state, mid = told(CLASSIFIED, APPLIED)[0], mitigation().id
    dialog = undo.dialog(state, mid)
    assert undo.read(submitted(dialog)) == undo.UndoForm("INC-7", mid, "")
    alone = undo.read(submitted(dialog, {"undo_alone": "nobody is awake"}))
    assert alone == undo.UndoForm("INC-7", mid, "", "nobody is awake")


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


def test_card_and_resolve_say_in_one_wording_that_the_incident_has_no_control() -> None:
    """True, too, where another incident of the agent has one: both speak of theirs alone."""
    state, _ = told(CLASSIFIED)
    card = json.dumps(card_controls.controls(state, "", 5, AT))
    assert NONE_IN_FORCE in card
    assert NONE_IN_FORCE in json.dumps(resolve.dialog(state))


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
    assert isinstance(preview.read(broken), dict)
    assert isinstance(declare.read(broken), dict)
    assert isinstance(verdict.read(broken), dict)
    assert isinstance(contain_now.read(broken), dict)
    assert question.read(broken) is None


def test_an_agent_whose_name_fits_no_option_can_still_be_typed() -> None:
    long = declare.AgentChoice("reconcile-" * 18)
    assert "agent_name" not in fields(declare.dialog("n1", "C1", AGENTS))
    assert "agent_name" in fields(declare.dialog("n1", "C1", [*AGENTS, long]))
    assert "agent_name" in fields(declare.dialog("n1", "C1", [long]))
