"""Loops, claims and changes inside single tasks."""

from dataclasses import replace

from bot.incident.detectors.findings import findings_of
from bot.incident.detectors.loop import loop_in
from bot.incident.detectors.security import is_security
from bot.incident.evidence import ChangeKind, FindingKind
from bot.incident.reading import read
from bot.incident.signals.changes import changes_in
from bot.incident.telemetry import GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, Task, ToolCall, Trace

SECOND = 1_000_000_000


def span(number: int, **parts: object) -> Span:
    kind = SpanKind.TOOL if "tool" in parts else SpanKind.LLM if "model" in parts else SpanKind.GUARDRAIL
    return Span("t", f"s{number}", "root", kind, "step", number * SECOND, (number + 1) * SECOND, **parts)  # type: ignore[arg-type]  # one part of a span


def calls(*steps: tuple[str, str, str], **more: object) -> Trace:
    spans = [
        span(number, tool=ToolCall(name, arguments_hash=given, result_hash=result), **more)
        for number, (name, given, result) in enumerate(steps)
    ]
    return Trace("t", "a", 0, 99 * SECOND, spans=tuple(spans))


def test_the_same_call_with_the_same_result_three_times_is_a_loop() -> None:
    loop = loop_in(calls(("search", "a", "x"), ("search", "a", "x"), ("other", "b", "y"), ("search", "a", "x")))
    assert loop is not None
    assert (loop.times, loop.tool, loop.failing) == (3, "search", False)


def test_one_tool_with_other_arguments_or_other_results_is_ordinary_work() -> None:
    assert loop_in(calls(*(("search", str(number), "x") for number in range(12)))) is None
    assert loop_in(calls(*(("poll", "a", str(number)) for number in range(12)))) is None


def test_a_short_cycle_is_a_loop_even_when_each_result_differs_a_little() -> None:
    block = (("read", "a", "x"), ("write", "b", "y"))
    loop = loop_in(calls(*block * 3))
    assert loop is not None
    assert len(loop.span_ids) == 6


def test_repeating_a_call_that_fails_points_at_the_tool() -> None:
    loop = loop_in(calls(*[("search", "a", "x")] * 4, error=True))
    assert loop is not None
    assert loop.failing


def test_saying_nearly_the_same_three_times_is_a_loop_and_courtesies_are_not() -> None:
    long = "I am still looking into the ticket and will try the very same approach again number"
    said = tuple(span(number, model=ModelCall(output_preview=f"{long} {number}")) for number in range(3))
    polite = tuple(span(number, model=ModelCall(output_preview="Anything else?")) for number in range(5))
    assert loop_in(Trace("t", "a", 0, 1, spans=said)) is not None
    assert loop_in(Trace("t", "a", 0, 1, spans=polite)) is None


def test_findings_of_one_task_name_what_is_notable() -> None:
    trace = Trace(
        "t", "a", 0, 9,
        task=Task(claimed_actions=("refund",)),
        spans=(
            span(1, tool=ToolCall("read_attachment", untrusted_content=True)),
            span(2, tool=ToolCall("grant_access", side_effect=SideEffect.WRITE, privileged=True)),
            span(3, tool=ToolCall("search"), error=True, error_type="timeout"),
            span(4, model=ModelCall(requested="large", answering="mini")),
            span(5, guardrail=GuardrailCheck("egress_dlp", triggered=True)),
        ),
    )  # fmt: skip
    assert {finding.kind for finding in findings_of(trace)} == {
        FindingKind.UNTRUSTED_THEN_PRIVILEGED,
        FindingKind.UNAPPROVED_WRITE,
        FindingKind.CLAIMED_WITHOUT_SUCCESS,
        FindingKind.TOOL_ERROR,
        FindingKind.MODEL_MISMATCH,
        FindingKind.GUARDRAIL,
    }


def test_guardrails_are_told_apart_by_their_names() -> None:
    assert all(is_security(name) for name in ("prompt_injection", "egress_dlp", "canary-token"))
    assert not any(is_security(name) for name in ("output_policy", "toxicity", "off_topic"))


def test_a_prompt_that_changes_is_told_with_what_it_was_and_how_many_tasks_carry_it() -> None:
    traces = [
        replace(Trace(str(number), "a", number * 60 * SECOND, 0), prompt_version="p-118" if number < 30 else "p-119")
        for number in range(40)
    ]
    (change,) = changes_in([read(trace) for trace in traces])
    assert (change.kind, change.before, change.after) == (ChangeKind.PROMPT_VERSION, "p-118", "p-119")
    assert (change.k, change.n) == (10, 10)
