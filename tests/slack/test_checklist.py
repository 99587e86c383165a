"""The runbook as a message: what not to do first, a button for each step, and never more than Slack takes."""

import json
from dataclasses import replace

import pytest

from bot.incident.checklist import checklist_of
from bot.incident.facts.classifying import StepTicked
from bot.incident.runbook import DoNot, Phase, Runbook, Step
from bot.incident.taxonomy import Cause, IncidentClass
from bot.slack.blocks import Card
from bot.slack.checklist import MOST_BLOCKS, checklist_message
from tests.fakes.verbs import RUNBOOKS
from tests.slack.stories import CLASSIFIED, RESOLVED, URL, told
from tests.strict_slack.limits import elements_of, message_problems, unfillable_in_local_workspace
from tests.taxonomies import TAXONOMY


def shown(runbook: Runbook, *facts: StepTicked, cause: Cause = Cause.UNKNOWN) -> Card:
    set_to = replace(CLASSIFIED, incident_class=runbook.incident_class, cause=cause)
    state, _ = told(set_to, *facts)
    return checklist_message(state, checklist_of(state, runbook), URL)


def ticked(runbook: Runbook, step: Step, *, done: bool = True) -> StepTicked:
    return StepTicked(runbook.incident_class, step.id, step.text, done)


def words(card: Card) -> str:
    return json.dumps(card.blocks, ensure_ascii=False)


def buttons(card: Card) -> list[tuple[str, str]]:
    """Action and text of every button, from top to bottom."""
    return [(one["action_id"], one["text"]["text"]) for block in card.blocks for one in elements_of(block)]


@pytest.mark.parametrize("named", TAXONOMY.classes)
@pytest.mark.parametrize("cause", [Cause.UNKNOWN, Cause.OUR_PROMPT, Cause.MODEL_OR_PROVIDER])
def test_every_runbook_that_comes_along_fits_one_message(named: IncidentClass, cause: Cause) -> None:
    runbook = RUNBOOKS[named]
    for facts in ((), tuple(ticked(runbook, step) for step in runbook.steps)):
        card = shown(runbook, *facts, cause=cause)
        assert message_problems(card.blocks, card.text) == []
        assert unfillable_in_local_workspace({"blocks": card.blocks}) == []
        assert "more steps" not in words(card)


def test_what_not_to_do_comes_before_any_step_and_says_why() -> None:
    card = shown(RUNBOOKS[IncidentClass.LOOP])
    text = card.blocks[1]["text"]["text"]
    assert text.startswith("*Do not*\n• *Kill the whole agent.* ")
    assert not any(elements_of(block) for block in card.blocks[:2])


def test_a_containment_step_offers_its_lever_and_the_others_a_tick() -> None:
    found = buttons(shown(RUNBOOKS[IncidentClass.LOOP]))
    assert ("pull", "Turn limit · helpdesk-agent · 60 min") in found
    assert {action for action, _ in found} == {"pull", "tick"}


def test_a_ticked_step_says_who_and_when_and_can_be_unticked() -> None:
    runbook = RUNBOOKS[IncidentClass.LOOP]
    card = shown(runbook, ticked(runbook, runbook.steps[0]))
    assert f"✔ Done: {runbook.steps[0].text} · <@U0ANA> <!date^" in words(card)
    assert ("untick", "Untick") in buttons(card)
    assert f"1 of {len(runbook.steps)} steps ticked" in words(card)


def test_a_tick_under_a_former_class_is_not_lost() -> None:
    loop = RUNBOOKS[IncidentClass.LOOP]
    card = shown(RUNBOOKS[IncidentClass.TOOL], ticked(loop, loop.steps[0]))
    assert "Ticked under a former class (1): LOOP: " in words(card)


def test_when_it_is_over_there_is_nothing_to_press() -> None:
    state, _ = told(CLASSIFIED, RESOLVED)
    card = checklist_message(state, checklist_of(state, RUNBOOKS[IncidentClass.LOOP]), URL)
    assert buttons(card) == []


@pytest.mark.parametrize("steps", [60, 200])
@pytest.mark.parametrize("text", ["x" * 400, "🔥" * 300, "<!channel> & <https://evil.example|x>"])
def test_the_longest_runbook_of_an_organisation_is_cut_to_what_slack_takes(steps: int, text: str) -> None:
    phases = list(Phase)
    made = tuple(Step(f"step-{n}", text, phases[n * len(phases) // steps]) for n in range(steps))
    runbook = Runbook(IncidentClass.LOOP, text, steps=made, do_not=(DoNot(text, text),) * 9)
    card = shown(runbook, *(ticked(runbook, step) for step in made[::3]))
    assert message_problems(card.blocks, card.text) == []
    assert len(card.blocks) <= MOST_BLOCKS
    assert "more steps" in words(card)
    assert "<!channel" not in words(card)


def test_the_buttons_name_the_class_they_belong_to() -> None:
    card = shown(RUNBOOKS[IncidentClass.TOOL])
    values = [json.loads(one["value"]) for block in card.blocks for one in elements_of(block)]
    assert {value["c"] for value in values} == {"TOOL"}
