"""Where the time of a task goes: each moment counted once, for the innermost step that was under way."""

from collections.abc import Sequence
from dataclasses import replace

from bot.incident.telemetry import Span, SpanKind
from bot.incident.tool_use import OF_TOOL

SERVICE = "service.name"


def exclusive_seconds(spans: Sequence[Span]) -> dict[str, float]:
    """Seconds by kind of step, each moment counted once: for the innermost step that was under way.

    Steps are called "model gpt-4o", "tool search", "agent" and so on.
    """
    beneath: dict[str, list[tuple[int, int]]] = {}
    for span in spans:
        if span.parent_id:
            beneath.setdefault(span.parent_id, []).append((span.start_ns, span.end_ns))
    apart = _by_other_clocks(spans) if len({span.attributes.get(SERVICE) for span in spans}) > 1 else {}
    spent: dict[str, float] = {}
    for span in spans:
        covered = _covered(span, beneath.get(span.span_id, ())) + apart.get(span.span_id, 0)
        seconds = round((span.end_ns - span.start_ns - covered) / 1e9, 3)
        if seconds > 0:
            name = step_name(span)
            spent[name] = round(spent.get(name, 0.0) + seconds, 3)
    return spent


def _by_other_clocks(spans: Sequence[Span]) -> dict[str, int]:
    """Nanoseconds that each step waited for another service whose clock is plainly off, beyond those that seem to lie within it.

    What that service did does not lie within the step that called it, and would fit: so it was there, one after the other
    with what is beneath the step by its own clock. What goes on after its parent's end in one service is as it says.
    """
    above = {span.span_id: span for span in spans}
    groups: dict[tuple[str, object], list[tuple[int, int]]] = {}
    for span in spans:
        if span.parent_id in above:
            groups.setdefault((span.parent_id, span.attributes.get(SERVICE)), []).append((span.start_ns, span.end_ns))
    found: dict[str, int] = {}
    for (parent_id, service), group in groups.items():
        parent = above[parent_id]
        here = parent.attributes.get(SERVICE)
        if service and here and service != here and _is_off(parent, group):
            whole = replace(parent, start_ns=min(group)[0], end_ns=max([end for _, end in group]))
            found[parent_id] = found.get(parent_id, 0) + _covered(whole, group) - _covered(parent, group)
    return found


def _is_off(parent: Span, steps: Sequence[tuple[int, int]]) -> bool:
    """They do not lie within their parent, and would fit."""
    first, last = min(steps)[0], max([end for _, end in steps])
    fits = last - first <= parent.end_ns - parent.start_ns
    return fits and (first < parent.start_ns or last > parent.end_ns)


def _covered(span: Span, children: Sequence[tuple[int, int]]) -> int:
    """Nanoseconds of the span in which at least one child was under way."""
    total, until = 0, span.start_ns
    for start, end in sorted(children):
        start, end = max(start, until), min(end, span.end_ns)  # noqa: PLW2901 - clipped to what is not counted yet
        if end > start:
            total += end - start
            until = end
    return total


def step_name(span: Span) -> str:
    """What the step is called in tables: its kind and what it calls."""
    if span.tool:
        return f"{OF_TOOL}{span.tool.name}"
    if span.model:
        return f"model {span.model.requested or span.model.answering or ''}".rstrip()
    if span.guardrail:
        return f"guardrail {span.guardrail.name}"
    return "agent" if span.kind is SpanKind.AGENT else span.kind.value if span.kind is not SpanKind.OTHER else span.name
