"""The monitoring gap: what had moved, since when, and who noticed."""

from dataclasses import replace

import pytest

from bot.incident.evidence import Direction, Interval, Signal, Unit
from bot.incident.gap import monitoring_gap
from bot.incident.model import Via
from bot.incident.quantities import percent
from bot.incident.wording import measured
from tests.incident import stories

AT = stories.DECLARED_AT


def test_the_gap_runs_from_the_onset_to_the_declaration() -> None:
    gap = monitoring_gap(stories.declared(), AT, stories.bundle())
    assert gap.unseen_seconds == 29 * 60
    assert [signal.name for signal in gap.moved] == ["quality"]
    assert not gap.found_by_monitor


@pytest.mark.parametrize(("via", "by_monitor"), [(via, via in {Via.MONITOR, Via.ALERT}) for via in Via])
def test_only_monitors_and_alerts_count_as_found_by_a_monitor(via: Via, by_monitor: bool) -> None:  # noqa: FBT001  a row of the table
    assert monitoring_gap(stories.declared(via=via), AT, None).found_by_monitor is by_monitor


def test_without_evidence_nothing_is_known_of_the_onset() -> None:
    gap = monitoring_gap(stories.declared(), AT, None)
    assert (gap.onset, gap.unseen_seconds, gap.moved) == (None, None, ())


def test_the_signal_that_moved_furthest_comes_first() -> None:
    little = stories.signal("a", "things", 30, 100, (25, 100))
    much = stories.signal("b", "others", 60, 100, (5, 100))
    flat = stories.signal("c", "flat ones", 5, 100, (5, 100), Direction.FLAT)
    gap = monitoring_gap(stories.declared(), AT, replace(stories.bundle(), signals=(little, flat, much)))
    assert [signal.name for signal in gap.moved] == ["b", "a"]


def test_a_figure_says_the_count_then_the_share_then_what_it_was() -> None:
    signal = replace(
        stories.signal("q", "answers were judged wrong", 12, 19, (17, 168)), interval=Interval(0.4104, 0.8085)
    )
    assert measured(signal).startswith("12 of 19 answers were judged wrong (63 %, 41-81 %; was 10")


def test_what_cannot_be_told_is_said_with_its_reason() -> None:
    assert measured(stories.bundle().signals[2]) == "tasks handed to people: can't tell (no such attribute)"


def test_a_new_signal_has_no_baseline_and_says_so() -> None:
    assert measured(stories.signal("n", "new things", 1, 10, None)).endswith("; no baseline)")


@pytest.mark.parametrize(
    ("unit", "value", "before", "part"),
    [
        (Unit.SECONDS, 4.25, 1.0, "4.2 s (n = 40; was 1 s, n = 40)"),
        (Unit.RATE, 0.0, 12.0, "0 a minute (n = 40; was 12 a minute, n = 40)"),
        (Unit.STEPS, 25.0, 9.0, "25 (n = 40; was 9, n = 40)"),
        (Unit.TOKENS, 12345.0, 900.0, "12,345 (n = 40; was 900, n = 40)"),
    ],
)
def test_every_unit_is_named(unit: Unit, value: float, before: float, part: str) -> None:
    window = stories.bundle().window
    signal = Signal("s", "it", unit, value, before, 40, 40, window, Direction.UP)
    assert measured(signal) == f"it {part}"


@pytest.mark.parametrize("value", [0.0001, 0.004, 0.996, 0.9999])
def test_a_little_never_reads_as_none_nor_almost_all_as_all(value: float) -> None:
    assert percent(value) not in {"0 %", "100 %"}


@pytest.mark.parametrize(("value", "text"), [(0.0, "0 %"), (1.0, "100 %"), (0.5, "50 %")])
def test_none_half_and_all_read_as_what_they_are(value: float, text: str) -> None:
    assert percent(value) == text
