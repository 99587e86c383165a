"""Idempotency keys, each with the fingerprint of its request and, once there is one, its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.ports import Remembered, Requests
from bot.storage.tables.incidents import idempotency_keys
from bot.storage.transaction import Transaction, insert


@dataclass(frozen=True, slots=True)
class SqlRequests(Requests):
    """Requests within one transaction."""

    transaction: Transaction

    async def claim(self, key: str, fingerprint: str, at: datetime, until: datetime | None = None) -> Remembered | None:
        """Remember it; None when it is new, else what is known of it. Other claims of the key wait for this transaction."""
        connection = self.transaction.writing
        fresh = (
            insert(connection, idempotency_keys)
            .values(key=key, fingerprint=fingerprint, at=at, until=until)
            .on_conflict_do_nothing(index_elements=["key"])
            .returning(idempotency_keys.c.key)
        )
        if (await connection.execute(fresh)).first() is not None:
            return None
        wanted = select(idempotency_keys).where(idempotency_keys.c.key == key).with_for_update()
        row = (await connection.execute(wanted)).one()
        return Remembered(row.fingerprint, row.until, row.answer)

    async def settle(self, key: str, answer: Mapping[str, object] | None = None, until: datetime | None = None) -> None:
        """Keep its answer, or until when somebody works on it."""
        changed = update(idempotency_keys).where(idempotency_keys.c.key == key).values(answer=answer, until=until)
        await self.transaction.writing.execute(changed)

    async def forget(self, key: str) -> None:
        """It was never used."""
        await self.transaction.writing.execute(delete(idempotency_keys).where(idempotency_keys.c.key == key))

    async def prune(self, before: datetime) -> int:
        """Forget those remembered before that moment; returns how many."""
        old = delete(idempotency_keys).where(idempotency_keys.c.at < before)
        return (await self.transaction.writing.execute(old)).rowcount
