"""The HTTP server: its socket, and its life until the house closes."""

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bot.incident.errors import Misconfigured
from bot.settings.server import ServerSettings

log = logging.getLogger("firstfive")
BACKLOG = 2048  # connections that may wait, as many as the server itself asks for
KEEP_ALIVE = 75  # seconds; exporters send every five, and would meet a door that closes just then
STOP_WITHIN = 1  # seconds open requests get at the end


def bound(server: ServerSettings) -> socket.socket:
    """A listening socket for the server.

    Raises:
        Misconfigured: the address is taken or cannot be used.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    # The protocol must be named: asyncio sets TCP_NODELAY only then, and kept connections wait 40 ms without it
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((server.host, server.port))
        opened.listen(BACKLOG)  # a port two starts were given at once is refused here, not later
    except OSError as error:
        opened.close()
        raise Misconfigured(_unusable(server, error)) from error
    return opened


def _unusable(server: ServerSettings, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{server.host} is no address of this machine ({reason}). Choose another with --host."
    if error.errno == errno.EACCES:
        return f"Port {server.port} needs more rights ({reason}). Choose one above 1023 with --port."
    return f"Port {server.port} on {server.host} cannot be used ({reason}). Choose another with --port."


async def answering(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, said: str) -> None:
    """Answer requests until ``stop``; ``said`` is logged once it does."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
    )
    server = _Server(config, said)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # streams are cut off now; that is no error
        server.should_exit = True
        waiting.cancel()
        await running


class _Server(uvicorn.Server):
    """Signals are ours: the house closes its doors in order. It says so once it answers."""

    def __init__(self, config: uvicorn.Config, said: str) -> None:
        super().__init__(config)
        self._said = said

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doors."""
        await super().startup(sockets)
        log.info("%s", self._said)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield
