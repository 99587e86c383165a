"""Messages that came as events, of a span or among log records, under the names they have as attributes.

OpenTelemetry's conventions told messages in events before there were attributes for them, one event a message
(``gen_ai.user.message``, ``gen_ai.choice``, …), and still do so in one event a call.
"""

from collections.abc import Iterable, Mapping

from bot.incident.telemetry import SpanKind
from bot.sources import attributes as names
from bot.sources.said import parsed
from bot.sources.values import Values, first

MESSAGE_EVENTS = {  # one event a message that the model was given: name -> whose it is
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
ANSWER_EVENT = "gen_ai.choice"
EVENT_CONTENT = "gen_ai.event.content"  # the message as JSON; what a log record has as its body stands there too
TOOL_EVENTS = {  # what the same events tell on a tool's span
    "gen_ai.tool.message": "gen_ai.tool.call.arguments",
    "gen_ai.choice": "gen_ai.tool.call.result",
}
WHOLE_MESSAGES = {  # one event a call: name -> the attributes of it that hold messages
    "gen_ai.client.inference.operation.details": ("gen_ai.input.messages", "gen_ai.output.messages"),
    "gen_ai.content.prompt": ("gen_ai.prompt",),
    "gen_ai.content.completion": ("gen_ai.completion",),
}
INPUT, OUTPUT = names.MODEL_INPUT[0], names.MODEL_OUTPUT[0]
_CONTENT = (EVENT_CONTENT, "message", "content")


def messages_in(events: Iterable[tuple[str, Values]], kind: SpanKind) -> dict[str, object]:
    """The messages of a step's events (name, attributes), by attribute; empty where they tell none."""
    told: dict[str, object] = {}
    heard: list[object] = []
    answered: list[object] = []
    for name, values in events:
        if name in WHOLE_MESSAGES:
            told |= {key: values[key] for key in WHOLE_MESSAGES[name] if key in values}
        elif kind is SpanKind.TOOL and name in TOOL_EVENTS:
            told[TOOL_EVENTS[name]] = first(values, _CONTENT)
        elif name == ANSWER_EVENT:
            answered.append(_message(values, "assistant"))
        elif name in MESSAGE_EVENTS:
            heard.append(_message(values, MESSAGE_EVENTS[name]))
    if heard:
        told[INPUT] = heard
    if answered:
        told[OUTPUT] = answered
    return told


def _message(values: Values, role: str) -> Mapping[str, object]:
    """One message: its parts stand in the event itself, or in one of its attributes as JSON."""
    content = first(values, _CONTENT)
    found = parsed(content) if isinstance(content, str) else content
    if isinstance(found, dict) and not found.keys().isdisjoint({"content", "tool_calls", "message", "parts"}):
        inner = found.get("message")
        if not isinstance(inner, dict):
            return {"role": role, **found}
        beside = {"tool_calls": found["tool_calls"]} if "tool_calls" in found else {}
        return {"role": role, **beside, **inner}
    kept = {key: value for key, value in values.items() if key in {"id", "tool_calls", "role"}}
    return {"role": role, "content": found, **kept}
