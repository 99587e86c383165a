"""What the room still has to be told, in order per incident."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, or_, select, update

from bot.incident.model import IncidentKey
from bot.ports import Outbox, OutboxQueue, QueuedTask, RoomTask, RoomTaskKind
from bot.storage.database import Database
from bot.storage.tables.incidents import outbox
from bot.storage.transaction import Transaction, insert

LEASE = timedelta(seconds=30)
WAITING = outbox.c.done.is_(False)


@dataclass(frozen=True, slots=True)
class SqlOutbox(Outbox):
    """The producing end, within one transaction."""

    transaction: Transaction

    async def put(self, task: RoomTask) -> None:
        """Queue it; a task whose ``key`` was queued before is dropped, unless that key is empty.

        A CONVERGE without a key is also dropped while another one waits unclaimed: that one
        will look at everything this transaction has done.
        """
        connection = self.transaction.writing
        await self.transaction.lock(task.incident)
        if task.kind is RoomTaskKind.CONVERGE and not task.key and await self._converges_anyway(task.incident):
            return
        await connection.execute(
            insert(connection, outbox)
            .values(
                incident=task.incident,
                kind=task.kind.value,
                key=task.key or None,
                payload=dict(task.payload),
                done=False,
                attempts=0,
            )
            .on_conflict_do_nothing()
        )

    async def _converges_anyway(self, key: IncidentKey) -> bool:
        # The lock keeps the waiting task from being claimed before this transaction has committed.
        wanted = (
            select(outbox.c.id)
            .where(
                WAITING,
                outbox.c.incident == key,
                outbox.c.kind == RoomTaskKind.CONVERGE.value,
                outbox.c.key.is_(None),
                outbox.c.leased_until.is_(None),
            )
            .with_for_update()
        )
        return (await self.transaction.connection.execute(wanted)).first() is not None


@dataclass(frozen=True, slots=True)
class SqlOutboxQueue(OutboxQueue):
    """The consuming end, each call its own transaction."""

    database: Database

    async def claim(self, now: datetime, limit: int) -> tuple[QueuedTask, ...]:
        """Due tasks, oldest first, at most one per incident, leased to the caller for 30 s.

        ``attempts`` counts this one: 1 the first time.
        """
        if not await self._any(now):
            return ()
        async with self.database.write() as connection:
            wanted = select(outbox).where(_claimable(now)).order_by(outbox.c.id).limit(limit)
            rows = (await connection.execute(wanted.with_for_update(skip_locked=True))).all()
            if rows:
                await connection.execute(
                    update(outbox)
                    .where(outbox.c.id.in_([row.id for row in rows]))
                    .values(leased_until=now + LEASE, attempts=outbox.c.attempts + 1)
                )
        return tuple(QueuedTask(row.id, _task(row), row.attempts + 1) for row in rows)

    async def _any(self, now: datetime) -> bool:
        """Look before taking the writer's lock: mostly there is nothing to do."""
        async with self.database.read() as connection:
            return (await connection.execute(select(outbox.c.id).where(_claimable(now)).limit(1))).first() is not None

    async def release(self) -> None:
        """Give back what an earlier process had leased. Only where no other process consumes the outbox."""
        async with self.database.write() as connection:
            await connection.execute(update(outbox).where(outbox.c.done.is_(False)).values(leased_until=None))

    async def done(self, task_id: int) -> None:
        """The task is finished and never comes back."""
        async with self.database.write() as connection:
            # What has a key stays, so that the same task is not queued again.
            await connection.execute(delete(outbox).where(outbox.c.id == task_id, outbox.c.key.is_(None)))
            await connection.execute(update(outbox).where(outbox.c.id == task_id).values(done=True, leased_until=None))

    async def again(self, task_id: int, at: datetime, why: str) -> None:
        """Try it again at ``at``; later tasks of the same incident wait behind it."""
        async with self.database.write() as connection:
            await connection.execute(
                update(outbox)
                .where(outbox.c.id == task_id, WAITING)
                .values(due_at=at, leased_until=None, last_error=why)
            )


def _claimable(now: datetime) -> ColumnElement[bool]:
    """Due, not leased, and the oldest unfinished task of its incident."""
    earlier = outbox.alias("earlier")
    behind = exists().where(
        earlier.c.incident == outbox.c.incident, earlier.c.done.is_(False), earlier.c.id < outbox.c.id
    )
    due = or_(outbox.c.due_at.is_(None), outbox.c.due_at <= now)
    free = or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now)
    return and_(WAITING, due, free, ~behind)


def _task(row: Row[Any]) -> RoomTask:
    return RoomTask(RoomTaskKind(row.kind), IncidentKey(row.incident), row.key or "", row.payload)
