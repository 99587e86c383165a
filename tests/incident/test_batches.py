"""Agents that work in batches: between two of them nothing is missing, and a batch that does not come is."""

import random

import pytest

from bot.incident.evidence import Direction
from bot.incident.gathering import Gathered, gather
from bot.incident.look import look_at
from bot.incident.reading import Reading
from bot.incident.tree import decide
from tests.taxonomies import TAXONOMY

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_800_000_000 * SECOND


def batches(every: int, size: int, last: int) -> list[Reading]:
    """``size`` tasks within 20 s, every so many seconds, the last ones so many seconds ago."""
    by_chance = random.Random(every + last)  # noqa: S311
    starts = [
        NOW - (ago * SECOND + by_chance.randrange(20 * SECOND)) for ago in range(last, 5400, every) for _ in range(size)
    ]
    return [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, steps=1) for at_ns in sorted(starts)]


def told(tasks: list[Reading]) -> tuple[Direction | None, str | None, str | None]:
    """Where the pace goes, in what it began, and the class."""
    moments = range(NOW - 80 * MINUTE, NOW, 20 * SECOND)
    others = {"other": [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND) for at_ns in moments]}
    bundle = gather("helpdesk", NOW, Gathered(readings=tasks, others=others), TAXONOMY)
    pace, chosen = bundle.signal("task_volume"), decide(look_at(bundle, TAXONOMY), {}).chosen
    assert pace is not None
    return pace.direction, bundle.onset.signal if bundle.onset else None, chosen.value if chosen else None


@pytest.mark.parametrize("every", [60, 300, 600, 900])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_between_two_batches_nothing_is_missing(every: int, part: float) -> None:
    pace, began, chosen = told(batches(every, 60, int(every * part)))
    assert pace is not Direction.DOWN or every < 300, "five minutes may hold a batch of one minute less"
    assert (began, chosen) == (None, None)


@pytest.mark.parametrize("every", [60, 300, 600])
def test_batches_that_do_not_come_any_more_are_missing(every: int) -> None:
    assert told(batches(every, 60, int(every * 2.5) + 60)) == (Direction.DOWN, "task_volume", "HARD")


def test_an_agent_that_half_its_tasks_stay_away_from_is_still_seen() -> None:
    by_chance = random.Random(5)  # noqa: S311
    steady = sorted(NOW - by_chance.randrange(90 * MINUTE) for _ in range(1800))
    fewer = [at_ns for place, at_ns in enumerate(steady) if at_ns < NOW - 12 * MINUTE or place % 3 == 0]
    tasks = [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, steps=1) for at_ns in fewer]
    assert told(tasks)[:2] == (Direction.DOWN, "task_volume")
