"""What was flat when it was last seen is not flat now, if that is too long ago."""

import pytest

from bot.incident.evidence import Direction
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import ModelStep, Reading
from bot.incident.telemetry import EvalScore
from tests.taxonomies import TAXONOMY

MINUTE = 60 * 1_000_000_000
NOW = 1_800_000_000 * 1_000_000_000


def directions(spans_until: int, scores_until: int) -> dict[str, Direction]:
    """Of an agent with twelve tasks a minute, whose spans and scores stopped so many minutes ago."""
    tasks = [
        Reading(f"{number:032x}", at_ns, at_ns + MINUTE // 12, steps=1, models=(ModelStep("orion", "orion"),))
        for number, at_ns in enumerate(range(NOW - 80 * MINUTE, NOW - spans_until * MINUTE, MINUTE // 12))
    ]
    scores = [
        EvalScore("correct", task.end_ns, passed=True, trace_id=task.id)
        for task in tasks
        if task.end_ns < NOW - scores_until * MINUTE
    ]
    bundle = gather("helpdesk", NOW, Gathered(readings=tasks, scores=scores), TAXONOMY, window_ns=30 * MINUTE)
    return {signal.name: signal.direction for signal in bundle.signals}


@pytest.mark.parametrize(
    ("spans_until", "scores_until", "failures", "quality"),
    [
        (0, 0, Direction.FLAT, Direction.FLAT),
        (0, 25, Direction.FLAT, Direction.UNKNOWN),
        (10, 10, Direction.UNKNOWN, Direction.UNKNOWN),  # the judges have judged all there was
    ],
)
def test_flat_from_stale_telemetry_is_unknown(
    spans_until: int, scores_until: int, failures: Direction, quality: Direction
) -> None:
    seen = directions(spans_until, scores_until)
    assert (seen["task_failures"], seen["quality"]) == (failures, quality)
    assert seen["span_age"] is (Direction.UP if spans_until else Direction.FLAT)
