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


def rated(known: list[Reading], values: list[float], label: str | None = None) -> list[EvalScore]:
    """Each task judged by a number a second after it ended, as ingest reads it: of 0 to 1 it says pass or fail."""
    return [
        EvalScore(
            "correct",
            one.end_ns + SECOND,
            value=value,
            passed=value >= 0.5 if value <= 1 else None,
            label=label,
            trace_id=one.id,
        )
        for one, value in zip(known, values, strict=True)
    ]


def test_a_judge_that_changes_its_scale_breaks_and_does_not_praise() -> None:
    """From 0..1 to 1..5: a 1, the worst, passed, and all others decided nothing, so that every answer looked right."""
    known = tasks(80)
    lately = sum(one.at_ns >= NOW - 20 * MINUTE for one in known)
    values = [0.9 if place % 10 else 0.2 for place in range(len(known) - lately)]
    values += [float(1 + place % 5) for place in range(lately)]
    bundle = gather("helpdesk", NOW, Gathered(readings=known, scores=rated(known, values)), TAXONOMY)
    quality, errors = signal(bundle, "quality"), signal(bundle, "judge_errors")
    assert (quality.n, quality.value, quality.direction) == (0, None, Direction.UNKNOWN)
    assert quality.baseline_n > 100
    assert (errors.value, errors.direction) == (1, Direction.UP)
    always = gather(
        "helpdesk",
        NOW,
        Gathered(readings=known, scores=rated(known, [float(1 + place % 5) for place in range(len(known))])),
        TAXONOMY,
    )
    assert (signal(always, "quality").n, signal(always, "quality").baseline_n) == (0, 0)


@pytest.mark.parametrize(
    ("until", "values", "label"),
    [
        (20, [0.9, 1.0, 4.0], None),  # the old judge of 0 to 1 goes on for a while beside the new one of 1 to 5
        (80, [0.5, 1.0, 1.0, 3.0, 4.5], None),  # stars have halves
        (80, [1.0, 2.0, 4.0], "so so"),  # a word, but not for pass or fail
    ],
)
def test_a_number_of_one_praises_nothing_while_two_scales_mingle(
    until: int, values: list[float], label: str | None
) -> None:
    """From 80 minutes ago 0..1, then both or halves too, and in the last ten minutes whole numbers from 1 to 5."""
    known = tasks(80)
    minutes = [(NOW - one.at_ns) / MINUTE for one in known]
    told = [
        0.9 if at > until else float(1 + place % 5) if at < 10 else values[place % len(values)]
        for place, at in enumerate(minutes)
    ]
    quality = signal(
        gather("helpdesk", NOW, Gathered(readings=known, scores=rated(known, told, label)), TAXONOMY), "quality"
    )
    assert (quality.n, quality.value, quality.direction) == (0, None, Direction.UNKNOWN)


def test_where_its_sender_says_what_passed_a_number_of_any_scale_decides_nothing() -> None:
    known = tasks(80)
    told = [float(1 + place % 5) for place in range(len(known))]
    scores = [score._replace(passed=score.value != 1) for score in rated(known, told)]
    quality = signal(gather("helpdesk", NOW, Gathered(readings=known, scores=scores), TAXONOMY), "quality")
    assert quality.value is not None
    assert quality.n > 0
    assert abs(quality.value - 0.2) < 0.05


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ([1.0, 0.0, -1.0], None),  # minus one where the judge itself failed
        ([1.0, 0.0, 0.7], None),
        ([1.0, 5.0, 4.0], "pass"),  # its words decide
    ],
)
def test_a_word_or_a_slip_is_no_other_scale(values: list[float], label: str | None) -> None:
    known = tasks(80)
    told = (values * len(known))[: len(known)]
    told[100] = 3.0  # a slip
    scores = [score._replace(passed=True) if label else score for score in rated(known, told, label)]
    bundle = gather("helpdesk", NOW, Gathered(readings=known, scores=scores), TAXONOMY)
    one = signal(bundle, "quality")
    decided = [score for score in scores if score.passed is not None]
    assert one.n + one.baseline_n > 0.7 * len(decided)
