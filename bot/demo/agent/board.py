"""The agents' own page on loopback: what they do, and a switch for their fault."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from bot.demo.agent.controls import DISABLED_TOOLS, HALT, MAX_TURNS
from bot.demo.agent.faults import DESCRIPTIONS, Fault, FaultSwitch
from bot.demo.agent.fleet import HELPDESK, STEP_LIMIT
from bot.demo.agent.remote_controls import RemoteControls
from bot.demo.agent.tally import Tally

_LONGEST_BODY = 4096
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class BoardView:
    """What the page shows."""

    switch: FaultSwitch
    tally: Tally
    controls: RemoteControls
    instance: str
    running: Callable[[], bool]

    def state(self) -> dict[str, object]:
        """Return the state as `GET /state` answers it."""
        sheet = self.tally.read()
        seen = self.controls.seen()
        return {
            "fault": self.switch.current.value,
            "tasks_done": sheet.tasks_done,
            "outcomes": sheet.last_minute,
            "latest": sheet.latest,
            "halted": seen.get(f"{HELPDESK.name} {HALT}", False),
            "max_turns": _limit(seen.get(f"{HELPDESK.name} {MAX_TURNS}")),
            "disabled_tools": seen.get(f"{HELPDESK.name} {DISABLED_TOOLS}", []),
            "controls": seen,
            "control_plane": "answers" if self.controls.reachable() else "does not answer; last values hold",
            "instance": self.instance,
            "running": self.running(),
        }


def _limit(turns: object) -> int | None:
    """Return a turn limit that limits something; a control plane may say "none" with a very large number."""
    return turns if isinstance(turns, int) and 0 < turns < STEP_LIMIT else None


class Board(ThreadingHTTPServer):
    """Serves the page on 127.0.0.1; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, port: int, view: BoardView) -> None:
        self.view = view
        super().__init__(("127.0.0.1", port), _Request)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, name="board", daemon=True).start()

    @cached_property
    def page(self) -> bytes:
        """The page, with one button per fault."""
        buttons = "\n".join(
            f'<li><button name="fault" value="{fault}">{fault}</button><span>{DESCRIPTIONS[fault]}</span></li>'
            for fault in Fault
        )
        text = files("bot.demo.agent").joinpath("board.html").read_text(encoding="utf-8")
        return text.replace("<!-- faults -->", buttons).encode()


class _Request(BaseHTTPRequestHandler):
    server: Board

    def do_GET(self) -> None:
        """Answer the page or the state."""
        match urlsplit(self.path).path:
            case "/":
                self._answer(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
            case "/state":
                self._state()
            case _:
                self._refuse(HTTPStatus.NOT_FOUND, "There is only / and /state here.")

    def do_POST(self) -> None:
        """Switch the fault."""
        if urlsplit(self.path).path != "/fault":
            self._refuse(HTTPStatus.NOT_FOUND, "Faults are switched at POST /fault.")
            return
        if not self._from_this_machine():
            self._refuse(HTTPStatus.FORBIDDEN, "Faults are switched from this page or this machine only.")
            return
        fault = self._fault()
        if fault is None:
            known = ", ".join(Fault)
            self._refuse(HTTPStatus.BAD_REQUEST, f"Name one of these faults: {known}.")
            return
        self.server.view.switch.set(fault)
        if "text/html" in self.headers.get("Accept", ""):
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._state()

    def _from_this_machine(self) -> bool:
        """Refuse other sites' pages: their Origin, or a name that merely resolves to loopback."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        origin = self.headers.get("Origin")
        return host in _LOOPBACK and (origin is None or urlsplit(origin).netloc == self.headers.get("Host"))

    def _fault(self) -> Fault | None:
        try:
            length = min(int(self.headers.get("Content-Length", "0")), _LONGEST_BODY)
            body = self.rfile.read(length).decode()
            if "json" in self.headers.get("Content-Type", ""):
                return Fault(json.loads(body)["fault"])
            return Fault(parse_qs(body)["fault"][0])
        except (ValueError, KeyError, TypeError):
            return None

    def _state(self) -> None:
        body = json.dumps(self.server.view.state()).encode()
        self._answer(HTTPStatus.OK, "application/json", body)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(status, "application/json", json.dumps({"detail": why}).encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Keep quiet: the page asks every second."""
