"""Frozen evidence, kept beside later looks and never overwritten."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from bot.incident.model import IncidentKey
from bot.ports import Snapshots
from bot.storage.tables.incidents import snapshots
from bot.storage.transaction import Transaction, insert

ONCE = "T0"
ID_LENGTH = 20


@dataclass(frozen=True, slots=True)
class SqlSnapshots(Snapshots):
    """Snapshots within one transaction."""

    transaction: Transaction

    async def freeze(self, key: IncidentKey, kind: str, at: datetime, body: Mapping[str, object]) -> tuple[str, str]:
        """Keep ``body`` (JSON values) under a new id; returns the id and the SHA-256 of its canonical JSON.

        A second snapshot of kind "T0" returns the first one's id and hash and keeps the first.
        """
        connection = self.transaction.writing
        await self.transaction.lock(key)
        if kind == ONCE:
            first = await self._first(key)
            if first is not None:
                return first
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
        digest = sha256(canonical.encode()).hexdigest()
        # The id follows from the content: the same look kept twice is one snapshot.
        name = sha256(f"{key}\n{kind}\n{at.isoformat()}\n{digest}".encode()).hexdigest()[:ID_LENGTH]
        await connection.execute(
            insert(connection, snapshots)
            .values(id=name, incident=key, kind=kind, at=at, sha256=digest, body=canonical)
            .on_conflict_do_nothing()
        )
        return name, digest

    async def _first(self, key: IncidentKey) -> tuple[str, str] | None:
        wanted = select(snapshots.c.id, snapshots.c.sha256).where(snapshots.c.incident == key, snapshots.c.kind == ONCE)
        row = (await self.transaction.connection.execute(wanted)).first()
        return None if row is None else (row.id, row.sha256)

    async def frozen(self, snapshot_id: str) -> Mapping[str, object] | None:
        """The body kept under that id, or None."""
        wanted = select(snapshots.c.body).where(snapshots.c.id == snapshot_id)
        canonical = (await self.transaction.connection.execute(wanted)).scalar_one_or_none()
        if canonical is None:
            return None
        body: Mapping[str, object] = json.loads(canonical)
        return body
