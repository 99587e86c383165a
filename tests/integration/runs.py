"""Runs of agents, sent with OpenTelemetry's own SDK and exporter: one that goes well and one that goes in circles."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import time_ns
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from bot.incident.errors import Unavailable
from bot.ports import SourceAsk, SourceFound, TelemetrySource

MINUTE_NS = 60 * 1_000_000_000
STEP_NS = 100_000_000
CALLS_OF_A_LOOP = 4
PATIENCE = 60  # seconds until what was acknowledged can be read; Phoenix answers before it has stored


@dataclass(frozen=True)
class Run:
    """A run that was sent: hex ids, and when it began."""

    trace_id: str
    root_id: str
    start_ns: int


@contextmanager
def tracing(url: str, agent: str, headers: Mapping[str, str], **resource: str) -> Iterator[Tracer]:
    """A tracer of an agent's own process; at the end everything has been sent."""
    around = {"service.name": agent, "service.version": "2.1", "deployment.environment.name": "prod"}
    provider = TracerProvider(resource=Resource({**around, **{k.replace("__", "."): v for k, v in resource.items()}}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces", headers=dict(headers))))
    try:
        yield provider.get_tracer("integration")
    finally:
        provider.shutdown()


def good_run(tracer: Tracer, agent: str, start_ns: int, session: str = "conv-1") -> Run:
    """The agent asks its model, looks the order up once, and is done."""
    with _task(tracer, agent, start_ns, session) as (root, run):
        _model_call(tracer, root, start_ns + STEP_NS)
        _tool_call(tracer, root, start_ns + 2 * STEP_NS, failing=False)
        root.end(start_ns + 3 * STEP_NS)
    return run


def looping_run(tracer: Tracer, agent: str, start_ns: int, session: str = "conv-2") -> Run:
    """The same call fails four times in a row, then the step limit ends the run."""
    with _task(tracer, agent, start_ns, session) as (root, run):
        for turn in range(CALLS_OF_A_LOOP):
            _model_call(tracer, root, start_ns + (2 * turn + 1) * STEP_NS)
            _tool_call(tracer, root, start_ns + (2 * turn + 2) * STEP_NS, failing=True)
        root.set_status(Status(StatusCode.ERROR, "max turns"))
        root.end(start_ns + (2 * CALLS_OF_A_LOOP + 1) * STEP_NS)
    return run


@contextmanager
def _task(tracer: Tracer, agent: str, start_ns: int, session: str) -> Iterator[tuple[Span, Run]]:
    root = tracer.start_span(
        f"invoke_agent {agent}",
        start_time=start_ns,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent,
            "gen_ai.agent.version": "v42",
            "gen_ai.conversation.id": session,
            "task.type": "refund",
        },
    )
    context = root.get_span_context()
    yield root, Run(f"{context.trace_id:032x}", f"{context.span_id:016x}", start_ns)


def _model_call(tracer: Tracer, root: Span, start_ns: int) -> None:
    tracer.start_span(
        "chat gpt-4o",
        set_span_in_context(root),
        start_time=start_ns,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.usage.input_tokens": 900,
            "gen_ai.usage.output_tokens": 30,
        },
    ).end(start_ns + STEP_NS // 2)


def _tool_call(tracer: Tracer, root: Span, start_ns: int, *, failing: bool) -> None:
    call = tracer.start_span(
        "execute_tool lookup_order",
        set_span_in_context(root),
        start_time=start_ns,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "lookup_order",
            "gen_ai.tool.call.arguments": '{"id": 77, "note": "größer"}',
        },
    )
    if failing:
        call.set_attribute("error.type", "TimeoutError")
        call.set_status(Status(StatusCode.ERROR, "orders-api timeout"))
    else:
        call.set_attribute("gen_ai.tool.call.result", '{"ok": true}')
    call.end(start_ns + STEP_NS // 2)


def an_ask(agent: str, **changes: Any) -> SourceAsk:
    """The last hour of an agent, with more patience than in an incident: these machines are shared."""
    now = time_ns()
    plain: dict[str, Any] = {
        "agent": agent,
        "names": frozenset({agent}),
        "start_ns": now - 60 * MINUTE_NS,
        "end_ns": now + MINUTE_NS,
        "recent_ns": now - 10 * MINUTE_NS,
        "seconds": 20.0,
    }
    return SourceAsk(**(plain | changes))


async def found_by(source: TelemetrySource, ask: SourceAsk, arrived: Callable[[SourceFound], bool]) -> SourceFound:
    """What the source finds once everything has arrived, or when patience ends."""
    until = asyncio.get_running_loop().time() + PATIENCE
    while True:
        is_over = asyncio.get_running_loop().time() > until
        try:
            found = await source.find(ask)
        except Unavailable:  # a project begins to exist with its first span
            if is_over:
                raise
        else:
            if is_over or arrived(found):
                return found
        await asyncio.sleep(0.5)


def spans_of(found: SourceFound) -> int:
    """How many spans came in all."""
    return sum(len(trace.spans) for trace in found.traces)
