"""One transaction, as the repositories share it."""

from dataclasses import dataclass

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.model import IncidentKey
from bot.storage.tables.incidents import incidents


@dataclass(frozen=True, slots=True)
class Transaction:
    """A connection inside a transaction, and whether it may write."""

    connection: AsyncConnection
    writable: bool

    @property
    def writing(self) -> AsyncConnection:
        """The connection, to write through.

        Raises:
            RuntimeError: this is a reading view.
        """
        if not self.writable:
            raise RuntimeError("this view only reads; open a writing transaction with begin()")
        return self.connection

    async def lock(self, key: IncidentKey) -> None:
        """Make other writers of that incident wait until this transaction ends; SQLite has one writer anyway.

        Whoever also locks an agent's revision locks the incident first, so that nobody waits in a circle.
        """
        if self.writable:
            locked = select(incidents.c.number).where(incidents.c.key == key).with_for_update(key_share=True)
            await self.connection.execute(locked)


def insert(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of ``connection``."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
