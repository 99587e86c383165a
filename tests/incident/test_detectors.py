"""Claims and changes inside single tasks."""

from dataclasses import replace

import pytest

from bot.incident.detectors.findings import findings_of
from bot.incident.detectors.security import is_security
from bot.incident.detectors.swap import swapped
from bot.incident.evidence import ChangeKind, FindingKind
from bot.incident.reading import read
from bot.incident.signals.changes import changes_in
from bot.incident.telemetry import GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, Task, ToolCall, Trace

SECOND = 1_000_000_000


def span(number: int, **parts: object) -> Span:
    kind = SpanKind.TOOL if "tool" in parts else SpanKind.LLM if "model" in parts else SpanKind.GUARDRAIL
    return Span("t", f"s{number}", "root", kind, "step", number * SECOND, (number + 1) * SECOND, **parts)  # type: ignore[arg-type]  # one part of a span


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


@pytest.mark.parametrize(
    ("asked", "answering", "another"),
    [
        ("gpt-x", "gpt-x-mini", True),  # the swap that is easiest to miss
        ("gpt-x-mini", "gpt-x", True),
        ("gpt-x", "gpt-x-2026-01-01", False),
        ("gpt-x-2026-01-01", "gpt-x", False),
        ("gpt-x-latest", "gpt-x-2026-01-01", False),
    ],
)
def test_a_smaller_model_with_the_longer_name_is_a_swap_and_a_dated_one_is_none(
    asked: str, answering: str, *, another: bool
) -> None:
    assert swapped(span(1, model=ModelCall(requested=asked, answering=answering))) is another
