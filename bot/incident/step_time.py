"""Where the time of a task goes: each moment counted once, for the innermost step that was under way."""

from collections.abc import Sequence

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
    if len({span.attributes.get(SERVICE) for span in spans}) > 1:
        beneath.update(_by_one_clock(spans))
    spent: dict[str, float] = {}
    for span in spans:
        covered = _covered(span, beneath.get(span.span_id, ()))
        seconds = round((span.end_ns - span.start_ns - covered) / 1e9, 3)
        if seconds > 0:
            name = step_name(span)
            spent[name] = round(spent.get(name, 0.0) + seconds, 3)
    return spent


def _by_one_clock(spans: Sequence[Span]) -> dict[str, list[tuple[int, int]]]:
    """When the steps beneath each step were under way, by that step's clock where another service's is plainly off.

    What another service did does not lie within the step that called it, and would fit: then it is moved until it does,
    all of it by the same, as Jaeger does. What goes on after its parent's end in one service is as it says.
    """
    above = {span.span_id: span for span in spans}
    groups: dict[tuple[str, object], list[tuple[int, int]]] = {}
    for span in spans:
        if span.parent_id in above:
            groups.setdefault((span.parent_id, span.attributes.get(SERVICE)), []).append((span.start_ns, span.end_ns))
    beneath: dict[str, list[tuple[int, int]]] = {}
    for (parent_id, service), group in groups.items():
        parent = above[parent_id]
        here = parent.attributes.get(SERVICE)
        off = _off(parent, group) if service and here and service != here else 0
        beneath.setdefault(parent_id, []).extend((start + off, end + off) for start, end in group)
    return beneath


def _off(parent: Span, steps: Sequence[tuple[int, int]]) -> int:
    """Nanoseconds by which the steps must move to lie within their parent; 0 where they do, or never could."""
    first, last = min(steps)[0], max([end for _, end in steps])
    if last - first > parent.end_ns - parent.start_ns:
        return 0
    return max(0, parent.start_ns - first) or min(0, parent.end_ns - last)


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
