"""Requests from outside, each remembered before it is acknowledged.

This stands between Slack's request and its three seconds, so it is made for speed: calls
that come in while a commit is under way share the next one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.ports import Deliveries

HANDLED_WITHIN = 0.2  # seconds until a worked-off request is committed as such, when no other commit comes by
MOST_TOGETHER = 1000  # in one commit; PostgreSQL takes 65,535 parameters in a statement
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Received:
    """One request. ``at`` is in microseconds since 1970."""

    key: str
    body: str
    at: int


class Ledger(Protocol):
    """Where deliveries are written."""

    async def keep(self, received: Sequence[Received], handled: Sequence[str]) -> set[str]:
        """In one transaction: add what is new, mark ``handled``; returns the keys that were new."""
        ...

    async def open_before(self, at: int) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before ``at`` (microseconds) and not worked off, oldest first."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request, and who waits for the word on it."""

    received: Received
    new: asyncio.Future[bool]


class GroupedDeliveries(Deliveries):
    """Deliveries whose commits are shared by whoever waits."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._arrived: list[Waiting] = []
        self._handled: list[str] = []
        self._flusher: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None

    async def first(self, key: str, body: str, at: datetime) -> bool:
        """True the first time this key is seen; returns after the commit. Concurrent calls share commits."""
        new: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._arrived.append(Waiting(Received(key, body, microseconds(at)), new))
        self._flush_now()
        return await new

    async def handled(self, key: str) -> None:
        """The request has been worked off; cheap, may be committed a moment later."""
        self._handled.append(key)
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(HANDLED_WITHIN, self._flush_now)

    async def unhandled(self, before: datetime) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before that moment and never worked off, oldest first."""
        await self._flushed()
        return await self._ledger.open_before(microseconds(before))

    async def close(self) -> None:
        """Commit what is still to be committed and end."""
        await self._flushed()
        await self._ledger.close()

    def _flush_now(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flushed(self) -> None:
        self._flush_now()
        if self._flusher is not None:
            await asyncio.shield(self._flusher)

    async def _flush(self) -> None:
        while self._arrived or self._handled:
            arrived, self._arrived = self._arrived[:MOST_TOGETHER], self._arrived[MOST_TOGETHER:]
            handled, self._handled = self._handled[:MOST_TOGETHER], self._handled[MOST_TOGETHER:]
            try:
                new = await self._ledger.keep([one.received for one in arrived], handled)
            except Exception as error:  # noqa: BLE001  worker loop: those who wait get the error, the loop lives on
                _fail(arrived, error)
            else:
                _answer(arrived, new)


def _answer(arrived: Sequence[Waiting], new: set[str]) -> None:
    for one in arrived:
        key = one.received.key
        if not one.new.done():
            one.new.set_result(key in new)
        new.discard(key)  # the same request twice in one commit: only one of them is the first


def _fail(arrived: Sequence[Waiting], error: Exception) -> None:
    for one in arrived:
        if not one.new.done():
            one.new.set_exception(error)


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 of an aware moment."""
    return (at - EPOCH) // timedelta(microseconds=1)
