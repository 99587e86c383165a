"""OTLP spans, whatever convention they speak, into our telemetry nouns."""

from bot.incident.telemetry import GuardrailCheck, Span, SpanKind
from bot.sources import attributes as names
from bot.sources.kept_attributes import kept
from bot.sources.logfire_agents import conventional
from bot.sources.messages import messages_in
from bot.sources.model_calls import model_of
from bot.sources.raw_spans import ERROR_STATUS, RawSpan
from bot.sources.redaction import PRIVATE, Privacy
from bot.sources.said import output_of, said, words_of
from bot.sources.span_kinds import kind_of
from bot.sources.tool_calls import tool_of
from bot.sources.values import PREVIEW, Values, first, structure, text, truth, word
from bot.sources.wrappings import result_in

_ERROR_FINISHES = ("error", ["error"], '["error"]')
TOOL_ERROR = "tool_error"  # the type where only the answer's wrapping says that a tool failed


def span_from(raw: RawSpan, privacy: Privacy = PRIVATE) -> Span:
    """One span in our nouns, redacted. Attributes it does not know are kept."""
    raw = conventional(raw)
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


def guardrail_of(raw: RawSpan) -> GuardrailCheck:
    """The guardrail verdict a span carries."""
    name = word(raw.attributes, names.GUARDRAIL) or raw.name.removeprefix("guardrail ").strip()
    return GuardrailCheck(name or "unnamed", truth(raw.attributes, names.TRIGGERED))
