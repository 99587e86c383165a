"""When it began: what the interval promises, over beginnings that are known."""

from itertools import accumulate, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.detectors import onset as onsets
from bot.incident.detectors.onset import onset_of, series

S = 1_000_000_000
NOW = 1_800_000_000 * S
RUNS = 60


@pytest.mark.parametrize(
    ("before", "after", "a_minute"),
    [(0.0, 1.0, 8), (0.0, 0.4, 10), (0.03, 0.2, 40), (0.08, 0.43, 9), (0.03, 0.3, 3), (0.0, 1.0, 100)],
)
def test_the_interval_holds_the_true_beginning_nine_times_in_ten(before: float, after: float, a_minute: int) -> None:
    """Beginnings fall anywhere, not only on the moments that are tried; the interval is meant to hold 95 % of them."""
    chance = Random(5)  # noqa: S311 - no secret
    found, held = 0, 0
    for _ in range(RUNS):
        began = NOW - int(chance.uniform(6, 25) * 60 * S)
        times = [NOW - int(chance.uniform(0, 90 * 60) * S) for _ in range(a_minute * 90)]
        outcomes = [(at, chance.random() < (after if at >= began else before)) for at in times]
        if onset := onset_of({"task_failures": [series(outcomes)]}, NOW, {}):
            found += 1
            held += onset.low_ns <= began <= onset.high_ns
            assert onset.low_ns < onset.at_ns < onset.high_ns
    assert found > 0.8 * RUNS
    assert held >= 0.9 * found


@pytest.mark.parametrize("minutes", [1, 1.5, 62, 75])
def test_a_beginning_too_young_or_too_old_to_be_tried_still_lies_in_the_interval(minutes: float) -> None:
    began = NOW - int(minutes * 60 * S)
    outcomes = [(at, at >= began) for at in range(NOW - 90 * 60 * S, NOW, 3 * S)]
    onset = onset_of({"task_failures": [series(outcomes)]}, NOW, {})
    assert onset is not None
    assert onset.low_ns <= began <= onset.high_ns <= NOW


@given(st.lists(st.integers(0, 3000), max_size=40), st.integers(1, 12))
def test_the_longest_pauses_are_found_the_latest_of_like_ones(gaps: list[int], most: int) -> None:
    times = list(accumulate(gaps, initial=NOW))
    pairs = sorted([(later - time, time) for time, later in pairwise(times) if later > time], reverse=True)
    assert [*onsets.pauses(times, (), NOW)] == sorted([time for _, time in pairs[: onsets.MOST_PAUSES]])
    with pytest.MonkeyPatch.context() as few:
        few.setattr(onsets, "MOST_GAPS", most)
        assert [*onsets.pauses(times, (), NOW)] == sorted([time for _, time in pairs[:most]])
