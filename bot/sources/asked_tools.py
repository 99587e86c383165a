"""Tool calls as models tell of them: what they asked for, and what they were told back.

Most frameworks record no span for a tool call. The call still stands in the model's answer, and its
result among the messages of the model's next turn. From both the call is inferred when the trace is assembled.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from bot.incident.detectors.written_actions import action_in
from bot.incident.telemetry import AskedTool, ToldResult
from bot.sources import attributes as names
from bot.sources.input_messages import MOST_READ, Message, is_answer, words_in
from bot.sources.redaction import Redaction
from bot.sources.said import parsed
from bot.sources.values import (
    MOST_WORD,
    PREVIEW,
    Values,
    as_text,
    fingerprint,
    first,
    is_empty,
    sort_of,
    text,
    unpacked,
)
from bot.sources.wrappings import result_in

MOST_CALLS = 20  # of one answer
DEEPEST = 10  # LangChain nests a call nine deep

_CALL_SIGNS = ("tool", "function", "arguments")  # without any of them there is no call, whatever the convention
_LABEL = re.compile(r"^\W*(?:observation|(?:tool )?(?:result|response|output))\W{0,3}:\s*", re.IGNORECASE)
_NESTED = frozenset(
    {
        *(
            "parts",
            "content",
            "messages",
            "message",
            "choices",
            "candidates",
            "tool_calls",
            "kwargs",
            "data",
            "generations",
            "output",
        ),
        *("toolUse", "toolRequest", "functionCall", "function_call", "update"),
    }
)
_RESULT_TYPES = frozenset({"tool_call_response", "tool_result", "tool-result", "function_call_output"})
_RESULT_WRAPS = ("toolResult", "toolResponse", "functionResponse", "function_response")
_ANSWERS = ("response", "result", "content", "output")
_VALUE_TYPES = frozenset({"text", "json", "error-text", "error-json"})  # how Vercel's AI SDK marks a result
_ERROR_BEGINNINGS = ("error", "traceback", "exception")


def asked_in(found: object, values: Values, redaction: Redaction) -> tuple[AskedTool, ...]:
    """The tool calls in a model's answer, its JSON parsed; ``values`` may hold them apart from its words."""
    raw = first(values, names.MODEL_OUTPUT)
    if isinstance(raw, str) and not any(sign in raw for sign in _CALL_SIGNS):
        found = None
    apart = text(values, names.MODEL_CALLS)
    calls = [*calls_in(found), *(calls_in(parsed(apart)) if apart else ())][:MOST_CALLS]
    known: dict[tuple[str, str | None, str | None], AskedTool] = {}
    for name, call_id, arguments in calls:
        written = None if arguments is None else unpacked(as_text(arguments))
        asked = AskedTool(
            name[:MOST_WORD].replace("\0", ""), call_id, fingerprint(written), redaction.cut(written, PREVIEW)
        )
        known.setdefault((asked.name, call_id, asked.arguments_hash if call_id is None else None), asked)
    return tuple(known.values())


def told_in(messages: Sequence[Message], redaction: Redaction) -> tuple[ToldResult, ...]:
    """The results of tools among a model's input messages, those after its last turn.

    Where that turn ended in an action written as text, it is what was said next, with the action's fingerprint as its id.
    """
    turn = [*takewhile(lambda message: not is_answer(message), reversed(messages))][::-1]
    found = [result for message in turn for result in results_in(message)][-MOST_CALLS:]
    if not found and len(turn) < len(messages):
        found = _written_result(messages[-1 - len(turn)], turn)
    return tuple(_told(call_id, result, redaction) for call_id, result in found)


def _written_result(answer: Message, turn: Sequence[Message]) -> list[tuple[str | None, object]]:
    """What came of an action that an answer ends in: what was said next, or what CrewAI adds to the answer itself."""
    words = "" if any(calls_in(answer)) else words_in(answer)
    action = action_in(words[-MOST_READ:])
    _, label, own = words.rpartition("\nObservation:")
    heard = "\n".join(map(words_in, turn)) if turn else own.strip() if label else ""
    return [(fingerprint(action), _LABEL.sub("", heard))] if action and heard.strip() else []


def results_in(message: Mapping[str, object]) -> Iterator[tuple[str | None, object]]:
    """(call id, result) of each tool result in one message."""
    if sort_of(message) == "function_call_output":  # OpenAI's Responses
        yield _identifier(message, "call_id"), message.get("output")
        return
    tells = sort_of(message, "role") in {"tool", "function"} or (
        sort_of(message) == "tool" and "tool_call_id" in message
    )
    if tells and not isinstance(message.get("parts"), list):
        content = message.get("content")
        if (
            isinstance(content, dict) and content.get("type") == "function"
        ):  # the tool's description, as Langfuse tells it
            return
        if not (isinstance(content, list) and any(_result_part(part) for part in content)):
            yield _identifier(message, "tool_call_id", "id"), content
            return
    for name in ("parts", "content"):
        parts = message.get(name)
        for part in parts if isinstance(parts, list) else ():
            told = _result_part(part)
            if told:
                result = next((told[key] for key in _ANSWERS if key in told), None)
                yield (
                    _identifier(told, "id", "tool_call_id", "tool_use_id", "toolUseId", "toolCallId", "call_id", "ref"),
                    result,
                )


def _result_part(part: object) -> Mapping[str, object] | None:
    """The part of a message that tells a tool's result; None where it tells something else."""
    if not isinstance(part, dict):
        return None
    if sort_of(part) in _RESULT_TYPES:
        return part
    return next((part[name] for name in _RESULT_WRAPS if isinstance(part.get(name), dict)), None)


def _told(call_id: str | None, result: object, redaction: Redaction) -> ToldResult:
    kind = sort_of(result) if isinstance(result, dict) and "value" in result else ""
    if isinstance(result, dict) and kind in _VALUE_TYPES:
        result = result["value"]
    written, refused = result_in("" if result is None else as_text(result))
    refused = refused or kind in {"error-text", "error-json"}
    written = written or ""
    failed = refused or written.lstrip(" \"'[{").lower().startswith(_ERROR_BEGINNINGS)
    return ToldResult(call_id, fingerprint(written), redaction.cut(written, PREVIEW), is_empty(written), failed)


def calls_in(found: object, depth: int = 0) -> Iterator[tuple[str, str | None, object]]:
    """(name, call id, arguments) of each tool call anywhere in a message, a list of them, or an unknown structure."""
    if depth > DEEPEST:
        return
    if isinstance(found, list):
        for item in found:
            yield from calls_in(item, depth + 1)
    elif isinstance(found, dict):
        inner = found.get("function")
        call = inner if isinstance(inner, dict) else found
        name = call.get("name") or call.get("toolName")
        arguments = next((call[key] for key in ("arguments", "args", "input") if key in call), None)
        if isinstance(name, str) and (arguments is not None or sort_of(found) in {"tool_call", "tool_use"}):
            yield name, _identifier(found, "call_id", "id", "toolCallId", "toolUseId", "tool_call_id", "ref"), arguments
            return
        for key, inner in found.items():
            if key in _NESTED:
                yield from calls_in(inner, depth + 1)


def _identifier(found: Mapping[str, object], *candidates: str) -> str | None:
    value = next((found[name] for name in candidates if found.get(name)), None)
    return str(value)[:MOST_WORD].replace("\0", "") if value is not None else None
