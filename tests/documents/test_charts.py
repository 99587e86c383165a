"""Charts are really drawn, in a process of their own."""

import xml.etree.ElementTree as ET

import pytest

from bot.documents import charts as module
from bot.documents.charts import DrawnCharts
from bot.incident.charts.drawn import charts_for
from bot.incident.errors import Unavailable
from tests.incident import stories


async def test_every_chart_of_the_story_becomes_a_picture_in_one_go() -> None:
    charts = charts_for(stories.bundle(), stories.told())
    assert [chart.name for chart in charts] == ["shares", "course"]
    shares, course = await DrawnCharts().draw_all([chart.spec for chart in charts], "svg")
    for picture in (shares, course):
        assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314  our own renderer's output
    assert b"answers were judged wrong" in shares
    assert b"classified QUAL" in course


async def test_a_picture_for_slack_is_a_png_at_twice_the_size() -> None:
    (chart,) = charts_for(stories.bundle())
    png = await DrawnCharts().draw(chart.spec, "png")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) > 1120


async def test_nothing_to_draw_starts_no_process() -> None:
    assert await DrawnCharts().draw_all([], "png") == []


async def test_a_chart_that_cannot_be_drawn_is_one_sentence() -> None:
    with pytest.raises(Unavailable, match="the figures stand in the text"):
        await DrawnCharts().draw({"mark": "no such mark", "data": 7}, "svg")


async def test_a_renderer_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAW_WITHIN", 0.01)
    (chart,) = charts_for(stories.bundle())
    with pytest.raises(Unavailable, match="in time"):
        await DrawnCharts().draw(chart.spec, "svg")
