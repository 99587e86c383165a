"""The way to the server: one thread that listens, one that reports. Both are daemons and survive anything but close.

Threads, also under asyncio: a halt must arrive while the event loop is busy or blocked.
"""

import http.client
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from firstfive_client.core import SILENCE, Core, Identity
from firstfive_client.events import EventParser, TooLong
from firstfive_client.wire import NotControls

log = logging.getLogger("firstfive_client")

ANSWER_WITHIN = 5.0  # seconds for connecting and for short requests
ASK_AGAIN_IN_DOUBT = 1.0
MOST_BYTES = 4 * 1024 * 1024
SNAPSHOT, STREAM, HEARTBEAT = "/controls/v1/snapshot", "/controls/v1/stream", "/controls/v1/heartbeat"


class Unwelcome(Exception):
    """The server answered, but not with what was asked for."""


TROUBLE = (OSError, http.client.HTTPException, NotControls, TooLong, Unwelcome)


class Connection:
    """Feeds a :class:`Core` from the server at ``url`` and reports what it applied.

    ``token`` is the control token, or a function that gives the current one.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        identity: Identity,
        core: Core,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._to: SplitResult = urlsplit(url.rstrip("/"))
        if self._to.scheme not in {"http", "https"} or not self._to.hostname:
            raise ValueError(f"{url!r} is no address of a server; write https://… or http://….")
        self._token = token
        self._context = context
        self.identity = identity
        self.core = core
        self.forked()

    def forked(self) -> None:
        """Forget what belongs to the parent process: its threads, events and sockets."""
        self._stopped = threading.Event()
        self._due = threading.Event()
        self.known = threading.Event()
        self._socket: socket.socket | None = None
        self._reporting: http.client.HTTPConnection | None = None
        self._threads: list[threading.Thread] = []
        self._in_touch: bool | None = None

    def start(self) -> None:
        """Start listening and reporting."""
        self._threads = [
            threading.Thread(target=work, name=f"firstfive {name}", daemon=True)
            for name, work in (("controls", self._listen), ("heartbeat", self._report))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, within: float = 2.0) -> None:
        """End both threads; a read that waits is cut off."""
        self._stopped.set()
        self._due.set()
        self._cut()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(within)

    @property
    def in_touch(self) -> bool:
        """The stream stands."""
        return bool(self._in_touch)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                # Also when the stream cannot be held open at all: then this is a poll with bounded back-off
                self._refetch()
                self._stream()
            except TROUBLE as error:
                self._lost(error)
            except Exception as error:  # whatever it is, the agent must hear of the next halt
                log.exception("Reading the controls failed.")
                self._lost(error)
            self._stopped.wait(self.core.lost())

    def _lost(self, error: Exception) -> None:
        if self._in_touch is not False and not self._stopped.is_set():
            log.warning("The controls cannot be read (%s); the last known ones stay in force.", error)
        self._in_touch = False

    def _refetch(self) -> None:
        with closing(self._connection()) as connection:
            status, body = self._asked(connection, "GET", f"{SNAPSHOT}?{urlencode(self.identity.query)}")
        if status != http.client.OK:
            raise Unwelcome(_said(status))
        self._take(lambda: self.core.received(body, monotonic()))

    def _stream(self) -> None:
        connection = self._connection()
        try:
            connection.connect()
            self._socket = connection.sock
            path = f"{self._to.path}{STREAM}?{urlencode(self.identity.query)}"
            connection.request("GET", path, headers={**self._headers(), "Accept": "text/event-stream"})
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise Unwelcome(_said(response.status))
            self._socket.settimeout(SILENCE)
            self._read(response)
        finally:
            self._socket = None
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> None:
        parser = EventParser()
        while not self._stopped.is_set():
            data = response.read1(65536)
            if not data:
                raise Unwelcome("the server closed the stream")
            if not self._in_touch:
                log.log(logging.INFO if self._in_touch is None else logging.WARNING, "The controls are being read.")
                self._in_touch = True
            self.core.heard(monotonic())
            for event in parser.feed(data):
                self._take(lambda event=event: self.core.event(event, monotonic()))  # type: ignore[misc]

    def _take(self, received: Callable[[], None]) -> None:
        received()
        self.known.set()
        self._due.set()

    def _report(self) -> None:
        while not self._stopped.is_set():
            self._due.wait(min(self.core.heartbeat_in(monotonic()), ASK_AGAIN_IN_DOUBT if self.core.in_doubt else 60.0))
            self._due.clear()
            try:
                if self.core.in_doubt:
                    with suppress(*TROUBLE):
                        self._refetch()
                    self._stopped.wait(ASK_AGAIN_IN_DOUBT)
                self._beat()
            except Exception:
                log.exception("Reporting the controls failed.")
        if self._reporting is not None:
            self._reporting.close()

    def _beat(self) -> None:
        self._stopped.wait(min(self.core.heartbeat_in(monotonic()), 1.0))
        heartbeat = self.core.heartbeat(monotonic())
        if heartbeat is None or self._stopped.is_set():
            return
        answer: Mapping[str, Any] | None = None
        with suppress(*TROUBLE, ValueError):
            status, body = self._told(heartbeat.body(self.identity))
            answer = json.loads(body) if status == http.client.OK else None
        self.core.heartbeat_answered(answer, monotonic())

    def _told(self, body: bytes) -> tuple[int, bytes]:
        """One heartbeat, on a connection that is kept: a thousand instances open none when something changes."""
        kept, self._reporting = self._reporting, None
        for connection in filter(None, (kept, self._connection())):
            try:
                answer = self._asked(connection, "POST", HEARTBEAT, body)
            except TROUBLE:
                connection.close()
                if connection is not kept:
                    raise
            else:
                self._reporting = connection
                return answer
        raise Unwelcome("the heartbeat was not taken")

    def _asked(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        headers = {**self._headers(), "Content-Type": "application/json"} if body else self._headers()
        connection.request(method, f"{self._to.path}{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.read(MOST_BYTES)

    def _connection(self) -> http.client.HTTPConnection:
        host = self._to.hostname or ""
        if self._to.scheme == "https":
            return http.client.HTTPSConnection(host, self._to.port, timeout=ANSWER_WITHIN, context=self._context)
        return http.client.HTTPConnection(host, self._to.port, timeout=ANSWER_WITHIN)

    def _headers(self) -> dict[str, str]:
        token = self._token if isinstance(self._token, str) else self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _cut(self) -> None:
        open_socket = self._socket
        if open_socket is not None:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)


def _said(status: int) -> str:
    if status == http.client.UNAUTHORIZED:
        return "the server does not accept the control token; set FIRSTFIVE_CONTROL_TOKEN"
    return f"the server answered {status}"
