"""What log records tell of a span's messages, where the span itself does not: a model's answers, and what it was told.

Records come in any order, in several requests, before or after their span, and twice. So what they tell is kept
with its moment and merged: merging is commutative, associative and idempotent, and the order of arrival is gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from bot.incident.telemetry import AskedTool, ModelCall, Span, SpanKind, ToldResult

MOST_RECORDS = 20  # of each sort, of one span
MOST_SAID = 600  # characters of all answers
MOST_PREVIEW = 300

Moment = tuple[int, int]  # nanoseconds since the Unix epoch; which of the records of that nanosecond
Place = tuple[str, str]  # trace id, span id


class Answer(NamedTuple):
    """What a model answered, in one record: its words, redacted and cut, and the tools it asked for."""

    moment: Moment
    words: str
    asked: tuple[AskedTool, ...] = ()


class Told(NamedTuple):
    """The results of tools that one record among a model's input tells."""

    moment: Moment
    results: tuple[ToldResult, ...]


Record = TypeVar("Record", Answer, Told)


@dataclass(frozen=True, slots=True)
class LoggedMessages:
    """The messages of one span. ``turn`` is its model's newest own turn among the input; results before it are old."""

    turn: Moment = (0, 0)
    told: tuple[Told, ...] = ()
    answers: tuple[Answer, ...] = ()


NOTHING = LoggedMessages()
NO_MESSAGES: Mapping[Place, LoggedMessages] = {}


def merged(one: LoggedMessages, other: LoggedMessages) -> LoggedMessages:
    """What both tell together."""
    turn = max(one.turn, other.turn)
    told = [record for record in _in_order((*one.told, *other.told)) if record.moment >= turn]
    return LoggedMessages(
        turn, tuple(told[-MOST_RECORDS:]), tuple(_in_order((*one.answers, *other.answers))[:MOST_RECORDS])
    )


def all_merged(many: Iterable[Mapping[Place, LoggedMessages]]) -> dict[Place, LoggedMessages]:
    """The messages of all spans, told in several parts."""
    found: dict[Place, LoggedMessages] = {}
    for part in many:
        for place, messages in part.items():
            found[place] = merged(found[place], messages) if place in found else messages
    return found


def completed(span: Span, before: LoggedMessages, new: LoggedMessages) -> tuple[Span, LoggedMessages]:
    """The span with what log records tell of it, and all that they told so far that counts.

    ``before`` is what ``span`` was completed with already. What a span says itself goes before what records say.
    """
    own = _without(span, before)
    messages = merged(before, _lacking(own, new))
    return _with(own, messages), messages


def _in_order(records: Iterable[Record]) -> list[Record]:
    return sorted(set(records), key=lambda record: (record.moment, repr(record)))


def _without(span: Span, messages: LoggedMessages) -> Span:
    """The span as it was sent."""
    model = span.model
    if model and messages.answers:
        model = replace(model, asked=(), output_preview="")
    if model and messages.told:
        model = replace(model, told=())
    return replace(span, model=model, said="" if messages.answers else span.said)


def _lacking(own: Span, messages: LoggedMessages) -> LoggedMessages:
    """Of the messages what the span does not say itself; of a step that is neither a model's nor an agent's nothing."""
    model = own.model
    hears = model is not None and not model.told
    speaks = not own.said and (own.kind is SpanKind.AGENT if model is None else not model.asked)
    turn, told = (messages.turn, messages.told) if hears else (NOTHING.turn, ())
    return LoggedMessages(turn, told, messages.answers if speaks else ())


def _with(own: Span, messages: LoggedMessages) -> Span:
    model = own.model
    if model and messages.told:
        told = [result for record in messages.told for result in record.results]
        model = replace(model, told=tuple(told[-MOST_RECORDS:]))
    if not messages.answers:
        return replace(own, model=model)
    if model is None:  # an agent's last word is the new one
        return replace(own, said=messages.answers[-1].words)
    words = "\n".join(dict.fromkeys(answer.words for answer in messages.answers if answer.words))[:MOST_SAID]
    return replace(own, model=_answering(model, messages, words), said=words)


def _answering(model: ModelCall, messages: LoggedMessages, words: str) -> ModelCall:
    asked: dict[tuple[str, str | None, str | None], AskedTool] = {}
    for call in (call for answer in messages.answers for call in answer.asked):
        asked.setdefault((call.name, call.call_id, call.arguments_hash if call.call_id is None else None), call)
    return replace(model, asked=tuple(asked.values())[:MOST_RECORDS], output_preview=words[:MOST_PREVIEW])
