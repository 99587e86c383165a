"""Look: read incidents, their timelines and their frozen evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.errors import NotFound
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.control import EvidenceKept
from bot.incident.facts.declaring import EvidenceFrozen
from bot.incident.state import IncidentState
from bot.incident.timeline import Event
from bot.ports import Records
from bot.response.freeze import frozen_bundle
from bot.response.recording import incident_key, state_of


@dataclass(frozen=True, slots=True)
class Look:
    """Read-only questions."""

    records: Records

    async def state(self, key: str) -> IncidentState:
        """The incident people mean by ``key`` (``INC-7``, ``inc-7``, ``7``).

        Raises:
            NotFound: there is none.
        """
        async with self.records.look() as work:
            return await state_of(work, key)

    async def timeline(self, key: str) -> tuple[Event, ...]:
        """All events of the incident, oldest first.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            await state_of(work, key)
            return await work.timelines.read(incident_key(key))

    async def recent(self, limit: int = 20, before: int | None = None) -> tuple[IncidentState, ...]:
        """The newest incidents first; with ``before``, only those with a smaller number."""
        async with self.records.look() as work:
            found = await work.incidents.recent(limit, before)
            return tuple([await work.timelines.state(incident) for incident in found])

    async def in_channel(self, channel_id: str) -> IncidentState | None:
        """The incident whose room is that channel, or None."""
        async with self.records.look() as work:
            incident = await work.incidents.in_channel(channel_id)
            if incident is None:
                return None
            return await work.timelines.state(incident)

    async def snapshot(self, key: str, snapshot_id: str) -> tuple[Event, Mapping[str, object]]:
        """Evidence that was frozen for an incident: the event that tells of it, and its body (JSON values).

        Raises:
            NotFound: the incident has none of that name.
        """
        async with self.records.look() as work:
            for event in await work.timelines.read((await state_of(work, key)).incident.key):
                if isinstance(event.fact, EvidenceFrozen | EvidenceKept) and event.fact.snapshot == snapshot_id:
                    body = await work.snapshots.frozen(snapshot_id)
                    if body is not None:
                        return event, body
        raise NotFound(f"{key} has no snapshot {snapshot_id[:40]}. Its page and its postmortem link those there are.")

    async def bundle(self, state: IncidentState) -> EvidenceBundle | None:
        """The evidence frozen at declaration, or None while it is being taken."""
        async with self.records.look() as work:
            return await frozen_bundle(work, state)
