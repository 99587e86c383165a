"""Classes and severities: what people decide, and the floor they cannot go below."""

from datetime import timedelta

import pytest

from bot.incident.errors import BadInput
from bot.incident.facts.classifying import SeverityChanged
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice
from tests.response.conftest import ANA, BEN, Office
from tests.web.fakes import looping_since

SECURITY = Choice(IncidentClass.SECU, Cause.ADVERSARY, Severity.SEV2)


def looping(office: Office) -> None:
    office.traces.kept, office.traces.scored = looping_since(office.clock.now() - timedelta(minutes=5))


@pytest.mark.parametrize("idem", ["declared", "evidence:T0", "nudge", "raise", "drafted"])
async def test_no_key_a_client_makes_up_hides_a_classification(office: Office, idem: str) -> None:
    await office.declared()
    state = await office.verbs.classify("INC-1", SECURITY, ANA, idem)
    assert state.incident_class is IncidentClass.SECU


async def test_the_floor_that_counts_is_of_the_class_people_chose(office: Office) -> None:
    await office.declared()
    state = await office.verbs.classify("INC-1", SECURITY, ANA, "c")
    assert state.suggested is not None
    assert state.suggested.severity_floor is Severity.SEV3
    with pytest.raises(BadInput, match="SEV3 is below the floor SEV2: the floor of SECU is SEV2"):
        await office.verbs.change_severity("INC-1", Severity.SEV3, "few users", BEN, "s")


async def test_what_telemetry_said_stands_beside_another_decision(office: Office) -> None:
    looping(office)
    await office.declared()
    choice = Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV1)
    state = await office.verbs.classify("INC-1", choice, ANA, "c")
    assert state.classified is not None
    assert "set by ana; telemetry suggested LOOP" in state.classified.classification.because
    assert "differs from what telemetry suggests" in state.classified.classification.flags


async def test_harm_that_happens_now_stays_the_floor_afterwards(office: Office) -> None:
    await office.declared(harm=True)
    await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV2), ANA, "c")
    with pytest.raises(BadInput, match="SEV3 is below the floor SEV2: harm is happening now"):
        await office.verbs.change_severity("INC-1", Severity.SEV3, "few users", BEN, "s")


async def test_a_severity_may_always_rise_and_the_same_one_says_nothing(office: Office) -> None:
    await office.classified(IncidentClass.LOOP, Severity.SEV2)
    await office.verbs.change_severity("INC-1", Severity.SEV2, "the same", BEN, "s1")
    await office.verbs.change_severity("INC-1", Severity.SEV1, " more users ", BEN, "s2")
    changes = [e.fact for e in await office.verbs.look.timeline("1") if isinstance(e.fact, SeverityChanged)]
    assert changes == [SeverityChanged(Severity.SEV2, Severity.SEV1, "more users")]


async def test_people_who_agree_with_telemetry_keep_its_reasons(office: Office) -> None:
    looping(office)
    await office.declared()
    choice = Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV1, comment=" I saw it too ")
    state = await office.verbs.classify("INC-1", choice, ANA, "c")
    assert state.classified is not None
    assert state.suggested is not None
    assert state.classified.classification.because == ("ana: I saw it too", *state.suggested.because)


async def test_a_refused_classification_leaves_nothing_behind(office: Office) -> None:
    await office.declared()
    kept = office.records.kept.image()
    with pytest.raises(BadInput) as refused:
        await office.verbs.classify("INC-1", Choice(IncidentClass.ACTN, Cause.UNKNOWN, Severity.SEV4), ANA, "c")
    assert refused.value.field == "severity"
    assert office.records.kept.image() == kept
