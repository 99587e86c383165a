"""Charts as values: every one carries its figures in words."""

import json
from dataclasses import replace
from datetime import timedelta

from bot.incident.charts.course import course_chart
from bot.incident.charts.drawn import charts_for
from bot.incident.charts.over_time import pass_rate_chart, trouble_chart
from bot.incident.charts.shares import LABEL_CHARACTERS, MOST_SHARES, shares_chart
from bot.incident.charts.steps import steps_chart
from bot.incident.codec import decode, encode
from bot.incident.evidence import Course, Direction, EvidenceBundle, StepsDistribution
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import read
from bot.incident.signals.courses import MOST_POINTS
from bot.response.gather import nanoseconds
from tests.incident import stories
from tests.incident.stories import CHANGES, WHOLE, told
from tests.taxonomies import TAXONOMY
from tests.web.fakes import looping_since
from tests.web.memory import NOON


def test_the_share_that_moved_most_stands_first() -> None:
    chart = shares_chart(stories.bundle())
    assert chart
    assert chart.alt.startswith("Shares now against before. 18 of 40 answers were judged wrong (45 %")
    assert next(row["signal"] for row in chart.spec["data"]["values"]) == "answers were judged wrong"


def test_what_was_not_measured_is_not_drawn_as_zero() -> None:
    chart = shares_chart(stories.bundle())
    assert chart
    assert "handed to people" not in str(chart.spec)
    assert "handed to people" not in chart.alt


def test_a_share_without_a_baseline_has_no_point_before() -> None:
    new = stories.signal("new", "new things", 1, 10, None)
    chart = shares_chart(replace(stories.bundle(), signals=(new,)))
    assert chart
    assert [row["when"] for row in chart.spec["data"]["values"]] == ["now"]


def test_the_shares_fit_the_page() -> None:
    many = tuple(stories.signal(f"s{i}", f"signal {i}", i, 40, (1, 100)) for i in range(20))
    chart = shares_chart(replace(stories.bundle(), signals=many))
    assert chart
    assert len({row["signal"] for row in chart.spec["data"]["values"]}) == MOST_SHARES


def test_intervals_lie_around_their_value() -> None:
    chart = shares_chart(stories.bundle())
    assert chart
    for row in chart.spec["data"]["values"]:
        assert row["low"] <= row["value"] <= row["high"]


def test_nothing_measured_is_no_chart() -> None:
    bundle = EvidenceBundle("a", 0, stories.bundle().window, stories.bundle().window)
    assert shares_chart(bundle) is None
    assert course_chart((), bundle) is None
    assert charts_for(None) == ()
    assert charts_for(bundle, ()) == ()


def test_the_course_runs_from_the_onset_to_the_end() -> None:
    chart = course_chart(
        told(WHOLE[: -len(CHANGES)]), stories.bundle()
    )  # what follows is one of each kind, in no order
    assert chart
    steps = [row["step"] for row in chart.spec["data"]["values"]]
    assert steps[:2] == ["onset (estimate)", "declared"]
    assert steps[-1] == "resolved"
    times = [row["at"] for row in chart.spec["data"]["values"]]
    assert times == sorted(times)


def test_the_course_shows_proof_only_where_it_was_observed() -> None:
    proven = course_chart(told(), None)
    waiting = course_chart(told((WHOLE[0], WHOLE[7], WHOLE[8])), None)
    assert proven
    assert waiting
    assert "proven" in proven.alt
    assert "proven" not in waiting.alt


def test_the_same_direction_up_and_down_is_drawn_alike() -> None:
    down = replace(stories.bundle().signals[0], direction=Direction.DOWN)
    assert shares_chart(replace(stories.bundle(), signals=(down,))) is not None


def with_series() -> EvidenceBundle:
    """The bundle of the story with its small series: wrong answers every five minutes, steps now and before."""
    known = stories.bundle()
    start = known.at_ns - 18 * 300 * 10**9
    points = tuple((start + place * 300 * 10**9, 0 if place < 14 else 6, 12) for place in range(18))
    course = Course("quality", "answers were judged wrong", 300, points)
    return replace(known, courses=(course,), steps=StepsDistribution(2, 3, (1, 0, 9), (30, 10, 0)))


def test_the_course_of_the_trouble_carries_intervals_and_marks_its_onset() -> None:
    chart = trouble_chart(with_series())
    assert chart
    rows = chart.spec["data"]["values"]
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    onset = [layer["data"]["values"][0] for layer in chart.spec["layer"] if "data" in layer]
    assert {one["name"] for one in onset} == {"began"}
    assert all(one["low"] < one["at"] < one["high"] for one in onset)
    assert "14:11 6 of 12 (50 %)" in chart.alt
    assert "Began about 14:02 (between 14:01 and 14:03)." in chart.alt


def test_the_pass_rate_is_the_rest_of_the_wrong_answers() -> None:
    chart = pass_rate_chart(with_series())
    assert chart
    assert chart.alt.startswith("Answers were judged right, every 5 min, UTC: 13:01 12 of 12 (100 %)")
    assert pass_rate_chart(stories.bundle()) is None


def test_steps_are_told_in_bins_now_and_before() -> None:
    chart = steps_chart(with_series())
    assert chart
    assert chart.alt == (
        "Steps per task. Now, tasks by steps: 2\u20134: 1, 8\u201310: 9. Before, tasks by steps: 2\u20134: 30, 5\u20137: 10."
    )
    now = [row["share"] for row in chart.spec["data"]["values"] if row["when"] == "now"]
    assert now == [0.1, 0.9]
    assert steps_chart(stories.bundle()) is None


def test_no_task_before_is_no_bar_before() -> None:
    chart = steps_chart(replace(stories.bundle(), steps=StepsDistribution(4, 1, (3,), (0,))))
    assert chart
    assert chart.alt.endswith("Before: no tasks.")
    assert {row["when"] for row in chart.spec["data"]["values"]} == {"now"}


def test_before_has_an_interval_too() -> None:
    chart = shares_chart(stories.bundle())
    assert chart
    before = next(row for row in chart.spec["data"]["values"] if row["when"] == "before")
    assert before["low"] < before["value"] < before["high"]


def test_the_series_of_an_hour_are_few_and_survive_being_stored() -> None:
    traces, scores = looping_since(NOON - timedelta(minutes=5))
    found = Gathered(tuple(read(trace) for trace in traces), scores)
    bundle = gather("helpdesk-agent", nanoseconds(NOON), found, TAXONOMY)
    assert {course.signal for course in bundle.courses} == {"task_failures", "quality", "repeats"}
    assert all(len(course.points) <= MOST_POINTS for course in bundle.courses)
    assert bundle.steps
    assert (sum(bundle.steps.now), len(bundle.steps.now)) == (20, len(bundle.steps.before))
    assert decode(EvidenceBundle, json.loads(json.dumps(encode(bundle)))) == bundle
    assert len(json.dumps(encode((bundle.courses, bundle.steps)))) < 6000
    assert [chart.name for chart in charts_for(bundle)] == ["shares", "over-time", "pass-rate", "steps"]


def test_a_wide_window_keeps_its_series_short() -> None:
    traces, scores = looping_since(NOON - timedelta(minutes=5), minutes=600)
    found = Gathered(tuple(read(trace) for trace in traces), scores)
    bundle = gather("helpdesk-agent", nanoseconds(NOON), found, TAXONOMY, 4 * 3600 * 10**9)
    assert all(len(course.points) <= MOST_POINTS for course in bundle.courses)
    assert {course.seconds for course in bundle.courses} == {27 * 60}


def test_a_long_label_is_whole_and_leaves_room_for_the_picture() -> None:
    label = "tasks were answered by another model than was asked for"
    chart = shares_chart(replace(stories.bundle(), signals=(stories.signal("swap", label, 9, 10, (1, 100)),)))
    assert chart
    drawn = str(chart.spec["data"]["values"][0]["signal"])
    assert drawn.split() == label.split()
    assert max(len(line) for line in drawn.splitlines()) <= LABEL_CHARACTERS
    assert chart.spec["height"] >= 16 * len(drawn.splitlines())
