"""Changes that pipelines told us of: deploys, flags, prompts."""

from collections.abc import Collection

from sqlalchemy import select

from bot.incident.evidence import Change, ChangeKind
from bot.ports import Announcements
from bot.storage.database import Database
from bot.storage.tables.telemetry import announced_changes
from bot.storage.transaction import insert

MOST = 50  # of one look, the newest
EVERYONE = ""


class SqlAnnouncements(Announcements):
    """Kept in a table of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self, agent: str, environment: str, change: Change, key: str) -> None:
        """Keep it; a second one with the same key changes nothing. An empty agent means every agent."""
        row = {
            "key": key,
            "agent": agent,
            "environment": environment,
            "kind": change.kind.value,
            "before": change.before,
            "after": change.after,
            "at_ns": change.first_seen_ns,
        }
        async with self._database.write() as connection:
            await connection.execute(insert(connection, announced_changes).on_conflict_do_nothing(), [row])

    async def about(self, agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Change, ...]:
        """Changes to these agents, or to all, in [start, end), oldest first."""
        table = announced_changes.c
        among = table.agent.in_(sorted({*agents, EVERYONE}))
        wanted = select(announced_changes).where(among, table.at_ns >= start_ns, table.at_ns < end_ns)
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted.order_by(table.at_ns.desc()).limit(MOST))).all()
        return tuple(
            Change(ChangeKind(row.kind), row.before, row.after, row.at_ns, 0, 0, row.environment)
            for row in reversed(rows)
        )
