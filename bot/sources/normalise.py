"""OTLP spans and log records, whatever convention they speak, into our telemetry nouns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from bot.incident.telemetry import EvalScore, GuardrailCheck, ModelCall, SideEffect, Span, SpanKind, ToolCall
from bot.sources import attributes as names
from bot.sources.asked_tools import asked_in, told_in
from bot.sources.messages import messages_in
from bot.sources.redaction import CUT, PRIVATE, Privacy, Redaction
from bot.sources.said import output_of, said, words_of
from bot.sources.values import (
    PREVIEW,
    Values,
    as_number,
    capped,
    fingerprint,
    first,
    is_empty,
    number,
    structure,
    text,
    truth,
    whole,
    word,
)
from bot.sources.wrappings import arguments_in, result_in

MOST_VALUE = 4096  # characters kept of one attribute
MOST_ATTRIBUTES = 128
MOST_ID = 16  # characters of a span's id
MOST_NAME = 256  # characters of an attribute's name
LATEST_NS = 2**63 - 1  # what both databases can hold
ERROR_STATUS = 2
_STRUCTURES = (list, dict)
_SILENT = frozenset(names.RESULT)
_ERROR_FINISHES = ("error", ["error"], '["error"]')
_MODEL = re.compile(r'"model"\s*:\s*"([^"\\]+)"')
# A provider's id has letters and no @: a number at that place may be anybody's
_ID = re.compile(r'\{\s*"id"\s*:\s*"(?=[^"]*[A-Za-z])([\w.:-]{1,200})"')
_ANSWERING = re.compile(r'"model_name"\s*:\s*"([^"\\]+)"')
TOOL_ERROR = "tool_error"  # the type where only the answer's wrapping says that a tool failed

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
    "ai.toolCall": SpanKind.TOOL,
    "ai.generateText.doGenerate": SpanKind.LLM,
    "ai.streamText.doStream": SpanKind.LLM,
    "ai.generateObject.doGenerate": SpanKind.LLM,
    "ai.streamObject.doStream": SpanKind.LLM,
    "ai.embed.doEmbed": SpanKind.EMBEDDING,
    "model_chunk": SpanKind.OTHER,  # a piece of an answer that was streamed
}
_WRAPPERS = frozenset({"chain", "ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"})
_KINDS = {
    "agent": SpanKind.AGENT,
    "workflow": SpanKind.AGENT,
    "chain": SpanKind.AGENT,
    "flow": SpanKind.AGENT,
    "llm": SpanKind.LLM,
    "model": SpanKind.LLM,
    "chat_model": SpanKind.LLM,
    "generation": SpanKind.LLM,
    "tool": SpanKind.TOOL,
    "guardrail": SpanKind.GUARDRAIL,
    "retriever": SpanKind.RETRIEVAL,
    "reranker": SpanKind.RETRIEVAL,
    "embedding": SpanKind.EMBEDDING,
    "embedder": SpanKind.EMBEDDING,
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
    body: object = None  # of an event; what else is logged is not read


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
    scope: str = ""  # the instrumentation's name


def parent_of(written: str) -> str:
    """The parent's id as it is kept; nothing but zeros is how some SDKs say that there is none."""
    return written[:MOST_ID] if written.strip("0") else ""


def span_from(raw: RawSpan, privacy: Privacy = PRIVATE) -> Span:
    """One span in our nouns, redacted. Attributes it does not know are kept."""
    kind = kind_of(raw)
    values, redaction = _with_messages(raw, kind), privacy.redaction
    tool = model = guardrail = None
    words = ""
    error, error_type, message = _failure(raw, values)
    if kind is SpanKind.TOOL:
        result, refused = result_in(text(values, names.RESULT))
        tool = tool_of(raw, values, result, redaction)
        if refused and not error:
            error, error_type, message = True, TOOL_ERROR, result
    elif kind is SpanKind.LLM:
        output = output_of(values)
        words = words_of(output, redaction)
        model = model_of(values, output, words, redaction, raw.scope)
        error = error or first(values, names.FINISH) in _ERROR_FINISHES  # some frameworks tell it nowhere else
    elif kind is SpanKind.GUARDRAIL:
        guardrail = guardrail_of(raw)
    elif kind is SpanKind.AGENT:
        words = said(values, redaction, agent=True)
    agent = _agent_of(raw, values, kind)
    may_head = not raw.parent_id or (kind is SpanKind.AGENT and agent is not None)
    return Span(
        raw.trace_id,
        raw.span_id,
        raw.parent_id or None,
        kind,
        redaction.cut(raw.name, PREVIEW).replace("\0", ""),
        raw.start_ns,
        max(raw.start_ns, raw.end_ns),
        error,
        error_type,
        redaction.cut(message, PREVIEW),
        agent,
        tool,
        model,
        guardrail,
        kept(raw, privacy, may_head=may_head, whole_text=bool(privacy.full_text) and agent in privacy.full_text),
        words,
    )


def _agent_of(raw: RawSpan, values: Values, kind: SpanKind) -> str | None:
    """The agent a span names. Where an agent is only made, nothing has been asked of it: that is no task of its own."""
    if not raw.parent_id and values.get(names.OPERATION[0]) == "create_agent":
        return None
    agent = word(values, names.AGENT)
    if agent is None and kind is SpanKind.AGENT:
        agent = word(values, names.AGENT_NODE)
    if agent is None and not raw.parent_id:
        agent = word(structure(values, names.METADATA), names.AGENT_IN_METADATA)
    return agent


def _with_messages(raw: RawSpan, kind: SpanKind) -> Values:
    """The attributes; messages that came as events stand among them, as newer conventions have it."""
    if not raw.events:
        return raw.attributes
    told = messages_in(((event.name, event.attributes) for event in raw.events), kind)
    return {**told, **raw.attributes} if told else raw.attributes


def _failure(raw: RawSpan, values: Values) -> tuple[bool, str | None, str | None]:
    """Whether it failed, of what type, and what was said about it."""
    error_type = word(values, names.ERROR_TYPE)
    caught = next((event.attributes for event in raw.events if event.name == "exception"), None) if raw.events else None
    told_so = error_type is not None or values.get(names.LEVEL[0]) == "ERROR"
    if raw.status != ERROR_STATUS and not told_so and not (caught and names.FAILS_BY_EXCEPTION in values):
        return False, None, None
    told = {**caught, **values} if caught else values
    return True, word(told, names.ERROR_TYPE), raw.status_message or text(told, names.ERROR_MESSAGE)


def kind_of(raw: RawSpan) -> SpanKind:
    """What the span is about: by operation, else by its kind attribute, else by what it carries."""
    operation = word(raw.attributes, names.OPERATION)
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if operation in _WRAPPERS:
        return SpanKind.OTHER if raw.parent_id else SpanKind.AGENT
    kind = (word(raw.attributes, names.KIND) or "").strip('"').lower()  # MLflow quotes it
    if kind == "chain" and raw.parent_id:  # frameworks wrap every small step in one; only the outermost is the task
        return SpanKind.OTHER
    return _KINDS.get(kind) or _kind_by_content(raw)


def _kind_by_content(raw: RawSpan) -> SpanKind:
    if first(raw.attributes, names.GUARDRAIL) is not None:
        return SpanKind.GUARDRAIL
    if first(raw.attributes, ("gen_ai.tool.name", "ai.toolCall.name")) is not None:
        return SpanKind.TOOL
    if first(raw.attributes, names.MODEL_REQUESTED) is not None and raw.parent_id:
        return SpanKind.LLM
    return SpanKind.OTHER


def tool_of(raw: RawSpan, values: Values, result: str | None, redaction: Redaction) -> ToolCall:
    """The tool call a span carries. Fingerprints are of the whole texts, previews are redacted."""
    arguments = arguments_in(text(values, names.ARGUMENTS))
    if arguments is None and any(values.get(name) == "" for name in names.ARGUMENTS):
        arguments = "{}"  # it was called, with nothing
    if result is None and not _SILENT.isdisjoint(values) and any(values.get(name) == "" for name in names.RESULT):
        result = ""  # it answered, with nothing
    effect = word(values, names.SIDE_EFFECT)
    return ToolCall(
        word(values, names.TOOL) or raw.name.removeprefix("execute_tool ").strip().replace("\0", "") or "unnamed",
        word(values, names.CALL_ID),
        fingerprint(arguments),
        fingerprint(result),
        redaction.cut(arguments, PREVIEW),
        redaction.cut(result, PREVIEW),
        result is not None and is_empty(result),
        SideEffect(effect) if effect in {"read", "write"} else None,
        truth(values, names.PRIVILEGED),
        word(values, names.APPROVAL),
        redaction.address(word(values, names.DESTINATION)),
        word(values, names.MANIFEST),
        word(values, names.TRUST) == "untrusted",
        word(values, names.TOOL_VERSION),
    )


def model_of(values: Values, output: object, words: str, redaction: Redaction, scope: str = "") -> ModelCall:
    """The model call that attributes carry; ``output`` is its answer with its JSON parsed, ``words`` what it said.

    ``scope`` is that of the instrumentation which tells of it, empty where it is unknown.
    """
    usage, costs = _usage(values, output), structure(values, names.COSTS)
    provider, requested, answering = _models(values, output)
    return ModelCall(
        provider,
        requested,
        answering,
        _tokens(values, names.INPUT_TOKENS, usage, "input"),
        _tokens(values, names.OUTPUT_TOKENS, usage, "output"),
        number(values, names.FIRST_CHUNK),
        word(values, names.PROMPT_VERSION),
        words[:PREVIEW],
        word(values, names.PROMPT_NAME),
        _tokens(values, names.CACHED_TOKENS, usage, "cached"),
        _tokens(values, names.REASONING_TOKENS, usage, "reasoning"),
        _cost(values, costs),
        asked_in(output, values, redaction),
        told_in(values, redaction),
        _response_id(values),
        scope[:MOST_NAME].replace("\0", "") or None,
    )


def _response_id(values: Values) -> str | None:
    """The provider's id of the answer."""
    told = word(values, names.RESPONSE_ID)
    if told is not None:
        return told
    written = values.get(names.WHOLE_ANSWER)
    found = _ID.match(written) if isinstance(written, str) else None
    return found[1] if found else None


def _models(values: Values, output: object) -> tuple[str | None, str | None, str | None]:
    """The provider, the model asked for and the one answering, told apart or within one another."""
    provider = word(values, names.PROVIDER)
    requested, answering = word(values, names.MODEL_REQUESTED), word(values, names.MODEL_ANSWERING)
    if requested is None:
        requested = word(values, names.MODEL_NAMED)
        if requested is not None and provider is None and "/" in requested:
            provider, requested = requested.split("/", 1)
    if answering is None:  # OpenInference tells the former among a call's parameters
        given = word(structure(values, names.CALL_PARAMETERS), ("model", "model_name"))
        if given is not None and given != requested:
            requested, answering = given, requested
    if answering is None:
        answering = _answering_in(values, output)
    if requested is None and answering is None:
        requested, answering = _model_in(values, names.MODEL_INPUT), _model_in(values, names.MODEL_OUTPUT)
    if provider is None:
        provider = word(structure(values, names.METADATA), names.PROVIDER_IN_METADATA)
    return provider, requested, answering


def _answering_in(values: Values, output: object) -> str | None:
    """Who answered, as the answer's own JSON tells: Genkit keeps the provider's beside its own, LangChain what it says of it."""
    if isinstance(output, dict):
        raw = output.get(names.RAW_ANSWER)
        return word(raw, names.ANSWERS_MODEL) if isinstance(raw, dict) else None
    written = values.get(names.WHOLE_ANSWER)
    if not isinstance(written, str):
        return None
    said_of_it = written.find('"response_metadata"')
    found = _ANSWERING.search(written, said_of_it, said_of_it + MOST_VALUE) if said_of_it >= 0 else None
    return found[1] if found else None


def _model_in(values: Values, candidates: Sequence[str]) -> str | None:
    """The model that a call's or an answer's own JSON names near its beginning."""
    written = first(values, candidates)
    found = _MODEL.search(written, 0, MOST_NAME) if isinstance(written, str) else None
    return found[1] if found else None


def _tokens(values: Values, candidates: Sequence[str], usage: Mapping[str, object], part: str) -> int | None:
    found = whole(values, candidates)
    return found if found is not None or not usage else whole(usage, names.IN_USAGE[part])


def _usage(values: Values, output: object) -> Mapping[str, object]:
    """Tokens told as one object, of the call or within its answer.

    Langfuse counts what came from a cache apart from the input, and so on; here it is part of it.
    """
    told = structure(values, names.USAGE)
    if not told and isinstance(output, dict):
        told = structure(output, names.ANSWERS_USAGE)
    if not told:
        return told
    total = told.get("total")
    counts = {name: count for name, count in told.items() if type(count) is int and name != "total"}
    if total is not None and total == sum(counts.values()):
        whole_of = {
            part: sum(count for name, count in counts.items() if name.startswith(part)) for part in ("input", "output")
        }
        return {**told, **{part: count for part, count in whole_of.items() if part in told}}
    for name in names.USAGE_DETAILS:
        details = told.get(name)
        if isinstance(details, dict):
            told = {**details, **told}
    return told


def _cost(values: Values, costs: Mapping[str, object]) -> float | None:
    """USD: told as one, else the total of an object, else the sum of its parts."""
    told = number(values, names.COST)
    if told is not None or not costs:
        return told
    total = number(costs, names.IN_USAGE["cost"])
    parts = [part for part in map(as_number, costs.values()) if part is not None]
    return total if total is not None else sum(parts) if parts else None


def guardrail_of(raw: RawSpan) -> GuardrailCheck:
    """The guardrail verdict a span carries."""
    name = word(raw.attributes, names.GUARDRAIL) or raw.name.removeprefix("guardrail ").strip()
    return GuardrailCheck(name or "unnamed", truth(raw.attributes, names.TRIGGERED))


def kept(raw: RawSpan, privacy: Privacy, *, may_head: bool, whole_text: bool) -> dict[str, object]:
    """The attributes to store: no message bodies, long values cut, all redacted; a framework is no provider.

    Canonical names stand where the span ``may_head`` its task: a root, or an agent whose root never comes.
    """
    found: dict[str, object] = {}
    redaction = privacy.redaction
    for name, value in islice(raw.attributes.items(), MOST_ATTRIBUTES):
        if not whole_text and is_body(name):
            continue
        key = name if len(name) <= MOST_NAME else name[:MOST_NAME]
        if isinstance(value, str):
            found[key] = redaction.text(value) if len(value) <= MOST_VALUE else redaction.cut(value, MOST_VALUE, CUT)
        else:
            found[key] = capped(redaction.value(value), MOST_VALUE) if type(value) in _STRUCTURES else value
    # A step whose root is still under way is known by its service alone
    wanted = names.ROOT if may_head else {} if first(raw.attributes, names.AGENT) else names.STEP
    if wanted:
        own, resource = raw.attributes, raw.resource
        metadata = structure(own, names.METADATA) if may_head else {}
        for canonical, candidates in wanted.items():
            value = word(own, candidates) or word(resource, candidates)
            if value is None and metadata:
                value = word(metadata, names.IN_METADATA.get(canonical, ()))
            if value is not None:
                found[canonical] = redaction.text(value)
    told = found.get(names.METADATA[0])
    if isinstance(told, str) and names.ANSWER_IN_METADATA in told and not whole_text:
        del found[names.METADATA[0]]
    provider = found.get(names.PROVIDER[0])
    if isinstance(provider, str) and provider in names.FRAMEWORKS:
        found[names.FRAMEWORK] = found.pop(names.PROVIDER[0])
    return found


@lru_cache(4096)  # asked for every attribute of every span
def is_body(name: str) -> bool:
    """The attribute holds what somebody said: long and personal."""
    if name.startswith(names.BODY_OWNER):
        return name.endswith(names.BODY_ENDS)
    return name in names.BODIES or (name.startswith(names.BODY_PREFIXES) and name not in names.KEPT_DESPITE_PREFIX)


def scores_of_span(raw: RawSpan, privacy: Privacy = PRIVATE) -> list[EvalScore]:
    """Evaluation results that ride on a span: as events, or as numbered attributes in OpenInference's way."""
    events = [event for event in raw.events if event.name == names.EVALUATION_EVENT]
    events += _numbered(raw)
    if not events:
        return []
    identity = _identity({**raw.resource, **raw.attributes})
    return [
        score_from(
            RawEvent(event.name, _moment(event, raw), {**identity, **event.attributes}),
            raw.trace_id,
            raw.span_id,
            privacy,
        )
        for event in events
    ]


def _numbered(raw: RawSpan) -> list[RawEvent]:
    """``evaluations.0.evaluation.name`` and its like, as events."""
    if raw.attributes.keys().isdisjoint(names.NUMBERED_FIRST):
        return []
    found: dict[str, dict[str, object]] = {}
    for name, value in raw.attributes.items():
        if name.startswith(names.NUMBERED_EVALUATIONS):
            _, number_of_it, *rest = name.split(".")
            canonical = names.NUMBERED_PARTS.get(rest[-1]) if rest else None
            if canonical:
                found.setdefault(number_of_it, {})[canonical] = value
    return [RawEvent(names.EVALUATION_EVENT, raw.end_ns, values) for values in found.values()]


def _moment(event: RawEvent, raw: RawSpan) -> int:
    return event.at_ns if 0 < event.at_ns <= LATEST_NS else raw.end_ns


def _identity(values: Values) -> dict[str, object]:
    wanted = (*names.AGENT, *names.TASK_TYPE, *names.PROBE, *names.SERVICE)
    return {name: values[name] for name in wanted if name in values}


def score_from(event: RawEvent, trace_id: str, span_id: str, privacy: Privacy = PRIVATE) -> EvalScore:
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
        explanation=privacy.redaction.cut(text(values, names.EVALUATION_EXPLANATION), PREVIEW),
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
