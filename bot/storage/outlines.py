"""Stored rows as outlines. A list of tasks hands on thousands of steps: making nouns of them all would take most of the time.

What comes out is what :func:`bot.incident.outline.outline` makes of the nouns; a test holds the two together.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from bot.incident.outline import MODEL_FIELDS, TOOL_FIELDS, Outline, Plain, moment, outline
from bot.incident.telemetry import EvalScore, ModelCall, SpanKind, ToolCall
from bot.incident.verdicts import verdicts_on
from bot.storage.compact_json import parsed
from bot.storage.head_json import Head
from bot.storage.span_json import score_from_json
from bot.storage.telemetry_rows import traces_of

Body = dict[str, Any]
Step = tuple[str, Body]  # id; the first line of the span

_AGENT = SpanKind.AGENT.value


def needs_spans(head: Head | None, *, steps: bool) -> bool:
    """The row of a trace does not tell all that its outline says."""
    return steps or head is None


def outlines_of(
    heads: Mapping[str, Head | None],
    rows: Sequence[Any],
    judged: Sequence[Any],
    names: Collection[str] = (),
    *,
    steps: bool,
) -> Iterator[Outline]:
    """Outlines of these traces from rows of spans (trace id, span id, start, JSON) and of scores (trace id, JSON, agent).

    ``rows`` are those of traces that need them (:func:`needs_spans`, and where a score has none of the agents' ``names``).
    A trace that needs them and has none is left out. One comes after the other: what is read of a trace is gone before the next.
    """
    spans, verdicts = _by_trace(rows), _by_trace(judged)
    for trace_id, head in heads.items():
        recorded = spans.get(trace_id, ())
        if not recorded and needs_spans(head, steps=steps):
            continue
        scores = [score_from_json(row[1]) for row in verdicts.get(trace_id, ())]
        if head is None or (steps and not head.as_recorded):
            (trace,) = traces_of(recorded)
            yield outline(trace, scores, steps=steps, names=names)
        else:
            verdicts_here = _verdicts_on(head.trace.agent, names, recorded, scores) if scores else ()
            yield Outline(head.trace, verdicts_here, [_plain(*step) for step in _in_order(recorded)] if steps else None)


def _by_trace(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _verdicts_on(
    agent: str, names: Collection[str], recorded: Sequence[Any], scores: Sequence[EvalScore]
) -> tuple[EvalScore, ...]:
    """As :func:`bot.incident.outline.judged`; the steps are read for it only where a score names somebody else."""
    taking_part = {agent, *names}
    if any(score.agent not in taking_part for score in scores):
        bodies = (parsed(row[3].partition("\n")[0]) for row in recorded)
        taking_part |= {body["g"] for body in bodies if "g" in body}
    return verdicts_on(agent, taking_part, scores)


def _in_order(recorded: Sequence[Any]) -> list[Step]:
    return sorted([(row[1], parsed(row[3].partition("\n")[0])) for row in recorded], key=_order)


def _order(step: Step) -> tuple[int, bool, int, str]:
    """As :func:`bot.incident.told_once.step_order`."""
    span_id, body = step
    return body["s"], "p" in body, -body["e"] if body["k"] == _AGENT else 0, span_id


def _plain(span_id: str, body: Body) -> Plain:
    """As :func:`bot.incident.outline.plain_step`."""
    known = body.get
    failed, tool, model, check = known("x"), known("t"), known("m"), known("c")
    start_ns = body["s"]
    return {
        "span_id": span_id,
        "parent_id": known("p"),
        "kind": body["k"],
        "name": body["n"],
        "start": moment(start_ns),
        "seconds": max(0, body["e"] - start_ns) / 1e9,
        "error": failed is not None,
        "error_type": failed[0] if failed else None,
        "error_message": failed[1] if failed else "",
        "tool": _named(TOOL_FIELDS, tool, _TOOL) if tool else None,
        "model": _named(MODEL_FIELDS, model, _MODEL) if model else None,
        "guardrail": {"name": check[0], "triggered": check[1]} if check else None,
        "inferred": False,
    }


def _named(names: tuple[str, ...], values: list[Any], ordinary: tuple[Any, ...]) -> Plain:
    """Values by their names; what an earlier version did not store yet is as it is by default."""
    if len(values) < len(names):
        values = [*values, *ordinary[len(values) :]]
    return dict(zip(names, values, strict=False))


_TOOL = tuple(field.default for field in fields(ToolCall))
_MODEL = tuple(field.default for field in fields(ModelCall))
