"""Freeze the evidence of the moment of declaration. It is taken once and never overwritten."""

from dataclasses import dataclass

from bot.incident.codec import decode, encode
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.declaring import EvidenceFrozen
from bot.incident.model import FIRSTFIVE, IncidentKey
from bot.incident.state import IncidentState
from bot.incident.summary import summary_of
from bot.ports import Clock, Records, RoomTask, RoomTaskKind, Work
from bot.response.recording import record, state_of
from bot.response.suggest import Suggest


@dataclass(frozen=True, slots=True)
class FreezeEvidence:
    """Snapshot evidence, the suggested classification, active controls and versions as of the declaration."""

    records: Records
    clock: Clock
    suggest: Suggest

    async def __call__(self, key: IncidentKey) -> None:
        """Take the snapshot, unless it has been taken. Telemetry is judged by its own timestamps."""
        async with self.records.look() as work:
            state = await state_of(work, key)
            live, revisions = await work.mitigations.live()
        if state.snapshot is not None:
            return
        agent, environment = state.incident.agent, state.incident.environment
        bundle, suggested = await self.suggest(agent, state.incident.declared_at, environment=environment)
        body = {
            "evidence": encode(bundle),
            "classification": encode(suggested),
            "controls": encode([mitigation for mitigation in live if mitigation.agent == agent]),
            "control_revision": revisions.get(agent, 0),
        }
        async with self.records.begin() as work:
            at = self.clock.now()
            snapshot, sha256 = await work.snapshots.freeze(key, "T0", at, body)
            fact = EvidenceFrozen(snapshot, sha256, summary_of(bundle), bundle.missing, suggested)
            await record(work, key, fact, FIRSTFIVE, at, "evidence:T0")
            await work.outbox.put(RoomTask(RoomTaskKind.EVIDENCE, key, f"evidence:{key}"))


async def frozen_bundle(work: Work, state: IncidentState) -> EvidenceBundle | None:
    """The evidence frozen at declaration, or None while it is being taken."""
    body = await work.snapshots.frozen(state.snapshot) if state.snapshot else None
    return decode(EvidenceBundle, body["evidence"]) if body else None
