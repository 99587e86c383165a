"""OTLP spans and log records, whatever convention they speak, into our telemetry nouns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.incident.telemetry import EvalScore, GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, ToolCall
from bot.sources import attributes as names
from bot.sources.said import said
from bot.sources.values import PREVIEW, Values, capped, fingerprint, first, number, preview, text, truth, whole, word

MOST_VALUE = 4096  # characters kept of one attribute
MOST_ATTRIBUTES = 128
MOST_NAME = 256  # characters of an attribute's name
LATEST_NS = 2**63 - 1  # what both databases can hold
ERROR_STATUS = 2

_OPERATIONS = {
    "invoke_agent": SpanKind.AGENT,
    "create_agent": SpanKind.AGENT,
    "invoke_workflow": SpanKind.AGENT,
    "plan": SpanKind.AGENT,
    "chat": SpanKind.LLM,
    "generate_content": SpanKind.LLM,
    "text_completion": SpanKind.LLM,
    "execute_tool": SpanKind.TOOL,
    "guardrail": SpanKind.GUARDRAIL,
    "retrieval": SpanKind.RETRIEVAL,
    "embeddings": SpanKind.EMBEDDING,
}
_KINDS = {
    "agent": SpanKind.AGENT,
    "workflow": SpanKind.AGENT,
    "chain": SpanKind.AGENT,
    "llm": SpanKind.LLM,
    "tool": SpanKind.TOOL,
    "guardrail": SpanKind.GUARDRAIL,
    "retriever": SpanKind.RETRIEVAL,
    "reranker": SpanKind.RETRIEVAL,
    "embedding": SpanKind.EMBEDDING,
}
_PASS = frozenset(
    [
        "pass",
        "passed",
        "true",
        "good",
        "correct",
        "yes",
        "ok",
        "success",
        "thumbs_up",
        "thumbsup",
        "up",
        "positive",
        "1",
        "👍",
    ]
)
_FAIL = frozenset(
    [
        "fail",
        "failed",
        "false",
        "bad",
        "incorrect",
        "no",
        "failure",
        "thumbs_down",
        "thumbsdown",
        "down",
        "negative",
        "0",
        "👎",
    ]
)
_EMPTY_RESULT = re.compile(r'\s*(\[\s*\]|\{\s*\}|null|none|""|\{\s*"\w+"\s*:\s*\[\s*\]\s*\})?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event of a span, or a log record, as OTLP has it."""

    name: str
    at_ns: int
    attributes: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A log record: its event, and the span it is about (hex ids, empty where there is none)."""

    event: RawEvent
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class RawSpan:
    """A span as OTLP has it; ids are lower-case hex, ``parent_id`` empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    status: int = 0
    status_message: str = ""
    attributes: Values = field(default_factory=dict)
    resource: Values = field(default_factory=dict)
    events: Sequence[RawEvent] = ()


def span_from(raw: RawSpan) -> Span:
    """One span in our nouns. Attributes it does not know are kept."""
    values = raw.attributes
    kind = kind_of(raw)
    failure = next((event for event in raw.events if event.name == "exception"), None)
    told = {**(failure.attributes if failure else {}), **values}
    error_type = word(told, names.ERROR_TYPE)
    error = raw.status == ERROR_STATUS or first(values, names.ERROR_TYPE) is not None
    return Span(
        trace_id=raw.trace_id,
        span_id=raw.span_id,
        parent_id=raw.parent_id or None,
        kind=kind,
        name=raw.name[:PREVIEW],
        start_ns=raw.start_ns,
        end_ns=max(raw.start_ns, raw.end_ns),
        error=error,
        error_type=error_type if error else None,
        error_message=preview(raw.status_message or text(told, names.ERROR_MESSAGE)) if error else "",
        agent=word(values, names.AGENT),
        tool=tool_of(raw) if kind is SpanKind.TOOL else None,
        model=model_of(raw) if kind is SpanKind.LLM else None,
        guardrail=guardrail_of(raw) if kind is SpanKind.GUARDRAIL else None,
        attributes=kept(raw),
        said=said(values, agent=kind is SpanKind.AGENT) if kind in {SpanKind.LLM, SpanKind.AGENT} else "",
    )


def kind_of(raw: RawSpan) -> SpanKind:
    """What the span is about: by operation, else by its kind attribute, else by what it carries."""
    operation = word(raw.attributes, names.OPERATION)
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    kind = (word(raw.attributes, names.KIND) or "").lower()
    if kind == "chain" and raw.parent_id:  # frameworks wrap every small step in one; only the outermost is the task
        return SpanKind.OTHER
    return _KINDS.get(kind) or _kind_by_content(raw)


def _kind_by_content(raw: RawSpan) -> SpanKind:
    if first(raw.attributes, names.GUARDRAIL) is not None:
        return SpanKind.GUARDRAIL
    if first(raw.attributes, ("gen_ai.tool.name",)) is not None:
        return SpanKind.TOOL
    if first(raw.attributes, names.MODEL_REQUESTED) is not None and raw.parent_id:
        return SpanKind.LLM
    return SpanKind.OTHER


def tool_of(raw: RawSpan) -> ToolCall:
    """The tool call a span carries."""
    values = raw.attributes
    arguments, result = text(values, names.ARGUMENTS), text(values, names.RESULT)
    if result is None and any(values.get(name) == "" for name in names.RESULT):
        result = ""  # it answered, with nothing
    effect = word(values, names.SIDE_EFFECT)
    return ToolCall(
        name=word(values, names.TOOL) or raw.name.removeprefix("execute_tool ").strip() or "unnamed",
        call_id=word(values, names.CALL_ID),
        arguments_hash=fingerprint(arguments),
        result_hash=fingerprint(result),
        arguments_preview=preview(arguments),
        result_preview=preview(result),
        empty_result=result is not None and _EMPTY_RESULT.fullmatch(result[:200]) is not None,
        side_effect=SideEffect(effect) if effect in {"read", "write"} else None,
        privileged=truth(values, names.PRIVILEGED),
        approval_id=word(values, names.APPROVAL),
        destination=word(values, names.DESTINATION),
        manifest_hash=word(values, names.MANIFEST),
        untrusted_content=word(values, names.TRUST) == "untrusted",
    )


def model_of(raw: RawSpan) -> ModelCall:
    """The model call a span carries."""
    values = raw.attributes
    return ModelCall(
        provider=word(values, names.PROVIDER),
        requested=word(values, names.MODEL_REQUESTED),
        answering=word(values, names.MODEL_ANSWERING),
        input_tokens=whole(values, names.INPUT_TOKENS),
        output_tokens=whole(values, names.OUTPUT_TOKENS),
        first_chunk_seconds=number(values, names.FIRST_CHUNK),
        prompt_version=word(values, names.PROMPT_VERSION),
        output_preview=preview(text(values, names.MODEL_OUTPUT)),
    )


def guardrail_of(raw: RawSpan) -> GuardrailCheck:
    """The guardrail verdict a span carries."""
    name = word(raw.attributes, names.GUARDRAIL) or raw.name.removeprefix("guardrail ").strip()
    return GuardrailCheck(name or "unnamed", truth(raw.attributes, names.TRIGGERED))


def kept(raw: RawSpan) -> dict[str, object]:
    """The attributes to store: canonical names for a root, no message bodies, long values cut."""
    found: dict[str, object] = {}
    for name, value in list(raw.attributes.items())[:MOST_ATTRIBUTES]:
        if name in names.BODIES or (name.startswith(names.BODY_PREFIXES) and name not in names.KEPT_DESPITE_PREFIX):
            continue
        found[name[:MOST_NAME]] = capped(value, MOST_VALUE)
    around = {**raw.resource, **raw.attributes}
    # A step whose root is still under way is known by its service alone
    wanted = names.ROOT if not raw.parent_id else {} if first(raw.attributes, names.AGENT) else names.STEP
    for canonical, candidates in wanted.items():
        value = word(around, candidates)
        if value is not None:
            found[canonical] = value
    return found


def scores_of_span(raw: RawSpan) -> list[EvalScore]:
    """Evaluation results that ride on a span as events."""
    around = {**raw.resource, **raw.attributes}
    return [
        score_from(
            RawEvent(event.name, _moment(event, raw), {**_identity(around), **event.attributes}),
            raw.trace_id,
            raw.span_id,
        )
        for event in raw.events
        if event.name == names.EVALUATION_EVENT
    ]


def _moment(event: RawEvent, raw: RawSpan) -> int:
    return event.at_ns if 0 < event.at_ns <= LATEST_NS else raw.end_ns


def _identity(values: Values) -> dict[str, object]:
    wanted = (*names.AGENT, *names.TASK_TYPE, *names.PROBE, *names.SERVICE)
    return {name: values[name] for name in wanted if name in values}


def score_from(event: RawEvent, trace_id: str, span_id: str) -> EvalScore:
    """One evaluation result. Pass or fail follows from the label, else from a score of 0..1."""
    values = event.attributes
    label, value = word(values, names.EVALUATION_LABEL), number(values, names.EVALUATION_VALUE)
    return EvalScore(
        name=word(values, names.EVALUATION_NAME) or "unnamed",
        at_ns=event.at_ns,
        agent=word(values, names.AGENT) or word(values, names.SERVICE),
        value=value,
        label=label,
        passed=verdict(label, value),
        trace_id=trace_id or None,
        span_id=span_id or None,
        task_type=word(values, names.TASK_TYPE),
        probe_id=word(values, names.PROBE),
        explanation=preview(text(values, names.EVALUATION_EXPLANATION)),
    )


def verdict(label: str | None, value: float | None) -> bool | None:
    """Passed, failed, or None where neither label nor value decides."""
    said = (label or "").strip().lower().replace(" ", "_").replace("-", "_")
    if said in _PASS:
        return True
    if said in _FAIL:
        return False
    if value is not None and 0 <= value <= 1:
        return value >= 0.5  # noqa: PLR2004 - the middle of 0..1
    return None
