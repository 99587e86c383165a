"""What log records told of a span, as compact JSON; in a span's own JSON it is what the span was completed with."""

from typing import Any

from bot.incident.logged_messages import NOTHING, Answer, LoggedMessages, Moment, Told, completed
from bot.incident.telemetry import AskedTool, ToldResult
from bot.storage.compact_json import parsed, written
from bot.storage.span_json import model_to_fields, span_from_body

LOGGED = "l"  # the key in a span's JSON


def messages_to_json(messages: LoggedMessages) -> str:
    """Every field in order."""
    return written(_fields(messages))


def messages_from_json(text: str) -> LoggedMessages:
    """The messages that :func:`messages_to_json` wrote."""
    return _messages(parsed(text))


def completed_json(trace_id: str, span_id: str, text: str, told: LoggedMessages) -> str:
    """The JSON of a span that log records tell more of; the same text where that changes nothing."""
    first, _, attributes = text.partition("\n")
    body = parsed(first)
    before = _messages(body[LOGGED]) if LOGGED in body else NOTHING
    span, messages = completed(span_from_body(trace_id, span_id, body, attributes), before, told)
    if messages == before:
        return text
    body |= {"w": span.said, LOGGED: _fields(messages)}
    if span.model:
        body["m"] = model_to_fields(span.model)
    return f"{written(body)}\n{attributes}"


def _fields(messages: LoggedMessages) -> list[object]:
    return [messages.turn, messages.told, messages.answers]


def _messages(fields: list[Any]) -> LoggedMessages:
    turn, told, answers = fields
    return LoggedMessages(
        _moment(turn),
        tuple(Told(_moment(at), tuple(ToldResult(*result) for result in results)) for at, results in told),
        tuple(Answer(_moment(at), words, tuple(AskedTool(*call) for call in asked)) for at, words, asked in answers),
    )


def _moment(fields: list[int]) -> Moment:
    at_ns, place = fields
    return at_ns, place
