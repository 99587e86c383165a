"""Who changed which control: an append-only chain of hashes per agent.

One row for each revision of an agent's controls, written in the transaction of the change.
Each row's hash covers the row and the hash before it, so that a row that was changed,
inserted or removed later shows; a chain that was cut short no longer ends at the agent's revision.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select

from bot.incident.codec import encode
from bot.incident.control_facts import (
    ApprovalDecided,
    ApprovalRequested,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationUncertain,
)
from bot.incident.mitigation import Mitigation
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.timeline import Event, Fact, MitigationProven, kind_of
from bot.storage.tables.incidents import control_audit
from bot.storage.transaction import Transaction

FIRST = "0" * 64
ADDED_LATER = frozenset({"approver", "via", "scope", "idempotency_key", "requests", "evidence"})
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
        if mitigation is None:
            return
        known = self.told.get(mitigation)
        if known is None or isinstance(known.fact, ApprovalRequested):  # what was done says more than that it was asked
            self.told[mitigation] = event

    async def write(self) -> None:
        """Append one row for each change, in their order."""
        for change in self.changes:
            await self._append(change)
        self.changes.clear()

    async def _append(self, change: Change) -> None:
        event = self.told.get(change.after.id)
        by = event.by if event else UNTOLD
        row = {
            "agent": change.after.agent,
            "revision": change.after.revision,
            "at": event.at if event else await self._database_time(),
            "actor": by.id,
            "action": kind_of(event.fact) if event else change.after.state.value,
            "before": encode(change.before),
            "after": encode(change.after),
            "reason": (getattr(event.fact, "reason", "") if event else "") or change.after.reason,
            "incident": change.after.incident,
            "mitigation": change.after.id,
            "previous_hash": await self._last_hash(change.after.agent),
            "approver": _approver(event),
            "via": via_of(by),
            "scope": encode(change.after.scope),
            "idempotency_key": (change.after.last_key or None) if by.id != FIRSTFIVE.id else None,
            "requests": list(change.after.requests) or None,
            "evidence": _evidence(event),
        }
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


def digest(row: Mapping[str, Any]) -> str:
    """SHA-256 over the row's canonical JSON, ``hash`` left out and empty fields of later versions, too."""
    kept = {
        name: value for name, value in row.items() if name != "hash" and not (name in ADDED_LATER and value is None)
    }
    kept["at"] = _moment(row["at"])
    return sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def via_of(by: Person) -> str:
    """The door somebody came through, by the shape of their id."""
    if by.id in {FIRSTFIVE.id, UNTOLD.id}:
        return "timer" if by.id == FIRSTFIVE.id else UNTOLD.id
    door, found, _ = by.id.partition(":")
    return door if found and door in {"api", "cli", "page"} else "slack"


def _approver(event: Event | None) -> str | None:
    if event is None:
        return None
    if isinstance(event.fact, ApprovalDecided):
        return event.by.id
    approved_by = getattr(event.fact, "approved_by", None)
    return approved_by.id if isinstance(approved_by, Person) else None


def _evidence(event: Event | None) -> Any:
    match event.fact if event else None:
        case MitigationProven(proof=proof):
            return encode(proof)
        case MitigationConfirmed(driver=driver, detail=detail):
            return {"driver": driver, "read_back": detail}
        case MitigationUncertain(why=why) | MitigationDeclined(why=why):
            return {"why": why}
        case _:
            return None


def _mitigation_of(fact: Fact) -> str | None:
    if isinstance(fact, ApprovalRequested):
        return fact.approval.ask.mitigation
    about = getattr(fact, "mitigation", None)
    return about.id if isinstance(about, Mitigation) else about if isinstance(about, str) else None
