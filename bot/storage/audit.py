"""Who changed which control: an append-only chain of hashes per agent.

One row for each revision of an agent's controls, written in the transaction of the change. Whoever asks for or starts a
remediation in spite of its lock gets a row and a revision, too, although no control changes by it.
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
from bot.incident.facts.approving import ApprovalDecided, ApprovalRequested
from bot.incident.facts.control import MitigationConfirmed, MitigationDeclined, MitigationUncertain
from bot.incident.facts.mitigating import MitigationProven
from bot.incident.mitigation import Mitigation
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.remediation import RemediationStarted
from bot.incident.timeline import Event, Fact, kind_of
from bot.storage.tables.incidents import agent_revisions, control_audit, incidents
from bot.storage.transaction import Transaction, insert

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
    overrides: list[Event] = field(default_factory=list)

    def note(self, change: Change) -> None:
        """A mitigation was changed."""
        self.changes.append(change)

    def tell(self, event: Event) -> None:
        """An event was recorded; if it is about a mitigation, its author is the one who changed it."""
        if _override_in(event.fact) is not None:
            self.overrides.append(event)
            return
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
        for event in self.overrides:
            await self._append_override(event)
        self.changes.clear()
        self.overrides.clear()

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
            "reason": _reason(event, change.after),
            "incident": change.after.incident,
            "mitigation": change.after.id,
            "approver": _approver(event),
            "via": via_of(by),
            "scope": encode(change.after.scope),
            "idempotency_key": (change.after.last_key or None) if by.id != FIRSTFIVE.id else None,
            "requests": list(change.after.requests) or None,
            "evidence": _evidence(event),
        }
        await self._chain(row)

    async def _append_override(self, event: Event) -> None:
        fact = _override_in(event.fact)
        wanted = select(incidents.c.agent).where(incidents.c.key == event.incident)
        agent: str = (await self.transaction.connection.execute(wanted)).scalar_one()
        row = {
            "agent": agent,
            "revision": await next_revision(self.transaction, agent),
            "at": event.at,
            "actor": event.by.id,
            "action": kind_of(event.fact),
            "before": None,
            "after": encode(fact),
            "reason": fact.override if fact and fact.override else "",
            "incident": event.incident,
            "mitigation": "",
            "approver": _approver(event),
            "via": via_of(event.by),
            "scope": None,
            "idempotency_key": None,
            "requests": None,
            "evidence": {"against": list(fact.grounds)} if fact else None,
        }
        await self._chain(row)

    async def _chain(self, row: dict[str, Any]) -> None:
        """Append the row, with its hash and the one before it."""
        row["previous_hash"] = await self._last_hash(row["agent"])
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


async def next_revision(transaction: Transaction, agent: str) -> int:
    """The agent's next revision, which is taken by that."""
    connection = transaction.writing
    bumped = (
        insert(connection, agent_revisions)
        .values(agent=agent, revision=1)
        .on_conflict_do_update(index_elements=["agent"], set_={"revision": agent_revisions.c.revision + 1})
        .returning(agent_revisions.c.revision)
    )
    return int((await connection.execute(bumped)).scalar_one())


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


def _reason(event: Event | None, after: Mitigation) -> str:
    """Why it was changed; of what is advised against, why in spite of that, too."""
    said = (getattr(event.fact, "reason", "") if event else "") or after.reason
    override = getattr(event.fact, "override", None) if event else None
    return f"{said}; in spite of advice: {override}" if override and override != said else said


def _override_in(fact: Fact) -> RemediationStarted | None:
    """The remediation that is asked for or started in spite of its lock."""
    found = fact.approval.ask.starts if isinstance(fact, ApprovalRequested) else fact
    return found if isinstance(found, RemediationStarted) and found.override else None


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
