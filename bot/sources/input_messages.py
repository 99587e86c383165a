"""The messages that a model was given, whatever convention wraps them, and which of them are its own earlier answers."""

from collections.abc import Mapping, Sequence

import orjson

from bot.sources import attributes as names
from bot.sources.values import Values, text

MOST_INPUT = 64_000  # characters that are worth parsing
MOST_READ = 4_000  # last characters of an answer in which an action is looked for

Message = Mapping[str, object]


def input_messages(values: Values) -> Sequence[Message]:
    """The messages in order, without what is none; empty where they are not told, or are too long."""
    raw = text(values, names.MODEL_INPUT)
    if raw is None or len(raw) > MOST_INPUT:
        return ()
    try:
        messages = orjson.loads(raw)
    except ValueError:
        return ()
    if isinstance(messages, dict):
        messages = next((messages[name] for name in ("messages", "input", "contents") if name in messages), None)
    while (
        isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], list)
    ):  # LangChain: a list of lists
        messages = messages[0]
    return [_plain(message) for message in messages if isinstance(message, dict)] if isinstance(messages, list) else ()


def is_answer(message: Message) -> bool:
    """A model said it."""
    return message.get("role") in {"assistant", "ai", "model"} or message.get("type") in {"function_call", "ai"}


def words_in(message: Message) -> str:
    """All its text."""
    content = content_of(message)
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("content") or part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str))


def content_of(message: Message) -> object:
    """What it says, as text or as a list of parts."""
    return message.get("parts") or message.get("content")


def _plain(message: Message) -> Message:
    """The message itself, where LangChain's serialisation stands around it."""
    if "role" in message:
        return message
    inner = message.get("kwargs") or message.get("data")
    return inner if isinstance(inner, dict) and "content" in inner else message
