"""The audit of controls, read: page by page for whoever exports it, and whole for whoever checks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.ports import AuditBreak, AuditTrail
from bot.storage.audit import FIRST, digest
from bot.storage.database import Database
from bot.storage.tables.incidents import agent_revisions, control_audit, mitigations

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
        """The first break of every chain, and how many rows were checked.

        What is in force has to be what was written: a chain cut short together with its counter shows there.
        It is read before the chains, so that what is written meanwhile is no break.
        """
        found: list[AuditBreak] = []
        checked, ends = 0, dict[str, tuple[int, str]]()
        broken: set[str] = set()
        async with self.database.read() as connection:
            stored = (await connection.execute(select(mitigations).order_by(mitigations.c.revision))).mappings().all()
            in_force = {(row["id"], row["revision"]): row for row in stored}
            revisions = {row.agent: row.revision for row in await connection.execute(select(agent_revisions))}
            ordered = select(control_audit).order_by(control_audit.c.agent, control_audit.c.revision)
            for row in (await connection.execute(ordered)).mappings():
                checked += 1
                agent = row["agent"]
                last, previous = ends.get(agent, (0, FIRST))
                ends[agent] = row["revision"], row["hash"]
                kept = in_force.get((row["mitigation"], row["revision"]))
                if kept is not None and kept["mitigation"] == row["after"]:
                    del in_force[row["mitigation"], row["revision"]]
                if agent in broken:
                    continue
                what = _wrong(dict(row), last + 1, previous)
                if what:
                    broken.add(agent)
                    found.append(AuditBreak(agent, last + 1, what))
        for agent, revision in revisions.items():
            last = ends.get(agent, (0, FIRST))[0]
            if agent not in broken and last < revision:
                broken.add(agent)
                found.append(AuditBreak(agent, last + 1, "is missing"))
        for kept in in_force.values():
            if kept["agent"] not in broken:
                broken.add(kept["agent"])
                found.append(AuditBreak(kept["agent"], kept["revision"], "is not what is in force"))
        return tuple(sorted(found, key=lambda one: one.agent)), checked


def _wrong(row: dict[str, Any], expected: int, previous: str) -> str:
    if row["revision"] != expected:
        return "is missing"
    if row["previous_hash"] != previous or row["hash"] != digest(row):
        return "was changed after it was written"
    return ""
