"""Messages that came as events, of a span or among log records, under the names they have as attributes.

OpenTelemetry's conventions told messages in events before there were attributes for them, one event a message
(``gen_ai.user.message``, ``gen_ai.choice``, …), and still do so in one event a call.
"""

from collections.abc import Iterable, Mapping

from bot.incident.telemetry import SpanKind
from bot.sources import attributes as names
from bot.sources.said import parsed
from bot.sources.values import Values, first

INPUT, OUTPUT = names.MODEL_INPUT[0], names.MODEL_OUTPUT[0]
_CONTENT = (names.EVENT_CONTENT, "message", "content")


def messages_in(events: Iterable[tuple[str, Values]], kind: SpanKind) -> dict[str, object]:
    """The messages of a step's events (name, attributes), by attribute; empty where they tell none."""
    told: dict[str, object] = {}
    heard: list[object] = []
    answered: list[object] = []
    for name, values in events:
        if name in names.WHOLE_MESSAGES:
            told |= {key: values[key] for key in names.WHOLE_MESSAGES[name] if key in values}
        elif kind is SpanKind.TOOL and name in names.TOOL_EVENTS:
            told[names.TOOL_EVENTS[name]] = first(values, _CONTENT)
        elif name == names.ANSWER_EVENT:
            answered.append(_message(values, "assistant"))
        elif name in names.MESSAGE_EVENTS:
            heard.append(_message(values, names.MESSAGE_EVENTS[name]))
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
