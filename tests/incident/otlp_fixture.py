"""A small reader of OTLP JSON lines for tests of the pure core. The product reads OTLP in bot/sources."""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.incident.telemetry import (
    EvalScore,
    GuardrailCheck,
    ModelCall,
    SideEffect,
    Span,
    SpanKind,
    Task,
    ToolCall,
    Trace,
)

Json = Mapping[str, Any]

KINDS = {
    "invoke_agent": SpanKind.AGENT,
    "chat": SpanKind.LLM,
    "execute_tool": SpanKind.TOOL,
    "guardrail": SpanKind.GUARDRAIL,
}


def lines(path: Path) -> Iterator[Json]:
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line)


def plain(value: Json) -> object:
    """One OTLP AnyValue as a Python value."""
    for kind, held in value.items():
        if kind == "intValue":
            return int(held)
        if kind == "arrayValue":
            return tuple(plain(item) for item in held.get("values", []))
        return held
    return None


def attributes(entry: Json) -> dict[str, Any]:
    return {one["key"]: plain(one["value"]) for one in entry.get("attributes", [])}


def digest(value: object) -> str | None:
    return None if value is None else hashlib.sha256(str(value).encode()).hexdigest()[:16]


def tool_of(at: Mapping[str, Any]) -> ToolCall:
    result = at.get("gen_ai.tool.call.result")
    side = at.get("tool.side_effect")
    return ToolCall(
        name=at["gen_ai.tool.name"],
        call_id=at.get("gen_ai.tool.call.id"),
        arguments_hash=digest(at.get("gen_ai.tool.call.arguments")),
        result_hash=digest(result),
        arguments_preview=str(at.get("gen_ai.tool.call.arguments", ""))[:300],
        result_preview=str(result or "")[:300],
        empty_result=result is not None and str(result).strip() in {"", "[]", "{}", "null"},
        side_effect=SideEffect(side) if side else None,
        privileged=bool(at.get("tool.privileged")),
        approval_id=at.get("tool.approval.id"),
        destination=at.get("tool.destination"),
        manifest_hash=at.get("tool.manifest.hash"),
        untrusted_content=at.get("content.trust") == "untrusted",
    )


def model_of(at: Mapping[str, Any]) -> ModelCall:
    return ModelCall(
        provider=at.get("gen_ai.provider.name"),
        requested=at.get("gen_ai.request.model"),
        answering=at.get("gen_ai.response.model"),
        input_tokens=at.get("gen_ai.usage.input_tokens"),
        output_tokens=at.get("gen_ai.usage.output_tokens"),
        first_chunk_seconds=at.get("gen_ai.response.time_to_first_chunk"),
        output_preview=text_of(at.get("gen_ai.output.messages", "")),
    )


def text_of(messages: str) -> str:
    """What the model said in words, without its tool calls."""
    if not messages:
        return ""
    parts = [part for message in json.loads(messages) for part in message.get("parts", [])]
    return " ".join(str(part.get("content", "")) for part in parts if part.get("type") == "text")[:300]


def span_of(entry: Json) -> Span:
    at = attributes(entry)
    kind = KINDS.get(at.get("gen_ai.operation.name", ""), SpanKind.OTHER)
    return Span(
        trace_id=entry["traceId"],
        span_id=entry["spanId"],
        parent_id=entry.get("parentSpanId") or None,
        kind=kind,
        name=entry["name"],
        start_ns=int(entry["startTimeUnixNano"]),
        end_ns=int(entry["endTimeUnixNano"]),
        error=entry.get("status", {}).get("code") == 2,
        error_type=at.get("error.type"),
        agent=at.get("gen_ai.agent.name"),
        tool=tool_of(at) if kind is SpanKind.TOOL else None,
        model=model_of(at) if kind is SpanKind.LLM else None,
        guardrail=GuardrailCheck(at["guardrail.name"], bool(at["guardrail.triggered"]))
        if kind is SpanKind.GUARDRAIL
        else None,
        attributes=at,
    )


def trace_of(request: Json) -> Trace:
    """The trace of one ExportTraceServiceRequest that holds exactly one."""
    spans = [
        span_of(one) for block in request["resourceSpans"] for scope in block["scopeSpans"] for one in scope["spans"]
    ]
    spans.sort(key=lambda span: (span.start_ns, span.parent_id is not None))
    root = next(span for span in spans if span.parent_id is None)
    at = root.attributes
    task = Task(
        type=_text(at.get("task.type")),
        outcome=_text(at.get("task.outcome")),
        claimed_actions=tuple(at.get("task.claimed_actions") or ()),  # type: ignore[arg-type]  # an array of strings
        turn=_whole(at.get("session.turn")),
        step_limit=_whole(at.get("agent.step.limit")),
        locale=_text(at.get("user.locale")),
    )
    return Trace(
        id=root.trace_id,
        agent=root.agent or "?",
        start_ns=root.start_ns,
        end_ns=max(span.end_ns for span in spans),
        agent_version=_text(at.get("gen_ai.agent.version")),
        prompt_version=_text(at.get("agent.prompt.version")),
        provider=_text(at.get("gen_ai.provider.name")),
        error=root.error,
        task=task,
        spans=tuple(spans),
    )


def scores_of(request: Json) -> Iterator[EvalScore]:
    for block in request["resourceLogs"]:
        for scope in block["scopeLogs"]:
            for record in scope["logRecords"]:
                at = attributes(record)
                label = at.get("gen_ai.evaluation.score.label")
                yield EvalScore(
                    name=at["gen_ai.evaluation.name"],
                    at_ns=int(record["timeUnixNano"]),
                    agent=at.get("gen_ai.agent.name"),
                    value=at.get("gen_ai.evaluation.score.value"),
                    label=label,
                    passed=None if label is None else label == "pass",
                    trace_id=record.get("traceId"),
                    task_type=at.get("task.type"),
                    probe_id=at.get("probe.id"),
                )


def traces_by_agent(path: Path) -> dict[str, list[Trace]]:
    found: defaultdict[str, list[Trace]] = defaultdict(list)
    for line in lines(path):
        trace = trace_of(line)
        found[trace.agent].append(trace)
    return dict(found)


def scores_by_agent(path: Path) -> dict[str, list[EvalScore]]:
    found: defaultdict[str, list[EvalScore]] = defaultdict(list)
    for line in lines(path):
        for score in scores_of(line):
            found[score.agent or "?"].append(score)
    return dict(found)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
