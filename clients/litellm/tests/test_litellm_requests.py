"""What a gateway reads from requests and answers, and what it takes out."""

from typing import Any

import pytest

from firstfive_client import Client, HandedOff, Refused, Tool, TurnLimitReached
from firstfive_client.wire import read_snapshot
from firstfive_litellm.gate import MOST_AGENTS, Gate, TooManyAgents, described
from firstfive_litellm.requests import agent_of, task_of, tools_called, turns_in, without_tools


def openai_tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {}}}


def with_headers(**headers: str) -> dict[str, Any]:
    return {"proxy_server_request": {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}}


def test_what_stands_on_the_key_wins_over_what_a_request_says_of_itself() -> None:
    request = with_headers(X_Firstfive_Agent="harmless-agent")
    assert agent_of(request, {"firstfive_agent": "helpdesk-agent"}, "") == "helpdesk-agent"
    assert agent_of(request, {}, "fallback") == "harmless-agent"
    assert agent_of({}, {}, "fallback") == "fallback"


def test_the_task_is_found_where_agents_write_it() -> None:
    assert task_of(with_headers(x_firstfive_task="t-1", x_litellm_session_id="s-1")) == "t-1"
    assert task_of({"metadata": {"session_id": "s-2"}}) == "s-2"
    assert task_of(with_headers(x_litellm_session_id="s-1")) == "s-1"
    assert task_of({"metadata": None}) == ""


def test_without_a_task_the_turns_are_counted_from_the_history_since_the_last_users_word() -> None:
    user, call, result = {"role": "user", "content": "hi"}, {"role": "assistant"}, {"role": "tool", "content": "3"}
    assert turns_in({"messages": [user]}) == 0
    assert turns_in({"messages": [user, call, user, call, result, call, result]}) == 2
    anthropic = {"role": "user", "content": [{"type": "tool_result"}]}
    assert turns_in({"messages": [user, call, anthropic, call, anthropic]}) == 2
    assert turns_in({"input": [user, {"type": "function_call"}, {"type": "function_call_output"}]}) == 1
    assert turns_in({"input": "hello"}) == 0


@pytest.mark.parametrize(
    "tools",
    [
        [openai_tool("refund"), openai_tool("search")],
        [{"name": "refund", "input_schema": {}}, {"name": "search", "input_schema": {}}],
        [{"type": "function", "name": "refund"}, {"type": "function", "name": "search"}, {"type": "web_search"}],
    ],
)
def test_a_blocked_tool_is_taken_out_in_every_dialect(tools: list[dict[str, Any]]) -> None:
    request: dict[str, Any] = {"tools": tools, "tool_choice": "auto"}
    assert without_tools(request, lambda name: name == "refund") == ("refund",)
    assert request == {"tools": tools[1:], "tool_choice": "auto"}


def test_a_choice_of_a_tool_that_is_gone_goes_too() -> None:
    request = {"tools": [openai_tool("refund")], "tool_choice": "required"}
    without_tools(request, lambda _: True)
    assert request == {}
    named = {"tools": [openai_tool("refund"), openai_tool("search")], "tool_choice": openai_tool("refund")}
    without_tools(named, lambda name: name == "refund")
    assert named == {"tools": [openai_tool("search")]}
    old = {"functions": [{"name": "refund"}], "function_call": {"name": "refund"}}
    without_tools(old, lambda _: True)
    assert old == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"tool_calls": [openai_tool("refund")]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "refund"}}]}}]},
        {"choices": [{"message": {"function_call": {"name": "refund"}}}]},
        {"content": [{"type": "text", "text": "…"}, {"type": "tool_use", "name": "refund"}]},
        {"output": [{"type": "function_call", "name": "refund"}]},
        b'event: content_block_start\ndata: {"content_block":{"type":"tool_use","name":"refund","input":{}}}\n\n',
    ],
)
def test_a_called_tool_is_seen_in_every_dialect(answer: object) -> None:
    assert list(tools_called(answer)) == ["refund"]


def test_an_answer_that_only_speaks_of_a_tool_calls_none() -> None:
    assert (
        list(tools_called({"choices": [{"message": {"content": 'I would use "refund".', "tool_calls": None}}]})) == []
    )
    assert list(tools_called(b'data: {"delta":{"text":"\\"name\\": \\"refund\\""}}\n\n')) == []


def ruled(*rules: dict[str, Any]) -> tuple[Gate, Client]:
    gate = Gate(lambda agent: Client(agent=agent, keep=None), described("search, lookup", "lookup"))
    client = Client(agent="helpdesk-agent", keep=None)
    client._core.remembered(read_snapshot({"revision": 1, "rules": list(rules)}), 0.0)
    client._changed()
    return gate, client


def admitted(rules: list[dict[str, Any]], data: dict[str, Any], turns: int = 0) -> Refused | None:
    gate, client = ruled(*rules)
    return gate.admit(client.controls(), data, turns, "t-1")


def control(kind: str, value: Any) -> dict[str, Any]:
    return {"id": "m1", "incident": "INC-7", "kind": kind, "value": value}


def test_a_pinned_model_replaces_the_one_asked_for() -> None:
    data = {"model": "large", "tools": [openai_tool("refund")]}
    assert admitted([control("model-pin", "small"), control("disable-tools", ["refund"])], data) is None
    assert data == {"model": "small"}


def test_reading_tools_stay_in_read_only_mode_and_internal_ones_when_egress_is_cut() -> None:
    tools = [openai_tool(name) for name in ("search", "lookup", "refund")]
    data: dict[str, Any] = {"tools": list(tools)}
    admitted([control("read-only", True)], data)
    assert data["tools"] == tools[:2]
    data = {"tools": list(tools)}
    admitted([control("egress-cut", True)], data)
    assert data["tools"] == tools[1:2]


def test_a_turn_limit_counts_and_a_drain_lets_running_tasks_end() -> None:
    assert admitted([control("turn-limit", 5)], {}, 4) is None
    assert isinstance(admitted([control("turn-limit", 5)], {}, 5), TurnLimitReached)
    assert admitted([control("drain", True)], {}, 1) is None
    assert str(admitted([control("drain", True)], {}, 0)) == "The agent takes no new tasks (INC-7)."
    assert isinstance(admitted([control("handoff", "new")], {}, 0), HandedOff)
    assert admitted([control("handoff", "new")], {}, 2) is None


def test_what_a_gateway_cannot_see_it_does_not_enforce() -> None:
    assert admitted([control("queue-pause", True), control("canary-share", 0), control("rate-cap", 0)], {}) is None


def test_names_made_up_by_callers_do_not_open_connections_without_end() -> None:
    class Still(Client):
        def start(self, wait: float = 2.0) -> "Still":
            del wait
            return self

    gate = Gate(lambda agent: Still(agent=agent, keep=None), {"search": Tool()})
    for number in range(MOST_AGENTS):
        gate.client(f"agent-{number}")
    with pytest.raises(TooManyAgents):
        gate.client("one-more")
    assert gate.client("agent-7") is gate.known("agent-7")
    gate.close()
