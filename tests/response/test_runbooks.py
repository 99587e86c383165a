"""Runbook steps are ticked by people; the timeline keeps each word, and the class decides which steps there are."""

import pytest

from bot.incident.errors import Closed, NotFound
from bot.incident.facts.classifying import Classified, StepTicked
from bot.incident.runbook import Phase
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice
from tests.fakes.verbs import RUNBOOKS
from tests.response.conftest import ANA, BEN, Office

LOOP = IncidentClass.LOOP
STEP = "read-looping-trace"


async def test_ticking_says_who_when_and_how_the_step_read_then(office: Office) -> None:
    await office.classified(LOOP)
    state = await office.verbs.tick("inc-1", STEP, BEN, "t1")
    tick = state.ticks[LOOP, STEP]
    assert (tick.by, tick.at) == (BEN, office.clock.now())
    assert tick.fact == StepTicked(LOOP, STEP, RUNBOOKS[LOOP].steps[0].text, True, "LOOP 2, packaged")
    checklist = await office.verbs.runbook("INC-1")
    (item,) = [item for item in checklist.items if item.done]
    assert (item.step.id, item.by, checklist.done) == (STEP, BEN, 1)


async def test_ticking_twice_is_one_event_and_the_last_word_counts(office: Office) -> None:
    await office.classified(LOOP)
    await office.verbs.tick("INC-1", STEP, ANA, "t1")
    await office.verbs.tick("INC-1", STEP, BEN, "t2")
    assert office.told().count("step_ticked") == 1
    undone = await office.verbs.tick("INC-1", STEP, BEN, "t3", done=False)
    assert (undone.ticks[LOOP, STEP].fact.done, undone.ticks[LOOP, STEP].by) == (False, BEN)
    await office.verbs.tick("INC-1", STEP, BEN, "t4", done=False)
    again = await office.verbs.tick("INC-1", STEP, ANA, "t5")
    assert again.ticks[LOOP, STEP].by == ANA
    assert office.told().count("step_ticked") == 3


async def test_unticking_what_nobody_ticked_is_no_event(office: Office) -> None:
    await office.classified(LOOP)
    await office.verbs.tick("INC-1", STEP, ANA, "t1", done=False)
    assert "step_ticked" not in office.told()


async def test_before_a_class_is_set_the_steps_of_unkn_stand(office: Office) -> None:
    await office.declared()
    state = await office.verbs.tick("INC-1", "check-freshness", ANA, "t1")
    assert state.ticks[IncidentClass.UNKN, "check-freshness"].fact.done
    assert (await office.verbs.runbook("INC-1")).runbook.incident_class is IncidentClass.UNKN


async def test_another_class_has_other_steps_and_what_was_ticked_stays(office: Office) -> None:
    await office.classified(LOOP)
    await office.verbs.tick("INC-1", STEP, ANA, "t1")
    another = Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV2, comment="search fails")
    await office.verbs.classify("INC-1", another, BEN, "c2")
    checklist = await office.verbs.runbook("INC-1")
    assert checklist.runbook.incident_class is IncidentClass.TOOL
    assert checklist.done == 0
    assert [tick.fact.step for tick in checklist.former] == [STEP]
    with pytest.raises(NotFound, match="TOOL has no step"):
        await office.verbs.tick("INC-1", STEP, ANA, "t2")


async def test_the_edition_in_use_is_recorded_when_a_class_is_set(office: Office) -> None:
    state = await office.classified(LOOP)
    assert isinstance(state.classified, Classified)
    assert state.classified.runbook == RUNBOOKS[LOOP].edition


async def test_remediation_says_why_it_is_locked(office: Office) -> None:
    await office.declared()
    await office.verbs.classify("INC-1", Choice(LOOP, Cause.UNKNOWN, Severity.SEV2), ANA, "c1")
    before = (await office.verbs.runbook("INC-1")).of(Phase.REMEDIATION)
    assert {item.locked for item in before} == {"Locked until class and suspected cause are set."}
    known = Choice(LOOP, Cause.OUR_PROMPT, Severity.SEV2, comment="p-119 went out at noon")
    await office.verbs.classify("INC-1", known, ANA, "c2")
    after = {item.step.id: item.locked for item in (await office.verbs.runbook("INC-1")).of(Phase.REMEDIATION)}
    assert after["stop-condition"] == ""
    assert after["code-back"] == "For another cause: our-code-or-config."
    assert "evaluated again now" in after["prompt-back"]
    assert not any(item.locked for item in (await office.verbs.runbook("INC-1")).of(Phase.CONTAINMENT))


async def test_a_closed_incident_takes_no_tick(office: Office) -> None:
    await office.classified(LOOP)
    await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    with pytest.raises(Closed, match="step of its runbook"):
        await office.verbs.tick("INC-1", STEP, ANA, "t1")


async def test_a_step_nobody_knows_is_refused_in_a_sentence(office: Office) -> None:
    await office.classified(LOOP)
    with pytest.raises(NotFound, match="LOOP has no step 'nothing'"):
        await office.verbs.tick("INC-1", "nothing", ANA, "t1")
    with pytest.raises(NotFound, match="No runbook for xxxx"):
        office.verbs.runbook.named("xxxx")
    assert office.verbs.runbook.named("loop").incident_class is LOOP


async def test_the_gate_says_what_is_not_met_and_never_stops_resolving(office: Office) -> None:
    await office.classified(LOOP)
    outlook = await office.verbs.outlook("INC-1")
    assert outlook.recovery is not None
    assert outlook.recovery.met is not True
    assert "Recovery gate of the runbook: can't tell." in outlook.lines
    state = await office.verbs.resolve("INC-1", "over", frozenset(), ANA, "r")
    assert state.resolution is not None
    assert any("not measured" in line for line in state.resolution.recovery)


async def test_the_postmortem_lists_what_was_ticked_and_what_was_not(office: Office) -> None:
    await office.classified(LOOP)
    await office.verbs.tick("INC-1", STEP, BEN, "t1")
    document = await office.verbs.postmortem("INC-1")
    said = [statement.text for statement in document.steps]
    assert said[0].endswith(f"ben: Done, runbook LOOP: {RUNBOOKS[LOOP].steps[0].text}.")
    assert "Not ticked, containment: Cancel the tasks that are past the limit; keep the queue." in said
    assert not any("code or configuration back" in text for text in said)  # not this cause
    assert all(statement.events for statement in (*document.steps, *document.asked, *document.labels))
    assert document.labels[0].text.startswith("MAST: 1.3 step repetition, 1.5")
    assert any("cost" in statement.text for statement in document.asked)
