"""Agents that work in batches: between two of them nothing is missing, and a batch that does not come is."""

import random
from collections.abc import Sequence

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


def told(tasks: list[Reading], before: Sequence[int] = ()) -> tuple[Direction | None, str | None, str | None]:
    """Where the pace goes, in what it began, and the class."""
    moments = range(NOW - 80 * MINUTE, NOW, 20 * SECOND)
    others = {"other": [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND) for at_ns in moments]}
    bundle = gather("helpdesk", NOW, Gathered(readings=tasks, others=others, starts_before=before), TAXONOMY)
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


def started(every: int, size: int, last: int) -> tuple[list[Reading], list[int]]:
    """Tasks of the look and the starts of those before it, of batches that go on for 12 hours."""
    by_chance = random.Random(every + last)  # noqa: S311
    starts = sorted(
        NOW - (ago * SECOND + by_chance.randrange(180 * SECOND))
        for ago in range(last, 12 * 3600, every)
        for _ in range(size)
    )
    look = NOW - 90 * MINUTE
    tasks = [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, steps=1) for at_ns in starts if at_ns >= look]
    return tasks, [at_ns for at_ns in starts if at_ns < look]


@pytest.mark.parametrize("part", [0.05, 0.2, 0.4, 0.7, 0.99])
@pytest.mark.parametrize("size", [25, 120])
def test_an_agent_that_works_once_an_hour_is_well_between_two_batches(part: float, size: int) -> None:
    """A look holds one or two of its batches: it was said to have stopped, most of the hour."""
    tasks, before = started(3600, size, int(3600 * part))
    pace, began, chosen = told(tasks, before)
    assert pace is not Direction.DOWN
    assert (began, chosen) == (None, None)
    found = gather("helpdesk", NOW, Gathered(readings=tasks, starts_before=before), TAXONOMY)
    age = found.signal("span_age")
    assert age is not None
    assert age.direction is Direction.FLAT
    assert decide(look_at(found, TAXONOMY), {}).chosen is None


@pytest.mark.parametrize("gap", [None, 20 * 60])
def test_quiet_nights_do_not_excuse_an_agent_that_stops_by_day(gap: int | None) -> None:
    """One task in twenty minutes by night, two a minute by day; ten minutes of silence by day are no pause of its."""
    by_chance = random.Random(3)  # noqa: S311
    day = sorted(NOW - 10 * MINUTE - by_chance.randrange(170 * MINUTE) for _ in range(340))
    night = list(range(NOW - 12 * 60 * MINUTE, NOW - 180 * MINUTE, gap * SECOND)) if gap else []
    look = NOW - 90 * MINUTE
    tasks = [Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, steps=1) for at_ns in day if at_ns >= look]
    before = [*night, *(at_ns for at_ns in day if at_ns < look)]
    assert told(tasks, before) == (Direction.DOWN, "task_volume", "HARD")


def test_a_batch_of_every_half_hour_that_does_not_come_is_missing() -> None:
    tasks, before = started(1800, 120, 50 * 60)
    assert told(tasks, before)[2] == "HARD"
