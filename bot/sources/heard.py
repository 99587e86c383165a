"""What a model hears again and again: the same message from a person or a program, answered in words each time."""

from collections.abc import Sequence
from hashlib import sha256

import orjson

from bot.incident.detectors.task_steps import acts
from bot.incident.telemetry import Heard
from bot.sources.asked_tools import calls_in, results_in
from bot.sources.input_messages import MOST_READ, Message, content_of, is_answer, words_in

FEWEST_WORDS = 6  # different ones; "go on" and "yes, please" come back in any conversation
_FRAME = frozenset({"system", "developer"})


def heard_in(messages: Sequence[Message]) -> Heard | None:
    """What the model was told since its last turn, in a row with the same before it; None where that is not much."""
    newest, rest = _turn(messages)
    if newest is None:
        return None
    times, before = 1, rest
    while before and is_answer(before[-1]) and not _acts(before[-1]):
        said, before = _turn(before[:-1])
        if said != newest:
            break
        times += 1
    digest = sha256(newest).hexdigest()[:16]
    return Heard(digest, times, alone=not rest)


def _turn(messages: Sequence[Message]) -> tuple[bytes | None, Sequence[Message]]:
    """The contents of the last messages that no model said, and the messages before them. None where a tool answers."""
    end = next((place for place in reversed(range(len(messages))) if is_answer(messages[place])), -1) + 1
    turn, rest = messages[end:], messages[:end]
    begins = not end and any(message.get("role") in _FRAME for message in turn)
    if begins or any(any(results_in(message)) for message in turn):
        return None, rest
    written = orjson.dumps([content_of(message) for message in turn])
    return (written if len(set(written.split())) >= FEWEST_WORDS else None), rest


def _acts(answer: Message) -> bool:
    return any(calls_in(answer)) or acts(words_in(answer)[-MOST_READ:])
