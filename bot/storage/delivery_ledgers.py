"""The deliveries table, as fast as each database gives it."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import select, update

from bot.storage.database import Database
from bot.storage.deliveries import GroupedDeliveries, Ledger, Received
from bot.storage.tables.incidents import deliveries
from bot.storage.transaction import insert

T = TypeVar("T")
SWITCHES, BETWEEN_SWITCHES = 100, 0.02  # tries, seconds


def open_deliveries(database: Database) -> GroupedDeliveries:
    """The deliveries kept in ``database``; close them before it."""
    path = database.sqlite_path
    return GroupedDeliveries(SqliteLedger(path) if path else EngineLedger(database))


class SqliteLedger(Ledger):
    """A connection of its own in a thread of its own: one hop for a commit instead of one for each statement.

    WAL with synchronous=NORMAL: a commit survives the death of the process, and of the
    machine unless the power fails within the same moment; Slack repeats what was not acknowledged.
    """

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="deliveries")
        self._path = path
        self._opened: sqlite3.Connection | None = None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            opened = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            _write_ahead(opened)
            opened.execute("PRAGMA synchronous=NORMAL")
            self._opened = opened
        return self._opened

    async def keep(self, received: Sequence[Received], handled: Sequence[str]) -> set[str]:
        """In one transaction: add what is new, mark ``handled``; returns the keys that were new."""
        return await self._in_thread(lambda: self._keep(received, handled))

    def _keep(self, received: Sequence[Received], handled: Sequence[str]) -> set[str]:
        connection = self._connection
        add = "INSERT INTO deliveries (key, received_us, handled, body) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING"
        connection.execute("BEGIN IMMEDIATE")
        try:
            new = {one.key for one in received if connection.execute(add, (one.key, one.at, one.body)).rowcount}
            if handled:
                # The key stays to know the request again; its body has served.
                done = "UPDATE deliveries SET handled = 1, body = '' WHERE key = ?"
                connection.executemany(done, [(key,) for key in handled])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return new

    async def open_before(self, at: int) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before ``at`` (microseconds) and not worked off, oldest first."""
        wanted = "SELECT key, body FROM deliveries WHERE NOT handled AND received_us < ? ORDER BY received_us, key"
        return tuple(await self._in_thread(lambda: self._connection.execute(wanted, (at,)).fetchall()))

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Two that switch at the same moment are refused at once, whatever the timeout: SQLite waits not."""
    for _ in range(SWITCHES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(BETWEEN_SWITCHES)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


class EngineLedger(Ledger):
    """One statement for each commit, through the engine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, received: Sequence[Received], handled: Sequence[str]) -> set[str]:
        """In one transaction: add what is new, mark ``handled``; returns the keys that were new."""
        new: set[str] = set()
        async with self._database.write() as connection:
            if received:
                rows = [
                    {"key": one.key, "received_us": one.at, "handled": False, "body": one.body}
                    for one in sorted(received, key=lambda one: one.key)  # one order for all processes: no deadlock
                ]
                added = insert(connection, deliveries).values(rows).on_conflict_do_nothing()
                new = set((await connection.execute(added.returning(deliveries.c.key))).scalars())
            if handled:
                done = update(deliveries).where(deliveries.c.key.in_(handled)).values(handled=True, body="")
                await connection.execute(done)
        return new

    async def open_before(self, at: int) -> tuple[tuple[str, str], ...]:
        """(key, body) of requests received before ``at`` (microseconds) and not worked off, oldest first."""
        wanted = (
            select(deliveries.c.key, deliveries.c.body)
            .where(deliveries.c.handled.is_(False), deliveries.c.received_us < at)
            .order_by(deliveries.c.received_us, deliveries.c.key)
        )
        async with self._database.read() as connection:
            return tuple((row.key, row.body) for row in await connection.execute(wanted))

    async def close(self) -> None:
        """Nothing is held: the database is its owner's to close."""
