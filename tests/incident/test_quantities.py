"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.evidence import Interval, Unit
from bot.incident.quantities import ago, between, duration, in_minutes, percent, percents, points, quantity, signed

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "day": 86_400, "days": 86_400}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (0.0004, "under 1 ms"),
        (0.12, "120 ms"),
        (0.9996, "1 s"),
        (1.84, "1.8 s"),
        (4.0, "4 s"),
        (9.96, "10 s"),
        (45.4, "45 s"),
        (59.6, "1 min"),
        (252, "4 min 12 s"),
        (2429.0, "40 min 29 s"),
        (3599.7, "1 h"),
        (4200, "1 h 10 min"),
        (7500, "2 h 5 min"),
        (86_399, "1 day"),
        (90_000, "1 day 1 h"),
        (200_000, "2 days 8 h"),
    ],
)
def test_a_length_of_time_is_said_in_its_one_or_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0.001, 1e9))
def test_a_length_of_time_is_never_far_from_what_is_said(seconds: float) -> None:
    said = duration(seconds).split()
    meant = sum(float(figure) * SECONDS[unit] for figure, unit in zip(said[::2], said[1::2], strict=True))
    assert meant == pytest.approx(seconds, rel=0.051, abs=0.00051)  # nothing finer than 1 ms is said


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_time_never_reads_as_a_shorter_one(one: float, other: float) -> None:
    shorter, longer = (duration(seconds).split() for seconds in sorted((one, other)))
    if shorter[0] != "under" and longer[0] != "under":
        meant = [
            sum(float(figure) * SECONDS[unit] for figure, unit in zip(said[::2], said[1::2], strict=True))
            for said in (shorter, longer)
        ]
        assert meant[0] <= meant[1] + 1e-9


@pytest.mark.parametrize(("seconds", "words"), [(None, "never"), (4.3, "4 s ago"), (1570.2, "26 min 10 s ago")])
def test_how_long_ago_something_was_is_said_in_whole_seconds(seconds: float | None, words: str) -> None:
    assert ago(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.0003, "under 0.1 %"),
        (0.003, "0.3 %"),
        (0.046, "4.6 %"),
        (0.05, "5 %"),
        (0.0996, "10 %"),
        (0.344, "34 %"),
        (0.9884, "99 %"),
        (0.996, "99.6 %"),
        (1999 / 2000, "over 99.9 %"),
        (0.9997, "over 99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_whole_where_a_decimal_says_nothing(share: float, words: str) -> None:
    assert percent(share) == words


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_none_and_all_are_said_of_nothing_else(some: int, of: int) -> None:
    k = min(some, of)
    assert (percent(k / of) == "0 %") is (k == 0)
    assert (percent(k / of) == "100 %") is (k == of)


def test_an_interval_may_reach_none_and_all() -> None:
    assert percents(Interval(0.412, 0.807)) == "41-81 %"
    assert percents(Interval(0.0002, 0.0345)) == "0-3.5 %"
    assert percents(Interval(0.981, 0.9999)) == "98-100 %"


def test_an_interval_is_said_in_the_unit_of_its_figure() -> None:
    assert between(Interval(0.0002, 0.0345), Unit.SHARE) == "0-3.5 %"
    assert between(Interval(1.2, 125), Unit.SECONDS) == "1.2 s to 2 min 5 s"
    assert between(Interval(15, 29), Unit.RATE) == "15 to 29 a minute"
    assert between(Interval(49, 50.2), Unit.STEPS) == "49 to 50"
    assert between(Interval(50, 50.2), Unit.STEPS) == ""


def test_no_difference_has_no_minus() -> None:
    assert points(-0.0001, Interval(-0.02, 0.0001)) == "+0.0 points (-2.0 to +0.0)"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.34, Unit.SHARE, "34 %"),
        (0.25, Unit.SECONDS, "250 ms"),
        (1234.4, Unit.COUNT, "1,234"),
        (7.5, Unit.STEPS, "7.5"),
        (3.0, Unit.COUNT, "3"),
        (0.1234, Unit.USD, "0.123 USD"),
        (1234.5, Unit.USD, "1,234 USD"),
        (0.0000123, Unit.USD, "0.0000123 USD"),
        (2.25, Unit.RATE, "2.2 a minute"),
        (0.04, Unit.RATE, "0.04 a minute"),
        (0.0, Unit.RATE, "0 a minute"),
        (12.0, Unit.RATE, "12 a minute"),
    ],
)
def test_a_value_is_said_with_its_unit(value: float, unit: Unit, words: str) -> None:
    assert quantity(value, unit) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (33_682.0, Unit.TOKENS, "+33,682"),
        (-1.44, Unit.STEPS, "-1.4"),
        (0.0213, Unit.USD, "+0.0213 USD"),
        (0.0, Unit.COUNT, "+0"),
        (2429.0, Unit.SECONDS, "+40 min 29 s"),
        (-0.12, Unit.SECONDS, "-120 ms"),
    ],
)
def test_a_difference_is_as_exact_as_it_can_be_read_and_has_its_unit(value: float, unit: Unit, words: str) -> None:
    assert signed(value, unit) == words


def test_many_minutes_are_said_in_larger_units() -> None:
    assert [in_minutes(count) for count in (1, 59.6, 137, 1440, 4320)] == [
        "1 min",
        "1 h",
        "2 h 17 min",
        "1 day",
        "3 days",
    ]
