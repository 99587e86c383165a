"""The simulated fleet as OTLP JSON lines, in the format of the published sample scenarios."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.incident.telemetry import EvalScore, Span, SpanKind, Trace
from tests.incident.agents_at_work import MINUTE, Fleet

Json = dict[str, object]
OPERATIONS = {
    SpanKind.AGENT: "invoke_agent",
    SpanKind.LLM: "chat",
    SpanKind.TOOL: "execute_tool",
    SpanKind.GUARDRAIL: "guardrail",
}
OLDER: Mapping[str, str] = {  # names of earlier conventions that say the same
    "gen_ai.provider.name": "gen_ai.system",
    "gen_ai.usage.input_tokens": "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.output_tokens": "gen_ai.usage.completion_tokens",
}


def trace_lines(fleet: Fleet, names: Mapping[str, str] | None = None) -> Iterator[str]:
    """One ExportTraceServiceRequest per trace, in order of start. ``names`` renames attributes."""
    traces = sorted((one for found in fleet.traces.values() for one in found), key=lambda one: one.start_ns)
    for trace in traces:
        yield json.dumps(_request(trace, names or {}), separators=(",", ":"))


def score_lines(fleet: Fleet) -> Iterator[str]:
    """One ExportLogsServiceRequest per agent and minute, in order of time."""
    blocks: dict[tuple[int, str], list[EvalScore]] = {}
    for agent, scores in fleet.scores.items():
        for score in scores:
            blocks.setdefault((score.at_ns // MINUTE, agent), []).append(score)
    roots = {trace.id: trace.spans[0].span_id for found in fleet.traces.values() for trace in found}
    for (_, agent), scores in sorted(blocks.items(), key=lambda block: block[0]):
        records = [_record(score, roots) for score in scores]
        scope = {"scope": {"name": "simulated-evaluator", "version": "1.0.0"}, "logRecords": records}
        resource = {"attributes": _attributes({"service.name": agent})}
        yield json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}, separators=(",", ":"))


def write(fleet: Fleet, folder: Path, truth: Mapping[str, object]) -> None:
    """The three files of a scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("traces", trace_lines(fleet)), ("evals", score_lines(fleet))):
        with gzip.open(folder / f"{name}.otlp.jsonl.gz", "wt") as file:
            file.writelines(f"{line}\n" for line in lines)
    (folder / "truth.json").write_text(json.dumps({"synthetic": True, **truth}, indent=1))


def _request(trace: Trace, names: Mapping[str, str]) -> Json:
    said = {"service.name": trace.agent, "service.version": trace.agent_version}
    resource = {"attributes": _attributes({**said, "deployment.environment.name": "simulated"})}
    spans = [_span(trace, span, names) for span in trace.spans]
    scope = {"scope": {"name": "simulated-fleet", "version": "1.0.0"}, "spans": spans}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}


def _span(trace: Trace, span: Span, names: Mapping[str, str]) -> Json:
    said = {"gen_ai.operation.name": OPERATIONS[span.kind], **_of_kind(trace, span), "gen_ai.agent.name": trace.agent}
    if span.error_type:
        said["error.type"] = span.error_type
    parent = {"parentSpanId": span.parent_id} if span.parent_id else {}
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        **parent,
        "name": span.name,
        "kind": 3 if span.kind is SpanKind.LLM else 1,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes({names.get(name, name): value for name, value in said.items()}),
        "status": {"code": 2} if span.error else {},
    }


def _of_kind(trace: Trace, span: Span) -> dict[str, object]:
    if span.guardrail:
        return {"guardrail.name": span.guardrail.name, "guardrail.triggered": span.guardrail.triggered}
    if span.model:
        model = span.model
        return {
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": model.requested,
            "gen_ai.request.stream": True,
            "gen_ai.response.model": model.answering,
            "gen_ai.response.time_to_first_chunk": model.first_chunk_seconds,
            "gen_ai.usage.input_tokens": model.input_tokens,
            "gen_ai.usage.output_tokens": model.output_tokens,
        }
    if span.tool:
        tool = span.tool
        return {
            "gen_ai.tool.name": tool.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": tool.call_id,
            "gen_ai.tool.call.arguments": tool.arguments_preview or None,
            "gen_ai.tool.call.result": tool.result_preview or None,
            "tool.side_effect": tool.side_effect.value if tool.side_effect else None,
            "tool.privileged": tool.privileged,
            "tool.approval.id": tool.approval_id,
            "tool.destination": tool.destination,
            "tool.manifest.hash": tool.manifest_hash,
            "content.trust": "untrusted" if tool.untrusted_content else None,
        }
    task = trace.task
    return {
        "gen_ai.agent.version": trace.agent_version,
        "gen_ai.provider.name": trace.provider,
        "agent.prompt.version": trace.prompt_version,
        "agent.step.limit": task.step_limit,
        "task.type": task.type,
        "task.outcome": task.outcome,
        "task.claimed_actions": list(task.claimed_actions),
        "session.turn": task.turn,
        "user.locale": task.locale,
    }


def _record(score: EvalScore, roots: Mapping[str, str]) -> Json:
    said = {
        "gen_ai.evaluation.name": score.name,
        "gen_ai.evaluation.score.value": score.value,
        "gen_ai.evaluation.score.label": score.label,
        "probe.id": score.probe_id,
        "gen_ai.agent.name": score.agent,
        "task.type": score.task_type,
    }
    of = {"traceId": score.trace_id, "spanId": roots[score.trace_id]} if score.trace_id else {}
    return {
        "timeUnixNano": str(score.at_ns),
        "observedTimeUnixNano": str(score.at_ns),
        "severityNumber": 9,
        "eventName": "gen_ai.evaluation.result",
        "attributes": _attributes(said),
        **of,
    }


def _attributes(said: Mapping[str, object]) -> list[Json]:
    return [{"key": name, "value": _value(value)} for name, value in said.items() if value is not None]


def _value(value: object) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case Sequence() if not isinstance(value, str):
            return {"arrayValue": {"values": [_value(one) for one in value]}}
        case _:
            return {"stringValue": str(value)}
