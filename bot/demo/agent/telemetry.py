"""The agents' telemetry: the OpenTelemetry SDK, exporting to the bot over OTLP/HTTP.

The SDK queues, drops and retries by itself; an unreachable bot never holds an agent up.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    SpanContext,
    Tracer,
    set_span_in_context,
)

ENVIRONMENT = "simulated"
EVALUATION_EVENT = "gen_ai.evaluation.result"

_SCOPE = "firstfive-demo"
_DELAY_MILLISECONDS = 400
_EXPORT_TIMEOUT_SECONDS = 3.0

AttributeValue = str | bool | int | float | list[str]
Attributes = Mapping[str, AttributeValue]


@dataclass(slots=True)
class Telemetry:
    """One exporter pair, shared by the tracers and loggers of all agents and releases."""

    spans: SpanProcessor
    logs: LogRecordProcessor
    instance: str
    extra: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tracers: dict[tuple[str, str], Tracer] = field(default_factory=dict)
    _loggers: dict[str, Logger] = field(default_factory=dict)

    def tracer(self, agent: str, version: str) -> Tracer:
        """Return the tracer of one release of one agent."""
        with self._lock:
            if (agent, version) not in self._tracers:
                provider = TracerProvider(resource=self._resource(agent, version), shutdown_on_exit=False)
                provider.add_span_processor(self.spans)
                self._tracers[agent, version] = provider.get_tracer(_SCOPE)
            return self._tracers[agent, version]

    def score(self, agent: str, attributes: Attributes, at_ns: int, about: SpanContext | None) -> None:
        """Emit one evaluation result; `about` is the root span of the task it judges."""
        context = set_span_in_context(NonRecordingSpan(about)) if about else Context()
        self._logger(agent).emit(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=context,
            severity_number=SeverityNumber.INFO,
            event_name=EVALUATION_EVENT,
            attributes=attributes,
        )

    def close(self) -> None:
        """Send what is queued, within the export time-out, and stop."""
        self.spans.shutdown()
        self.logs.shutdown()

    def _logger(self, agent: str) -> Logger:
        with self._lock:
            if agent not in self._loggers:
                provider = LoggerProvider(resource=self._resource(agent), shutdown_on_exit=False)
                provider.add_log_record_processor(self.logs)
                self._loggers[agent] = provider.get_logger(_SCOPE)
            return self._loggers[agent]

    def _resource(self, agent: str, version: str | None = None) -> Resource:
        attributes = {
            "service.name": agent,
            "service.instance.id": self.instance,
            "deployment.environment.name": ENVIRONMENT,
            **self.extra,
        }
        if version is not None:
            attributes["service.version"] = version
        return Resource.create(attributes)


def unrecorded() -> Tracer:
    """Return a tracer that records nothing: probes leave no trace."""
    return NoOpTracer()


def _headers() -> dict[str, str]:
    token = os.environ.get("FIRSTFIVE_TELEMETRY_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def span_exporter(bot: str) -> OTLPSpanExporter:
    """Return the exporter of spans to the bot at the base URL `bot`."""
    return OTLPSpanExporter(f"{bot}/v1/traces", headers=_headers(), timeout=_EXPORT_TIMEOUT_SECONDS)


def log_exporter(bot: str) -> OTLPLogExporter:
    """Return the exporter of evaluation results to the bot at the base URL `bot`."""
    return OTLPLogExporter(f"{bot}/v1/logs", headers=_headers(), timeout=_EXPORT_TIMEOUT_SECONDS)


def live_telemetry(bot: str, instance: str) -> Telemetry:
    """Return telemetry that reaches the bot at the base URL `bot` within about half a second."""
    spans = BatchSpanProcessor(span_exporter(bot), max_queue_size=8192, schedule_delay_millis=_DELAY_MILLISECONDS)
    logs = BatchLogRecordProcessor(log_exporter(bot), schedule_delay_millis=_DELAY_MILLISECONDS)
    return Telemetry(spans, logs, instance)
