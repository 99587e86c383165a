"""A model provider on the loopback interface that speaks OpenAI's chat completions, plain and streamed.

What the user writes decides the answer: "call NAME" calls that tool, anything else is answered with "hello".
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ModelStub:
    """What it was asked."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its base address while it runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.asked))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(asked: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            kind, answer = _streamed(body) if body.get("stream") else _plain(body)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
            del format, args

    return Handler


def _message(body: dict[str, Any]) -> dict[str, Any]:
    said = str(body["messages"][-1]["content"])
    if not said.startswith("call "):
        return {"role": "assistant", "content": "hello"}
    function = {"name": said.removeprefix("call "), "arguments": "{}"}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


def _plain(body: dict[str, Any]) -> tuple[str, bytes]:
    choice = {"index": 0, "message": _message(body), "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": usage,
    }
    return "application/json", json.dumps(whole).encode()


def _streamed(body: dict[str, Any]) -> tuple[str, bytes]:
    delta = _message(body)
    for call in delta.get("tool_calls", ()):
        call["index"] = 0
    pieces = [{"index": 0, "delta": delta, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": "stop"}]
    common = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    lines = [f"data: {json.dumps({**common, 'choices': [piece]})}\n\n" for piece in pieces]
    return "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode()
