"""Who changed which control: an append-only chain of hashes per agent.

One row for each revision of an agent's controls, written in the transaction of the change.
Each row's hash covers the row and the hash before it, so that a row that was changed,
inserted or removed later shows; a chain that was cut short no longer ends at the agent's revision.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select

from bot.incident.codec import encode
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.timeline import (
    Event,
    Fact,
    MitigationApplied,
    MitigationExpired,
    MitigationExtended,
    MitigationHeld,
    MitigationProven,
    MitigationReverted,
    kind_of,
)
from bot.storage.tables.incidents import agent_revisions, control_audit
from bot.storage.transaction import Transaction

FIRST = "0" * 64
UNTOLD = Person("unknown", "unknown")  # a control was changed and no event of the same transaction says by whom


@dataclass(frozen=True, slots=True)
class Change:
    """A mitigation before (None: it is new) and after one change."""

    before: Mitigation | None
    after: Mitigation


@dataclass(slots=True)
class Audit:
    """Collects the changes of one transaction and the events that say who made them, and writes both at its end."""

    transaction: Transaction
    changes: list[Change] = field(default_factory=list)
    told: dict[str, Event] = field(default_factory=dict)

    def note(self, change: Change) -> None:
        """A mitigation was changed."""
        self.changes.append(change)

    def tell(self, event: Event) -> None:
        """An event was recorded; if it is about a mitigation, its author is the one who changed it."""
        mitigation = _mitigation_of(event.fact)
        if mitigation is not None:
            self.told[mitigation] = event

    async def write(self) -> None:
        """Append one row for each change, in their order."""
        for change in self.changes:
            await self._append(change)
        self.changes.clear()

    async def _append(self, change: Change) -> None:
        event = self.told.get(change.after.id)
        row = {
            "agent": change.after.agent,
            "revision": change.after.revision,
            "at": event.at if event else await self._database_time(),
            "actor": (event.by if event else UNTOLD).id,
            "action": kind_of(event.fact) if event else change.after.state.value,
            "before": encode(change.before),
            "after": encode(change.after),
            "reason": getattr(event.fact, "reason", "") if event else "",
            "incident": change.after.incident,
            "mitigation": change.after.id,
            "previous_hash": await self._last_hash(change.after.agent),
        }
        row["reason"] = row["reason"] or change.after.reason
        await self.transaction.writing.execute(control_audit.insert().values(**row, hash=digest(row)))

    async def _last_hash(self, agent: str) -> str:
        wanted = (
            select(control_audit.c.hash)
            .where(control_audit.c.agent == agent)
            .order_by(control_audit.c.revision.desc())
            .limit(1)
        )
        return (await self.transaction.connection.execute(wanted)).scalar_one_or_none() or FIRST

    async def _database_time(self) -> datetime:
        moment: datetime = (await self.transaction.connection.execute(select(func.now()))).scalar_one()
        return moment.replace(tzinfo=moment.tzinfo or UTC)

    async def breaks(self) -> tuple[str, ...]:
        """What is wrong with the chains, one sentence each; empty when nobody tampered with them."""
        connection = self.transaction.connection
        chains: dict[str, list[dict[str, Any]]] = {}
        wanted = select(control_audit).order_by(control_audit.c.agent, control_audit.c.revision)
        for row in (await connection.execute(wanted)).mappings():
            chains.setdefault(row["agent"], []).append(dict(row))
        revisions = {row.agent: row.revision for row in await connection.execute(select(agent_revisions))}
        found = (_break_in(agent, chains.get(agent, []), revisions.get(agent, 0)) for agent in {*chains, *revisions})
        return tuple(sorted(sentence for sentence in found if sentence))


def digest(row: dict[str, Any]) -> str:
    """SHA-256 over the row's canonical JSON, ``hash`` left out."""
    kept = {**{name: value for name, value in row.items() if name != "hash"}, "at": _moment(row["at"])}
    return sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _break_in(agent: str, chain: list[dict[str, Any]], revision: int) -> str | None:
    previous = FIRST
    for expected, row in enumerate(chain, start=1):
        if row["revision"] != expected:
            return f"{agent}: revision {expected} is missing."
        if row["previous_hash"] != previous or row["hash"] != digest(row):
            return f"{agent}: revision {expected} was changed after it was written."
        previous = row["hash"]
    if len(chain) != revision:
        return f"{agent}: revision {len(chain) + 1} is missing."
    return None


def _mitigation_of(fact: Fact) -> str | None:
    match fact:
        case MitigationApplied(mitigation=mitigation):
            return mitigation.id
        case (
            MitigationProven(mitigation=mitigation_id)
            | MitigationExtended(mitigation=mitigation_id)
            | MitigationHeld(mitigation=mitigation_id)
            | MitigationReverted(mitigation=mitigation_id)
            | MitigationExpired(mitigation=mitigation_id)
        ):
            return mitigation_id
        case _:
            return None
