"""A small control server for the client's own tests: snapshot, stream, heartbeat, over the standard library."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AGENT = "helpdesk-agent"


ON: Any = True


def rule(kind: str, value: Any = ON, name: str = "m1", incident: str = "INC-7", **scope: str) -> dict[str, Any]:
    return {"id": name, "incident": incident, "kind": kind, "value": value, "scope": scope, "expires_at": ""}


@dataclass
class ControlServer:
    """What it serves and what it was told."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 1
    token: str = ""
    port: int = 0
    beats: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    snapshots: int = 0
    streams: int = 0
    streaming: bool = True  # False: a proxy that lets no stream through
    changed: threading.Condition = field(default_factory=threading.Condition)
    stopped: bool = False

    def set(self, *rules: dict[str, Any], revision: int | None = None) -> None:
        with self.changed:
            self.rules = list(rules)
            self.revision = self.revision + 1 if revision is None else revision
            self.changed.notify_all()

    def body(self) -> bytes:
        return json.dumps({"revision": self.revision, "rules": self.rules}).encode()

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address while it runs; the port stays the same when it runs again."""
        self.stopped = False
        server = _Server(("127.0.0.1", self.port), _handler(self))
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            with self.changed:
                self.stopped = True
                self.changed.notify_all()
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(control: ControlServer) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a closure over what it serves
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self._admitted():
                return
            control.asked.append(parse_qs(urlsplit(self.path).query))
            if self.path.startswith("/controls/v1/snapshot"):
                control.snapshots += 1
                self._answer(200, control.body())
            elif control.streaming:
                control.streams += 1
                self._stream()
            else:
                self._answer(502, b"")

        def do_POST(self) -> None:
            if self._admitted():
                control.beats.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(200, json.dumps({"instances": 2}).encode())

        def _admitted(self) -> bool:
            if control.token and self.headers.get("Authorization") != f"Bearer {control.token}":
                self._answer(401, b"")
                return False
            return True

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            said = -1
            while not control.stopped:
                with control.changed:
                    if control.revision == said:
                        control.changed.wait(0.5)
                        continue
                    said, body = control.revision, control.body()
                try:
                    self.wfile.write(b"id: %d\nevent: controls\ndata: %b\n\n" % (said, body))
                except OSError:
                    return

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
            del format, args

    return Handler
