"""Asked again: the same message to a model time and again, and nothing is done about it.

A program that gets no answer it can use says so in the same words each time; so does a person whom nobody helps.
"""

from collections.abc import Sequence

from bot.incident.detectors.task_steps import acts, text_of
from bot.incident.telemetry import Heard, Span, Trace

TIMES = 3  # the same message


def asked_again_in(trace: Trace) -> Sequence[Span]:
    """The model calls of the longest such row, empty where there is none.

    A call of a tool between them ends it. Where a call tells nothing of the turns before it, a message that began the
    task does not count: several calls may be made of one request.
    """
    calls = [span for span in trace.spans if span.tool or (span.model and not span.error)]
    first = next((_unhelped(span) for span in calls if span.model), None)
    longest: Sequence[Span] = ()
    row: list[Span] = []
    said = None
    for span in calls:
        heard = _unhelped(span)
        if heard is None:
            row = []
            continue
        row = [*row, span] if said == heard.digest else [span]
        said = heard.digest
        times = len(row) if heard.alone and heard != first else heard.times
        if times >= max(TIMES, len(longest) + 1):
            longest = row[-times:]
    return longest


def _unhelped(span: Span) -> Heard | None:
    """What the model heard in a call in which it only answered with words."""
    model = span.model
    return None if model is None or model.asked or acts(text_of(span)) else model.heard
