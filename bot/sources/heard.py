"""What a model hears since its last turn: the same message from a person or a program again, answered in words each time."""

import re
from collections.abc import Sequence
from hashlib import sha256

from bot.incident.detectors.alike import words_of
from bot.incident.detectors.written_actions import acts
from bot.incident.telemetry import Heard
from bot.sources import attributes as names
from bot.sources.asked_tools import calls_in, results_in
from bot.sources.input_messages import MOST_READ, Message, content_of, is_answer, is_frame, only_words, words_in
from bot.sources.values import Values, as_text, sort_of, text

FEWEST_WORDS = 6  # different ones; "go on" and "yes, please" come back in any conversation
MOST_WORDS = 20  # different ones of a message that asks for the next thing; longer ones explain what to do next
_MORE = re.compile(r"\b(?:next|another|remaining|(?<!once )more)\b", re.IGNORECASE)
# A whole conversation written into one message
_RETOLD = re.compile(
    r"^\W{0,3}(?:assistant|ai|agent|model|observation|thought|(?:previous )?actions?|history)\b[^\n:]{0,40}:",
    re.IGNORECASE | re.MULTILINE,
)
_CUT_SHORT = ("length", "max_tokens")  # why an answer ended, whose asker then says: go on


def heard_in(messages: Sequence[Message], values: Values) -> Heard | None:
    """What the model was told since its last turn, in a row with the same before it; None where nothing is known of it."""
    begin = next((place for place, message in enumerate(messages) if not is_frame(message)), len(messages))
    newest, at = _turn(messages, begin, len(messages))
    if at == len(messages):
        return None
    if newest is None:  # a tool answers
        return Heard("", 0, alone=True, framed=begin > 0) if at == begin else None
    alone = at == begin
    if alone and len(_RETOLD.findall(newest)) > 1:
        return None
    digest = sha256(newest.encode("utf-8", "replace")).hexdigest()[:16]
    if _says_little(messages[at:], newest) or _cut_short(values):
        return Heard(digest, 0, alone, begin > 0)
    times = 1
    while at > begin:
        answered = _answers(messages, begin, at)
        said, at = _turn(messages, begin, answered)
        if said != newest or at == answered:
            break
        times += 1
    return Heard(digest, times, alone, begin > 0)


def _turn(messages: Sequence[Message], begin: int, end: int) -> tuple[str | None, int]:
    """What was said before ``end`` by no model, and where that begins. None where a tool answers, or there is an action."""
    at = end
    while at > begin and not is_answer(messages[at - 1]):
        at -= 1
    turn = messages[at:end]
    if any(any(results_in(message)) for message in turn):
        return None, at
    return "\n".join(words_in(message) if only_words(message) else as_text(content_of(message)) for message in turn), at


def _answers(messages: Sequence[Message], begin: int, end: int) -> int:
    """Where the answer before ``end`` begins, in however many messages; ``begin`` where it is more than words."""
    at = end
    while at > begin and is_answer(messages[at - 1]):
        at -= 1
    answer = messages[at:end]
    words = "\n".join(map(words_in, answer))
    done = any(any(calls_in(message)) or sort_of(message).endswith("_call") for message in answer)
    unknown = all(content_of(message) is None for message in answer)
    return begin if done or unknown or acts(words[-MOST_READ:]) else at


def _says_little(turn: Sequence[Message], written: str) -> bool:
    """A word or two, the wish for the next thing, or something that is seen: its likeness proves nothing."""
    if not all(map(only_words, turn)):
        return True
    words = words_of(written)
    return len(words) < FEWEST_WORDS or (len(words) <= MOST_WORDS and bool(_MORE.search(written)))


def _cut_short(values: Values) -> bool:
    ended = (text(values, names.FINISH) or "").lower()
    return any(reason in ended for reason in _CUT_SHORT)
