"""Spans as a trace store says them in OTLP JSON, of small tasks of an agent."""

from base64 import b64encode
from typing import Any

from tests.sources.vendor_stub import MINUTE_NS, NOON_NS

Row = dict[str, Any]


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


def in_base64(identifier: str) -> str:
    return b64encode(bytes.fromhex(identifier)).decode()


def attribute(name: str, value: object) -> Row:
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}
    return {"key": name, "value": {"stringValue": value}}


def attributes(values: dict[str, object]) -> list[Row]:
    return [attribute(name, value) for name, value in values.items()]


def span(trace: int, number: int, start_ns: int, values: dict[str, object], **fields: Any) -> Row:
    """A span of a tenth of a second; number 0 is the root."""
    return {
        "traceId": trace_id(trace),
        "spanId": span_id(trace * 16 + number + 1),
        **({"parentSpanId": span_id(trace * 16 + 1)} if number else {}),
        "name": str(values.get("gen_ai.operation.name", "step")),
        "kind": 1,
        "startTimeUnixNano": str(start_ns + number * 1_000_000),
        "endTimeUnixNano": str(start_ns + number * 1_000_000 + 100_000_000),
        "attributes": attributes(values),
        **fields,
    }


def task(
    trace: int, minutes: float, agent: str = "helpdesk-agent", *, failed: bool = False, judged: bool = False
) -> list[Row]:
    """A task that began that many minutes before noon: the agent, a model call, a tool call."""
    start_ns = NOON_NS - int(minutes * MINUTE_NS)
    named: dict[str, object] = {"gen_ai.agent.name": agent} if agent else {}
    verdict = {
        "name": "gen_ai.evaluation.result",
        "timeUnixNano": str(start_ns + 50_000_000),
        "attributes": attributes({"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.label": "fail"}),
    }
    tool: dict[str, object] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search_orders"}
    tool |= {"gen_ai.tool.call.arguments": '{"customer": "c-1"}', **named}
    chat: dict[str, object] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-large", **named}
    return [
        span(
            trace,
            0,
            start_ns,
            {"gen_ai.operation.name": "invoke_agent", **named},
            **({"events": [verdict]} if judged else {}),
        ),
        span(trace, 1, start_ns, chat | {"gen_ai.usage.input_tokens": 1200}),
        span(trace, 2, start_ns, tool, **({"status": {"code": 2, "message": "no such order"}} if failed else {})),
    ]


def traces_data(spans: list[Row], service: str = "helpdesk-agent") -> Row:
    """A TracesData of one resource."""
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "sdk"}, "spans": spans}]}]}
