"""Repairing what is locked: asked by one and approved by another, or begun alone behind broken glass."""

import pytest

from bot.incident.codec import decode, encode
from bot.incident.errors import Closed, NeedsSecondPerson, NotAllowed, NotFound
from bot.incident.narration import narrate
from bot.incident.remediation import Outcome, RemediationStarted, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.ports import JobName
from bot.response.choosing import Choice
from bot.response.override import waiting, waiting_for
from tests.response.conftest import ANA, BEN, Office

RESTART, FIX = Wish(RemediationKind.RESTART), Wish(RemediationKind.PROMPT_FIX)
LOCK = "restart makes LOOP worse: the queue starts the same loops again; clear it first"


@pytest.fixture
async def looping(office: Office) -> IncidentState:
    """It is LOOP and our prompt, so a restart is locked and a prompt fix is not."""
    await office.declared()
    return await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV2), ANA, "c")


async def asked(office: Office, idem: str = "r", alone: str = "") -> IncidentState:
    return await office.verbs.remediate("INC-1", RESTART, "it hangs", ANA, idem, "the queue is empty", alone)


async def said_last(office: Office, count: int = 1) -> list[str]:
    state = await office.verbs.look.state("1")
    return [narrate(event, state) for event in (await office.verbs.look.timeline("1"))[-count:]]


async def test_an_override_waits_and_starts_once_a_second_person_says_so(
    office: Office, looping: IncidentState
) -> None:
    state = await asked(office)
    assert not state.remediations
    (question,) = waiting(state)
    assert (question.words, question.riskier) == ("start Restart in spite of its lock", LOCK)
    assert question.ask.reason == "it hangs; in spite of the lock: the queue is empty"
    assert office.posted()[-1] == (
        f"ana asks to start Restart in spite of its lock. R{LOCK[1:]}. A second person has to approve it."
    )
    with pytest.raises(NotAllowed, match="somebody else has to approve"):
        await office.verbs.decide.answer(question.id, ANA, granted=True)
    with pytest.raises(NotFound):
        await office.verbs.decide(question.id, BEN, granted=True)

    await office.verbs.decide.answer(question.id, BEN, granted=True)
    state = await office.verbs.look.state(looping.incident.key)
    (started,) = state.remediations.values()
    assert (started.by, started.fact.approved_by, started.fact.override) == (ANA, BEN, "the queue is empty")
    assert started.fact.grounds == (LOCK,)
    assert not state.pending_approvals
    assert await said_last(office, 2) == [
        "Approved: start Restart in spite of its lock.",
        "Restart started, approved by ben: it hangs. Override: the queue is empty.",
    ]
    await office.verbs.decide.answer(question.id, BEN, granted=True)
    with pytest.raises(Closed, match="granted already by ben"):
        await office.verbs.decide.answer(question.id, BEN, granted=False)
    assert office.told().count("remediation_started") == 1


async def test_the_same_click_and_the_same_wish_make_one_question(office: Office, looping: IncidentState) -> None:
    await asked(office)
    await asked(office)
    await office.verbs.remediate(looping.incident.key, RESTART, "me too", BEN, "r2", "it is empty")
    assert office.told().count("approval_requested") == 1


async def test_what_the_gate_grants_is_one_persons_click(office: Office, looping: IncidentState) -> None:
    state = await office.verbs.remediate(
        looping.incident.key, FIX, "an end condition", ANA, "r", "not needed", "nor this"
    )
    (started,) = state.remediations.values()
    assert (started.fact.override, started.fact.approved_by, started.fact.alone) == (None, None, "")
    assert not state.approvals


@pytest.mark.parametrize(("by", "note"), [(BEN, "drain it first"), (ANA, "")])
async def test_a_no_of_anybody_leaves_it_locked(office: Office, looping: IncidentState, by: object, note: str) -> None:
    (question,) = waiting(await asked(office))
    person = BEN if by is BEN else ANA
    await office.verbs.decide.answer(question.id, person, granted=False, note=note)
    assert not (await office.verbs.look.state(looping.incident.key)).remediations
    assert office.posted()[-1] == f"{person.name} refused to start Restart in spite of its lock. {note}".strip()


async def test_after_half_an_hour_it_has_to_be_asked_again(office: Office, looping: IncidentState) -> None:
    (question,) = waiting(await asked(office))
    office.later(minutes=30)
    with pytest.raises(Closed, match="time to approve"):
        await office.verbs.decide.answer(question.id, BEN, granted=True)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.told().count("approval_lapsed") == 1
    assert office.posted()[-1] == ("Nobody approved to start Restart in spite of its lock in time. It was not started.")
    assert waiting_for(await asked(office, "again"), RESTART)
    assert not looping.remediations


async def test_broken_glass_starts_it_at_once_and_leaves_something_to_review(
    office: Office, looping: IncidentState
) -> None:
    state = await asked(office, alone="customers cannot pay and nobody answers")
    (started,) = state.remediations.values()
    assert (started.fact.alone, started.fact.approved_by) == ("customers cannot pay and nobody answers", None)
    assert "ana broke the glass to start Restart in spite of its lock" in office.posted()[-1]
    assert "falls back" not in office.posted()[-1]
    (action,) = state.actions
    assert action.startswith("Find out why nobody could approve in time to start Restart in spite of its lock")
    assert action.endswith("it was done alone (customers cannot pay and nobody answers).")
    assert await said_last(office) == [
        "Restart started alone (customers cannot pay and nobody answers): it hangs. Override: the queue is empty."
    ]
    assert not waiting(state)
    (question,) = state.pending_approvals
    office.later(minutes=31)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert office.posted()[-1].endswith("say how it ends, or that it is withdrawn.")
    assert not (await said_last(office))[0].endswith("It falls back.")
    told = [one.text for one in (await office.verbs.postmortem(looping.incident.key)).mitigations]
    assert any("Restart started alone" in text for text in told)


async def test_a_no_to_what_was_begun_alone_says_that_it_goes_on(office: Office, looping: IncidentState) -> None:
    (question,) = (await asked(office, alone="nobody answers")).pending_approvals
    await office.verbs.decide.answer(question.id, BEN, granted=False)
    assert "It was started already" in office.posted()[-1]
    assert (await office.verbs.look.state(looping.incident.key)).remediations


async def test_whoever_waits_may_break_the_glass_and_a_late_yes_starts_nothing_twice(
    office: Office, looping: IncidentState
) -> None:
    (question,) = waiting(await asked(office))
    state = await asked(office, "r2", alone="nobody answers")
    assert (len(state.remediations), waiting(state)) == (1, ())
    await office.verbs.decide.answer(question.id, BEN, granted=True)
    assert len((await office.verbs.look.state("1")).remediations) == 1
    assert office.posted()[-1].endswith("It is under way already.")
    (name,) = state.remediations
    ended = await office.verbs.remediate.end(looping.incident.key, name, Outcome.FAILED, "", ANA, "e")
    assert (len(ended.pending_approvals), waiting(ended)) == (1, ())  # what was begun alone is still to be looked at
    with pytest.raises(NeedsSecondPerson, match="cannot be done alone again"):
        await asked(office, "r3", alone="still nobody")
    assert waiting_for(await asked(office, "r4"), RESTART)


async def test_nothing_is_started_for_an_incident_that_is_over(office: Office, looping: IncidentState) -> None:
    (question,) = waiting(await asked(office))
    await office.verbs.resolve(looping.incident.key, "over", frozenset(), ANA, "x")
    with pytest.raises(Closed, match="takes no remediation"):
        await office.verbs.decide.answer(question.id, BEN, granted=True)
    await office.timers(JobName.APPROVAL_EXPIRY, question.id)
    assert not (await office.verbs.look.state("1")).remediations


def test_what_older_versions_wrote_stays_readable() -> None:
    stored = encode(RemediationStarted("r1", RESTART, "it hangs", (LOCK,), "the queue is empty"))
    older = {name: value for name, value in stored.items() if name not in {"approved_by", "alone"}}
    assert decode(RemediationStarted, older) == RemediationStarted(
        "r1", RESTART, "it hangs", (LOCK,), "the queue is empty"
    )


async def test_a_question_about_an_older_incident_is_listed_too(office: Office, looping: IncidentState) -> None:
    await asked(office)
    for number in range(25):
        await office.declared(f"Another {number}", f"other-{number}")
    (question,) = await office.verbs.in_force.questions()
    assert question.incident == looping.incident.key
    office.later(hours=25)
    assert await office.verbs.in_force.questions() == ()
