"""Stored rows as outlines. A list of tasks hands on thousands of steps: making nouns of them all would take most of the time.

What comes out is what :func:`bot.incident.outline.outline` makes of the nouns; a test holds the two together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from bot.incident.assembly import ENVIRONMENT, SESSION, assemble, headed
from bot.incident.inferred_calls import recorded_as
from bot.incident.outline import MODEL_FIELDS, TOOL_FIELDS, Outline, Plain, moment, outline
from bot.incident.telemetry import EvalScore, ModelCall, Span, SpanKind, ToolCall
from bot.incident.told_once import told_by_several
from bot.storage.compact_json import parsed
from bot.storage.span_json import ASKED, HEARD, RESPONSE, score_from_json, span_from_body

Body = dict[str, Any]
Step = tuple[int, bool, str, Body, str]  # start, has a parent, id; the span's two lines

_OF_ANY_STEP = (f'"{SESSION}"', f'"{ENVIRONMENT}"')
_AGENT = SpanKind.AGENT.value


def outlines_of(
    trace_ids: Sequence[str], rows: Sequence[Any], judged: Sequence[Any], *, steps: bool
) -> Iterator[Outline]:
    """Outlines of these traces from rows of spans (trace id, span id, start, JSON) and of scores (trace id, JSON).

    One after the other: what is read of a trace is gone before the next.
    """
    spans = _by_trace(rows)
    scores = _by_trace(judged)
    for trace_id in trace_ids:
        if trace_id in spans:
            given = [score_from_json(body) for _, body in scores.get(trace_id, ())]
            yield _outline(trace_id, sorted(map(_step, spans[trace_id]), key=_order), given, steps=steps)


def _by_trace(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _step(row: Sequence[Any]) -> Step:
    _, span_id, start_ns, text = row
    first, _, attributes = text.partition("\n")
    body = parsed(first)
    return start_ns, "p" in body, span_id, body, attributes


def _order(step: Step) -> tuple[int, bool, int, str]:
    """As :func:`bot.incident.told_once.step_order`."""
    start_ns, has_parent, span_id, body, _ = step
    return start_ns, has_parent, -body["e"] if body["k"] == _AGENT else 0, span_id


def _outline(trace_id: str, stored: Sequence[Step], given: Sequence[EvalScore], *, steps: bool) -> Outline:
    spans = StoredSpans(trace_id, stored)
    scores = tuple(sorted(given, key=lambda score: score.at_ns))
    roots = [place for place, step in enumerate(stored) if not step[1]]
    root = next((place for place in roots if stored[place][3]["k"] == _AGENT), roots[0] if roots else None)
    if root is None or _lacks_calls([body for _, _, _, body, _ in stored]) or _says_more(stored, root):
        return outline(assemble(tuple(spans)), scores, steps=steps)
    head = headed(spans.at(root), spans, max([step[3]["e"] for step in stored]))
    return Outline(head, scores, [_plain(span_id, body) for _, _, span_id, body, _ in stored] if steps else None)


def _lacks_calls(bodies: Sequence[Body]) -> bool:
    """A model asked for a tool call that no span records."""
    asked = [call for body in bodies if "m" in body for call in _asked(body["m"])]
    if not asked:
        return False
    recorded = recorded_as((body["t"][0], body["t"][1]) for body in bodies if "t" in body)
    return any(name not in recorded and call_id not in recorded for name, call_id, *_ in asked)


def _says_more(stored: Sequence[Step], root: int) -> bool:
    """Steps may say what the root does not: a call told twice, an agent below it that failed, conversation, environment."""
    calls = {span_id for _, _, span_id, body, _ in stored if "m" in body or "t" in body}
    if any(body.get("p") in calls for _, _, _, body, _ in stored):
        return True
    models = [(body["m"], "x" in body) for _, _, _, body, _ in stored if "m" in body]
    if told_by_several((*model[RESPONSE:HEARD], failed) for model, failed in models if len(model) > RESPONSE):
        return True
    if any(body["k"] == _AGENT and "x" in body for _, _, _, body, _ in stored) and "x" not in stored[root][3]:
        return True
    said = stored[root][4]
    unsaid = [name for name in _OF_ANY_STEP if name not in said or f'{name}:""' in said]
    return any(name in attributes for name in unsaid for *_, attributes in stored)


def _asked(model: Sequence[Any]) -> Sequence[Sequence[Any]]:
    return model[ASKED] if len(model) > ASKED else ()


class StoredSpans:
    """The spans of a trace, still as JSON; each is made a noun at the first look."""

    __slots__ = ("_made", "_steps", "_trace_id")

    def __init__(self, trace_id: str, steps: Sequence[Step]) -> None:
        self._trace_id, self._steps = trace_id, steps
        self._made: dict[int, Span] = {}

    def __iter__(self) -> Iterator[Span]:
        return (self.at(place) for place in range(len(self._steps)))

    def at(self, place: int) -> Span:
        """The span at that place in order."""
        if place not in self._made:
            _, _, span_id, body, attributes = self._steps[place]
            self._made[place] = span_from_body(self._trace_id, span_id, body, attributes)
        return self._made[place]


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
