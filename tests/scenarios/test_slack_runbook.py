"""The runbook in the incident's channel: ticked by several people, swapped by another class, its levers pulled."""

import json
from typing import Any

import pytest

from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.choosing import Choice
from tests.scenarios.conftest import Office
from tests.scenarios.test_slack_respond import BEN


@pytest.fixture
async def room(office: Office) -> str:
    """The channel of an incident that was classified LOOP."""
    await office.declares()
    await classified(office, IncidentClass.LOOP)
    channel: str = office.slack.room()["id"]
    return channel


async def classified(office: Office, named: IncidentClass, why: str = "") -> None:
    choice = Choice(named, Cause.UNKNOWN, Severity.SEV2, (), why)
    await office.verbs.classify("INC-1", choice, BEN, f"set-{named}-{why}")
    await office.follows()


def message(office: Office, room: str) -> dict[str, Any]:
    """The message with the checklist; there is one."""
    found = [m for m in office.slack.messages[room] if m.get("metadata", {}).get("event_type") == "firstfive_checklist"]
    assert len(found) == 1
    return found[0]


def words(office: Office, room: str) -> str:
    return json.dumps(message(office, room)["blocks"], ensure_ascii=False)


def button(office: Office, room: str, action: str) -> dict[str, Any]:
    """What the first button of that action is about."""
    for block in message(office, room)["blocks"]:
        for one in [block.get("accessory"), *block.get("elements", [])]:
            if one and one.get("action_id") == action:
                found: dict[str, Any] = json.loads(one["value"])
                return found
    raise AssertionError(f"no {action} in {words(office, room)}")


async def test_no_runbook_before_there_is_a_class(office: Office) -> None:
    await office.declares()
    await office.follows()
    said = json.dumps(office.slack.messages[office.slack.room()["id"]])
    assert "firstfive_checklist" not in said


async def test_two_people_tick_and_everybody_sees_who(office: Office, room: str) -> None:
    step = button(office, room, "tick")
    await office.clicks("tick", step, room, "ana")
    await office.follows()
    assert "✔ Done: " in words(office, room)
    assert "<@U1> <!date^" in words(office, room)
    other = button(office, room, "tick")
    assert other["s"] != step["s"]
    await office.clicks("tick", other, room, "ben")
    await office.clicks("untick", step, room, "ben")
    await office.follows()
    shown = words(office, room)
    assert shown.count("✔ Done: ") == 1
    assert "<@U2> <!date^" in shown


async def test_the_lever_of_a_step_is_pulled_and_ticks_it(office: Office, room: str) -> None:
    lever = button(office, room, "pull")
    await office.clicks("pull", lever, room)
    await office.follows()
    (status,) = (await office.verbs.look.state("1")).live_mitigations
    assert status.mitigation.reason == f"runbook LOOP, step {lever['s']}"
    assert "1 of " in words(office, room)


async def test_another_class_swaps_the_steps_in_place_and_loses_no_tick(office: Office, room: str) -> None:
    step = button(office, room, "tick")
    await office.clicks("tick", step, room)
    await office.follows()
    await classified(office, IncidentClass.TOOL, "search fails in every loop")
    shown = words(office, room)
    assert "*Runbook: A tool or index fails*" in shown
    assert "Ticked under a former class (1): LOOP: " in shown
    await office.clicks("tick", step, room)  # on a screen that was not yet renewed
    assert office.slack.told()[-1].startswith("The class is TOOL now, so this step is no longer shown.")
    await classified(office, IncidentClass.LOOP, "it loops after all")
    assert "✔ Done: " in words(office, room)


async def test_a_channel_that_refuses_the_runbook_keeps_its_card(office: Office) -> None:
    await office.declares()
    await office.follows()
    room = office.slack.room()["id"]
    office.slack.troubles["chat.postMessage"] = ["restricted_action"]
    await classified(office, IncidentClass.LOOP)
    assert "LOOP: loop without progress" in json.dumps(office.slack.messages[room][0])
    assert (await office.verbs.look.state("1")).incident_class is IncidentClass.LOOP
