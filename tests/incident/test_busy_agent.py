"""An agent with more tasks than one look reads."""

from bot.incident.gathering import Gathered, gather
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore
from tests.taxonomies import TAXONOMY

MINUTE = 60 * 1_000_000_000
NOW = 1_800_000_000 * 1_000_000_000


def test_the_baseline_is_said_to_begin_where_the_tasks_begin_that_were_read() -> None:
    began = NOW - 33 * MINUTE
    tasks = [Reading(f"{place:032x}", at_ns, at_ns + 1) for place, at_ns in enumerate(range(began, NOW, MINUTE // 20))]
    scores = [
        EvalScore("correct", NOW - minutes * MINUTE, passed=True, trace_id=f"{10**6 + minutes:032x}")
        for minutes in range(85)
    ]
    bundle = gather("helpdesk", NOW, Gathered(readings=tasks, scores=scores, since_ns=began), TAXONOMY)
    quality, failures = bundle.signal("quality"), bundle.signal("task_failures")
    assert quality is not None
    assert failures is not None
    assert (bundle.baseline_window.start_ns, bundle.baseline_window.seconds) == (began, 15 * 60)
    assert (quality.baseline_n, failures.baseline_n) == (15, 15 * 20)
    busier = gather("helpdesk", NOW, Gathered(readings=tasks, since_ns=NOW - 4 * MINUTE), TAXONOMY)
    assert busier.baseline_window.seconds == 0
