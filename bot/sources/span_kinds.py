"""What a span is about, by each convention's words for it."""

from bot.incident.telemetry import SpanKind
from bot.sources import attributes as names
from bot.sources.raw_spans import RawSpan
from bot.sources.values import first, word

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
    "chat": SpanKind.LLM,  # this and what follows: kinds of requests
    "completion": SpanKind.LLM,
    "acompletion": SpanKind.LLM,
    "responses": SpanKind.LLM,
    "aresponses": SpanKind.LLM,
    "tool": SpanKind.TOOL,
    "guardrail": SpanKind.GUARDRAIL,
    "retriever": SpanKind.RETRIEVAL,
    "reranker": SpanKind.RETRIEVAL,
    "embedding": SpanKind.EMBEDDING,
    "embedder": SpanKind.EMBEDDING,
    "aembedding": SpanKind.EMBEDDING,
    "rerank": SpanKind.RETRIEVAL,
}
_VOLTAGENT = "@voltagent/core"
_BEEAI, _EVENT = "openinference.instrumentation.beeai", "metadata.path"  # a failure has a span of its own there


def kind_of(raw: RawSpan) -> SpanKind:
    """What the span is about: by operation, else by its kind attribute, else by what it carries."""
    if raw.scope == _BEEAI and _EVENT in raw.attributes:
        return SpanKind.OTHER
    operation = word(raw.attributes, names.OPERATION)
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if operation in _WRAPPERS:
        return SpanKind.OTHER if raw.parent_id else SpanKind.AGENT
    candidates = names.KIND_BY_VOLTAGENT if raw.scope == _VOLTAGENT else names.KIND
    kind = (word(raw.attributes, candidates) or "").strip('"').lower()  # MLflow quotes it
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
