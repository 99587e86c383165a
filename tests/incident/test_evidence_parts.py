"""The parts of evidence that answer a question of their own: time, pairs, judges, and when there is enough."""

from dataclasses import replace

import pytest

from bot.incident.evidence import AGES, ENOUGH, Direction, Window
from bot.incident.pairing import align, pair_of
from bot.incident.reading import Reading, ToolStep, cost_of, read
from bot.incident.signals import effort, evaluators, freshness, outcomes, tools
from bot.incident.signals.measure import share, tasks
from bot.incident.signals.scope import Scope
from bot.incident.signals.time_spent import slow_steps
from bot.incident.step_time import exclusive_seconds
from bot.incident.summary import word
from bot.incident.telemetry import EvalScore, ModelCall, Span, SpanKind, Task, ToolCall, Trace
from bot.incident.wording import measured

S = 1_000_000_000
NOW = 1_800_000_000 * S


def span(kind: SpanKind, name: str, start: float, end: float, *, at: str = "", under: str | None = "root") -> Span:
    tool = ToolCall(name, result_hash="r") if kind is SpanKind.TOOL else None
    model = ModelCall(requested=name) if kind is SpanKind.LLM else None
    return Span(
        "a" * 32, at or f"{name}-{start}", under, kind, name, int(start * S), int(end * S), tool=tool, model=model
    )


def task(number: int, *tools: str, ago: float = 60, outcome: str = "completed", kind: str = "how_to") -> Reading:
    root = span(SpanKind.AGENT, "task", 0, 10, at="root", under=None)
    steps = [span(SpanKind.TOOL, tool, place, place + 1) for place, tool in enumerate(tools)]
    at_ns = NOW - int(ago * S)
    made = Trace(f"{number:032x}", "helpdesk", at_ns, at_ns + S, task=Task(kind, outcome), spans=(root, *steps))
    return replace(read(made), id=f"{number:032x}")


def scope(now: list[Reading], before: list[Reading], scores: list[EvalScore] | None = None) -> Scope:
    window, baseline = Window(NOW - 600 * S, NOW), Window(NOW - 5400 * S, NOW - 1000 * S)
    given = scores or []
    return Scope(
        agent="helpdesk",
        at_ns=NOW,
        window=window,
        baseline=baseline,
        now=tuple(now),
        before=tuple(before),
        scores_now=tuple(one for one in given if one.at_ns >= window.start_ns),
        scores_before=tuple(one for one in given if one.at_ns < window.start_ns),
        began=True,
        seen=(*before, *now),
        others={},
        span_ns=NOW - 5 * S,
        score_ns=NOW - 5 * S,
        fleet_ns=None,
    )


def test_each_moment_counts_for_the_innermost_step() -> None:
    root = span(SpanKind.AGENT, "task", 0, 10, at="root", under=None)
    model = span(SpanKind.LLM, "orion", 1, 4, at="m")
    inside = span(SpanKind.TOOL, "search", 2, 3, under="m")
    beside = span(SpanKind.TOOL, "search", 3.5, 6)
    assert exclusive_seconds([root, model, inside, beside]) == {"agent": 5.0, "model orion": 2.0, "tool search": 3.5}


def test_children_that_outlive_their_parent_take_no_more_than_there_was() -> None:
    root = span(SpanKind.AGENT, "task", 0, 2, at="root", under=None)
    late = span(SpanKind.TOOL, "search", 1, 9)
    assert exclusive_seconds([root, late]) == {"agent": 1.0, "tool search": 8.0}


@pytest.mark.parametrize("off", [-30, -1, 0, 1, 30])
def test_time_in_another_service_counts_once_whatever_its_clock_says(off: int) -> None:
    """A tool's service half a minute ahead: its seconds counted for the tool, and once more for the agent that waited."""
    root = span(SpanKind.AGENT, "task", 0, 10, at="root", under=None)
    root = replace(root, attributes={"service.name": "helpdesk"})
    tools = [span(SpanKind.TOOL, "search", 1, 4), span(SpanKind.TOOL, "search", 6, 9)]
    there = [
        replace(one, start_ns=one.start_ns + off * S, end_ns=one.end_ns + off * S, attributes={"service.name": "crm"})
        for one in tools
    ]
    assert exclusive_seconds([root, *there]) == {"agent": 4.0, "tool search": 6.0}
    after = replace(span(SpanKind.TOOL, "search", 11, 12), attributes={"service.name": "helpdesk"})
    assert exclusive_seconds([root, after]) == {"agent": 10.0, "tool search": 1.0}
    too_long = replace(there[0], end_ns=there[0].start_ns + 60 * S)
    assert exclusive_seconds([root, too_long]) == {
        **{0: {"agent": 1.0}, 1: {"agent": 2.0}, 30: {"agent": 10.0}}.get(off, {}),
        "tool search": 60.0,
    }


def test_the_step_whose_time_grew_most_comes_first() -> None:
    before = [replace(task(n), spent=(("tool search", 1.0), ("model orion", 5.0))) for n in range(10)]
    now = [replace(task(n), spent=(("tool search", 4.0), ("model orion", 5.0))) for n in range(10, 20)]
    first, second = slow_steps(scope(now, before))
    assert (first.name, first.seconds, first.baseline_seconds, first.n) == ("tool search", 4.0, 1.0, 10)
    assert second.name == "model orion"
    assert round(first.share + second.share, 9) == 1


def test_a_bad_task_is_put_beside_the_good_one_most_like_it() -> None:
    bad = task(1, "get_user", "search", "reset", outcome="failed")
    near, far = task(2, "get_user", "search", "mail", ago=2000), task(3, "book_visit", ago=1900)
    pair = pair_of(scope([bad], [near, far]))
    assert pair is not None
    assert (pair.bad, pair.good, pair.why) == (bad.id, near.id, "the task failed")
    assert 0.6 < pair.likeness < 0.7


def test_a_task_judged_wrong_is_bad_and_never_the_good_one() -> None:
    wrong, right = task(1, "search"), task(2, "search", ago=2000)
    verdicts = [EvalScore("correct", NOW - 50 * S, passed=False, trace_id=wrong.id)]
    pair = pair_of(scope([wrong], [right], verdicts))
    assert pair is not None
    assert (pair.bad, pair.good) == (wrong.id, right.id)
    assert pair_of(scope([wrong], [], verdicts)) is None
    assert pair_of(scope([right], [right])) is None


def test_two_tasks_are_aligned_step_by_step_up_to_where_they_part() -> None:
    def whole(*tools: str, failing: str = "") -> Trace:
        spans = [span(SpanKind.TOOL, name, place, place + 1) for place, name in enumerate(tools)]
        spans = [replace(one, error=one.name == failing) for one in spans]
        return Trace("t", "helpdesk", 0, 10, spans=tuple(spans))

    found = align(whole("a", "b", "b", "c", failing="c"), whole("a", "b", "c", "d"))
    shown = [(row.bad and row.bad.name, row.good and row.good.name, row.same) for row in found.rows]
    assert shown == [("a", "a", True), ("b", "b", True), ("b", None, False), ("c", "c", False), (None, "d", False)]
    assert found.diverges == 2
    assert align(whole("a"), whole("a")).diverges is None


def test_an_error_budget_is_measured_by_the_last_hour_whenever_the_trouble_began() -> None:
    failing = [task(n, outcome="failed", ago=60 * n) for n in range(1, 10)]
    fine = [task(100 + n, ago=1500 + 60 * n) for n in range(60)]  # the last 25 began more than an hour ago
    signal = next(one for one in outcomes.signals(scope(failing, fine)) if one.name == "task_failures")
    assert (signal.k, signal.n) == (9, 9)
    assert signal.hour == (9, 9 + 36)


def test_below_twenty_observations_there_is_not_enough_data() -> None:
    before = [task(n, ago=2000) for n in range(100)]
    few = [task(n, outcome="failed") for n in range(ENOUGH - 1)]
    young = scope(few, before)
    signal = share(
        young,
        "task_failures",
        "tasks failed",
        tasks(few, lambda one: one.failed),
        tasks(before, lambda one: one.failed),
        fresh_seconds=1,
    )
    assert (signal.direction, signal.enough, signal.moved) == (Direction.UNKNOWN, False, True)
    assert word(signal) == "not enough data, 20 are needed on each side"


def test_silent_and_broken_judges_are_told_apart_from_bad_answers() -> None:
    before = [task(n, ago=2000) for n in range(40)]
    now = [task(100 + n, ago=500) for n in range(40)]
    verdicts = [EvalScore("correct", NOW - 1900 * S, passed=True, trace_id=one.id) for one in before]
    verdicts += [EvalScore("correct", NOW - 400 * S, label="error", trace_id=one.id) for one in now[:20]]
    unjudged, errors = evaluators.signals(scope(now, before, verdicts))
    assert (unjudged.k, unjudged.n, unjudged.direction) == (20, 40, Direction.UP)
    assert (errors.k, errors.n, errors.direction) == (20, 20, Direction.UP)
    assert evaluators.signals(scope(now, before))[0].n == 0


def test_a_task_costs_what_its_model_calls_cost_together_if_they_tell() -> None:
    calls = [span(SpanKind.LLM, "orion", place, place + 1) for place in range(3)]
    told = [replace(one, model=ModelCall(cost=0.002)) for one in calls[:2]]
    assert cost_of([*told, calls[2]]) == 0.004
    assert cost_of(calls) is None


def test_where_spans_never_tell_of_ends_nobody_says_that_every_task_failed() -> None:
    """Some teams send only their models' and tools' spans: what is above these goes elsewhere, and never comes."""

    def running(count: int, ago: float, *, finished: bool = False) -> list[Reading]:
        return [replace(task(n, ago=ago), finished=finished) for n in range(count)]

    def failures(now: list[Reading], before: list[Reading]) -> tuple[int | None, int, int]:
        signal = next(one for one in outcomes.signals(scope(now, before)) if one.name == "task_failures")
        return signal.k, signal.n, signal.baseline_n

    assert failures(running(30, ago=500), running(100, ago=2000)) == (0, 0, 0)
    mostly_ended = [replace(task(n, ago=2000), finished=n % 5 > 0) for n in range(100)]
    assert failures(running(30, ago=500), mostly_ended) == (30, 30, 100)
    assert failures(running(30, ago=500), running(ENOUGH - 1, ago=2000)) == (30, 30, ENOUGH - 1)


def test_where_half_of_the_roots_go_elsewhere_those_that_come_tell_how_tasks_end() -> None:
    """Half of the tasks looked failed, now and before: of a serious incident at any moment, by the hour's error budget."""
    before = [replace(task(n, ago=4000 - n), finished=n % 2 > 0, failed=n % 20 == 1) for n in range(200)]
    now = [replace(task(n, ago=600 - n), finished=n % 2 > 0, failed=n % 4 == 1) for n in range(100)]
    failures = next(one for one in outcomes.signals(scope(now, before)) if one.name == "task_failures")
    assert (failures.k, failures.n, failures.baseline_k, failures.baseline_n) == (25, 50, 10, 100)
    assert failures.hour is not None
    assert failures.hour[1] == 50


def test_an_evaluator_that_falls_silent_beside_others_is_named() -> None:
    tasks_judged = [task(n, ago=5000 - 30 * n) for n in range(160)]
    seen = scope(tasks_judged[140:], tasks_judged[:120])
    all_along = tuple(one.end_ns + 20 * S for one in tasks_judged)
    stopped = tuple(at for at in all_along if at < NOW - 2400 * S)

    def told(**heard: tuple[int, ...]) -> list[tuple[str, Direction]]:
        signals = freshness.signals(replace(seen, seen=tuple(tasks_judged), heard=heard))
        return [(measured(one), one.direction) for one in signals if one.name == "judge_age"]

    assert told(strict=stopped, kind=all_along) == [
        ("age of the newest score of strict 40 min 29 s, stale after 15 min", Direction.UP)
    ]
    assert told(strict=all_along, kind=all_along) == []  # nothing waits for either
    assert told(strict=stopped) == []  # alone, its silence is the age of the newest score
    batches = tuple(NOW - at * S for at in (5200, 3500, 1800) for _ in range(20))
    assert [way for _, way in told(nightly=batches, kind=all_along)] == [Direction.FLAT]
    rare = stopped[::20]  # too few scores are known to say what pause is usual
    assert told(rare=rare, kind=all_along) == []


def test_flat_excludes_a_change_that_would_matter_however_many_tasks_were_seen() -> None:
    def seen(bad: int, of: int, ago: float) -> list[Reading]:
        return [task(n, ago=ago, outcome="failed" if n < bad else "completed") for n in range(of)]

    def way(now: tuple[int, int], before: tuple[int, int]) -> Direction:
        shares = outcomes.signals(scope(seen(*now, 300), seen(*before, 2000)))
        return next(one.direction for one in shares if one.name == "task_failures")

    assert way((9, 64), (44, 482)) is Direction.UNKNOWN  # between 2 points less and 16 more
    assert way((30, 300), (44, 482)) is Direction.FLAT
    assert way((0, 56), (0, 309)) is Direction.FLAT


def test_of_the_worst_tools_and_of_equals_the_newest_traces_are_linked() -> None:
    failing = [
        replace(task(n, ago=500 - n), steps=3, tools=(ToolStep("s", "search", NOW, error=True),)) for n in range(9)
    ]
    seen = scope(failing, [])
    (worst,) = [one for one in tools.signals(seen) if one.name == "failing_top2"]
    (steps,) = [one for one in effort.signals(seen) if one.name == "steps_p95"]
    newest = tuple(one.id for one in failing[:3:-1])
    assert worst.trace_ids == steps.trace_ids == newest


def test_an_age_is_what_freshness_says_and_not_what_is_called_like_one() -> None:
    judged = [task(n, ago=5000 - 30 * n) for n in range(160)]
    heard = {name: tuple(one.end_ns + 20 * S for one in judged) for name in ("strict", "kind")}
    seen = replace(scope(judged[140:], judged[:120]), seen=tuple(judged), heard=heard)
    ages = freshness.signals(seen)
    assert all(one.is_age for one in ages)
    assert {one.name for one in ages} <= AGES
    queue = replace(ages[0], name="metric:queue_age", label="age of the queue", value=40.0, baseline=20.0, baseline_n=9)
    assert measured(queue) == "age of the queue 40 s (n = 1; was 20 s, n = 9)"
