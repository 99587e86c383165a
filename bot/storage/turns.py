"""Turns: who writes to a lane now, kept in a row for each lane."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update

from bot.ports import Turns
from bot.storage.tables.incidents import write_turns
from bot.storage.transaction import Transaction, insert


@dataclass(frozen=True, slots=True)
class SqlTurns(Turns):
    """Turns within one transaction."""

    transaction: Transaction

    async def take(self, lane: str, now: datetime, until: datetime) -> int | None:
        """The number of the turn, which lasts until then at most; None while another one lasts."""
        connection, table = self.transaction.writing, write_turns
        taken = (
            insert(connection, table)
            .values(lane=lane, number=1, until=until)
            .on_conflict_do_update(
                index_elements=["lane"],
                set_={"number": table.c.number + 1, "until": until},
                where=or_(table.c.until.is_(None), table.c.until <= now),
            )
            .returning(table.c.number)
        )
        number: int | None = (await connection.execute(taken)).scalar_one_or_none()
        return number

    async def is_mine(self, lane: str, number: int) -> bool:
        """No later turn has begun. None begins before this transaction ends."""
        wanted = select(write_turns.c.number).where(write_turns.c.lane == lane).with_for_update()
        return (await self.transaction.writing.execute(wanted)).scalar_one_or_none() == number

    async def leave(self, lane: str, number: int) -> None:
        """End the turn, if it is still that one."""
        table = write_turns
        left = update(table).where(table.c.lane == lane, table.c.number == number).values(until=None)
        await self.transaction.writing.execute(left)
