"""What sources make of a vendor's spans and verdicts, and the pace at which they ask."""

from itertools import chain

import pytest

from bot.incident.telemetry import EvalScore, Span, SpanKind
from bot.sources import vendor_evidence
from bot.sources.vendor_evidence import clean, paced, scores_of_agent, traces_of_agent
from tests.sources.vendor_stub import MINUTE_NS, NOON_NS, an_ask

AT = NOON_NS - 5 * MINUTE_NS


def a_step(trace: str, span: str, parent: str | None = None, agent: str | None = None, at_ns: int = AT) -> Span:
    return Span(trace, span, parent, SpanKind.AGENT, "step", at_ns, at_ns + 1, agent=agent)


def a_verdict(trace: str, span: str | None = None, name: str = "task_success") -> EvalScore:
    return EvalScore(name, AT, trace_id=trace, span_id=span, passed=True)


def test_a_trace_is_the_agents_where_its_root_names_it_and_not_where_only_a_helper_does() -> None:
    spans = [a_step("a", "1", agent="desk"), a_step("b", "2", agent="other"), a_step("b", "3", "2", agent="desk")]
    ask = an_ask(agent="helpdesk-agent", names=frozenset({"helpdesk-agent", "desk"}))
    assert [(trace.id, trace.agent) for trace in traces_of_agent(spans, ask)] == [("a", "helpdesk-agent")]


def test_in_a_project_of_its_own_every_trace_is_the_agents() -> None:
    spans = [a_step("a", "1", agent="x"), a_step("b", "2")]
    assert {trace.agent for trace in traces_of_agent(spans, an_ask(project="own"))} == {"helpdesk-agent"}


def test_traces_outside_the_asked_time_and_beyond_the_newest_are_left_out() -> None:
    times = (AT, NOON_NS, NOON_NS - 61 * MINUTE_NS, AT + 1, AT + 2)
    spans = [a_step(str(number), "1", at_ns=at) for number, at in enumerate(times)]
    assert [trace.id for trace in traces_of_agent(spans, an_ask(project="own", most_traces=2))] == ["3", "4"]


def test_a_verdict_on_the_trace_and_the_same_on_its_root_span_count_once() -> None:
    ask = an_ask(project="own")
    traces = traces_of_agent([a_step("a", "1"), a_step("a", "2", "1")], ask)
    told = [a_verdict("a", "1"), a_verdict("a", "2"), a_verdict("a", "1", "tone"), a_verdict("elsewhere", "1")]
    scores = scores_of_agent([a_verdict("a"), a_verdict("elsewhere")], told, traces, ask)
    assert {(score.name, score.span_id, score.agent) for score in scores} == {
        ("task_success", None, "helpdesk-agent"),
        ("task_success", "2", "helpdesk-agent"),
        ("tone", "1", "helpdesk-agent"),
    }


def test_several_judges_of_one_span_count_each() -> None:
    ask = an_ask(project="own")
    traces = traces_of_agent([a_step("a", "1")], ask)
    assert len(scores_of_agent([a_verdict("a", "1"), a_verdict("a", "1")], [], traces, ask)) == 2


def test_quick_runs_grow_up_to_the_most_and_lose_nothing() -> None:
    runs = list(paced(range(100), 25))
    assert [len(run) for run in runs] == [10, 20, 25, 25, 20]
    assert list(chain(*runs)) == list(range(100))


def test_slow_runs_shrink_to_single_items(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr(vendor_evidence, "monotonic", lambda: float(next(ticks)))
    assert [len(run) for run in paced(range(20), 25)] == [10, 5, 2, 1, 1, 1]


def test_text_that_no_database_holds_is_mended() -> None:
    assert clean({"a\0": ["x\ud800", {"b": "\0"}, 5, None]}) == {"a": ["x?", {"b": ""}, 5, None]}
