"""Repairing from the incident's channel: the reasons, the lock under its field, the override, the evaluation."""

import pytest

from bot.incident.model import Person
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.classify import Choice
from tests.scenarios.conftest import Office

BEN = Person("U2", "ben")


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of a declared incident."""
    await office.declares()
    await office.follows()
    channel: str = office.slack.room()["id"]
    return channel


async def test_what_is_locked_says_why_under_its_field_and_an_override_records_it(office: Office, room: str) -> None:
    choice = Choice(IncidentClass.LOOP, Cause.OUR_CODE_OR_CONFIG, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    asked = await office.goes_on(await office.types("", channel=room), step="remediate")
    shown = str(asked)
    assert "restart makes LOOP worse: the queue starts the same loops again" in shown
    assert "*Prompt fix*: allowed" in shown
    filled = {"remediation": "do:1", "remediation_reason": "it hangs"}
    locked = await office.submits(asked, **filled)
    assert "Restart is locked" in locked["errors"]["remediation_override"]
    assert await office.submits(asked, **filled, remediation_override="the queue is empty") == {}
    (started,) = (await office.verbs.look.state("1")).remediations.values()
    assert started.fact.override == "the queue is empty"


async def test_a_version_is_evaluated_first(office: Office, room: str) -> None:
    choice = Choice(IncidentClass.QUAL, Cause.OUR_PROMPT, Severity.SEV2)
    await office.verbs.classify("INC-1", choice, BEN, "c1")
    await office.verbs.evaluate.ask("INC-1", "p-118", BEN, "e0")
    asked = await office.goes_on(await office.types("", channel=room), step="remediate")
    assert "Have p-118 evaluated now" in str(asked)
    assert await office.submits(asked, remediation="evaluate:0", remediation_reason="x") == {}
    assert (await office.verbs.look.state("1")).evaluations_asked == ("p-118",)
