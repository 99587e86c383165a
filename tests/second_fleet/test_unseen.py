"""Incidents of the second fleet (synthetic): one of each class in each variant, healthy days, and telemetry that stops."""

import gzip
import json
from pathlib import Path

import pytest

from tests.second_fleet.days import simulate, truth
from tests.second_fleet.folders import write
from tests.second_fleet.herrings import HERRINGS, Herring
from tests.second_fleet.incidents import INCIDENTS, Incident
from tests.second_fleet.looking import received

FIRST = {incident.of: incident for incident in reversed(INCIDENTS)}


def herring(name: str) -> Herring:
    return next(one for one in HERRINGS if one.name == name)


def incident(name: str) -> Incident:
    return next(one for one in INCIDENTS if one.name == name)


@pytest.mark.parametrize("expected", FIRST)
def test_a_clear_incident_of_each_class_is_told_with_its_onset_and_nobody_else_gets_a_class(expected: str) -> None:
    story = FIRST[expected]
    found = received(*simulate(7, story))
    for agent in ("helpdesk-agent", "billing-agent", "field-agent"):
        bundle, said = found.look(agent, 11.9)
        if agent == story.agents[0]:
            assert said.incident_class is not None
            assert said.incident_class.value == expected
            off = found.off(bundle)
            assert off is not None
            assert abs(off) <= 5
        elif agent not in story.agents:
            assert said.incident_class is None
        assert found.look(agent, -8)[1].incident_class is None


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a new prompt answers wrongly", "a touchy injection detector"),
        ("a new prompt answers wrongly", "one tool stumbles"),
        ("the same search again and again", "a new legitimate destination with a deploy"),
        ("two tools in turn", "a new tool description with a deploy"),
        ("workers die after a deploy", "the provider stumbles"),
        ("the provider serves another model", "a deploy just before"),
        ("orders in attachments", "a deploy just before"),
        ("a tool's description is swapped", "a deploy just before"),
        ("writes without approval", "a few more tool errors"),
        ("a new prompt misbehaves", "longer conversations"),
    ],
)
def test_a_misleading_signal_beside_it_does_not_change_the_class(name: str, beside: str) -> None:
    story = incident(name)
    said = received(*simulate(3, story, herring(beside))).look(story.agents[0], 11.9)[1]
    assert said.incident_class is not None
    assert said.incident_class.value == story.of


@pytest.mark.parametrize(
    "name",
    [
        "a new legitimate destination with a deploy",
        "a new tool description with a deploy",
        "another mix of tasks",
        "more hand-overs",
    ],
)
def test_a_day_with_nothing_but_a_misleading_signal_has_no_class(name: str) -> None:
    found = received(*simulate(5, None, herring(name)))
    for minute in (-5, 2, 8):
        assert found.look("helpdesk-agent", minute)[1].incident_class is None


@pytest.mark.parametrize("agent", ["helpdesk-agent", "billing-agent", "field-agent"])
def test_minutes_after_the_whole_fleet_fell_silent_nobody_is_called_healthy(agent: str) -> None:
    found = received(*simulate(5))
    for minute in (17.5, 25, 45):
        said = found.look(agent, minute)[1]
        assert said.incident_class is not None
        assert said.incident_class.value == "UNKN"


def test_a_folder_has_the_files_of_a_scenario(tmp_path: Path) -> None:
    story = FIRST["QUAL"]
    hour, chance = simulate(1, story)
    write(tmp_path, hour, truth(hour, story, None, "clear"), chance)
    with gzip.open(tmp_path / "traces.otlp.jsonl.gz", "rt") as file:
        assert sum("resourceSpans" in json.loads(line) for line in file) == len(hour.tasks)
    assert json.loads((tmp_path / "truth.json").read_text())["class"] == "QUAL"
