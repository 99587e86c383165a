"""What counts as a loop, what does not, and how soon it is seen."""

from collections import Counter
from dataclasses import replace

import pytest

from bot.incident.detectors.loop import loop_in
from bot.incident.telemetry import ModelCall, SideEffect, Span, SpanKind, Task, ToolCall, Trace
from tests.incident.made_up_runs import MADE_LOOPING, MADE_ORDINARY
from tests.incident.run_steps import Family, Run, Step, act, call, runs_of, say
from tests.incident.team_runs import tell

SECOND = 1_000_000_000
EACH = 10  # runs of one family
PATIENT = {"planner_talks_between_the_same_calls"}  # a person may be asking: five repetitions are needed


def span(number: int, **parts: object) -> Span:
    kind = SpanKind.TOOL if "tool" in parts else SpanKind.LLM
    return Span("t", f"s{number}", "root", kind, "step", number * SECOND, (number + 1) * SECOND, **parts)  # type: ignore[arg-type]  # one part of a span


def calls(*steps: tuple[str, str, str], effect: SideEffect | None = None, **more: object) -> Trace:
    spans = [
        span(number, tool=ToolCall(name, arguments_hash=given, result_hash=result, side_effect=effect), **more)
        for number, (name, given, result) in enumerate(steps)
    ]
    return Trace("t", "a", 0, 99 * SECOND, spans=tuple(spans))


def run(*steps: Step) -> Trace:
    return Run("a", steps).trace()


def test_the_same_call_with_the_same_result_three_times_is_a_loop() -> None:
    loop = loop_in(calls(("search", "a", "x"), ("search", "a", "x"), ("other", "b", "y"), ("search", "a", "x")))
    assert loop is not None
    assert (loop.times, loop.tool, loop.failing, loop.span_ids) == (3, "search", False, ("s0", "s1", "s3"))


def test_one_tool_with_other_arguments_or_other_results_is_ordinary_work() -> None:
    assert loop_in(calls(*(("search", str(number), "x") for number in range(12)))) is None
    assert loop_in(calls(*(("poll", "a", str(number)) for number in range(12)))) is None


@pytest.mark.parametrize("length", [2, 3, 4])
def test_a_short_cycle_is_a_loop_and_all_its_steps_are_named(length: int) -> None:
    loop = loop_in(calls(*[(f"tool{at}", "a", "x") for at in range(length)] * 3))
    assert loop is not None
    assert (len(loop.span_ids), loop.times, loop.tool) == (3 * length, 3, None)
    assert loop.what == " → ".join(f"tool{at}" for at in range(length))


def test_repeating_a_call_that_fails_points_at_the_tool() -> None:
    loop = loop_in(calls(*[("search", "a", "x")] * 4, error=True))
    assert loop is not None
    assert loop.failing


def test_repeating_a_write_is_marked() -> None:
    loop = loop_in(calls(*[("refund", "a", "x")] * 3, effect=SideEffect.WRITE))
    assert loop is not None
    assert loop.writes


def test_calls_without_recorded_arguments_are_never_a_loop() -> None:
    blank = tuple(span(number, tool=ToolCall("search")) for number in range(9))
    assert loop_in(Trace("t", "a", 0, 1, spans=blank)) is None


def test_one_call_recorded_by_two_instruments_is_one_call() -> None:
    twice = [
        replace(span(number, tool=ToolCall("search", arguments_hash="a", result_hash="x")), parent_id=parent)
        for number, parent in enumerate(("root", "s0", "root", "s2"))
    ]
    assert loop_in(Trace("t", "a", 0, 1, spans=tuple(twice))) is None


def test_saying_nearly_the_same_three_times_is_a_loop_and_courtesies_are_not() -> None:
    long = "I am still looking into the ticket and will try the very same approach again number"
    said = tuple(span(number, model=ModelCall(output_preview=f"{long} {number}")) for number in range(3))
    polite = tuple(span(number, model=ModelCall(output_preview="Anything else?")) for number in range(5))
    assert loop_in(Trace("t", "a", 0, 1, spans=said)) is not None
    assert loop_in(Trace("t", "a", 0, 1, spans=polite)) is None


@pytest.mark.parametrize(
    ("said", "in_vain"),
    [
        ("My last edit had no effect, it seems.", True),
        ("Der letzte Versuch hat nicht geklappt.", True),
        ("La dernière tentative n'a pas fonctionné.", True),
        ("El último intento no funcionó.", True),
        ("A última tentativa não funcionou.", True),
        ("L'ultimo tentativo non ha funzionato.", True),
        ("Предыдущая попытка не сработала.", True),
        ("ファイルの編集がうまくいかないようです。", True),
        ("上一步操作没有生效。", True),
        ("The file is as it was asked for.", False),
    ],
)
def test_where_no_result_is_recorded_the_model_says_whether_it_worked(said: str, *, in_vain: bool) -> None:
    edit = {"path": "a.py", "text": "x = 1"}
    steps = [
        call("edit", edit, ..., thought="I change it."),
        call("edit", edit, ..., thought=said),
        call("read", {"path": "a.py"}, ..., thought=said),
        call("edit", edit, ..., thought="So it goes once more."),
    ]
    assert (loop_in(run(*steps)) is not None) is in_vain


def test_a_task_beyond_its_usual_length_needs_less_repetition() -> None:
    again = call("read", {"path": "a"}, "x" * 90)
    steps = [step for at in range(5) for step in (again, call("open", {"id": 1000 * at}, f"item {at}"))]
    assert loop_in(run(*steps)) is None
    assert loop_in(run(*steps), usual_steps=50) is None
    assert loop_in(run(*steps), usual_steps=4) is not None


def test_a_task_at_its_own_step_limit_needs_less_repetition() -> None:
    again, limited = call("read", {"path": "a"}, "x" * 90), Task(step_limit=10)
    trace = run(*(step for at in range(5) for step in (again, call("open", {"id": 1000 * at}, f"item {at}"))))
    assert loop_in(Trace("t", "a", 0, 1, spans=trace.spans, task=limited)) is not None


def test_length_alone_is_no_loop() -> None:
    assert loop_in(run(*(call("open", {"id": 1000 * at}, f"item {at}") for at in range(80))), usual_steps=5) is None


def test_a_ledger_that_admits_a_loop_makes_likeness_count_sooner() -> None:
    asked = "report the opening hours of the museum tower for Sunday"
    told = (f"please look once more, {asked}", f"try another site now, {asked}", f"could you go back, {asked}")
    steps = [act("Orchestrator", text, "instruction") for text in told]
    steps.append(act("Archivist", "There is no such page"))
    ledger = act("Orchestrator", '{"is_in_loop": {"reason": "the same page again", "answer": true}}', "thought")
    assert loop_in(run(*steps)) is None
    assert loop_in(run(*steps, ledger)) is not None


def test_an_agent_that_talks_with_a_customer_may_look_the_same_thing_up_again() -> None:
    policy = call("get_policy", {}, "Refunds take five days.")
    talk = [
        say(f"Your {thing} can be returned within the month, as {other} said.")
        for thing, other in (("bag", "Ann"), ("pen", "Bo"), ("cup", "Cy"))
    ]
    assert loop_in(run(policy, talk[0], policy, talk[1], policy, talk[2])) is None


def test_a_loop_of_instructions_names_what_came_of_each() -> None:
    asked = "report the opening hours of the museum tower for Sunday"
    loop = loop_in(
        run(
            *(
                step
                for way in ("please", "now", "again")
                for step in (*tell(f"{way} {asked}"), act("Surfer", "No such page"))
            )
        )
    )
    assert loop is not None
    assert (loop.what, loop.times, len(loop.span_ids)) == ("nearly the same instruction by Orchestrator", 3, 6)


@pytest.mark.parametrize("speaker", ["Orchestrator (-> coder)", "Orchestrator"])
def test_who_speaks_is_read_from_the_name_where_no_phase_is_recorded(speaker: str) -> None:
    told = [act(speaker, f"Please unzip the file report.zip {end}.") for end in ("", "again", "once more")]
    loop = loop_in(run(*(step for one in told for step in (one, act("Coder", "The file cannot be opened")))))
    assert loop is not None
    assert loop.what == "nearly the same instruction by Orchestrator"


def test_warnings_of_python_are_nobodys_words() -> None:
    warning = "/usr/lib/python3/agents/{}.py:93: UserWarning: Resolved model mismatch: large != small. Mapping may be wrong.\n  await create("
    said = [
        act("Orchestrator", f"Next speaker {who}\n{warning.format(who)}", "thought")
        for who in ("surfer", "coder", "reader", "clerk")
    ]
    assert loop_in(run(*said, act("Coder", "There is nothing to run"))) is None


@pytest.mark.parametrize(
    "family",
    MADE_LOOPING,
    ids=lambda family: family.__name__,
)
def test_looping_runs_are_found_within_two_steps_of_the_third_time(family: Family) -> None:
    lags: list[int | None] = []
    for looping in runs_of([family], EACH):
        if loop_in(looping.trace()) is None:
            lags.append(None)
            continue
        assert looping.third is not None
        seen = next(at for at in range(len(looping.steps)) if loop_in(looping.trace(at)))
        lags.append(seen - looping.third)
    allowed = 5 if family.__name__ in PATIENT else 2
    soon = sum(lag is not None and lag <= allowed for lag in lags)
    assert soon >= 0.9 * EACH, Counter(lags)
    assert all(lag is None or lag >= 0 for lag in lags), "seen before anything was done a third time"


@pytest.mark.parametrize(
    "family",
    MADE_ORDINARY,
    ids=lambda family: family.__name__,
)
def test_ordinary_runs_are_left_alone(family: Family) -> None:
    alarms = [loop for ordinary in runs_of([family], EACH) if (loop := loop_in(ordinary.trace()))]
    assert alarms == []


def test_the_repeated_steps_are_named_and_ordinary_ones_before_them_are_not() -> None:
    start = [call("open", {"id": 1000 * at}, f"item {at}") for at in range(3)]
    looping = Run("a", (*start, *[call("search", {"q": "kettle"}, "nothing new")] * 4))
    loop = loop_in(looping.trace())
    assert loop is not None
    assert len(loop.span_ids) == 4
    assert set(loop.span_ids) < looping.repeats(3)


def test_going_round_among_known_things_is_a_loop_although_no_step_is_like_another() -> None:
    seen = ("lamp", "rug", "key", "door", "well", "oak", "map", "bell", "boat", "coin", "rope", "cup")
    rooms = [call("look", {"at": room}, f"You see: {', '.join(seen)}.") for room in ("cellar", "garden", "attic")]
    again = [
        call("look", {"at": room}, f"You see: {', '.join(seen[turn % 7 : turn % 7 + 4])}.")
        for turn, room in enumerate(("cellar", "attic", "garden", "attic", "cellar", "garden", "cellar"))
    ]
    assert loop_in(run(*rooms, *again[:5])) is None
    loop = loop_in(run(*rooms, *again))
    assert loop is not None
    assert loop.what == "calls that bring nothing new"
    moved = [call("walk", {"to": "north"}, f"{left} steps are left to the door.") for left in range(9, 1, -1)]
    assert loop_in(run(*rooms, *moved)) is None
