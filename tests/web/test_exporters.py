"""The real OpenTelemetry exporter against the real intake, over a socket."""

import asyncio
from dataclasses import dataclass, field

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from starlette.applications import Starlette

from bot.app.intake.decoders import Decoders
from bot.app.intake.otlp_intake import OtlpIntake
from bot.incident.telemetry import Span
from bot.sources.otlp import TelemetryRejected, response_body
from bot.sources.redaction import PRIVATE
from bot.storage.span_json import span_from_json
from bot.storage.telemetry_rows import Arrived
from bot.web.doors import Telemetry
from bot.web.otlp import OtlpRoutes
from tests.web.serving import serving


@dataclass
class Store:
    spans: list[Span] = field(default_factory=list)

    async def keep(self, post: Arrived) -> None:
        self.spans += [span_from_json(trace_id, span_id, body) for trace_id, span_id, _, body in post.spans]


def export(base: str, token: str) -> None:
    exporter = OTLPSpanExporter(
        f"{base}/v1/traces", headers={"Authorization": f"Bearer {token}"}, compression=Compression.Gzip, timeout=2
    )
    provider = TracerProvider(resource=Resource({"service.name": "helpdesk-agent"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("agent").start_as_current_span("execute_tool lookup_user") as span:
        span.set_attribute("gen_ai.operation.name", "execute_tool")
        span.set_attribute("gen_ai.tool.name", "lookup_user")
    provider.shutdown()


async def test_the_real_exporter_delivers_a_span_and_a_wrong_token_delivers_none() -> None:
    store = Store()
    telemetry = Telemetry(OtlpIntake(store, Decoders(PRIVATE, 0)), TelemetryRejected, response_body)
    async with serving(Starlette(routes=OtlpRoutes(telemetry, "pine").routes())) as base:
        await asyncio.to_thread(export, base, "fir")
        assert store.spans == []
        await asyncio.to_thread(export, base, "pine")
    (span,) = store.spans
    assert span.tool is not None
    assert span.tool.name == "lookup_user"
