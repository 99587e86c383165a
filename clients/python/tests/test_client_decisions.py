"""What an agent's loop meets: refusals with their reason, limits per task, and the decorators."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from control_server import rule

import firstfive_client as ff
from firstfive_client import Client, Tool, WhenUnknown
from firstfive_client.controls import compose
from firstfive_client.decisions import of_rate, served
from firstfive_client.wire import read_snapshot

TOOLS = {"search": Tool(writes=False, egress=False), "fetch": Tool(writes=False), "refund": Tool(risky=True)}


def told(*rules: dict[str, Any], **given: Any) -> Client:
    """A client that was told these rules, without a server."""
    client = Client(agent="helpdesk-agent", tools=TOOLS, keep=None, **given)
    client._core.received(json.dumps({"revision": 1, "rules": rules}), 0.0)
    return client


def test_a_free_agent_may_do_everything() -> None:
    client = told()
    client.check()
    client.check("refund")
    with client.task("s-1") as task, task.turn(), task.tool("refund"):
        assert task.model("large") == "large"
    assert (task.turns, task.steps) == (1, 1)


def test_a_halt_stops_model_calls_tool_calls_and_new_tasks_and_names_the_incident() -> None:
    client = told(rule("halt"))
    for act in (client.check, lambda: client.check("search"), lambda: client.task("s").__enter__()):
        with pytest.raises(ff.Halted, match=r"The agent is halted \(INC-7\)") as refused:
            act()
        assert (refused.value.incident, refused.value.mitigation) == ("INC-7", "m1")
    assert isinstance(client.refusal(), ff.Halted)


@pytest.mark.parametrize(
    ("control", "tool", "refused"),
    [
        (rule("disable-tools", ["refund"]), "refund", ff.ToolDisabled),
        (rule("disable-tools", ["refund"]), "search", None),
        (rule("read-only"), "refund", ff.ReadOnly),
        (rule("read-only"), "search", None),
        (rule("read-only"), "a-tool-nobody-described", ff.ReadOnly),
        (rule("egress-cut"), "fetch", ff.EgressCut),
        (rule("egress-cut"), "search", None),
        (rule("egress-cut"), "a-tool-nobody-described", ff.EgressCut),
        (rule("handoff", "all"), "search", ff.HandedOff),
        (rule("handoff", "new"), "search", None),
        (rule("drain"), "search", None),
    ],
)
def test_tools_are_refused_one_by_one(control: dict[str, Any], tool: str, refused: type[ff.Refused] | None) -> None:
    refusal = told(control).refusal(tool)
    assert type(refusal) is (refused or type(None))
    told(control).check() if refused is not ff.HandedOff else None


@pytest.mark.parametrize(
    ("control", "refused"),
    [
        (rule("drain"), ff.Draining),
        (rule("queue-pause"), ff.QueuePaused),
        (rule("handoff", "new"), ff.HandedOff),
        (rule("canary-share", 0), ff.NotServed),
        (rule("rate-cap", 0), ff.RateCapReached),
    ],
)
def test_new_tasks_are_refused_while_running_ones_go_on(control: dict[str, Any], refused: type[ff.Refused]) -> None:
    client = told()
    with client.task("running") as running:
        client._core.received(json.dumps({"revision": 2, "rules": [control]}), 1.0)
        with pytest.raises(refused), client.task("new", queued=True):
            pass
        with running.turn(), running.tool("search"):
            pass


def test_a_paused_queue_is_nothing_to_tasks_that_come_another_way() -> None:
    with told(rule("queue-pause")).task("asked in person"):
        pass


def test_a_turn_limit_ends_a_task_at_its_count_even_when_it_comes_in_the_middle() -> None:
    client = told()
    with client.task("s") as task:
        for _ in range(4):
            with task.turn():
                pass
        client._core.received(json.dumps({"revision": 2, "rules": [rule("turn-limit", 5)]}), 1.0)
        with task.turn():
            pass
        with pytest.raises(ff.TurnLimitReached, match="made its 5 model calls") as refused, task.turn():
            pass
        assert refused.value.limit == 5
        task.check()  # the last answer may still be given
    with client.task("another") as other, other.turn():
        pass


def test_steps_and_dollars_are_counted_too() -> None:
    client = told(rule("step-cap", 1, "m1"), rule("cost-cap", 0.5, "m2"))
    with client.task("s") as task:
        with task.tool("search"):
            pass
        with pytest.raises(ff.StepCapReached), task.tool("search"):
            pass
        task.spent(0.3)
        with task.turn():
            task.spent(0.3)
        with pytest.raises(ff.CostCapReached), task.turn():
            pass
    assert task.cost_usd == pytest.approx(0.6)


def test_a_control_for_one_tenant_touches_no_other() -> None:
    client = told(rule("halt", tenant="acme"))
    with pytest.raises(ff.Halted), client.task("s", tenant="acme"):
        pass
    with client.task("s", tenant="other") as task, task.turn():
        pass
    with pytest.raises(ff.Halted):
        client.check()  # who says no tenant is bound by all


def test_pins_replace_the_agents_own_model_and_prompt() -> None:
    client = told(rule("model-pin", "small"), rule("prompt-pin", "v6", "m2"), rule("guardrail-level", 2, "m3"))
    with client.task("s") as task:
        assert (task.model("large"), task.prompt_version("v7")) == ("small", "v6")
        assert task.controls.guardrail_level == 2
    assert (client.model("large"), client.prompt_version("v7")) == ("small", "v6")


def test_a_canary_share_serves_about_that_share_and_always_the_same_sessions() -> None:
    keys = [f"session-{number}" for number in range(4000)]
    share = [key for key in keys if served(key, 20)]
    assert 0.17 < len(share) / len(keys) < 0.23
    assert {key for key in keys if served(key, 5)} <= set(share)


def test_each_instance_keeps_to_its_share_of_a_rate_cap() -> None:
    controls = compose(read_snapshot({"revision": 1, "rules": [rule("rate-cap", 10)]}).rules, ff.Scope())
    four = [0.0, 1.0, 2.0, 3.0]
    assert of_rate(controls, four, 2, 10.0) is None
    assert of_rate(controls, [*four, 4.0], 2, 10.0)
    assert of_rate(controls, [*four, 4.0], 2, 60.1) is None
    assert of_rate(controls, [0.0], 20, 119.0)  # half a task a minute
    assert of_rate(controls, [0.0], 20, 120.1) is None


def test_before_anything_is_known_risky_tools_wait_and_the_rest_goes_on() -> None:
    client = Client(agent="helpdesk-agent", tools=TOOLS, keep=None)
    client.check()
    client.check("search")
    with pytest.raises(ff.Halted, match="Nothing is known of the controls yet, and refund is risky") as refused:
        client.check("refund")
    assert refused.value.incident == ""
    assert not client.standing.known


def test_what_holds_before_anything_is_known_is_the_teams_choice() -> None:
    careful = Client(agent="a", tools=TOOLS, keep=None, when_unknown=WhenUnknown(halt="all"))
    with pytest.raises(ff.Halted):
        careful.check()
    limited = Client(agent="a", tools=TOOLS, keep=None, when_unknown=WhenUnknown("none", read_only=True, max_turns=1))
    with pytest.raises(ff.ReadOnly):
        limited.check("refund")
    with limited.task("s") as task:
        with task.turn():
            pass
        with pytest.raises(ff.TurnLimitReached), task.turn():
            pass
    trusting = Client(agent="a", tools=TOOLS, keep=None, when_unknown=WhenUnknown("none"))
    trusting.check("refund")


def test_decorated_tools_and_model_calls_check_and_count_themselves() -> None:
    client = told(rule("turn-limit", 1), rule("disable-tools", ["refund"], "m2"))

    @client.model_call
    def ask(prompt: str) -> str:
        return f"answer to {prompt}"

    @client.tool(name="refund", risky=True, say=True)
    def give_back(order: int) -> str:
        return f"{order} refunded"

    @client.tool
    def undescribed() -> str:
        return "done"

    with client.task("s") as task:
        assert ask("hello") == "answer to hello"
        assert give_back(7) == "The tool refund is disabled (INC-7)."
        assert undescribed() == "done"
        with pytest.raises(ff.TurnLimitReached):
            ask("again")
    assert (task.turns, task.steps) == (1, 1)
    assert ask("outside of a task") == "answer to outside of a task"


async def test_coroutine_tools_are_wrapped_alike_and_tasks_do_not_mix() -> None:
    client = told(rule("step-cap", 2))

    @client.tool(writes=False, egress=False)
    async def search(query: str) -> str:
        await asyncio.sleep(0)
        return query

    async def one(name: str) -> int:
        with client.task(name) as task:
            for _ in range(2):
                assert await search(name) == name
            with pytest.raises(ff.StepCapReached):
                await search(name)
        return task.steps

    assert await asyncio.gather(*(one(f"t{number}") for number in range(5))) == [2] * 5


def test_a_refusal_says_so_on_the_current_span() -> None:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    client = told(rule("disable-tools", ["refund"]), rule("model-pin", "small", "m2"))
    with provider.get_tracer("t").start_as_current_span("invoke_agent"):
        assert client.model("large") == "small"
        assert client.model("small") == "small"  # nothing was replaced, so nothing is said
        with pytest.raises(ff.ToolDisabled):
            client.check("refund")
    events = spans.get_finished_spans()[0].events
    assert [event.name for event in events] == ["firstfive.control"] * 2
    assert [dict(event.attributes or {})["firstfive.control.control"] for event in events] == [
        "model-pin",
        "disable-tools",
    ]
    assert dict(events[1].attributes or {}) == {
        "firstfive.control.control": "disable-tools",
        "firstfive.control.effect": "refused",
        "firstfive.control.incident": "INC-7",
        "firstfive.control.mitigation": "m1",
        "firstfive.control.tool": "refund",
    }


def test_an_address_that_is_none_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no address of a server"):
        Client("firstfive.internal:8080", agent="a", keep=tmp_path / "kept.json")
