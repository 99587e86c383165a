"""Figures that must fit one another, whatever telemetry tells: k within n, now apart from before, each judge's own age."""

from dataclasses import replace

import pytest

from bot.incident.evidence import Direction, EvidenceBundle, Signal
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import ModelStep, Reading, ToolStep
from bot.incident.signals.changes import changes_in
from bot.incident.telemetry import EvalScore
from tests.taxonomies import TAXONOMY

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_800_000_000 * SECOND


def tasks(minutes: float, gap: float = 10, *, finished: bool = True) -> list[Reading]:
    """One task every ``gap`` seconds for so many minutes up to now, each with one model call."""
    starts = range(NOW - int(minutes * MINUTE), NOW, int(gap * SECOND))
    called = ModelStep("orion", "orion")
    return [
        Reading(f"{at_ns:032x}", at_ns, at_ns + SECOND, finished=finished, steps=1, models=(called,))
        for at_ns in starts
    ]


def signal(bundle: EvidenceBundle, name: str) -> Signal:
    found = bundle.signal(name)
    assert found is not None
    return found


def test_of_a_task_with_more_calls_than_are_kept_no_more_failed_than_there_were() -> None:
    known = tasks(80)
    endless = replace(known[-1], models=(ModelStep(error=True),) * 400, model_errors=900, steps=1600)
    bundle = gather("helpdesk", NOW, Gathered(readings=[*known[:-1], endless]), TAXONOMY)
    calls, top = signal(bundle, "model_call_errors"), signal(bundle, "failing_top2")
    assert (calls.k, calls.n) == (400, 400 + len(known) - 1 - sum(one.at_ns < bundle.window.start_ns for one in known))
    assert (top.k, top.n) == (0, 400)


@pytest.mark.parametrize("window_ns", [None, MINUTE, 15 * MINUTE])
@pytest.mark.parametrize("quiet", [0, 2.5, 4])
def test_what_is_counted_now_never_reaches_into_what_was_before(window_ns: int | None, quiet: float) -> None:
    known = [one for one in tasks(80, 2) if one.at_ns < NOW - int(quiet * MINUTE)]
    others = {"other": tasks(80)}
    bundle = gather("helpdesk", NOW, Gathered(readings=known, others=others), TAXONOMY, window_ns)
    assert bundle.window.start_ns >= bundle.baseline_window.end_ns
    for one in bundle.signals:
        assert one.window.start_ns >= bundle.baseline_window.end_ns, one.name
    assert (bundle.onset is not None) == bool(quiet)


def test_the_chart_of_failures_counts_the_tasks_that_the_figure_counts() -> None:
    told = gather("helpdesk", NOW, Gathered(readings=tasks(80, finished=False)), TAXONOMY)
    assert signal(told, "task_failures").n == 0
    assert [course.signal for course in told.courses] == []


def judged(name: str, until: float, *, apart: float = 30, probe: str | None = None) -> list[EvalScore]:
    """Verdicts of one evaluator on a task each, up to so many minutes ago."""
    moments = range(NOW - 80 * MINUTE, NOW - int(until * MINUTE) + 1, int(apart * SECOND))
    return [
        EvalScore(name, at_ns, value=1.0, passed=True, trace_id=f"{at_ns:032x}", probe_id=probe) for at_ns in moments
    ]


def test_each_evaluator_is_as_old_as_its_own_newest_verdict() -> None:
    scores = [*judged("correct", 25), *judged("tone", 1), *judged("correct", 5, probe="p1")]
    bundle = gather("helpdesk", NOW, Gathered(readings=tasks(80), scores=scores), TAXONOMY)
    ages = {name: signal(bundle, name).fresh_seconds for name in ("eval:tone", "policy_verdicts", "probes")}
    assert ages == {"eval:tone": 60, "policy_verdicts": 60, "probes": 300}
    assert signal(bundle, "judge_errors").fresh_seconds == 60


def test_what_an_evaluator_said_before_it_fell_silent_is_not_flat_because_others_still_speak() -> None:
    talking, silent = judged("thumbs", 0), judged("correct", 35)
    found = Gathered(readings=tasks(200), scores=[*talking, *silent])
    bundle = gather("helpdesk", NOW, found, TAXONOMY, 60 * MINUTE)
    assert signal(bundle, "judge_age").direction is Direction.UP
    for name in ("eval:correct", "quality"):
        assert (signal(bundle, name).fresh_seconds, signal(bundle, name).direction) == (35 * 60, Direction.UNKNOWN)
    assert signal(bundle, "eval:thumbs").direction is Direction.FLAT, "who still speaks is believed"
    speaking = gather("helpdesk", NOW, replace(found, scores=[*talking, *judged("correct", 1)]), TAXONOMY, 60 * MINUTE)
    assert [signal(speaking, name).direction for name in ("eval:correct", "quality")] == [Direction.FLAT] * 2


def test_changes_of_one_moment_stand_in_one_order_however_sets_are_walked() -> None:
    before, after = (
        tuple(ToolStep(f"{tool}", tool, 0, manifest=digest) for tool in ("search", "mail", "refund", "lookup"))
        for digest in ("one", "two")
    )
    known = [replace(one, tools=after if one.at_ns > NOW - MINUTE else before) for one in tasks(30)]
    assert [change.after for change in changes_in(known)] == ["lookup@two", "mail@two", "refund@two", "search@two"]
    assert {change.before for change in changes_in(known)} == {"lookup@one", "mail@one", "refund@one", "search@one"}
