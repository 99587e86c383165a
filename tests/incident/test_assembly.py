"""Spans make a trace, in whatever order they come."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.assembly import UNNAMED, assemble
from bot.incident.telemetry import ModelCall, Span, SpanKind, ToolCall

TRACE = "a" * 32
ROOT = Span(
    TRACE,
    "1" * 16,
    None,
    SpanKind.AGENT,
    "task",
    100,
    900,
    agent="helpdesk-agent",
    attributes={
        "task.type": "vpn",
        "task.outcome": "completed",
        "task.claimed_actions": ["reset_password"],
        "session.turn": "3",
        "agent.step.limit": 25,
        "gen_ai.agent.version": "4.12.0",
        "deployment.environment.name": "production",
    },
)
MODEL = Span(
    TRACE,
    "2" * 16,
    ROOT.span_id,
    SpanKind.LLM,
    "chat",
    150,
    200,
    model=ModelCall(provider="orion", prompt_version="p-118"),
)
TOOL = Span(TRACE, "3" * 16, ROOT.span_id, SpanKind.TOOL, "search", 250, 950, tool=ToolCall("search"))


def test_the_root_says_what_the_task_was() -> None:
    trace = assemble([TOOL, ROOT, MODEL])
    assert (trace.agent, trace.agent_version, trace.environment) == ("helpdesk-agent", "4.12.0", "production")
    assert (trace.provider, trace.prompt_version) == ("orion", "p-118")
    assert (trace.task.type, trace.task.turn, trace.task.step_limit) == ("vpn", 3, 25)
    assert trace.task.claimed_actions == ("reset_password",)
    assert trace.complete
    assert not trace.failed


def test_steps_stand_in_order_of_their_start_and_the_last_end_counts() -> None:
    trace = assemble([TOOL, MODEL, ROOT])
    assert [span.span_id for span in trace.spans] == [ROOT.span_id, MODEL.span_id, TOOL.span_id]
    assert (trace.start_ns, trace.end_ns) == (100, 950)


@settings(deadline=None)
@given(st.permutations([ROOT, MODEL, TOOL]))
def test_the_order_of_arrival_changes_nothing(spans: list[Span]) -> None:
    assert assemble(spans) == assemble([ROOT, MODEL, TOOL])


def test_without_its_root_a_trace_is_not_complete_and_not_failed() -> None:
    trace = assemble([replace(MODEL, error=True), TOOL])
    assert not trace.complete
    assert not trace.failed
    assert trace.start_ns == 150


def test_a_late_root_completes_the_trace() -> None:
    assert not assemble([MODEL]).complete
    assert assemble([MODEL, ROOT]).complete


def test_where_the_caller_s_span_goes_elsewhere_the_outermost_agent_speaks_for_the_task() -> None:
    """A gateway's trace goes on in the agent; the gateway sends its own spans to somebody else."""
    called = replace(ROOT, parent_id="9" * 16)
    trace = assemble([MODEL, TOOL, called])
    assert (trace.complete, trace.failed, trace.task.type) == (True, False, "vpn")
    assert assemble([MODEL, TOOL, replace(called, error=True)]).failed
    handler = Span(TRACE, "9" * 16, "8" * 16, SpanKind.OTHER, "POST /ask", 20, 1100)
    assert assemble([handler, MODEL, called]).task.type == "vpn"


def test_of_several_agents_without_a_root_the_first_says_what_the_task_was_and_the_last_how_it_ended() -> None:
    first = replace(ROOT, parent_id="9" * 16, error=True)
    last = Span(TRACE, "5" * 16, "9" * 16, SpanKind.AGENT, "writer", 1000, 1500, agent="writer-agent")
    trace = assemble([last, MODEL, first])
    assert (trace.agent, trace.complete, trace.failed) == ("helpdesk-agent", True, False)
    assert assemble([replace(last, error=True), MODEL, first]).failed


def test_an_agent_beside_a_call_of_the_one_above_it_is_not_the_whole_task() -> None:
    above, below = replace(MODEL, parent_id="9" * 16), replace(ROOT, parent_id="9" * 16)
    assert not assemble([above, below, TOOL]).complete


def test_of_two_roots_the_agent_s_counts() -> None:
    wrapper = replace(ROOT, span_id="9" * 16, kind=SpanKind.OTHER, start_ns=50, agent=None, attributes={})
    assert assemble([wrapper, ROOT]).task.type == "vpn"


def test_a_trace_nobody_named_takes_a_step_s_agent_then_the_service() -> None:
    bare = replace(ROOT, agent=None, attributes={})
    assert assemble([bare, replace(MODEL, agent="billing-agent")]).agent == "billing-agent"
    assert assemble([replace(bare, attributes={"service.name": "helpdesk"})]).agent == "helpdesk"
    assert assemble([bare]).agent == UNNAMED


def test_a_service_that_nobody_named_gives_way_to_the_agents_own_span() -> None:
    unset = replace(ROOT, agent=None, attributes={"service.name": "unknown_service:node"})
    assert assemble([unset]).agent == "task"
    assert assemble([replace(unset, kind=SpanKind.OTHER)]).agent == "unknown_service:node"


def test_an_error_of_the_root_is_a_failed_task() -> None:
    assert assemble([replace(ROOT, error=True), MODEL]).failed


def test_odd_values_are_left_out_and_not_invented() -> None:
    odd = {"session.turn": True, "agent.step.limit": "many", "task.claimed_actions": "reset_password"}
    task = assemble([replace(ROOT, attributes=odd)]).task
    assert (task.turn, task.step_limit, task.claimed_actions) == (None, None, ())


def test_an_agent_that_starts_with_its_first_call_stands_above_it() -> None:
    inner = replace(ROOT, span_id="9" * 16, parent_id=ROOT.span_id, end_ns=300)
    outer = replace(inner, span_id="8" * 16, end_ns=400)
    call = replace(MODEL, span_id="0" * 16, parent_id=inner.span_id, start_ns=ROOT.start_ns)
    assert assemble([call, inner, outer, ROOT]).spans == (ROOT, outer, inner, call)
