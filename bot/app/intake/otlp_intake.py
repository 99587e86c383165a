"""OTLP requests into the built-in store: prepared, kept, and only then acknowledged."""

import logging
from datetime import timedelta
from typing import Protocol

from bot.app.intake.decoders import Decoders
from bot.app.intake.preparing import Request
from bot.ports import Clock
from bot.sources.otlp import Accepted
from bot.sources.ownership import Scope
from bot.sources.raw_spans import LATEST_NS
from bot.storage.telemetry_rows import Arrived

log = logging.getLogger("firstfive")

MOST_AHEAD = timedelta(days=1)  # of our clock; a sender whose clock runs further ahead would hide everything newer


class Keeps(Protocol):
    """A store that takes rows."""

    async def keep(self, post: Arrived) -> None:
        """Store all, or raise and store none. Returns after the commit."""
        ...


class OtlpIntake:
    """Answers after the commit."""

    def __init__(self, store: Keeps, decoders: Decoders, clock: Clock | None = None) -> None:
        """Without a ``clock`` no moment is too far ahead."""
        self._store = store
        self._decoders = decoders
        self._clock = clock
        self._left_out: set[str] = set()

    async def traces(self, body: bytes, content_type: str, encoding: str, scope: Scope | None = None) -> Accepted:
        """An ExportTraceServiceRequest.

        Raises:
            TelemetryRejected: it cannot be read, is too large, or its type is unknown.
            Unavailable: the store is busy, or decoding it was interrupted; nothing of it was kept.
        """
        return await self._take(Request(body, content_type, encoding, "traces", scope, self._latest()))

    async def logs(self, body: bytes, content_type: str, encoding: str, scope: Scope | None = None) -> Accepted:
        """An ExportLogsServiceRequest; evaluation results and messages are taken from it, other records are not kept.

        Raises:
            TelemetryRejected, Unavailable: as :meth:`traces`.
        """
        return await self._take(Request(body, content_type, encoding, "logs", scope, self._latest()))

    async def _take(self, request: Request) -> Accepted:
        found = await self._decoders.prepare(request)
        await self._store.keep(found.arrived)
        self._log(found.accepted)
        return found.accepted

    def _log(self, accepted: Accepted) -> None:
        """Say each reason once, since most exporters say nothing of a partial success; there are only a few reasons."""
        if accepted.rejected and accepted.message not in self._left_out:
            self._left_out.add(accepted.message)
            log.warning("Telemetry arrives that is left out: %s. Later ones are not logged.", accepted.message)

    def _latest(self) -> int:
        return LATEST_NS if self._clock is None else int((self._clock.now() + MOST_AHEAD).timestamp() * 1e9)
