"""From a vendor's spans and verdicts to what a source hands on: whose traces they are, each verdict once, clean text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import TypeVar

from bot.incident.assembly import assemble
from bot.incident.errors import Unavailable
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.ports import SourceAsk
from bot.sources.vendor_pages import scores_in_time

FIRST_RUN = 10
QUICK, SLOW = 0.25, 0.7  # seconds
T = TypeVar("T")


def traces_of_agent(spans: Iterable[Span], ask: SourceAsk) -> tuple[Trace, ...]:
    """The asked agent's traces that start in the asked time, in order of start, under its name in the catalogue.

    In a project of its own every trace is the agent's; elsewhere those that name it, by any of its names.
    """
    grouped: dict[str, list[Span]] = {}
    for span in spans:
        grouped.setdefault(span.trace_id, []).append(span)
    traces = sorted((assemble(steps) for steps in grouped.values()), key=lambda trace: (trace.start_ns, trace.id))
    return tuple(
        replace(trace, agent=ask.agent)
        for trace in traces
        if ask.start_ns <= trace.start_ns < ask.end_ns and (ask.project is not None or trace.agent in ask.names)
    )[-ask.most_traces :]


def scores_of_agent(
    annotated: Iterable[EvalScore], told: Iterable[EvalScore], traces: Sequence[Trace], ask: SourceAsk
) -> tuple[EvalScore, ...]:
    """The verdicts on these traces: those the vendor keeps, and those that spans tell beside them.

    Many evaluators write their verdict both on the span and into the vendor's own list. It counts once.
    """
    ours = {trace.id for trace in traces}
    kept = [score for score in annotated if score.trace_id in ours]
    known = {(score.name, score.trace_id, span) for score in kept for span in (score.span_id, _root_of(score, traces))}
    only_told = [s for s in told if s.trace_id in ours and (s.name, s.trace_id, s.span_id) not in known]
    return scores_in_time((score._replace(agent=ask.agent) for score in (*kept, *only_told)), ask)


def _root_of(score: EvalScore, traces: Sequence[Trace]) -> str | None:
    """A verdict on a trace is the verdict on its root span."""
    if score.span_id is not None:
        return score.span_id
    trace = next((trace for trace in traces if trace.id == score.trace_id), None)
    return next((span.span_id for span in trace.spans if span.parent_id is None), None) if trace else None


def paced(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """The items in runs of at most ``most``, longer after a run that was dealt with quickly, shorter after a slow one.

    Nobody knows how large a vendor's traces are; small runs first leave something to show when they are large.
    """
    size, at = min(FIRST_RUN, most), 0
    while at < len(items):
        began = monotonic()
        yield items[at : at + size]
        at += size
        took = monotonic() - began
        if took < QUICK:
            size = min(most, 2 * size)
        elif took > SLOW:
            size = max(1, size // 2)


def because(failure: Unavailable) -> str:
    """The end of a sentence that says why something is missing."""
    return str(failure).rstrip(".")


def clean(value: object) -> object:
    """A JSON value without NUL and half surrogate pairs, which no database of ours can hold."""
    if isinstance(value, str):
        if value.isascii():
            return value.replace("\0", "")
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {str(clean(name)): clean(item) for name, item in value.items()}
    return value
