"""Simulated incidents (synthetic) of every class, and ordinary hours, classified from the telemetry alone."""

from collections import Counter

import pytest

from bot.incident.gathering import Gathered, gather
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify
from tests.incident.agents_at_work import MINUTE, START
from tests.incident.faults import ONSET
from tests.incident.troubles import Story, stories

FEWEST_RIGHT = 0.7  # of one seed of each mechanism at each level; the benchmark looks at many
STORIES = list(stories(range(1)))


def given(story: Story, minute: float) -> IncidentClass | None:
    at_ns = START + int((ONSET + minute) * MINUTE)
    fleet = story.fleet()
    bundle = gather(story.trouble.agent, at_ns, Gathered(*fleet.until(story.trouble.agent, at_ns)))
    return classify(bundle).incident_class


@pytest.mark.parametrize("expected", [name for name in IncidentClass if name is not IncidentClass.UNKN])
def test_incidents_of_each_class_get_it_within_twelve_minutes_and_hardly_ever_another(expected: IncidentClass) -> None:
    mine = [story for story in STORIES if story.trouble.expected is expected]
    found = Counter(given(story, 12) for story in mine)
    assert found[expected] >= (FEWEST_RIGHT - (expected is IncidentClass.QUAL) / 10) * len(mine), found
    assert sum(found.values()) - found[expected] - found[None] <= 1, found
