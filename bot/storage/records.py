"""The database, one transaction at a time."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Job, Jobs, Records, Work
from bot.storage.audit import Audit
from bot.storage.database import Database
from bot.storage.incidents import SqlIncidents
from bot.storage.kept_reading import KeptReading
from bot.storage.mitigations import SqlMitigations
from bot.storage.outbox import SqlOutbox
from bot.storage.requests import SqlRequests
from bot.storage.snapshots import SqlSnapshots
from bot.storage.timelines import SqlTimelines
from bot.storage.transaction import Transaction
from bot.storage.turns import SqlTurns


class Scheduler(Protocol):
    """The durable engine, which keeps its jobs in the same database."""

    async def schedule_in(self, connection: AsyncConnection, job: Job) -> None:
        """Schedule ``job`` within the transaction of ``connection``; the same id again changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class SqlJobs(Jobs):
    """Durable timers, scheduled within one transaction."""

    transaction: Transaction
    scheduler: Scheduler

    async def schedule(self, job: Job) -> None:
        """Run it at ``job.run_at``, at least once; a job with the same id is scheduled only once."""
        await self.scheduler.schedule_in(self.transaction.writing, job)


@dataclass(frozen=True, slots=True)
class SqlWork(Work):
    """One transaction over everything we keep."""

    incidents: SqlIncidents
    timelines: SqlTimelines
    mitigations: SqlMitigations
    snapshots: SqlSnapshots
    outbox: SqlOutbox
    jobs: SqlJobs
    requests: SqlRequests
    turns: SqlTurns


class SqlRecords(Records):
    """Records on SQLite or PostgreSQL."""

    def __init__(self, database: Database, jobs: Scheduler) -> None:
        self._database = database
        self._jobs = jobs
        self._kept = KeptReading()

    def begin(self) -> AbstractAsyncContextManager[Work]:
        """A writing transaction: committed when the block ends well, undone when it raises.

        Nothing slow happens inside: no network, no waiting for people.
        """
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Work]:
        async with self._database.write() as connection:
            transaction = Transaction(connection, writable=True)
            audit = Audit(transaction)
            yield self._work(transaction, audit)
            await audit.write()

    def look(self) -> AbstractAsyncContextManager[Work]:
        """A reading view; writing through it raises."""
        return self._look()

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[Work]:
        async with self._database.read() as connection:
            transaction = Transaction(connection, writable=False)
            yield self._work(transaction, Audit(transaction))

    def _work(self, transaction: Transaction, audit: Audit) -> SqlWork:
        return SqlWork(
            SqlIncidents(transaction),
            SqlTimelines(transaction, audit, self._kept),
            SqlMitigations(transaction, audit, self._kept),
            SqlSnapshots(transaction),
            SqlOutbox(transaction),
            SqlJobs(transaction, self._jobs),
            SqlRequests(transaction),
            SqlTurns(transaction),
        )
