"""Looking before the click: everything there is to know, and nothing changed."""

from datetime import timedelta

import pytest

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.offer import Standing
from bot.incident.taxonomy import IncidentClass, Severity
from bot.response.orders import Order
from tests.response.conftest import ANA, Office
from tests.web.fakes import looping_since


@pytest.fixture
async def busy(office: Office) -> Office:
    office.traces.kept, office.traces.scored = looping_since(office.clock.now() - timedelta(minutes=5))
    await office.classified(IncidentClass.LOOP, Severity.SEV1)
    return office


async def test_a_preview_says_what_it_touches_and_changes_nothing(busy: Office) -> None:
    kept = busy.records.kept.image()
    seen = await busy.verbs.preview(Order(MitigationKind.STEP_CAP, 3), key="INC-1")
    assert busy.records.kept.image() == kept
    hour, day = seen.reaches
    assert (hour.hours, day.hours) == (1, 24)
    assert hour.k is not None
    assert 0 < hour.k <= hour.n
    assert (seen.standing, seen.before, seen.after) == (Standing.FITS, "no control", "step cap 3")
    assert "step cap 3 would have touched" in " ".join(seen.lines).lower()
    assert seen.refusal == ""
    assert seen.plan == ("Step cap 3 is served.",)


async def test_what_is_advised_against_is_red_before_anybody_clicks(busy: Office) -> None:
    seen = await busy.verbs.preview(Order(MitigationKind.HALT), key="INC-1")
    assert seen.standing is Standing.CONTRAINDICATED
    assert "makes LOOP worse" in seen.refusal
    assert (await busy.verbs.preview(Order(MitigationKind.HALT, override="it pays"), key="INC-1")).refusal == ""


async def test_a_pin_beside_a_pin_is_seen_to_conflict(busy: Office) -> None:
    pin = await busy.verbs.apply("INC-1", Order(MitigationKind.MODEL_PIN, "gpt-x"), ANA, "k")
    other = Order(MitigationKind.MODEL_PIN, "gpt-y")
    assert pin.id in (await busy.verbs.preview(other, key="INC-1")).refusal
    named = Order(MitigationKind.MODEL_PIN, "gpt-y", supersedes=pin.id)
    assert (await busy.verbs.preview(named, key="INC-1")).refusal == ""


async def test_a_tool_nobody_has_seen_is_warned_about_and_so_is_an_unknown_agent(busy: Office) -> None:
    seen = await busy.verbs.preview(Order(MitigationKind.DISABLE_TOOLS, "serch_kb"), key="INC-1")
    assert "nobody has seen helpdesk-agent call serch_kb" in seen.warnings[0]
    unknown = await busy.verbs.preview(Order(MitigationKind.HALT), agent="helpdsk")
    assert "check its name" in unknown.warnings[0]
    elsewhere = Order(MitigationKind.HALT, scope=Scope(environment="prodd"))
    there = await busy.verbs.preview(elsewhere, agent="helpdesk-agent")
    assert "not in prodd: check the environment's name" in there.warnings[0]
