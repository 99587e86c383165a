"""The audit of controls, read: page by page for whoever exports it, and whole for whoever checks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.mitigation import MitigationState
from bot.ports import AuditBreak, AuditTrail
from bot.storage.audit import FIRST, digest
from bot.storage.database import Database
from bot.storage.tables.incidents import agent_revisions, control_audit, mitigations

MOST = 1000
_ENDED = frozenset(state.value for state in MitigationState if state.has_ended)


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

        What is in force has to be what was written, and what was written last has to be in force: a chain cut short
        together with its counter shows there, and so does a control that was taken away beside the audit.
        """
        async with self.database.read() as connection:
            # In this order, so that what is written meanwhile is no break: each is looked for in what is read after it.
            then = await _counters(connection)
            stored = {row["id"]: row for row in (await connection.execute(select(mitigations))).mappings()}
            look = _Look(then, stored)
            ordered = select(control_audit).order_by(control_audit.c.agent, control_audit.c.revision)
            for row in (await connection.execute(ordered)).mappings():
                look.at(dict(row))
            now = await _counters(connection)
        return look.breaks(now), look.checked


async def _counters(connection: AsyncConnection) -> dict[str, int]:
    return {row.agent: row.revision for row in await connection.execute(select(agent_revisions))}


class _Look:
    """One look through all chains. ``then`` are the agents' counters before ``stored`` was read."""

    def __init__(self, then: Mapping[str, int], stored: Mapping[str, RowMapping]) -> None:
        self.checked = 0
        self._then, self._stored = then, stored
        self._unwritten = dict(stored)
        self._ends: dict[str, tuple[int, str]] = {}
        self._written: dict[str, tuple[str, int]] = {}  # mitigation: its agent, and the last revision about it
        self._found: dict[str, AuditBreak] = {}

    def at(self, row: dict[str, Any]) -> None:
        """The next row, in the order of agents and revisions."""
        self.checked += 1
        agent, revision, about = row["agent"], row["revision"], row["mitigation"]
        last, previous = self._ends.get(agent, (0, FIRST))
        self._ends[agent] = revision, row["hash"]
        kept = self._stored.get(about)
        if kept is not None and _as_written(kept, row):
            self._unwritten.pop(about, None)
        if about and revision <= self._then.get(agent, 0):  # an override is about no mitigation
            self._written[about] = agent, revision
        if agent not in self._found and (what := _wrong(row, last + 1, previous)):
            self._break(agent, last + 1, what)

    def breaks(self, now: Mapping[str, int]) -> tuple[AuditBreak, ...]:
        """All that was found; ``now`` are the counters after the rows were read."""
        for agent, revision in self._then.items():
            last = self._ends.get(agent, (0, FIRST))[0]
            if last < revision:
                self._break(agent, last + 1, "is missing")
        for agent, (last, _) in self._ends.items():
            if last > now.get(agent, 0):
                self._break(agent, last, "is later than the agent's counter")
        for one in sorted(self._unwritten.values(), key=lambda one: one["revision"]):
            self._break(one["agent"], one["revision"], "is not what is in force")
        for about, (agent, revision) in self._written.items():
            kept = self._stored.get(about)
            if kept is None or kept["agent"] != agent or kept["revision"] < revision:
                self._break(agent, revision, "is not what is in force")
        return tuple(sorted(self._found.values(), key=lambda one: one.agent))

    def _break(self, agent: str, revision: int, what: str) -> None:
        self._found.setdefault(agent, AuditBreak(agent, revision, what))


def _as_written(kept: RowMapping, row: Mapping[str, Any]) -> bool:
    """What is stored of a mitigation is what that row of the audit says, in the columns that are looked up, too."""
    after = row["after"]
    return (
        isinstance(after, dict)
        and kept["mitigation"] == after
        and (kept["agent"], kept["revision"], kept["incident"]) == (row["agent"], row["revision"], row["incident"])
        and kept["live"] is not (after.get("state") in _ENDED)
    )


def _wrong(row: dict[str, Any], expected: int, previous: str) -> str:
    if row["revision"] != expected:
        return "is missing"
    if row["previous_hash"] != previous or row["hash"] != digest(row):
        return "was changed after it was written"
    return ""
