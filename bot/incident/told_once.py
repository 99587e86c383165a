"""A call of a model or a tool is one call, however many libraries tell of it.

A framework and the client beneath it both record the call: mostly one within the other, but some instrumentations
do not make their span the current one, and then the client's stands beside it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TypeVar

from bot.incident.telemetry import ModelCall, Span, SpanKind, ToolCall

MOST_BESIDE = 20  # calls before a call, by their start, that may be the same one
MOSTLY = 0.9  # of the shorter call lies within the longer one

Call = TypeVar("Call", ModelCall, ToolCall)
Pair = tuple[str, str]  # span ids of the outer and of the inner, which tells of the same call


def step_order(span: Span) -> tuple[int, bool, int, str]:
    """The order of a trace's steps: by start, and of those that start together a root first, then agents.

    An agent often starts in the same instant as its first call. The longer of two agents is the outer one.
    """
    outer = -span.end_ns if span.kind is SpanKind.AGENT else 0
    return span.start_ns, span.parent_id is not None, outer, span.span_id


def told_once(spans: Sequence[Span]) -> Sequence[Span]:
    """The spans, each call on one of them.

    A model call right within a model call, or a tool's call within one of the same tool, is the outer one; so is a
    model call beside another if :func:`_beside` says so. What the outer does not know is taken from the inner, which
    stays as a step of no kind.
    """
    by_id = {span.span_id: span for span in spans if span.model or span.tool}
    nested = [
        (span.parent_id, span.span_id)
        for span in by_id.values()
        if span.parent_id in by_id and _same_call(by_id[span.parent_id], span)
    ]
    spans = _folded(spans, nested) if nested else spans
    calls = [span for span in spans if span.model]
    if not told_by_several(
        (call.model.response_id, call.model.instrumentation, call.error) for call in calls if call.model
    ):
        return spans
    return _folded(spans, _beside(calls))


def _folded(spans: Sequence[Span], pairs: Sequence[Pair]) -> Sequence[Span]:
    found = {span.span_id: span for span in spans}
    innermost_first = sorted(pairs, key=lambda pair: step_order(found[pair[1]]), reverse=True)
    for outer_id, inner_id in innermost_first:
        outer, inner = found[outer_id], found[inner_id]
        found[outer_id] = replace(
            outer,
            model=_filled(outer.model, inner.model),
            tool=_filled(outer.tool, inner.tool),
            said=outer.said or inner.said,
            error_type=outer.error_type or (inner.error_type if outer.error else None),
            error_message=outer.error_message or (inner.error_message if outer.error else ""),
        )
        found[inner_id] = replace(inner, kind=SpanKind.OTHER, model=None, tool=None, said="")
    return list(found.values())


def _same_call(outer: Span, inner: Span) -> bool:
    if inner.span_id in {outer.span_id, outer.parent_id}:  # no span is within itself, whatever it says
        return False
    if inner.tool and outer.tool:
        arguments = {inner.tool.arguments_hash, outer.tool.arguments_hash} - {None}
        return inner.tool.name == outer.tool.name and len(arguments) < 2  # noqa: PLR2004 - two are two calls
    return inner.model is not None and outer.model is not None and _same_model_call(outer.model, inner.model)


def _same_model_call(outer: ModelCall, inner: ModelCall) -> bool:
    """They name one model, or spent the same; a guard's call within the one it guards does neither."""
    mine, its = _names(outer), _names(inner)
    if not mine or not its or any(one in other or other in one for one in mine for other in its):
        return True
    spent = (outer.input_tokens, outer.output_tokens)
    return None not in spent and spent == (inner.input_tokens, inner.output_tokens)


def _names(call: ModelCall) -> set[str]:
    return {name for name in (call.requested, call.answering) if name}


def told_by_several(calls: Iterable[tuple[str | None, str | None, bool]]) -> bool:
    """Whether two libraries tell of one answer, or of failures; ``calls`` are (response id, library, failed)."""
    known: dict[str | bool, str] = {}
    for response_id, library, failed in calls:
        sign = response_id or failed
        if sign and library and known.setdefault(sign, library) != library:
            return True
    return False


def _beside(calls: Iterable[Span]) -> list[Pair]:
    """Which model calls are the same one, told by another library; the outer is the one that began first.

    They ran at the same time, and their answer has one id of the provider's. A failed call has none: there both
    failed below the same step, on the same model. A call that could be either of two of one library's stays a call of
    its own, as do all calls of one library, and those of which one follows the other.
    """
    by_sign: dict[tuple[str | None, str | None], list[Span]] = {}
    for call in sorted(calls, key=lambda call: (call.start_ns, -call.end_ns, call.span_id)):
        if call.model and call.model.instrumentation and (call.model.response_id or call.error):
            sign = call.model.response_id, None if call.model.response_id else call.parent_id
            by_sign.setdefault(sign, []).append(call)
    pairs = [pair for alike in by_sign.values() for pair in _at_once(alike)]
    choices = Counter(choice for outer, inner in pairs for choice in (_choice(outer, inner), _choice(inner, outer)))
    return [
        (outer.span_id, inner.span_id)
        for outer, inner in pairs
        if choices[_choice(outer, inner)] == choices[_choice(inner, outer)] == 1
    ]


def _choice(call: Span, other: Span) -> tuple[str, str | None]:
    return call.span_id, other.model.instrumentation if other.model else None


def _at_once(alike: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """Of calls in order those that ran at the same time as one before them, which another library tells."""
    for place, inner in enumerate(alike):
        for outer in alike[max(0, place - MOST_BESIDE) : place]:
            shared = min(outer.end_ns, inner.end_ns) - inner.start_ns
            shorter = min(outer.end_ns - outer.start_ns, inner.end_ns - inner.start_ns)
            if shared >= MOSTLY * shorter and _told_by_two(outer.model, inner.model):
                yield outer, inner


def _told_by_two(outer: ModelCall | None, inner: ModelCall | None) -> bool:
    if outer is None or inner is None or outer.instrumentation == inner.instrumentation:
        return False
    named = outer.response_id is not None or (outer.requested is not None and inner.requested is not None)
    return named and _same_model_call(outer, inner)


def _filled(outer: Call | None, inner: Call | None) -> Call | None:
    """The outer call, with the inner's word where it has none of its own."""
    if outer is None or inner is None:
        return outer
    missing = {at.name: getattr(inner, at.name) for at in fields(outer) if getattr(outer, at.name) in {None, "", ()}}
    return replace(outer, **missing)
