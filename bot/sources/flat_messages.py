"""A model's input messages where they are spread over numbered attributes, one for each role, content and call.

OpenLLMetry before its version 0.47 writes ``gen_ai.prompt.0.role``, OpenInference ``llm.input_messages.0.message.role``.
"""

import re

import orjson

from bot.sources.values import Values

_PLACE = re.compile(r"(?:gen_ai\.prompt|llm\.input_messages)\.(\d{1,5})\.(?:message\.)?(.+)")
_CALL = re.compile(r"tool_calls\.(\d{1,5})\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)")
_PART = re.compile(r"contents\.(\d{1,5})\.message_content\.(text|type)")
_PLAIN = ("role", "tool_call_id")

Message = dict[str, object]


def flat_messages(values: Values) -> list[Message]:
    """The messages in order; empty where none are told that way."""
    found: dict[int, Message] = {}
    for name, value in values.items():
        place = _PLACE.fullmatch(name)
        if place:
            _add(found.setdefault(int(place[1]), {}), place[2], value)
    return [_whole(found[place]) for place in sorted(found)]


def _add(message: Message, name: str, value: object) -> None:
    if name in _PLAIN:
        message[name] = value
    elif name == "content":
        message[name] = _parts(value)
    else:
        for pattern, kept in ((_CALL, "tool_calls"), (_PART, "contents")):
            place = pattern.fullmatch(name)
            if place:
                items = message.setdefault(kept, {})
                if isinstance(items, dict):
                    items.setdefault(int(place[1]), {})[place[2]] = value


def _parts(content: object) -> object:
    """OpenLLMetry writes a list of parts as JSON."""
    if isinstance(content, str) and content.startswith("[{"):
        try:
            found: object = orjson.loads(content)
        except ValueError:
            return content
        return found
    return content


def _whole(message: Message) -> Message:
    """The message with its numbered parts and calls in order."""
    for kept, name in (("tool_calls", "tool_calls"), ("contents", "content")):
        items = message.pop(kept, None)
        if isinstance(items, dict):
            message[name] = [items[place] for place in sorted(items)]
    return message
