"""Mitigations of all agents, with one growing revision per agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from bot.incident.codec import decode, encode
from bot.incident.facts.mitigating import MitigationProven
from bot.incident.mitigation import Mitigation
from bot.incident.timeline import kind_of
from bot.ports import Mitigations
from bot.storage.audit import Audit, Change, next_revision
from bot.storage.kept_reading import KeptReading
from bot.storage.tables.incidents import agent_revisions, control_audit, mitigations
from bot.storage.transaction import Transaction, insert

AT_ONCE = 500  # rows of one question, below what SQLite takes as parameters


@dataclass(frozen=True, slots=True)
class SqlMitigations(Mitigations):
    """Mitigations within one transaction."""

    transaction: Transaction
    audit: Audit
    kept: KeptReading

    async def put(self, mitigation: Mitigation) -> Mitigation:
        """Insert or replace by id; returns it with the agent's new revision."""
        await self.transaction.lock(mitigation.incident)
        connection = self.transaction.writing
        before = await self._one(mitigation.id)
        revised = replace(mitigation, revision=await next_revision(self.transaction, mitigation.agent))
        values = {
            "incident": revised.incident,
            "agent": revised.agent,
            "live": not revised.state.has_ended,
            "applied_at": revised.applied_at,
            "revision": revised.revision,
            "mitigation": encode(revised),
        }
        await connection.execute(
            insert(connection, mitigations)
            .values(id=revised.id, **values)
            .on_conflict_do_update(index_elements=["id"], set_=values)
        )
        self.audit.note(Change(before, revised))
        return revised

    async def get(self, mitigation_id: str) -> Mitigation | None:
        """One mitigation, or None. In a writing transaction other writers of its incident wait from now on."""
        found = await self._one(mitigation_id)
        if found is None or not self.transaction.writable:
            return found
        await self.transaction.lock(found.incident)
        return await self._one(mitigation_id)

    async def _one(self, mitigation_id: str) -> Mitigation | None:
        wanted = select(mitigations.c.mitigation).where(mitigations.c.id == mitigation_id)
        body = (await self.transaction.connection.execute(wanted)).scalar_one_or_none()
        return None if body is None else decode(Mitigation, body)

    async def live(self) -> tuple[tuple[Mitigation, ...], Mapping[str, int]]:
        """All mitigations that have not ended, oldest first, and every agent's current revision."""
        # Revisions first: on PostgreSQL each statement sees its own moment, and a revision may be
        # older than what is in force, which the next look mends, but never newer.
        revisions = await self.revisions()
        table = mitigations.c
        wanted = select(table.id, table.revision).where(table.live).order_by(table.applied_at, table.id)
        rows = (await self.transaction.connection.execute(wanted)).all()
        found = {row.id: self.kept.mitigation(row.id, row.revision) for row in rows}
        changed = await self._several([name for name, known in found.items() if known is None])
        live = {name: one for name in found if (one := found[name] or changed.get(name))}
        if not self.transaction.writable:
            self.kept.keep_mitigations(live)
        return tuple(live.values()), revisions

    async def revisions(self) -> Mapping[str, int]:
        """Every agent's current revision, which grows with each change of one of its mitigations."""
        rows = await self.transaction.connection.execute(select(agent_revisions))
        return {row.agent: row.revision for row in rows}

    async def _several(self, names: Sequence[str]) -> Mapping[str, Mitigation]:
        """Those of these that still are live; they may have ended since."""
        found: dict[str, Mitigation] = {}
        for begin in range(0, len(names), AT_ONCE):
            some = names[begin : begin + AT_ONCE]
            wanted = select(mitigations.c.id, mitigations.c.mitigation).where(
                mitigations.c.live, mitigations.c.id.in_(some)
            )
            rows = await self.transaction.connection.execute(wanted)
            found |= {row.id: decode(Mitigation, row.mitigation) for row in rows}
        return found

    async def decided_since(self, agent: str, revision: int, mitigation: str = "") -> bool:
        """Anything but proof has come to the agent's controls after that revision, or to the one mitigation named."""
        audit = control_audit.c
        wanted = select(audit.revision).where(
            audit.agent == agent, audit.revision > revision, audit.action != kind_of(MitigationProven)
        )
        about = (
            audit.mitigation == mitigation if mitigation else audit.mitigation != ""
        )  # an override changes no control
        wanted = wanted.where(about)
        return (await self.transaction.connection.execute(wanted.limit(1))).first() is not None
