"""Resolve: say that harm has ended, show what telemetry says about it, and decide on every control."""

from dataclasses import dataclass

from bot.incident.classification import Classification
from bot.incident.evidence import EvidenceBundle
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import IncidentKey, Person
from bot.incident.summary import summary_of
from bot.incident.taxonomy import IncidentClass
from bot.incident.timeline import IncidentState, MitigationReverted, MitigationStatus, PostmortemDrafted, Resolved
from bot.ports import Clock, Control, Records, RoomTask, RoomTaskKind, Work
from bot.response.gather import Suggest
from bot.response.mitigate import end
from bot.response.recording import open_state_of, record, state_of
from bot.response.review import DraftPostmortem
from bot.response.update import checked_text


@dataclass(frozen=True, slots=True)
class Outlook:
    """What telemetry says about recovery. ``recovered`` is None when it cannot tell."""

    lines: tuple[str, ...]
    recovered: bool | None
    live: tuple[MitigationStatus, ...]


@dataclass(frozen=True, slots=True)
class LookAhead:
    """Fresh evidence before resolving."""

    records: Records
    suggest: Suggest

    async def __call__(self, key: str) -> Outlook:
        """The outlook for the incident's agent now.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        bundle, tree = await self.suggest(state.incident.agent)
        return Outlook((verdict(bundle, tree), *summary_of(bundle)[:4]), recovered(tree), state.live_mitigations)


def recovered(tree: Classification) -> bool | None:
    """True when nothing is wrong, False when a class is found, None when telemetry cannot tell."""
    if tree.incident_class is None:
        return True
    return None if tree.incident_class is IncidentClass.UNKN else False


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
    """Close the response. Controls not kept are reverted; the postmortem is drafted."""

    records: Records
    clock: Clock
    control: Control
    look_ahead: LookAhead
    draft: DraftPostmortem

    async def __call__(self, key: str, summary: str, keep: frozenset[str], by: Person, idem: str) -> IncidentState:
        """The resolved state. ``keep`` holds ids of mitigations that stay in force until they expire.

        Raises:
            NotFound, Closed: no such incident, or it is resolved already.
            BadInput: the summary is empty or too long.
        """
        said = checked_text(summary, "summary")
        outlook = await self.look_ahead(key)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "resolve")
            await self._revert(work, state, keep, by)
            kept = tuple(s.mitigation.label for s in state.live_mitigations if s.mitigation.id in keep)
            fact = Resolved(said, outlook.lines, kept)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"resolve:{idem}")
            task = RoomTask(RoomTaskKind.POSTMORTEM, state.incident.key, f"postmortem:{state.incident.key}")
            await work.outbox.put(task)
        await self.control.publish()
        return await self._drafted(state.incident.key, by)

    async def _revert(self, work: Work, state: IncidentState, keep: frozenset[str], by: Person) -> None:
        for status in state.live_mitigations:
            if status.mitigation.id in keep:
                continue
            stored: Mitigation = await work.mitigations.get(status.mitigation.id) or status.mitigation
            if not stored.state.is_live:
                continue
            ended = await end(work, stored, MitigationState.REVERTED)
            alone = by.id == stored.applied_by.id
            fact = MitigationReverted(stored.id, "the incident is resolved", ended.before, ended.after, alone)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"revert:{stored.id}:resolve")

    async def _drafted(self, key: IncidentKey, by: Person) -> IncidentState:
        postmortem = await self.draft(key)
        async with self.records.begin() as work:
            fact = PostmortemDrafted(len(postmortem.todos))
            await record(work, key, fact, by, self.clock.now(), "drafted")
            return await state_of(work, key)
