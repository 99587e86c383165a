"""The messages that a model was given, whatever convention wraps them, and which of them are its own earlier answers."""

from collections.abc import Mapping, Sequence

import orjson

from bot.sources import attributes as names
from bot.sources.flat_messages import flat_messages
from bot.sources.values import Values, first, sort_of, text

MOST_INPUT = 64_000  # characters that are worth parsing
MOST_READ = 4_000  # last characters of an answer in which an action is looked for

_TEXTS = frozenset({"", "text", "input_text", "output_text"})
_FRAMES = ("system", "instructions", "systemInstruction", "system_instruction")

Message = Mapping[str, object]


def input_messages(values: Values) -> Sequence[Message]:
    """The messages in order, without what is none; empty where they are not told, or are too long.

    Instructions that are told apart from them stand in front, as a message of the system's.
    """
    frame, messages = first(values, names.INSTRUCTIONS), _told(values)
    if isinstance(messages, dict):
        frame = frame or _frame_in(messages)
        messages = next((messages[name] for name in ("messages", "input", "contents") if name in messages), None)
    while (
        isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], list)
    ):  # LangChain: a list of lists
        messages = messages[0]
    if not isinstance(messages, list):
        return ()
    front = [{"role": "system", "content": frame}] if frame else []
    return front + [_plain(message) for message in messages if isinstance(message, dict)]


def _told(values: Values) -> object:
    raw = text(values, names.MODEL_INPUT)
    if raw is None:
        flat = flat_messages(values)
        return flat if sum(len(str(message)) for message in flat) <= MOST_INPUT else None
    if len(raw) > MOST_INPUT:
        return None
    try:
        found: object = orjson.loads(raw)
    except ValueError:
        return None
    return found


def _frame_in(call: Mapping[str, object]) -> object:
    """The instructions beside the messages, as Anthropic's, Gemini's and OpenAI's own requests have them."""
    found = first(call, _FRAMES)
    config = call.get("config")
    return found or (first(config, _FRAMES) if isinstance(config, dict) else None)


def is_answer(message: Message) -> bool:
    """A model said it, or thought it, or asked its provider for something."""
    kind = sort_of(message)
    answers = sort_of(message, "role") in {"assistant", "ai", "model"} or kind in {"ai", "AIMessageChunk", "reasoning"}
    return answers or kind.endswith("_call")


def is_frame(message: Message) -> bool:
    """The application's own instructions."""
    return sort_of(message, "role") in {"system", "developer"} or sort_of(message) == "system"


def words_in(message: Message) -> str:
    """All its text."""
    content = content_of(message)
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("content") or part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str))


def only_words(message: Message) -> bool:
    """Nothing but text, no picture and no sound, is in it."""
    content = content_of(message)
    parts = content if isinstance(content, list) else [content]
    return all(part is None or isinstance(part, str) or (isinstance(part, dict) and _is_text(part)) for part in parts)


def _is_text(part: Mapping[str, object]) -> bool:
    told = isinstance(part.get("text"), str) or isinstance(part.get("content"), str)
    return (told and sort_of(part) in _TEXTS) or "cachePoint" in part


def content_of(message: Message) -> object:
    """What it says, as text or as a list of parts."""
    parts = message.get("parts")
    return parts or message.get("content", parts)


def _plain(message: Message) -> Message:
    """The message itself, where LangChain's serialisation stands around it."""
    if "role" in message:
        return message
    inner = message.get("kwargs") or message.get("data")
    return inner if isinstance(inner, dict) and "content" in inner else message
