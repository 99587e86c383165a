"""Spans and scores as compact JSON. Written by hand because every look at evidence reads thousands of them.

A span is two lines: what every look needs, and the attributes, which are read only when asked for.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.incident.telemetry import (
    AskedTool,
    EvalScore,
    GuardrailCheck,
    Heard,
    ModelCall,
    SideEffect,
    Span,
    SpanKind,
    ToldResult,
    ToolCall,
)
from bot.storage.compact_json import parsed, written

_KINDS = {kind.value: kind for kind in SpanKind}  # quicker than the enum's own call


class StoredAttributes(Mapping[str, object]):
    """Attributes still in JSON; decoded at the first look."""

    __slots__ = ("_read", "_written")

    def __init__(self, written: str) -> None:
        self._written = written
        self._read: dict[str, object] | None = None

    def _values(self) -> dict[str, object]:
        if self._read is None:
            self._read = parsed(self._written) if self._written else {}
        return self._read

    def __getitem__(self, name: str) -> object:
        return self._values()[name]

    def get(self, name: str, default: object = None) -> object:
        """As of every mapping; without the detour over the exception that most lookups would be."""
        return self._values().get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __repr__(self) -> str:
        return repr(self._values())


def span_to_json(span: Span) -> str:
    """The span without its ids; what is absent or ordinary is left out."""
    body: dict[str, Any] = {"k": span.kind.value, "n": span.name, "s": span.start_ns, "e": span.end_ns}
    _put(body, "p", span.parent_id)
    _put(body, "g", span.agent)
    if span.error:
        body["x"] = [span.error_type, span.error_message]
    if span.tool:
        body["t"] = _tool_out(span.tool)
    if span.model:
        body["m"] = model_to_fields(span.model)
    if span.said:
        body["w"] = span.said
    if span.guardrail:
        body["c"] = [span.guardrail.name, span.guardrail.triggered]
    return written(body) + "\n" + (written(dict(span.attributes)) if span.attributes else "")


def span_from_json(trace_id: str, span_id: str, text: str) -> Span:
    """The span that :func:`span_to_json` wrote."""
    first, _, attributes = text.partition("\n")
    return span_from_body(trace_id, span_id, parsed(first), attributes)


def span_from_body(trace_id: str, span_id: str, body: dict[str, Any], attributes: str) -> Span:
    """The span of which ``body`` is the first line, and ``attributes`` the second, still as text."""
    failed = body.get("x")
    tool, model, check = body.get("t"), body.get("m"), body.get("c")
    return Span(
        trace_id,
        span_id,
        body.get("p"),
        _KINDS[body["k"]],
        body["n"],
        body["s"],
        body["e"],
        failed is not None,
        failed[0] if failed else None,
        failed[1] if failed else "",
        body.get("g"),
        _tool_in(tool) if tool else None,
        _model_in(model) if model else None,
        GuardrailCheck(*check) if check else None,
        StoredAttributes(attributes),
        body.get("w", ""),
    )


NOT_SAID = ",false]"


def score_to_json(score: EvalScore) -> str:
    """Every field of the score in order, the last one only where nobody named the agent: so it ends in :data:`NOT_SAID`."""
    fields = [
        score.name,
        score.at_ns,
        score.agent,
        score.value,
        score.label,
        score.passed,
        score.trace_id,
        score.span_id,
        score.task_type,
        score.probe_id,
        score.explanation,
    ]
    return written(fields if score.agent_said else [*fields, False])


def score_from_json(text: str) -> EvalScore:
    """The score that :func:`score_to_json` wrote."""
    return EvalScore(*parsed(text))


def _put(body: dict[str, Any], key: str, value: object) -> None:
    if value is not None:
        body[key] = value


def _tool_out(tool: ToolCall) -> list[object]:
    effect = tool.side_effect.value if tool.side_effect else None
    return [
        tool.name,
        tool.call_id,
        tool.arguments_hash,
        tool.result_hash,
        tool.arguments_preview,
        tool.result_preview,
        tool.empty_result,
        effect,
        tool.privileged,
        tool.approval_id,
        tool.destination,
        tool.manifest_hash,
        tool.untrusted_content,
        tool.version,
    ]


def _tool_in(fields: list[Any]) -> ToolCall:
    before, effect, after = fields[:7], fields[7], fields[8:]
    whole = [*before, SideEffect(effect) if effect else None, *after]
    return ToolCall(*whole)


def _model_in(fields: list[Any]) -> ModelCall:
    talk = [tuple([kind(*item) for item in items]) for kind, items in zip(_TOLD, fields[ASKED:RESPONSE], strict=False)]
    # fewer of them where an earlier version stored it
    heard = [Heard(*told) if told else None for told in fields[HEARD:]]
    return ModelCall(*fields[:ASKED], *talk, *fields[RESPONSE:HEARD], *heard)


_TOLD = (AskedTool, ToldResult)
ASKED = 12  # where the calls that a model asked for stand among its fields
RESPONSE = 14  # where the answer's id does, and after it who tells of the call
HEARD = 16


def model_to_fields(model: ModelCall) -> list[object]:
    """A model's call as it stands in a span's JSON."""
    return [
        model.provider,
        model.requested,
        model.answering,
        model.input_tokens,
        model.output_tokens,
        model.first_chunk_seconds,
        model.prompt_version,
        model.output_preview,
        model.prompt_name,
        model.cached_tokens,
        model.reasoning_tokens,
        model.cost,
        model.asked,
        model.told,
        model.response_id,
        model.instrumentation,
        model.heard,
    ]
