"""Does the agent obey? Only tasks that started after the lever was pulled can say."""

from datetime import timedelta

import pytest

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.obedience import describe, obeys
from bot.incident.proof import Verdict, observe
from bot.incident.telemetry import ModelCall, Span, SpanKind, ToolCall, Trace
from tests.incident import stories

APPLIED = stories.mitigation().applied_at
SOON = APPLIED + timedelta(seconds=20)
LATE = APPLIED + timedelta(seconds=91)


def task(number: int, *, after: float, turns: int = 2, tools: int = 0, complete: bool = True) -> Trace:
    start = int((APPLIED + timedelta(seconds=after)).timestamp() * 1e9)
    trace_id = f"{number:032x}"
    models = [
        Span(trace_id, f"a{index:015x}", None, SpanKind.LLM, "chat", start, start + 1, model=ModelCall())
        for index in range(turns)
    ]
    calls = [
        Span(trace_id, f"b{index:015x}", None, SpanKind.TOOL, "search", start, start + 1, tool=ToolCall("search"))
        for index in range(tools)
    ]
    return Trace(trace_id, "helpdesk-agent", start, start + 2, complete=complete, spans=(*models, *calls))


def limit(turns: int = 6) -> Mitigation:
    return stories.mitigation(limit=turns)


def halt() -> Mitigation:
    return stories.mitigation("m2", MitigationKind.HALT, None)


def test_three_tasks_that_obey_make_it_observed() -> None:
    effect = observe(limit(), [task(number, after=5) for number in range(3)], SOON)
    assert (effect.verdict, effect.k, effect.n) == (Verdict.OBSERVED, 3, 3)
    assert effect.detail == "3 of 3 tasks started since obey: at most 6 model turns a task"


def test_two_are_too_few_to_say_so() -> None:
    effect = observe(limit(), [task(1, after=5), task(2, after=6)], SOON)
    assert effect.verdict is Verdict.WAITING
    assert effect.detail == "2 tasks finished since; 3 are needed"


def test_one_task_that_does_not_obey_is_said_at_once_and_named() -> None:
    broken = task(9, after=5, turns=7)
    effect = observe(limit(), [*(task(number, after=5) for number in range(5)), broken], SOON)
    assert (effect.verdict, effect.k, effect.n) == (Verdict.INEFFECTIVE, 5, 6)
    assert effect.trace_ids == (broken.id,)


def test_a_running_task_can_break_the_control_but_not_prove_it() -> None:
    running = [task(number, after=5, complete=False) for number in range(5)]
    assert observe(limit(), running, SOON).verdict is Verdict.WAITING
    assert observe(limit(), [task(1, after=5, turns=9, complete=False)], SOON).verdict is Verdict.INEFFECTIVE


@pytest.mark.parametrize("after", [-60.0, 0.0, 0.9])
def test_tasks_from_before_the_lever_or_its_first_second_say_nothing(after: float) -> None:
    effect = observe(halt(), [task(number, after=after, turns=25) for number in range(5)], SOON)
    assert (effect.verdict, effect.n) == (Verdict.WAITING, 0)


def test_silence_is_no_proof_and_is_said_after_the_deadline() -> None:
    assert observe(limit(), [], SOON).verdict is Verdict.WAITING
    effect = observe(limit(), [task(1, after=5)], LATE)
    assert effect.verdict is Verdict.UNPROVEN
    assert effect.detail.endswith("too few to tell")


def test_proof_that_comes_after_the_deadline_still_counts() -> None:
    assert observe(limit(), [task(number, after=100) for number in range(3)], LATE).verdict is Verdict.OBSERVED


def test_a_halt_forbids_models_and_tools() -> None:
    assert obeys(halt(), task(1, after=5, turns=0))
    assert not obeys(halt(), task(1, after=5, turns=1))
    assert not obeys(halt(), task(1, after=5, turns=0, tools=1))
    assert describe(halt()) == "no model call and no tool call"


def test_a_turn_limit_counts_model_calls_and_not_tools() -> None:
    assert obeys(limit(6), task(1, after=5, turns=6, tools=20))
    assert not obeys(limit(6), task(1, after=5, turns=7))
