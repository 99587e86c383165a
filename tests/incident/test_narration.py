"""Each event in one plain sentence."""

import re
from dataclasses import replace

import pytest

from bot.incident.control_words import proof_line
from bot.incident.facts.classifying import SeverityChanged
from bot.incident.facts.closing import Resolved
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.mitigation import Scope
from bot.incident.narration import narrate
from bot.incident.proof import Delivery, Effect, Proof, ReadBack, Verdict
from bot.incident.timeline import Event, kind_of
from tests.incident import stories
from tests.incident.stories import ANA, WHOLE, told

EVENTS = told()
STATE = stories.state(EVENTS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.seq}-{kind_of(event.fact)}")
def test_every_event_is_one_finished_sentence(event: Event) -> None:
    text = narrate(event, STATE)
    assert text[0].isupper() or text[0].isdigit()
    assert "\n" not in text
    assert "None" not in text
    assert not re.search(r"\.\.|\s{2}|!", text)
    assert re.search(r"[.\w]$", text)


def test_a_lever_is_called_by_its_label_where_the_state_is_known() -> None:
    expired = EVENTS[17]
    assert narrate(expired, STATE) == "Turn limit 4 expired; now: halted."
    assert narrate(expired) == "Mitigation expired; now: halted."


def test_a_lever_for_a_part_of_the_traffic_says_for_which() -> None:
    limited = replace(stories.mitigation(), scope=Scope(environment="production", tenant="acme"))
    (_, applied) = told((WHOLE[0], (ANA, MitigationApplied(limited, "no control", "turn limit 6", None))))
    assert narrate(applied).startswith(
        f"Turn limit 6 applied to {limited.agent} (environment production, tenant acme) until"
    )


def test_a_pin_names_whose_words_they_are() -> None:
    assert narrate(EVENTS[20]) == "Pinned from Ben: it was fine before lunch"


def test_a_room_says_what_could_not_be_done() -> None:
    assert narrate(EVENTS[2]) == "Channel #inc-7-helpdesk-agent is ready. Not done: bookmark."


def test_what_stays_in_force_is_said_at_the_end() -> None:
    (_, kept) = told((WHOLE[0], (ANA, Resolved("over", (), ("Turn limit 6",)))))
    assert narrate(kept).endswith("Still in force: Turn limit 6.")


def test_a_severity_without_a_reason_still_ends_in_a_full_stop() -> None:
    fact = SeverityChanged(stories.declared().severity, stories.declared().severity.raised(), "")
    (_, event) = told((WHOLE[0], (ANA, fact)))
    assert narrate(event) == "Severity SEV3 → SEV2."


def test_a_proof_gives_its_three_signals() -> None:
    assert proof_line(stories.proof()) == (
        "read back: yes · delivered 2 of 2 instances in 400 ms · "
        "observed: 31 of 31 tasks started since obey: at most 6 model turns a task"
    )


def test_a_proof_that_is_missing_is_said_and_not_left_out() -> None:
    proof = Proof(
        ReadBack(confirmed=False, detail="no answer within 2 s"),
        Delivery(0, 0),
        Effect(Verdict.WAITING, 0, 0, "0 tasks started since; 3 are needed"),
    )
    assert proof_line(proof) == (
        "read back: no (no answer within 2 s) · delivered: no instance has asked yet · "
        "waiting: 0 tasks started since; 3 are needed"
    )
