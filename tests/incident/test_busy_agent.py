"""An agent with more tasks than one look reads."""

from dataclasses import replace

from bot.incident.draw import Draw
from bot.incident.environments import EVERY_ONE, Wanted
from bot.incident.evidence import Change, ChangeKind, Direction, EvidenceBundle, Signal
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


def test_tasks_that_only_another_source_tells_stand_for_themselves() -> None:
    """Another source knows of 600 more, all failed half an hour ago: they weigh 600, and not four times as much."""
    every = [task(at) for at in range(BEGUN, NOW - 5 * SECOND, SECOND)]
    more = [replace(task(NOW - 30 * MINUTE + place, failed=True), id=f"v{place:031x}") for place in range(600)]
    found = drawn(every)
    assert found.draw is not None
    known_too = [
        replace(one, id=f"w{place:031x}") for place, one in enumerate(every[100:200])
    ]  # ours, under its own ids
    beside = dict.fromkeys([one.id for one in more], 1) | dict.fromkeys([one.id for one in known_too], 0)
    starts = sorted([*found.draw.starts, *(one.at_ns for one in more)])
    both = Gathered([*found.readings, *more, *known_too], draw=replace(found.draw, starts=starts, beside=beside))
    whole = signal(looked(Gathered([*every, *more])), "task_failures").hour
    some = signal(looked(both), "task_failures").hour
    assert whole is not None
    assert some is not None
    assert some[0] == whole[0] == 600
    assert abs(some[1] - whole[1]) <= EACH


def test_an_announced_change_and_environments_count_all_tasks() -> None:
    every = [
        replace(task(at), environment="staging" if place % 3 == 0 else "production")
        for place, at in enumerate(range(BEGUN, NOW - 5 * SECOND, SECOND))
    ]
    deploy = Change(ChangeKind.DEPLOY, "1", "2", NOW - 40 * MINUTE, 0, 0)
    whole, some, one = (
        looked(replace(found, announced=[deploy], wanted=wanted))
        for found, wanted in (
            (Gathered(every), EVERY_ONE),
            (drawn(every), EVERY_ONE),
            (drawn(every), Wanted("production")),
        )
    )
    assert whole.changes == some.changes
    assert sum(some.environments.values()) == len(every)
    for name, count in whole.environments.items():
        assert abs(some.environments[name] - count) < 0.1 * count
    assert abs(one.left_out["staging"] - whole.environments["staging"]) < 0.1 * whole.environments["staging"]
    assert abs(one.changes[0].n - whole.changes[0].n * 2 / 3) < 0.1 * whole.changes[0].n  # when they started is unknown


def test_where_nobody_knows_which_tasks_count_their_number_is_unknown() -> None:
    every = [task(at) for at in range(BEGUN, NOW - 5 * SECOND, SECOND)]
    found = drawn(every)
    assert found.draw is not None
    bundle = looked(replace(found, draw=replace(found.draw, starts=())))
    volume = signal(bundle, "task_volume")
    assert (volume.value, volume.direction) == (None, Direction.UNKNOWN)
