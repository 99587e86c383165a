"""Asked again: the same message to a model time and again, and nothing is done about it.

A program that gets no answer it can use says so in the same words each time; so does a person whom nobody helps.
"""

from collections.abc import Sequence

from bot.incident.detectors.task_steps import text_of
from bot.incident.detectors.written_actions import acts
from bot.incident.telemetry import Span, Trace

TIMES = 3  # the same message


def asked_again_in(trace: Trace) -> Sequence[Span]:
    """The model calls of the longest such row, at least two of them; empty where there is none.

    A call of a tool ends all rows; the message that it was made for was heard once more. Where a call tells of the turns
    before it, they are counted; other calls may stand between. Where it does not, it must be seen to go on from the call
    before it: several calls may be made of one request.
    """
    rows: list[list[Span]] = []
    told: dict[str, list[Span]] = {}  # by what was heard: the newest row of calls that count the turns before them
    row: list[Span] = []  # the newest of calls that do not
    sure = False  # it was seen that a call tells only what is new
    recorded = any(
        span.model and (span.model.asked or text_of(span)) for span in trace.spans
    )  # else any may have acted
    for span in trace.spans:
        if span.tool is not None:
            told, row = {}, []
        if span.model is None or span.error:
            continue
        heard = span.model.heard
        sure = sure or (heard is not None and not heard.digest)
        if heard is None or not heard.times:
            row = []
            continue
        acting = not _only_answers(span)
        if heard.framed or not heard.alone:
            before = told.get(heard.digest)
            if before is not None and heard.times > _times(before[-1]):
                before.append(span)
            elif not acting and (before is None or heard.times < _times(before[-1])):
                told[heard.digest] = [span]
                rows.append(told[heard.digest])
        elif recorded and row and _follows(row[-1], span, heard.digest, sure=sure):
            row.append(span)
            row = [] if acting else row
        else:
            row = [] if acting else [span]
            rows.append(row)
    return max((row for row in rows if len(row) > 1 and max(len(row), _times(row[-1])) >= TIMES), key=len, default=())


def _only_answers(span: Span) -> bool:
    return span.model is not None and not span.model.asked and not acts(text_of(span))


def _times(span: Span) -> int:
    return span.model.heard.times if span.model and span.model.heard else 0


def _follows(before: Span, span: Span, digest: str, *, sure: bool) -> bool:
    """The same was said in the same conversation: the model had more to read than before, or its calls are known to go on."""
    one, other = before.model, span.model
    if one is None or other is None or one.heard is None or one.heard.digest != digest:
        return False
    if one.requested != other.requested or span.start_ns < before.end_ns:
        return False
    if one.input_tokens is None or other.input_tokens is None:
        return sure
    return one.input_tokens < other.input_tokens
