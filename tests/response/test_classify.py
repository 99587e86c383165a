"""Classifying: a decision of people, with what telemetry said beside it."""

from dataclasses import replace

import pytest

from bot.incident.classification import Answer, Question, Reply
from bot.incident.errors import BadInput, Closed
from bot.incident.model import Status
from bot.incident.narration import narrate
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice, Given
from tests.response.conftest import ANA, BEN, Office


async def test_people_may_decide_against_telemetry_and_it_is_said(office: Office) -> None:
    state = await office.classified(IncidentClass.LOOP)
    assert state.status is Status.CLASSIFIED
    assert state.classified is not None
    assert "set by ana; telemetry suggested UNKN" in state.classified.classification.because


async def test_a_severity_below_the_floor_is_refused_with_the_reason(office: Office) -> None:
    await office.declared()
    with pytest.raises(BadInput, match="below the floor SEV2"):
        await office.verbs.classify("INC-1", Choice(IncidentClass.SECU, Cause.ADVERSARY, Severity.SEV3), ANA, "c")
    assert "classified" not in office.told()


async def test_a_second_thought_is_a_second_event(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    office.later(minutes=4)
    choice = Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV3, comment="search answers nothing")
    state = await office.verbs.classify("INC-1", choice, BEN, "c2")
    assert office.told().count("classified") == 2
    assert state.incident_class is IncidentClass.TOOL
    told = narrate((await office.verbs.look.timeline("INC-1"))[-1])
    assert told == (
        "Reclassified LOOP → TOOL, suspected cause our-prompt → tool-or-API, SEV2 → SEV3: search answers nothing."
    )
    assert office.posted()[-1].startswith("LOOP → TOOL, by ben: search answers nothing. The card has the new runbook")


async def test_a_class_that_is_set_is_changed_with_a_reason_only(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    choice = Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV2)
    with pytest.raises(BadInput, match="LOOP is set already") as refused:
        await office.verbs.classify("INC-1", choice, BEN, "c2")
    assert refused.value.field == "comment"
    assert office.told().count("classified") == 1


async def test_two_who_set_the_same_class_at_once_make_one_event(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    choice = Choice(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV2)
    state = await office.verbs.classify("INC-1", choice, BEN, "c2")
    assert state.incident_class is IncidentClass.LOOP
    assert office.told().count("classified") == 1


async def test_an_answer_is_kept_at_once_and_the_last_one_counts(office: Office) -> None:
    await office.declared()
    yes = Given(Question.LOOPING, Reply.YES, Reply.NO, "2 of 50 tasks repeat")
    state = await office.verbs.classify.answer("INC-1", yes, ANA, "a1")
    assert (state.replies[Question.LOOPING].by, state.replies[Question.LOOPING].differs) == (ANA, True)
    state = await office.verbs.classify.answer("INC-1", replace(yes, reply=Reply.NO), BEN, "a2")
    assert (state.replies[Question.LOOPING].by, state.replies[Question.LOOPING].differs) == (BEN, False)
    await office.verbs.classify.answer("INC-1", replace(yes, reply=Reply.NO), BEN, "a3")
    assert office.told().count("question_answered") == 2
    told = [narrate(event) for event in (await office.verbs.look.timeline("INC-1"))[-2:]]
    assert told[0].startswith("Answered yes: Do tasks repeat")
    assert told[0].endswith("Telemetry says no (2 of 50 tasks repeat).")
    assert "Telemetry" not in told[1]


async def test_answers_that_come_with_the_class_are_kept_beside_what_telemetry_says(office: Office) -> None:
    await office.declared()
    answers = (Answer(Question.LOOPING, Reply.YES, "I see it", by=ANA.id),)
    choice = Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV3, answers)
    state = await office.verbs.classify("INC-1", choice, ANA, "c1")
    await office.verbs.classify("INC-1", choice, ANA, "c1")
    assert state.replies[Question.LOOPING].differs
    assert office.told().count("question_answered") == 1
    assert state.classified
    assert any("telemetry says cant_tell" in flag for flag in state.classified.classification.flags)


async def test_harm_said_with_the_class_counts_for_its_floor(office: Office) -> None:
    await office.declared()
    harm = (Answer(Question.HARM_NOW, Reply.YES, "it deletes accounts", by=ANA.id),)
    choice = Choice(IncidentClass.ACTN, Cause.UNKNOWN, Severity.SEV2, harm)
    with pytest.raises(BadInput, match="below the floor SEV1"):
        await office.verbs.classify("INC-1", choice, ANA, "c1")


async def test_what_people_answered_decides_the_class(office: Office) -> None:
    state = await office.declared()
    assert (await office.verbs.classify.suggested(state))[1].incident_class is IncidentClass.UNKN
    state = await office.verbs.classify.answer("INC-1", Given(Question.LOOPING, Reply.YES), ANA, "a1")
    _, tree = await office.verbs.classify.suggested(state)
    assert tree.incident_class is IncidentClass.LOOP
    assert tree.because[0] == "ana says yes: tasks loop or grow"


async def test_harm_said_in_the_dialog_is_harm(office: Office) -> None:
    await office.declared()
    state = await office.verbs.classify.answer("INC-1", Given(Question.HARM_NOW, Reply.YES), ANA, "a1")
    assert state.harm_now
    state = await office.verbs.classify.answer("INC-1", Given(Question.HARM_NOW, Reply.CANT_TELL), BEN, "a2")
    assert state.harm_now
    state = await office.verbs.classify.answer("INC-1", Given(Question.HARM_NOW, Reply.NO), BEN, "a3")
    assert not state.harm_now


async def test_a_resolved_incident_takes_no_answer(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "false alarm", frozenset(), ANA, "r")
    with pytest.raises(Closed, match="takes no answer"):
        await office.verbs.classify.answer("INC-1", Given(Question.LOUD, Reply.YES), ANA, "a1")


async def test_the_same_click_is_one_classification(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV2), ANA, "c1")
    assert office.told().count("classified") == 1


async def test_a_resolved_incident_takes_no_class(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "false alarm", frozenset(), ANA, "r")
    with pytest.raises(Closed, match="resolved"):
        await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV3), ANA, "c")


async def test_remediation_unlocks_with_class_and_cause_only(office: Office) -> None:
    assert not (await office.declared()).remediation_unlocked
    unsure = await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV3), ANA, "c1")
    assert not unsure.remediation_unlocked
    known = Choice(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV3, comment="p-119 went out at noon")
    sure = await office.verbs.classify("INC-1", known, ANA, "c2")
    assert sure.remediation_unlocked
