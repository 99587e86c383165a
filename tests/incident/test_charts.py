"""Charts as values: every one carries its figures in words."""

from dataclasses import replace

from bot.incident.charts import MOST_SHARES, charts_for, course_chart, shares_chart
from bot.incident.evidence import Direction, EvidenceBundle
from tests.incident import stories
from tests.incident.stories import WHOLE, told


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
    chart = course_chart(told(), stories.bundle())
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
