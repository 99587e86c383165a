"""What the postmortem tells of mitigations: how soon each signal came, who agreed, what is left to do."""

from dataclasses import replace

from bot.incident.facts.control import MitigationAdjusted, MitigationConfirmed
from bot.incident.facts.mitigating import MitigationApplied, MitigationProven
from bot.incident.mitigation import MitigationState
from bot.incident.mitigation_story import actions, approvals, course, times
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.proof import Verdict
from bot.incident.timeline import Event, Fact
from tests.incident import stories
from tests.incident.stories import ANA, CHANGES, DECLARED_AT, told

APPLIED = MitigationApplied(stories.mitigation(), "no control", "turn limit 6")


def timed(*facts: tuple[Person, Fact]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.text, one.events) for one in times(told(facts))]


def test_delivered_and_observed_are_dated_from_the_moment_it_was_in_force() -> None:
    waiting = (FIRSTFIVE, MitigationProven("m1", stories.proof(Verdict.WAITING, 0, 0)))
    seen = (FIRSTFIVE, MitigationProven("m1", stories.proof()))
    assert timed((ANA, APPLIED), waiting, seen, seen) == [
        (
            (
                "Turn limit 6: in force since 14:31:00 UTC; delivered to 2 of 2 instances after 400 ms; "
                "observed after 2 min (31 of 31 tasks)."
            ),
            ("INC-7#1", "INC-7#2", "INC-7#3"),
        )
    ]


def test_a_signal_that_nobody_recorded_is_said_to_be_unrecorded() -> None:
    ((text, cited),) = timed((ANA, APPLIED))
    assert "no event records that it was delivered; no event records that it was observed" in text
    assert cited == ("INC-7#1",)


def test_what_did_not_hold_is_told_with_its_figures() -> None:
    ((text, _),) = timed((ANA, APPLIED), (FIRSTFIVE, MitigationProven("m1", stories.proof(Verdict.INEFFECTIVE, 3, 9))))
    assert "found ineffective after 1 min (6 of 9 tasks did not obey)" in text


def test_another_value_has_times_of_its_own() -> None:
    seen = (FIRSTFIVE, MitigationProven("m1", stories.proof()))
    changed = (ANA, MitigationAdjusted("m1", 6, 4, "tighter", "turn limit 6", "turn limit 4"))
    first, second = timed((ANA, APPLIED), seen, changed)
    assert first[0].startswith("Turn limit 6: in force since 14:31:00 UTC; delivered")
    assert second[0].startswith("Turn limit 4: in force since 14:33:00 UTC; no event records")


def test_what_a_control_plane_never_confirmed_has_no_times() -> None:
    order = replace(APPLIED, mitigation=replace(stories.mitigation(), driver="unleash", state=MitigationState.APPLYING))
    assert timed((ANA, order), (FIRSTFIVE, MitigationProven("m1", stories.proof()))) == []
    ((text, _),) = timed((ANA, order), (FIRSTFIVE, MitigationConfirmed("m1", DECLARED_AT, "unleash", "reads 6")))
    assert text.startswith("Turn limit 6: in force since 14:32:00 UTC (asked 1 min before)")


def test_the_audit_is_named_where_the_event_says_the_revision() -> None:
    order = replace(APPLIED, mitigation=replace(stories.mitigation(), revision=4))
    ((text, _),) = timed((ANA, order))
    assert text.endswith("; audit of helpdesk-agent, revision 4.")


def test_every_change_asked_confirmed_or_refused_is_told_once() -> None:
    events = told(CHANGES)
    state = stories.state(events)
    sentences = [*course(events, state), *approvals(events, state), *actions(events)]
    assert sorted(event for one in sentences for event in one.events) == sorted(event.id for event in events)


def test_an_approval_reads_as_an_answer_to_its_question() -> None:
    events = told(CHANGES)
    said = [one.text for one in approvals(events, stories.state(events))]
    assert said[0].startswith(
        "14:37:00 UTC Ben: Asked to undo Turn limit 6 on helpdesk-agent (pass rate is back); needs"
    )
    assert said[1] == "14:38:00 UTC Ana: Not approved: undo Turn limit 6 on helpdesk-agent. In their words: not yet"
    assert said[2].startswith("14:42:00 UTC Ben: Broke the glass to undo Turn limit 6")
    assert said[3].endswith("Nobody approved in time: undo Turn limit 6 on helpdesk-agent. It falls back.")


def test_what_is_left_to_do_cites_the_event_that_asks_for_it() -> None:
    assert [(one.text, len(one.events)) for one in actions(told(CHANGES))] == [
        ("Find out why nobody could approve in time to undo Turn limit 6; it was done alone (nobody is awake).", 1)
    ]


def test_nothing_happened_nothing_is_told() -> None:
    events: tuple[Event, ...] = ()
    assert times(events) == actions(events) == ()
