"""The card at every stage: within Slack's limits, with one obvious next step."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.approval import Approval, Ask, Loosening
from bot.incident.evidence import EvidenceBundle, Window
from bot.incident.facts.approving import ApprovalRequested
from bot.incident.facts.control import (
    ExitPlanned,
    ExitWaiting,
    MitigationConfirmed,
    MitigationEscalated,
    MitigationNotLifted,
    MitigationStrayed,
    MitigationUncertain,
)
from bot.incident.facts.declaring import EvidenceFrozen
from bot.incident.facts.mitigating import MitigationApplied, MitigationProven
from bot.incident.fitness import stronger
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import ExitPlan
from bot.incident.proof import Delivery, Effect, Proof, Verdict
from bot.incident.timeline import Fact
from bot.slack.blocks import Card
from bot.slack.card import incident_card
from tests.slack.stories import (
    ANA,
    APPLIED,
    AT,
    CLASSIFIED,
    FROZEN,
    LOOPS,
    OFFERS,
    PROOF,
    ROOM,
    RUNBOOK,
    STAGES,
    URL,
    declared,
    incident,
    mitigation,
    told,
)
from tests.strict_slack.limits import elements_of, message_problems, primary_count, unfillable_in_local_workspace
from tests.taxonomies import TAXONOMY

SNAPSHOTS = Path(__file__).parent / "snapshots"
NOW = AT + timedelta(minutes=4)
NEVER = Window(0, 0)


def card_at(stage: str) -> Card:
    state, events = told(*STAGES[stage])
    runbook = RUNBOOK if state.classified else None
    return incident_card(state, events, NOW, URL, TAXONOMY, runbook, OFFERS if state.status.is_open else ())


def words(card: Card) -> str:
    return json.dumps(card.blocks, ensure_ascii=False)


def buttons(card: Card) -> dict[str, dict[str, Any]]:
    return {element["action_id"]: element for block in card.blocks for element in elements_of(block)}


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_fits_slack_and_has_one_coloured_step(stage: str) -> None:
    card = card_at(stage)
    assert message_problems(card.blocks, card.text) == []
    assert unfillable_in_local_workspace({"blocks": card.blocks}) == []
    assert len(card.blocks) <= 12
    assert primary_count({"blocks": card.blocks}) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_every_button_knows_its_incident(stage: str) -> None:
    for element in buttons(card_at(stage)).values():
        if element["type"] == "button":
            assert json.loads(element["value"])["k"] == "INC-7"
        else:
            assert all(option["value"].endswith(":INC-7") for option in element["options"])


def test_before_the_class_the_next_step_is_to_classify() -> None:
    shown = buttons(card_at("evidence there"))
    assert shown["classify"]["style"] == "primary"
    assert {"contain", "evidence", "more", "take_commander"} <= set(shown)
    assert "Looks like LOOP" in words(card_at("evidence there"))


def test_when_harm_is_happening_the_next_step_is_to_contain() -> None:
    shown = buttons(card_at("harm now"))
    assert shown["apply:turn-limit"]["style"] == "primary"
    assert "style" not in shown["classify"]


def test_after_the_class_the_fitting_lever_is_one_click() -> None:
    lever = buttons(card_at("classified"))["apply:turn-limit"]
    assert lever["text"]["text"] == "Turn limit 5 · helpdesk-agent · 60 min"
    assert lever["style"] == "primary"
    assert json.loads(lever["value"]) == {"k": "INC-7", "kind": "turn-limit", "v": 5, "minutes": 60}
    assert "style" not in buttons(card_at("classified"))["apply:halt"]


def test_a_live_mitigation_shows_its_proof_and_its_undo() -> None:
    card = card_at("mitigated")
    assert "read back ✔ yes · delivered ✔ 2 of 2 instances in 400 ms · observed ✔ 6 of 6 tasks" in words(card)
    assert "Applied <!date^" in words(card)
    mid = mitigation().id
    assert buttons(card)[f"undo:{mid}"]["text"]["text"] == "Undo turn limit 5…"
    assert buttons(card)[f"extend:{mid}"]["text"]["text"] == "Extend turn limit 5 by 60 min"
    assert "apply:turn-limit" not in buttons(card)


def test_a_held_control_says_that_somebody_must_decide() -> None:
    assert "stays in force until somebody" in words(card_at("held"))


def test_the_card_says_where_it_happens() -> None:
    """The same agent may be in trouble in two environments at a time: two cards that otherwise read alike."""
    state, events = told(FROZEN)
    for named, said in (("staging", True), ("", False)):
        there = replace(state, incident=replace(state.incident, environment=named))
        assert ("Environment: staging" in words(incident_card(there, events, NOW, URL, TAXONOMY, None, OFFERS))) is said


def test_the_card_says_whose_tasks_it_does_not_count() -> None:
    state, events = told(FROZEN)
    counted = {"production": 40, "staging": 412}
    known = EvidenceBundle(
        "a", 0, NEVER, NEVER, environment="production", environments=counted, left_out={"staging": 412}
    )
    shown = words(incident_card(state, events, NOW, URL, TAXONOMY, None, OFFERS, bundle=known))
    assert "412 tasks of staging are not counted" in shown


def test_many_controls_stay_within_the_card() -> None:
    assert "1 more in force" in words(card_at("five controls"))


def test_after_resolve_the_next_step_is_the_postmortem() -> None:
    card = card_at("resolved")
    assert buttons(card)["postmortem"]["style"] == "primary"
    assert "3 gaps are left for people" in words(card)
    assert "/incidents/INC-7/postmortem" in words(card)


def test_what_could_not_be_done_is_said_small() -> None:
    assert "Not done in Slack: invite (unknown_method)" in words(card_at("evidence there"))


def test_the_clock_in_the_headline_never_goes_stale() -> None:
    state, events = told(*STAGES["evidence there"])
    early = incident_card(state, events, AT + timedelta(minutes=1), URL, TAXONOMY)
    assert early == incident_card(state, events, AT + timedelta(minutes=4), URL, TAXONOMY)
    late = incident_card(state, events, AT + timedelta(minutes=6), URL, TAXONOMY)
    assert "class overdue" in late.blocks[0]["text"]["text"]


def test_a_test_incident_is_marked() -> None:
    state, events = told()
    marked = incident_card(replace(state, incident=replace(state.incident, test=True)), events, NOW, URL, TAXONOMY)
    assert marked.blocks[0]["text"]["text"].startswith("TEST · INC-7")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=300), st.integers(1, 60))
def test_no_text_breaks_the_card(text: str, times: int) -> None:
    """Up to ~10,000 characters of anything, in every place that people or telemetry can fill."""
    long = (text * times)[:10_000]
    judged = replace(LOOPS, because=(long,) * 4, rules_out=(long,) * 4)
    frozen = EvidenceFrozen("s", "0", (long,) * 12, (long,) * 4, judged)
    facts = (declared(title=long, agent=long, detection=long), frozen, ROOM, replace(CLASSIFIED, classification=judged))
    state, events = told(*facts, title=long, agent=long)
    runbook = replace(RUNBOOK, title=long, first_five=(long,) * 9)
    offers = tuple(replace(offer, why=long) for offer in OFFERS)
    card = incident_card(state, events, NOW, URL, TAXONOMY, runbook, offers)
    assert message_problems(card.blocks, card.text) == []
    assert len(card.blocks) <= 12
    assert "<!channel" not in words(card)


@pytest.mark.parametrize("title", ["<!channel> read <https://evil.example|this>", "🔥" * 5000, "הבוט תקוע " * 1000])
def test_a_hostile_or_huge_title_is_shown_and_does_nothing(title: str) -> None:
    state, events = told(FROZEN, title=title)
    card = incident_card(state, events, NOW, URL, TAXONOMY)
    assert message_problems(card.blocks, card.text) == []
    assert "<!channel" not in words(card)
    assert "<https://evil" not in words(card)


@pytest.mark.parametrize("stage", ["evidence there", "mitigated", "resolved"])
def test_the_card_looks_as_it_did(stage: str) -> None:
    path = SNAPSHOTS / f"card_{stage.replace(' ', '_')}.json"
    card = card_at(stage)
    assert {"text": card.text, "blocks": card.blocks} == json.loads(path.read_text(encoding="utf-8"))


def control_card(*facts: Fact, now: datetime = NOW) -> Card:
    state, events = told(FROZEN, ROOM, CLASSIFIED, APPLIED, *facts)
    return incident_card(state, events, now, URL, TAXONOMY, RUNBOOK, OFFERS)


def test_one_that_does_not_hold_says_so_and_offers_the_next_stronger_lever() -> None:
    broken = Effect(Verdict.INEFFECTIVE, 2, 5, "3 of 5 tasks started since did not obey")
    fact = MitigationEscalated(mitigation().id, broken.detail, stronger(MitigationKind.TURN_LIMIT))
    card = control_card(MitigationProven(mitigation().id, replace(PROOF, effect=broken)), fact)
    assert "INEFFECTIVE" in words(card)
    assert "*Next stronger lever:* drain or kill switch." in words(card)
    lever = buttons(card)[f"apply:drain:{mitigation().id}"]
    assert lever["text"]["text"] == "Stronger: Drain · helpdesk-agent · 60 min"
    assert json.loads(lever["value"])["kind"] == "drain"


def test_no_traffic_is_called_unproven_and_stale_instances_are_named() -> None:
    proof = Proof(
        PROOF.read_back,
        Delivery(14, 12, None, ("helpdesk-3", "helpdesk-9")),
        Effect(Verdict.UNPROVEN, 0, 0, "only 0 tasks in 90 s, too few to tell"),
    )
    shown = words(control_card(MitigationProven(mitigation().id, proof)))
    assert "UNPROVEN" in shown
    assert "12 of 14 instances (stale: helpdesk-3, helpdesk-9)" in shown


def test_what_ends_soon_is_marked() -> None:
    assert "Ends soon" not in words(control_card())
    assert "Ends soon" in words(control_card(now=AT + timedelta(minutes=52)))


def test_doubt_about_a_write_is_called_doubt() -> None:
    told_so = MitigationUncertain(mitigation().id, "unleash did not answer within 8 s; the write may have happened")
    assert "Uncertain: unleash did not answer" in words(control_card(told_so))


def test_what_its_control_plane_declined_to_lift_is_still_in_force_and_can_be_tried_again() -> None:
    declined = MitigationNotLifted(mitigation().id, "unleash", "The feature is *protected*.")
    card = control_card(declined, now=AT + timedelta(hours=2))
    shown = words(card)
    assert "🔴 Still in force at its control plane, which declined to lift it:" in shown
    assert "Try again to undo it, lift it there, or extend it." in shown
    assert "Ends soon" not in shown
    assert buttons(card)[f"undo:{mitigation().id}"]["text"]["text"] == "Try again to undo turn limit 5…"


def test_what_its_control_plane_says_else_is_on_the_card_until_it_is_read_back() -> None:
    strayed = MitigationStrayed(mitigation().id, "unleash", "the feature is off", again=False)
    assert "unleash says otherwise: the feature is off. It was not told again." in words(control_card(strayed))
    back = MitigationConfirmed(mitigation().id, NOW, "unleash", "it is on")
    assert "says otherwise" not in words(control_card(strayed, back))


def test_the_way_out_shows_its_step_and_what_it_waits_for() -> None:
    plan = ExitPlan((8, 15), 20)
    card = control_card(ExitPlanned(mitigation().id, plan), ExitWaiting(mitigation().id, "telemetry looks like LOOP"))
    assert "Way out: *5* → 8 → 15 → off, 20 min apart" in words(card)
    assert "Waits: telemetry looks like LOOP." in words(card)


def test_a_question_to_a_second_person_says_what_each_button_does() -> None:
    asked = Approval(
        "INC-7-0123456789",
        incident().key,
        "helpdesk-agent",
        Ask(Loosening.REVERT, mitigation().id, "It is fixed"),
        "undo Turn limit 5 on helpdesk-agent",
        "it lets the agent do more: turn limit 5 → no turn limit",
        ANA,
        AT,
        AT + timedelta(minutes=30),
    )
    more = (MitigationApplied(mitigation(n, n + 3), "no control", f"turn limit {n + 3}") for n in range(2, 6))
    card = control_card(*more, ApprovalRequested(asked))
    assert buttons(card)["approve"]["text"]["text"] == "Approve: undo Turn limit 5 on helpdesk-agent"
    assert buttons(card)["refuse"]["text"]["text"] == "Decline: it stays as it is"
    assert message_problems(card.blocks, card.text) == []
    assert len(card.blocks) <= 12
