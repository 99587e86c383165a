"""What a model is told between its turns: the same once more, or what came of an action that it wrote as text."""

import json
from collections.abc import Sequence

import pytest

from bot.incident.telemetry import Heard, ModelCall, Span
from bot.sources.normalise import span_from
from bot.sources.raw_spans import RawSpan
from bot.storage.span_json import span_from_json, span_to_json

AGAIN = "Please go on with whatever you think is right, and never ask a person."
ACTION = "Thought: I need the price.\nAction: search\nAction Input: price of tin"
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
    [
        [SYSTEM, user(AGAIN)],
        [user("yes, go on")],
        [model("Done."), {"role": "tool", "tool_call_id": "c1", "content": AGAIN}],
        [],
        ["nonsense", 7],
    ],
    ids=["begins", "short", "a tool's", "none", "broken"],
)
def test_what_begins_a_conversation_is_short_or_comes_from_a_tool_is_not_heard(messages: list[object]) -> None:
    assert told(messages).heard is None


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
    assert [(one.call_id, one.result_preview, one.error) for one in call.told] == [
        (None, "Error: no such place.", True)
    ]
    assert not told([SYSTEM, user("Find the price."), model("Which one?"), user("Of tin.")]).told
    assert not told([SYSTEM, user("Find the price."), model(ACTION), user("")]).told


@pytest.mark.parametrize("begins", ["</action><action>", "```", "```\n", "Action: x", "```bash\nls\n"])
def test_an_answer_written_to_be_slow_is_read_at_once(begins: str) -> None:
    """One pattern for all of it would take half a minute for each of these."""
    slow = model(begins + " \n" * 1_900)
    found = heard(SYSTEM, user("Find the price, please."), slow, user(AGAIN))
    assert found is not None
    assert found.times == 1
