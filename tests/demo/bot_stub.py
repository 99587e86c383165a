"""A stand-in for the bot on loopback: takes OTLP, answers OFREP, and forgets nothing."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class BotStub:
    """What arrived, and what is answered."""

    flags: dict[str, object] = field(default_factory=dict)
    contexts: list[dict[str, object]] = field(default_factory=list)
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    logs: list[ExportLogsServiceRequest] = field(default_factory=list)
    broken: bool = False
    url: str = ""

    def evaluate(self, key: str, body: bytes) -> tuple[int, dict[str, object]]:
        self.contexts.append(json.loads(body)["context"])
        if self.broken:
            return 500, {"errorDetails": "broken"}
        if key not in self.flags:
            return 404, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": "no such control"}
        value = self.flags[key]
        return 200, {"key": key, "value": value, "variant": "live", "reason": "STATIC", "metadata": {}}

    def span_count(self) -> int:
        return sum(
            len(scope.spans)
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: BotStub


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        stub = cast("_Server", self.server).stub
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            stub.traces.append(ExportTraceServiceRequest.FromString(body))
        elif self.path == "/v1/logs":
            stub.logs.append(ExportLogsServiceRequest.FromString(body))
        else:
            status, answer = stub.evaluate(self.path.rsplit("/", 1)[1], body)
            self._answer(status, json.dumps(answer).encode())
            return
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        pass


@contextmanager
def bot_stub() -> Iterator[BotStub]:
    server = _Server(("127.0.0.1", 0), _Request)
    server.stub = BotStub(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    try:
        yield server.stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
