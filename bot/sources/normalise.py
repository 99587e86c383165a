"""OTLP spans and log records, whatever convention they speak, into our telemetry nouns."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from bot.incident.telemetry import EvalScore, GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, ToolCall
from bot.sources import attributes as names

PREVIEW = 300  # characters
MOST_VALUE = 4096  # characters kept of one attribute
MOST_ATTRIBUTES = 128
ERROR_STATUS = 2

Values = Mapping[str, object]

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
_PASS = frozenset({"pass", "passed", "true", "good", "correct", "yes", "ok", "success", "thumbs_up", "positive", "1"})
_FAIL = frozenset({"fail", "failed", "false", "bad", "incorrect", "no", "failure", "thumbs_down", "negative", "0"})
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


def first(values: Values, candidates: Sequence[str]) -> object | None:
    """The first of the candidates that is present and not empty."""
    return next((values[name] for name in candidates if values.get(name) not in {None, ""}), None)


def text(values: Values, candidates: Sequence[str]) -> str | None:
    """As :func:`first`, as text."""
    found = first(values, candidates)
    return None if found is None else found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def number(values: Values, candidates: Sequence[str]) -> float | None:
    """As :func:`first`, as a number; None where it is none."""
    found = first(values, candidates)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def whole(values: Values, candidates: Sequence[str]) -> int | None:
    """As :func:`number`, as a whole number."""
    found = number(values, candidates)
    return None if found is None else int(found)


def truth(values: Values, candidates: Sequence[str]) -> bool:
    """As :func:`first`, as yes or no; absent is no."""
    found = first(values, candidates)
    return found is True or (isinstance(found, str) and found.lower() == "true")


def fingerprint(content: str | None) -> str | None:
    """First 16 hex digits of the SHA-256 of the canonical JSON, or of the raw text where it is none."""
    if content is None:
        return None
    try:
        canonical = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        canonical = content
    return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def preview(content: str | None) -> str:
    """The beginning of a text, at most 300 characters."""
    if not content:
        return ""
    return content if len(content) <= PREVIEW else content[: PREVIEW - 1] + "…"


def span_from(raw: RawSpan) -> Span:
    """One span in our nouns. Attributes it does not know are kept."""
    values = raw.attributes
    kind = kind_of(raw)
    failure = next((event for event in raw.events if event.name == "exception"), None)
    told = {**(failure.attributes if failure else {}), **values}
    error_type = text(told, names.ERROR_TYPE)
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
        agent=text(values, names.AGENT),
        tool=tool_of(raw) if kind is SpanKind.TOOL else None,
        model=model_of(raw) if kind is SpanKind.LLM else None,
        guardrail=guardrail_of(raw) if kind is SpanKind.GUARDRAIL else None,
        attributes=kept(raw),
    )


def kind_of(raw: RawSpan) -> SpanKind:
    """What the span is about: by operation, else by its kind attribute, else by what it carries."""
    operation = text(raw.attributes, names.OPERATION)
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    kind = (text(raw.attributes, names.KIND) or "").lower()
    if kind in _KINDS:
        return _KINDS[kind]
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
    effect = text(values, names.SIDE_EFFECT)
    return ToolCall(
        name=text(values, names.TOOL) or raw.name.removeprefix("execute_tool ").strip() or "unnamed",
        call_id=text(values, names.CALL_ID),
        arguments_hash=fingerprint(arguments),
        result_hash=fingerprint(result),
        arguments_preview=preview(arguments),
        result_preview=preview(result),
        empty_result=result is not None and _EMPTY_RESULT.fullmatch(result[:200]) is not None,
        side_effect=SideEffect(effect) if effect in {"read", "write"} else None,
        privileged=truth(values, names.PRIVILEGED),
        approval_id=text(values, names.APPROVAL),
        destination=text(values, names.DESTINATION),
        manifest_hash=text(values, names.MANIFEST),
        untrusted_content=text(values, names.TRUST) == "untrusted",
    )


def model_of(raw: RawSpan) -> ModelCall:
    """The model call a span carries."""
    values = raw.attributes
    return ModelCall(
        provider=text(values, names.PROVIDER),
        requested=text(values, names.MODEL_REQUESTED),
        answering=text(values, names.MODEL_ANSWERING),
        input_tokens=whole(values, names.INPUT_TOKENS),
        output_tokens=whole(values, names.OUTPUT_TOKENS),
        first_chunk_seconds=number(values, names.FIRST_CHUNK),
        prompt_version=text(values, names.PROMPT_VERSION),
        output_preview=preview(text(values, names.MODEL_OUTPUT)),
    )


def guardrail_of(raw: RawSpan) -> GuardrailCheck:
    """The guardrail verdict a span carries."""
    name = text(raw.attributes, names.GUARDRAIL) or raw.name.removeprefix("guardrail ").strip()
    return GuardrailCheck(name or "unnamed", truth(raw.attributes, names.TRIGGERED))


def kept(raw: RawSpan) -> dict[str, object]:
    """The attributes to store: canonical names for a root, no message bodies, long values cut."""
    found: dict[str, object] = {}
    for name, value in list(raw.attributes.items())[:MOST_ATTRIBUTES]:
        if name in names.BODIES or (name.startswith(names.BODY_PREFIXES) and name not in names.KEPT_DESPITE_PREFIX):
            continue
        found[name] = value[:MOST_VALUE] if isinstance(value, str) else value
    if not raw.parent_id:
        around = {**raw.resource, **raw.attributes}
        for canonical, candidates in names.ROOT.items():
            value = text(around, candidates)
            if value is not None:
                found[canonical] = value[:MOST_VALUE]
    return found


def scores_of_span(raw: RawSpan) -> list[EvalScore]:
    """Evaluation results that ride on a span as events."""
    around = {**raw.resource, **raw.attributes}
    return [
        score_from(
            RawEvent(event.name, event.at_ns or raw.end_ns, {**_identity(around), **event.attributes}),
            raw.trace_id,
            raw.span_id,
        )
        for event in raw.events
        if event.name == names.EVALUATION_EVENT
    ]


def _identity(values: Values) -> dict[str, object]:
    wanted = (*names.AGENT, *names.TASK_TYPE, *names.PROBE, "service.name")
    return {name: values[name] for name in wanted if name in values}


def score_from(event: RawEvent, trace_id: str, span_id: str) -> EvalScore:
    """One evaluation result. Pass or fail follows from the label, else from a score of 0..1."""
    values = event.attributes
    label, value = text(values, names.EVALUATION_LABEL), number(values, names.EVALUATION_VALUE)
    return EvalScore(
        name=text(values, names.EVALUATION_NAME) or "unnamed",
        at_ns=event.at_ns,
        agent=text(values, names.AGENT) or text(values, ("service.name",)),
        value=value,
        label=label,
        passed=verdict(label, value),
        trace_id=trace_id or None,
        span_id=span_id or None,
        task_type=text(values, names.TASK_TYPE),
        probe_id=text(values, names.PROBE),
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
