"""The words of a step, out of the wrappers of several conventions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.said import MOST_SAID, said

TEXT = "I will look that up."
CALL = '→ search {"q": "kettle"}'


@pytest.mark.parametrize(
    "values",
    [
        {"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": TEXT}, {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "kettle"}}]}])},
        {"gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": TEXT}, {"type": "tool_call", "name": "search", "arguments": '{"q": "kettle"}'}]}]},
        {"gen_ai.completion": json.dumps({"role": "assistant", "content": TEXT, "tool_calls": [{"type": "function", "function": {"name": "search", "arguments": '{"q": "kettle"}'}}]})},
        {"output.value": json.dumps([{"content": [{"type": "text", "text": TEXT}, {"type": "tool_use", "name": "search", "input": {"q": "kettle"}}]}])},
        {"output.value": json.dumps({"choices": [{"message": {"content": TEXT, "tool_calls": [{"function": {"name": "search", "arguments": '{"q": "kettle"}'}}]}}], "usage": {"total_tokens": 3}})},
        {
            "output.value": "the same in another form",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": TEXT,
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"q": "kettle"}',
        },
    ],
    ids=["messages", "messages_as_values", "completion", "content_blocks", "choices", "numbered"],
)  # fmt: skip
def test_text_and_calls_come_out_of_every_convention(values: dict[str, object]) -> None:
    assert said(values) == f"{TEXT}\n{CALL}"


def test_plain_text_is_taken_as_it_is() -> None:
    assert said({"output.value": TEXT}) == TEXT
    assert said({"output.value": "[not JSON"}) == "[not JSON"


def test_an_agent_without_output_is_known_by_its_instruction_and_phase() -> None:
    asked = json.dumps([{"role": "user", "content": "The task."}, {"role": "user", "content": "Scroll down."}])
    assert (
        said({"gen_ai.input.messages": asked, "agent.step.phase": "instruction"}, agent=True)
        == "[instruction] Scroll down."
    )
    assert said({"gen_ai.input.messages": asked}) == ""
    assert said({"gen_ai.input.messages": asked}, agent=True) == ""


def test_of_an_agent_that_hands_on_the_whole_conversation_only_the_end_is_its_own() -> None:
    state = [{"role": "user", "content": "The task."}, {"role": "assistant", "content": TEXT}]
    assert said({"output.value": json.dumps({"messages": state})}, agent=True) == TEXT
    assert said({"gen_ai.output.messages": json.dumps(state)}, agent=True) == TEXT


def test_of_long_words_the_beginning_and_the_end_are_kept() -> None:
    kept = said({"output.value": "start " + "x" * 5000 + " click [12]"})
    assert len(kept) <= MOST_SAID
    assert kept.startswith("start")
    assert kept.endswith("click [12]")


def test_what_no_database_takes_is_replaced() -> None:
    assert said({"output.value": '["a\\u0000b \\ud800"]'}) == "ab ?"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.text() | st.sampled_from(["parts", "content", "name", "arguments", "tool_calls", "type"]), inner
            )
        ),
    )
)
def test_any_structure_is_read_without_failing(structure: object) -> None:
    assert len(said({"gen_ai.output.messages": json.dumps(structure)}, agent=True)) <= MOST_SAID


def test_the_action_that_long_words_end_in_is_kept_whole() -> None:
    action = f"<action>\ntool: search\nparameters: {json.dumps({'q': 'kettle ' * 30})}\n</action>"
    kept = said({"output.value": f"<think>{'word ' * 900}</think>\n{action}"})
    assert kept.endswith(action)
    assert len(kept) <= MOST_SAID
