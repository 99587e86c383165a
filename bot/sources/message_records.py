"""Messages that came as log records: what one of them tells of the span whose ids it carries."""

from collections.abc import Mapping

from bot.incident.logged_messages import Answer, LoggedMessages, Told
from bot.incident.telemetry import SpanKind
from bot.sources import attributes as names
from bot.sources.asked_tools import asked_in, told_in
from bot.sources.input_messages import input_messages
from bot.sources.messages import ANSWER_EVENT, EVENT_CONTENT, MESSAGE_EVENTS, WHOLE_MESSAGES, messages_in
from bot.sources.raw_spans import RawRecord
from bot.sources.redaction import Redaction
from bot.sources.said import output_of, words_of
from bot.sources.values import Values

MESSAGES = frozenset({*MESSAGE_EVENTS, ANSWER_EVENT, *WHOLE_MESSAGES})  # names of such records
_OWN_TURN = next(name for name, role in MESSAGE_EVENTS.items() if role == "assistant")


def messages_of(record: RawRecord, place: int, redaction: Redaction) -> LoggedMessages:
    """What one record of such a name tells, redacted and cut as of a span; ``place``: among those of its nanosecond."""
    event = record.event
    values = messages_in([(event.name, _values(record))], SpanKind.LLM)
    moment = event.at_ns, place
    results = told_in(input_messages(values), redaction)
    answers: tuple[Answer, ...] = ()
    if not values.keys().isdisjoint(names.MODEL_OUTPUT):
        output = output_of(values)
        answer = Answer(moment, words_of(output, redaction), asked_in(output, values, redaction))
        answers = (answer,) if answer.words or answer.asked else ()
    whole = event.name in WHOLE_MESSAGES and not values.keys().isdisjoint(names.MODEL_INPUT)
    turn = moment if whole or event.name == _OWN_TURN else (0, 0)
    return LoggedMessages(turn, (Told(moment, results),) if results else (), answers)


def _values(record: RawRecord) -> Values:
    """The record's attributes, with what its body says among them."""
    values, body = record.event.attributes, record.body
    if record.event.name not in WHOLE_MESSAGES:
        return {**values, EVENT_CONTENT: body} if body else values
    return {**body, **values} if isinstance(body, Mapping) else values
