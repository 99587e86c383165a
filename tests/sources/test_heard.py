"""What a model is told between its turns: the same once more, or what came of an action that it wrote as text."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.telemetry import Heard, ModelCall, Span
from bot.sources.normalise import span_from
from bot.sources.raw_spans import RawSpan
from bot.storage.span_json import span_from_json, span_to_json

AGAIN = "Please go on with whatever you think is right, and never ask a person."
ACTION = "Thought: I need the price.\nAction: search\nAction Input: price of tin"
FINISH = "gen_ai.response.finish_reasons"
LANGCHAIN = (("system", "You are helpful."), ("human", AGAIN))
SYSTEM = {"role": "system", "content": "You are helpful."}


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": text}


def model(text: str) -> dict[str, object]:
    return {"role": "assistant", "content": text}


def told(messages: Sequence[object]) -> ModelCall:
    values = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(messages)}
    span = span_from(RawSpan("1" * 32, "2" * 16, "3" * 16, "chat", 1, 2, attributes=values))
    assert span_from_json("1" * 32, "2" * 16, span_to_json(span)) == span
    return call_of(span)


def of(values: Mapping[str, object]) -> ModelCall:
    attributes = {"openinference.span.kind": "LLM", **values}
    return call_of(span_from(RawSpan("1" * 32, "2" * 16, "3" * 16, "chat", 1, 2, attributes=attributes)))


def call_of(span: Span) -> ModelCall:
    assert span.model is not None
    return span.model


def heard(*messages: object) -> Heard | None:
    return told(messages).heard


def test_the_same_message_is_counted_back_to_where_something_else_was_said() -> None:
    found = heard(
        SYSTEM, user("Sort the list of names, please."), model("Done."), *[user(AGAIN), model("Done.")] * 2, user(AGAIN)
    )
    assert found is not None
    assert (found.times, found.alone) == (3, False)
    other = heard(SYSTEM, user(AGAIN), model("Done."), user(f"{AGAIN} Now."), model("Done."), user(AGAIN))
    assert other is not None
    assert (other.times, other.digest) == (1, found.digest)


def test_all_ways_to_write_a_message_are_read() -> None:
    parts = {"role": "user", "parts": [{"type": "text", "content": AGAIN}]}
    chain = {"lc": 1, "kwargs": {"content": AGAIN, "type": "human"}}
    for message in (parts, chain, {"role": "developer", "content": AGAIN}):
        found = heard(user("Sort the list of names."), model("Done."), *[message, model("Done.")] * 2, message)
        assert found is not None
        assert found.times == 3


def test_a_message_that_stands_alone_says_so() -> None:
    found = heard(user(AGAIN))
    assert found is not None
    assert (found.times, found.alone) == (1, True)


@pytest.mark.parametrize(
    "messages",
    [[model("Done."), {"role": "tool", "tool_call_id": "c1", "content": AGAIN}], [], ["nonsense", 7], [model(AGAIN)]],
    ids=["a tool's", "none", "broken", "the model's own"],
)
def test_of_what_a_tool_or_the_model_itself_says_nothing_is_heard(messages: list[object]) -> None:
    assert told(messages).heard is None


@pytest.mark.parametrize(
    "content",
    [
        "yes, go on",
        "Please write the next chapter of the story as well.",
        "请你继续写",
        [{"type": "text", "text": AGAIN}, {"type": "image_url", "image_url": {"url": "[redacted]"}}],
        [{"inlineData": {"mimeType": "audio/wav"}}, {"text": AGAIN}],
    ],
    ids=["short", "the next", "Chinese", "picture", "sound"],
)
def test_what_says_little_or_asks_for_the_next_thing_may_well_be_said_again(content: object) -> None:
    again = {"role": "user", "content": content}
    found = heard(SYSTEM, *[again, model("Well, all right then.")] * 4, again)
    assert found is not None
    assert found.times == 0


def test_who_says_go_on_to_an_answer_that_was_cut_short_asks_for_the_rest() -> None:
    messages = [SYSTEM, *[user(AGAIN), model("And so it went on and")] * 3, user(AGAIN)]
    values = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(messages)}
    for reasons, times in ((["length"], 0), ('["max_tokens"]', 0), (["stop"], 4)):
        raw = RawSpan("1" * 32, "2" * 16, "3" * 16, "chat", 1, 2, attributes={**values, FINISH: reasons})
        found = call_of(span_from(raw)).heard
        assert found is not None
        assert found.times == times


def test_a_result_that_stands_alone_shows_that_only_what_is_new_is_told() -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": "Rome"}
    assert heard(result) == Heard("", 0, alone=True)
    assert heard(SYSTEM, user("Where?"), model("I look."), result) is None


@pytest.mark.parametrize(
    "values",
    [
        {"gen_ai.input.messages": [user(AGAIN)], "gen_ai.system_instructions": [{"type": "text", "content": "Help."}]},
        {"input.value": {"messages": [user(AGAIN)], "system": "You are helpful."}},
        {
            "gcp.vertex.agent.llm_request": {
                "config": {"system_instruction": "You are helpful."},
                "contents": [{"role": "user", "parts": [{"text": AGAIN}]}],
            }
        },
        {"gen_ai.prompt": {"messages": [[{"kwargs": {"content": text, "type": kind}} for kind, text in LANGCHAIN]]}},
    ],
    ids=["OpenTelemetry", "Anthropic", "ADK", "LangChain"],
)
def test_instructions_told_apart_begin_a_conversation_as_well(values: dict[str, object]) -> None:
    assert of({name: json.dumps(value) for name, value in values.items()}).heard == heard(SYSTEM, user(AGAIN))


def test_what_a_reasoning_model_thinks_and_what_is_kept_in_a_cache_make_no_other_message() -> None:
    thinks = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    cached = {"role": "user", "content": [{"type": "text", "text": AGAIN, "cache_control": {"type": "ephemeral"}}]}
    found = heard(
        user("Sort the list of names."), *[thinks, model("Done."), user(AGAIN)] * 2, thinks, model("No."), cached
    )
    assert found is not None
    assert found.times == 3


@pytest.mark.parametrize(
    "name", ["gen_ai.prompt.{}.", "llm.input_messages.{}.message."], ids=["Traceloop", "OpenInference"]
)
def test_messages_in_numbered_attributes_are_read(name: str) -> None:
    """In order of their numbers, their calls and results among them."""
    messages = [user("Sort the list of names."), *[model("Done."), user(AGAIN)] * 6]
    flat = {name.format(place) + key: value for place, message in enumerate(messages) for key, value in message.items()}
    found = of(flat).heard
    assert found is not None
    assert found.times == 6
    begins = name.format(11)
    asked = {f"{begins}tool_calls.0.name": "look", f"{begins}tool_calls.0.arguments": "{}", f"{begins}content": ""}
    result = {f"{name.format(12)}role": "tool", f"{name.format(12)}tool_call_id": "c1"}
    call = of({**flat, **asked, **result})
    assert call.heard is None
    assert [(one.call_id, one.result_preview) for one in call.told] == [("c1", AGAIN)]


@pytest.mark.parametrize(
    "answer",
    [
        ACTION,
        "```python\nprint(sum(range(7)))\n```",
        "<execute_bash>ls</execute_bash>",
    ],
    ids=["action", "code", "tag"],
)
def test_what_comes_back_after_an_action_is_no_repetition(answer: str) -> None:
    found = heard(SYSTEM, user("Find the price of tin, please, today."), *[model(answer), user(AGAIN)] * 4)
    assert found is None or found.times == 1


def test_after_an_action_written_as_text_its_result_is_told() -> None:
    call = told([SYSTEM, user("Find the price."), model(ACTION), user("Observation: Error: no such place.")])
    assert [(one.result_preview, one.error) for one in call.told] == [("Error: no such place.", True)]
    added = told([SYSTEM, user("Find the price."), model(f"{ACTION}\nObservation: Error: no such place.")])
    assert added.told == call.told
    other = told([SYSTEM, user("Find the price."), model(f"{ACTION} in Rome"), user("Observation: 7")])
    assert call.told[0].call_id != other.told[0].call_id  # the action in full, of which the answer keeps less
    assert not told([SYSTEM, user("Find the price."), model("Which one?"), user("Of tin.")]).told
    assert not told([SYSTEM, user("Find the price."), model(ACTION), user("")]).told


@pytest.mark.parametrize("begins", ["</action><action>", "```", "```\n", "Action: x", "```bash\nls\n"])
def test_an_answer_written_to_be_slow_is_read_at_once(begins: str) -> None:
    """One pattern for all of it would take half a minute for each of these."""
    slow = model(begins + " \n" * 1_900)
    found = heard(SYSTEM, user("Find the price, please."), slow, user(AGAIN))
    assert found is not None
    assert found.times == 1


NAMES = st.sampled_from(
    ("role", "content", "parts", "type", "text", "kwargs", "tool_calls", "name", "arguments", "value", "response")
)
WORDS = st.sampled_from(("assistant", "user", "tool", "tool_result", "reasoning", "text", ACTION, "```", "", "\0"))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(messages=st.lists(ANYTHING, max_size=4), apart=ANYTHING)
def test_messages_of_any_shape_are_read_as_far_as_they_go(messages: list[object], apart: object) -> None:
    told(messages)
    of(
        {
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.system_instructions": json.dumps(apart),
            FINISH: [apart],
        }
    )
    of({"gen_ai.prompt.0.role": json.dumps(apart), "llm.input_messages.1.message.contents.0.message_content.text": "x"})
