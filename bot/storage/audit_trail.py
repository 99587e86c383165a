"""The audit of controls, read: page by page for whoever exports it, and whole for whoever checks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.ports import AuditBreak, AuditTrail
from bot.storage.audit import FIRST, digest
from bot.storage.database import Database
from bot.storage.tables.incidents import agent_revisions, control_audit

MOST = 1000


@dataclass(frozen=True, slots=True)
class SqlAuditTrail(AuditTrail):
    """The chain of every agent."""

    database: Database

    async def entries(self, agent: str, after: int = 0, limit: int = 100) -> tuple[Mapping[str, Any], ...]:
        """Rows of that agent beyond revision ``after``, in order, as they were hashed."""
        table = control_audit
        wanted = select(table).where(table.c.agent == agent, table.c.revision > after)
        async with self.database.read() as connection:
            rows = await connection.execute(wanted.order_by(table.c.revision).limit(min(limit, MOST)))
            return tuple(dict(row) for row in rows.mappings())

    async def breaks(self) -> tuple[tuple[AuditBreak, ...], int]:
        """The first break of every chain, and how many rows were checked."""
        found: list[AuditBreak] = []
        checked, ends = 0, dict[str, tuple[int, str]]()
        broken: set[str] = set()
        async with self.database.read() as connection:
            revisions = {row.agent: row.revision for row in await connection.execute(select(agent_revisions))}
            ordered = select(control_audit).order_by(control_audit.c.agent, control_audit.c.revision)
            for row in (await connection.execute(ordered)).mappings():
                checked += 1
                agent = row["agent"]
                last, previous = ends.get(agent, (0, FIRST))
                ends[agent] = row["revision"], row["hash"]
                if agent in broken:
                    continue
                what = _wrong(dict(row), last + 1, previous)
                if what:
                    broken.add(agent)
                    found.append(AuditBreak(agent, last + 1, what))
        for agent, revision in revisions.items():
            last = ends.get(agent, (0, FIRST))[0]
            if agent not in broken and last != revision:
                found.append(AuditBreak(agent, last + 1, "is missing"))
        return tuple(sorted(found, key=lambda one: one.agent)), checked


def _wrong(row: dict[str, Any], expected: int, previous: str) -> str:
    if row["revision"] != expected:
        return "is missing"
    if row["previous_hash"] != previous or row["hash"] != digest(row):
        return "was changed after it was written"
    return ""
