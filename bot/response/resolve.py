"""Resolve: say that harm has ended, show what telemetry says about it, and decide on every control."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.incident.approval import Ask, Loosening
from bot.incident.classification import Classification
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.closing import PostmortemDrafted, Resolved
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import IncidentKey, Person
from bot.incident.recovery import Gate, Recovery
from bot.incident.recovery import recovered as gate_met
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState, MitigationStatus
from bot.incident.summary import summary_of
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, RoomTask, RoomTaskKind, Work
from bot.response.changes import Changes
from bot.response.freeze import frozen_bundle
from bot.response.recording import digest_of, open_state_of, record, state_of, used_before
from bot.response.review import DraftPostmortem
from bot.response.suggest import Suggest
from bot.response.update import checked_text


@dataclass(frozen=True, slots=True)
class Outlook:
    """What telemetry says about recovery. ``recovered`` is None when it cannot tell. Nothing in it forbids resolving."""

    lines: tuple[str, ...]
    recovered: bool | None
    live: tuple[MitigationStatus, ...]
    recovery: Recovery | None = None  # the gate of the runbook; None when the class has none


@dataclass(frozen=True, slots=True)
class LookAhead:
    """Fresh evidence before resolving."""

    records: Records
    suggest: Suggest
    runbooks: Mapping[IncidentClass, Runbook] = field(default_factory=dict)

    async def __call__(self, key: str) -> Outlook:
        """The outlook for the incident's agent now.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
            frozen = await frozen_bundle(work, state)
        looked = self.suggest(state.incident.agent, environment=state.incident.environment)
        (bundle, tree), recovery = await asyncio.gather(looked, self._gate(state, frozen))
        lines = (verdict(bundle, tree), *gate_lines(recovery), *summary_of(bundle)[:4])
        return Outlook(lines, recovered(tree), state.live_mitigations, recovery)

    async def _gate(self, state: IncidentState, frozen: EvidenceBundle | None) -> Recovery | None:
        runbook = self.runbooks.get(state.incident_class) if state.incident_class else None
        gate: Gate | None = runbook.recovery if runbook else None
        if gate is None:
            return None
        window = timedelta(minutes=gate.minutes) if gate.watches else None
        agent, environment = state.incident.agent, state.incident.environment
        bundle = await self.suggest.gather(agent, None, window, environment=environment)
        return gate_met(gate, bundle, tuple(state.mitigations.values()), frozen)


def recovered(tree: Classification) -> bool | None:
    """True when nothing is wrong, False when a class is found, None when telemetry cannot tell."""
    if tree.incident_class is None:
        return True
    return None if tree.incident_class is IncidentClass.UNKN else False


def gate_lines(recovery: Recovery | None) -> tuple[str, ...]:
    """The gate of the runbook in sentences, what is not met first."""
    if recovery is None:
        return ()
    word = {True: "met", False: "not met", None: "can't tell"}[recovery.met]
    return (f"Recovery gate of the runbook: {word}.", *recovery.because)


def verdict(bundle: EvidenceBundle, tree: Classification) -> str:
    """The outlook in one sentence."""
    if tree.incident_class is None:
        return "Telemetry shows nothing unusual any more."
    if tree.incident_class is IncidentClass.UNKN:
        return bundle.missing[0] if bundle.missing else "Telemetry cannot tell whether it is over."
    reason = tree.because[0] if tree.because else "see the evidence"
    return f"Telemetry still looks like {tree.incident_class.value}: {reason}"


@dataclass(frozen=True, slots=True)
class Resolve:
    """Close the response. Controls not kept are undone, as far as nobody has to approve it; the postmortem is drafted."""

    records: Records
    clock: Clock
    changes: Changes
    look_ahead: LookAhead
    draft: DraftPostmortem

    async def __call__(self, key: str, summary: str, keep: frozenset[str], by: Person, idem: str) -> IncidentState:
        """The resolved state. ``keep`` holds ids of mitigations that stay in force until they expire.

        Raises:
            NotFound, Closed: no such incident, or it is resolved already, by another click than this one.
            BadInput: the summary is empty or too long.
            KeyReused: this click came with something else before.
            NotAllowed: to undo what is in force takes two people, and nobody knows who asks.
        """
        said = checked_text(summary, "summary")
        asked = digest_of(said, *sorted(keep))
        outlook = await self.look_ahead(key)
        async with self.records.begin() as work:
            known = await state_of(work, key)
            if await used_before(work, f"resolve:{known.incident.key}:{idem}", asked, self.clock.now()):
                return known
            state = await open_state_of(work, key, "resolve")
            lifted = await self._revert(work, state, keep, by, idem)
            kept = tuple(s.mitigation.label for s in state.live_mitigations if s.mitigation.id in keep)
            fact = Resolved(said, outlook.lines, kept)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"resolve:{idem}")
            task = RoomTask(RoomTaskKind.POSTMORTEM, state.incident.key, f"postmortem:{state.incident.key}")
            await work.outbox.put(task)
        for mitigation in lifted:
            await self.changes.finish(mitigation)
        return await self._drafted(state.incident.key, by)

    async def _revert(
        self, work: Work, state: IncidentState, keep: frozenset[str], by: Person, idem: str
    ) -> list[Mitigation]:
        """Undo what is not kept. Resolving is no way around the second person: what lets the agent do more waits for one."""
        changed = []
        for status in state.live_mitigations:
            stored = await work.mitigations.get(status.mitigation.id)
            if status.mitigation.id in keep or stored is None or not stored.state.is_live:
                continue
            if stored.state is MitigationState.REVERTING:
                continue
            ask = Ask(Loosening.REVERT, stored.id, "the incident is resolved")
            changed.append(await self.changes.ask(work, stored, ask, by, f"{stored.id}:resolve:{idem}"))
        return changed

    async def _drafted(self, key: IncidentKey, by: Person) -> IncidentState:
        postmortem = await self.draft(key)
        async with self.records.begin() as work:
            fact = PostmortemDrafted(len(postmortem.todos))
            await record(work, key, fact, by, self.clock.now(), "drafted")
            return await state_of(work, key)
