"""Classifying: a decision of people, with what telemetry said beside it."""

import pytest

from bot.incident.errors import BadInput, Closed
from bot.incident.model import Status
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.classify import Choice
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
    state = await office.verbs.classify(
        "INC-1", Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV2), BEN, "c2"
    )
    assert office.told().count("classified") == 2
    assert state.incident_class is IncidentClass.TOOL


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
    sure = await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV3), ANA, "c2")
    assert sure.remediation_unlocked
