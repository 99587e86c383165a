"""An agent with more tasks than one look reads."""

from dataclasses import replace

from bot.incident.draw import Draw
from bot.incident.evidence import Direction, EvidenceBundle, Signal
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import Reading
from tests.taxonomies import TAXONOMY

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_800_000_000 * SECOND
BEGUN = NOW - 90 * MINUTE
BROKE = NOW - 12 * MINUTE
EACH = 4
WHOLE_SINCE = NOW - 10 * MINUTE


def task(at_ns: int, *, failed: bool = False) -> Reading:
    return Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, failed=failed)


def drawn(every: list[Reading]) -> Gathered:
    """All tasks of the last ten minutes, and every fourth before them."""
    read = [one for at, one in enumerate(every) if one.at_ns >= WHOLE_SINCE or at % EACH == 0]
    return Gathered(read, draw=Draw([one.at_ns for one in every], WHOLE_SINCE, EACH))


def looked(found: Gathered) -> EvidenceBundle:
    return gather("helpdesk", NOW, found, TAXONOMY)


def signal(bundle: EvidenceBundle, name: str) -> Signal:
    found = bundle.signal(name)
    assert found is not None
    return found


def test_a_draw_tells_the_same_shares_and_the_same_beginning() -> None:
    every = [
        task(at, failed=place % (2 if at >= BROKE else 50) == 0)
        for place, at in enumerate(range(BEGUN, NOW - 5 * SECOND, SECOND))
    ]
    whole, some = looked(Gathered(every)), looked(drawn(every))
    assert whole.onset is not None
    assert some.onset is not None
    assert abs(whole.onset.at_ns - some.onset.at_ns) <= MINUTE
    one, other = signal(whole, "task_failures"), signal(some, "task_failures")
    assert one.value is not None
    assert other.value is not None
    assert abs(one.value - other.value) < 0.05
    assert other.direction is Direction.UP
    assert some.baseline_window.seconds == whole.baseline_window.seconds > 70 * 60


def test_what_counts_tasks_counts_all_of_them() -> None:
    steady = [task(at) for at in range(BEGUN, NOW - 5 * SECOND, SECOND)]
    fewer = [one for at, one in enumerate(steady) if one.at_ns < BROKE or at % 10 == 0]
    for every in (steady, fewer):
        whole, some = looked(Gathered(every)), looked(drawn(every))
        for name in ("task_volume", "span_age"):
            one, other = signal(whole, name), signal(some, name)
            assert (one.value, one.baseline, one.direction) == (other.value, other.baseline, other.direction)
        assert (whole.onset and whole.onset.signal) == (some.onset and some.onset.signal)


def test_the_error_budget_of_an_hour_is_not_that_of_the_last_minutes() -> None:
    every = [task(at, failed=at >= WHOLE_SINCE) for at in range(BEGUN, NOW - 5 * SECOND, SECOND)]
    whole, some = (signal(looked(found), "task_failures").hour for found in (Gathered(every), drawn(every)))
    assert whole is not None
    assert some is not None
    assert abs(whole[0] / whole[1] - some[0] / some[1]) < 0.01


def test_where_nobody_knows_which_tasks_count_their_number_is_unknown() -> None:
    every = [task(at) for at in range(BEGUN, NOW - 5 * SECOND, SECOND)]
    found = drawn(every)
    assert found.draw is not None
    bundle = looked(replace(found, draw=replace(found.draw, starts=())))
    volume = signal(bundle, "task_volume")
    assert (volume.value, volume.direction) == (None, Direction.UNKNOWN)
