"""Repairing from the incident's channel: the reasons, the lock under its field, the override, the evaluation."""

from typing import Any

import pytest

from bot.incident.model import Person
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice
from tests.scenarios.conftest import Office

BEN = Person("U2", "ben")


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of a declared incident."""
    await office.declares()
    await office.follows()
    channel: str = office.slack.room()["id"]
    return channel


async def locked(office: Office, room: str) -> Any:
    """The dialog for a LOOP, in which a restart is locked."""
    choice = Choice(IncidentClass.LOOP, Cause.OUR_CODE_OR_CONFIG, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    return await office.goes_on(await office.types("", channel=room), step="remediate")


async def test_what_is_locked_says_why_and_an_override_starts_it_when_a_second_person_says_so(
    office: Office, room: str
) -> None:
    asked = await locked(office, room)
    shown = str(asked)
    assert "restart makes LOOP worse: the queue starts the same loops again" in shown
    assert "*Prompt fix*: allowed" in shown
    filled = {"remediation": "do:1", "remediation_reason": "it hangs"}
    refused = await office.submits(asked, **filled)
    assert "Restart is locked" in refused["errors"]["remediation_override"]
    answer = await office.submits(asked, **filled, remediation_override="the queue is empty")
    assert "waits for a second person" in str(answer)
    await office.follows()
    state = await office.verbs.look.state("1")
    (question,) = state.pending_approvals
    told = str(office.slack.called("chat.postMessage")[-1])
    assert "asks: start Restart in spite of its lock" in told
    assert "Decline: it stays locked" in told
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room)
    assert "somebody else has to approve it" in office.slack.told()[-1]
    await office.clicks("approve", {"k": "INC-1", "a": question.id}, room, "ben")
    (started,) = (await office.verbs.look.state("1")).remediations.values()
    assert (started.fact.override, started.by.name) == ("the queue is empty", "ana")
    assert started.fact.approved_by
    assert started.fact.approved_by.name == "ben"


async def test_with_nobody_there_it_starts_at_once_and_the_channel_reads_it(office: Office, room: str) -> None:
    asked = await locked(office, room)
    filled = {"remediation": "do:1", "remediation_reason": "it hangs", "remediation_override": "the queue is empty"}
    assert await office.submits(asked, **filled, remediation_alone="nobody answers") == {}
    await office.follows()
    (started,) = (await office.verbs.look.state("1")).remediations.values()
    assert started.fact.alone == "nobody answers"
    assert "did alone: start Restart in spite of its lock" in str(office.slack.called("chat.postMessage")[-1])


async def test_a_version_is_evaluated_first(office: Office, room: str) -> None:
    choice = Choice(IncidentClass.QUAL, Cause.OUR_PROMPT, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    await office.verbs.evaluate.ask("INC-1", "p-118", BEN, "e0")
    asked = await office.goes_on(await office.types("", channel=room), step="remediate")
    assert "Have p-118 evaluated now" in str(asked)
    assert await office.submits(asked, remediation="evaluate:0", remediation_reason="x") == {}
    assert (await office.verbs.look.state("1")).evaluations_asked == ("p-118",)
