"""Each kind has a sign in telemetry, or it is said that there is none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.model_names import same_model
from bot.incident.obedience import describe, obeys, within
from bot.incident.proof import Before, Verdict, observe
from bot.incident.telemetry import ModelCall, SideEffect, Span, SpanKind, Task, ToolCall, Trace
from tests.incident import stories

K = MitigationKind
APPLIED = stories.mitigation().applied_at
LATE = APPLIED + timedelta(seconds=120)


def lever(kind: MitigationKind, value: Value) -> Mitigation:
    return replace(stories.mitigation(), kind=kind, value=value)


def tool(name: str = "search", *, write: bool = False, to: str | None = None, error: bool = False) -> Span:
    side = SideEffect.WRITE if write else SideEffect.READ
    call = ToolCall(name, side_effect=side, destination=to)
    return Span("t" * 32, "b" * 16, None, SpanKind.TOOL, name, 0, 1, error=error, tool=call)


def model(name: str | None = "gpt-x", cost: float | None = None, prompt: str | None = None) -> Span:
    call = ModelCall(requested=name, answering=name, cost=cost, prompt_version=prompt)
    return Span("t" * 32, "a" * 16, None, SpanKind.LLM, "chat", 0, 1, model=call)


def task(*spans: Span, after: float = 5, outcome: str | None = "completed", number: int = 0) -> Trace:
    start = int((APPLIED + timedelta(seconds=after)).timestamp() * 1e9)
    return Trace(f"{number:032x}", "helpdesk-agent", start, start + 1, task=Task(outcome=outcome), spans=spans)


@pytest.mark.parametrize(
    ("kind", "value", "good", "bad"),
    [
        (K.HALT, True, task(), task(model())),
        (K.DRAIN, True, task(), task(tool())),
        (K.QUEUE_PAUSE, True, task(), task(model())),
        (K.READ_ONLY, True, task(tool(), tool(write=True, error=True)), task(tool(write=True))),
        (K.EGRESS_CUT, True, task(tool()), task(tool(to="mail.example.com"))),
        (K.TURN_LIMIT, 2, task(model(), model()), task(model(), model(), model())),
        (K.STEP_CAP, 1, task(tool()), task(tool(), tool())),
        (K.COST_CAP, 0.5, task(model(cost=0.3), model(cost=0.4)), task(*[model(cost=0.3)] * 4)),
        (K.DISABLE_TOOLS, ("send",), task(tool()), task(tool("send"))),
        (K.HANDOFF, "new", task(outcome="escalated"), task(model())),
        (K.MODEL_PIN, "gpt-x", task(model("gpt-x-2026-01-01")), task(model(), model("gpt-x-mini"))),
        (K.PROMPT_PIN, "p-118", task(model(prompt="p-118")), task(model(prompt="p-119"))),
    ],
)
def test_what_obeys_and_what_does_not(kind: MitigationKind, value: Value, good: Trace, bad: Trace) -> None:
    assert obeys(lever(kind, value), good) is True
    assert obeys(lever(kind, value), bad) is False


@pytest.mark.parametrize(
    ("kind", "value", "spans", "said"),
    [
        (K.GUARDRAIL_LEVEL, 2, (model(),), "telemetry does not show at which level guardrails check"),
        (K.COST_CAP, 0.5, (model(),), "telemetry does not show what tasks cost"),
        (K.MODEL_PIN, "gpt-x", (model(None),), "telemetry does not show which model answers"),
        (K.PROMPT_PIN, "p-1", (model(),), "telemetry does not show the version of the prompt"),
    ],
)
def test_what_telemetry_cannot_show_is_said_and_is_no_success(
    kind: MitigationKind, value: Value, spans: tuple[Span, ...], said: str
) -> None:
    effect = observe(lever(kind, value), [task(*spans, number=n) for n in range(9)], LATE)
    assert (effect.verdict, effect.detail) == (Verdict.UNPROVEN, said)


@pytest.mark.parametrize("kind", list(MitigationKind))
def test_every_kind_says_what_obeying_means_and_silence_proves_none(kind: MitigationKind) -> None:
    named: dict[MitigationKind, Value] = {
        K.HANDOFF: "new",
        K.MODEL_PIN: "m",
        K.PROMPT_PIN: "p",
        K.DISABLE_TOOLS: ("t",),
    }
    value = named.get(kind, 1)
    assert "{" not in describe(lever(kind, value))
    assert observe(lever(kind, value), [], LATE).verdict is Verdict.UNPROVEN


def test_a_rate_is_judged_by_its_busiest_minute() -> None:
    cap = lever(K.RATE_CAP, 10)
    steady = [task(after=2 + n * 6, number=n) for n in range(15)]
    assert observe(cap, steady, LATE).verdict is Verdict.OBSERVED
    burst = [*steady, *(task(after=50 + n / 10, number=100 + n) for n in range(5))]
    effect = observe(cap, burst, LATE)
    assert (effect.verdict, effect.detail) == (
        Verdict.INEFFECTIVE,
        "15 tasks in the busiest minute since: at most 10 tasks start in a minute",
    )


@pytest.mark.parametrize(("since", "verdict"), [(12, Verdict.OBSERVED), (110, Verdict.INEFFECTIVE)])
def test_a_share_is_judged_against_the_traffic_before(since: int, verdict: Verdict) -> None:
    share = lever(K.CANARY_SHARE, 10)
    tasks = [task(after=2 + n, number=n) for n in range(since)]
    assert observe(share, tasks, LATE, Before(600, 600)).verdict is verdict
    assert observe(share, tasks, LATE, Before(5, 600)).verdict is Verdict.UNPROVEN


def test_what_began_to_hold_is_seen_to_hold() -> None:
    cap = lever(K.TURN_LIMIT, 1)
    late = task(model(), model(), after=3)
    before = [late, *(task(model(), after=4 + n, number=n) for n in range(9))]
    assert observe(cap, before, LATE).verdict is Verdict.INEFFECTIVE
    assert observe(cap, [*before, task(model(), after=20, number=99)], LATE).verdict is Verdict.OBSERVED


def test_polled_control_planes_get_the_time_of_a_poll() -> None:
    polled = replace(lever(K.TURN_LIMIT, 1), driver="unleash")
    assert observe(polled, [task(model(), model(), after=12)], LATE).verdict is Verdict.UNPROVEN
    assert observe(polled, [task(model(), model(), after=21)], LATE).verdict is Verdict.INEFFECTIVE


def test_only_tasks_within_the_scope_count_and_unplaced_ones_prove_nothing() -> None:
    broken = replace(task(model(), model()), environment="staging")
    assert within(Scope("production"), broken) is False
    assert within(Scope("stage"), broken) is True
    assert within(Scope("production"), replace(broken, environment=None)) is True
    assert within(Scope(tenant="acme"), broken) is None
    scoped = replace(lever(K.TURN_LIMIT, 1), scope=Scope(tenant="acme"))
    effect = observe(scoped, [broken] * 5, LATE)
    assert (effect.verdict, effect.detail) == (
        Verdict.UNPROVEN,
        "telemetry does not say whether its tasks are of tenant acme",
    )


@pytest.mark.parametrize(
    ("name", "wanted", "same"),
    [
        ("gpt-x", "gpt-x", True),
        ("openai/gpt-x", "gpt-x", True),
        ("gpt-x-2026-01-01", "gpt-x", True),
        ("gpt-x-mini", "gpt-x", False),
        ("gpt-xl", "gpt-x", False),
        ("GPT-X", "gpt-x", True),
        ("gpt-x:latest", "gpt-x", True),
        ("gpt-x-v2:0", "gpt-x", True),
        ("us.vendor.gpt-x-2026-01-01", "vendor.gpt-x-2026-01-01", True),
        ("gpt-x-2026-01-01", "gpt-x-latest", True),
        ("us.vendor.gpt-x-2026-01-01-v1:0", "gpt-x-2026-01-01", True),
        ("us.vendor.gpt-x-mini-v1:0", "gpt-x", False),
        ("gpt-x.1", "gpt-x", False),
        ("other", "gpt-x", False),
    ],
)
def test_a_model_is_the_same_with_its_date_and_not_with_another_name(name: str, wanted: str, *, same: bool) -> None:
    assert same_model(name, wanted) is same
