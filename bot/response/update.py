"""Keep people informed: notes, updates, roles and severity."""

from dataclasses import dataclass

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.errors import BadInput
from bot.incident.facts.classifying import SeverityChanged
from bot.incident.facts.people import NoteAdded, RoleTaken, UpdatePosted
from bot.incident.model import Person, Role
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Severity
from bot.ports import Clock, Records, RoomTask, RoomTaskKind
from bot.response.recording import open_state_of, record, state_of

TEXT_LIMIT = 3000


def checked_text(text: str, field: str = "text") -> str:
    """The text without surrounding space.

    Raises:
        BadInput: it is empty or longer than 3000 characters.
    """
    text = text.strip()
    if not text:
        raise BadInput(field, "Write something first; nothing was recorded.")
    if len(text) > TEXT_LIMIT:
        raise BadInput(
            field, f"The text has {len(text)} characters; {TEXT_LIMIT} fit. Shorten it or attach it as a file."
        )
    return text


@dataclass(frozen=True, slots=True)
class AddNote:
    """Put a note on the timeline. Allowed at any time, also after resolve."""

    records: Records
    clock: Clock

    async def __call__(
        self,
        key: str,
        text: str,
        source: str,
        author: Person,
        by: Person,
        idem: str,
        permalink: str | None = None,
    ) -> IncidentState:
        """The state after noting. ``author`` wrote the words, ``by`` put them here.

        Raises:
            NotFound: there is no such incident.
            BadInput: the text is empty or too long (a pinned message is shortened instead).
        """
        kept = checked_text(text[:TEXT_LIMIT] if source == "pin" else text)
        async with self.records.begin() as work:
            state = await state_of(work, key)
            fact = NoteAdded(kept, source, author, permalink)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"note:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class PostUpdate:
    """Tell those who wait where things stand."""

    records: Records
    clock: Clock

    async def __call__(self, key: str, text: str, by: Person, idem: str) -> IncidentState:
        """The state after posting; the room gets one message.

        Raises:
            NotFound: there is no such incident.
            BadInput: the text is empty or too long.
        """
        kept = checked_text(text)
        async with self.records.begin() as work:
            state = await state_of(work, key)
            if await record(work, state.incident.key, UpdatePosted(kept), by, self.clock.now(), f"update:{idem}"):
                task = RoomTask(RoomTaskKind.POST, state.incident.key, f"update:{idem}", {"text": kept, "by": by.id})
                await work.outbox.put(task)
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class DraftUpdate:
    """An update drafted from the timeline, to be edited and not written from nothing."""

    records: Records

    async def __call__(self, key: str) -> str:
        """The draft, at most 3000 characters.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        return drafted(state)


def drafted(state: IncidentState) -> str:
    """Where things stand, in sentences the timeline supports."""
    said = state.classified
    lines = [f"{state.incident.title} ({state.incident.agent}, {state.severity.value})."]
    if said is None:
        lines.append("We are classifying it.")
    else:
        lines.append(f"Class {said.incident_class.value}, suspected cause {said.cause.value}.")
        lines.extend(said.classification.because[:1])
    for status in state.live_mitigations:
        mitigation = status.mitigation
        lines.append(f"{mitigation.label} is on until {mitigation.expires_at:%H:%M} UTC: {mitigation.state.value}.")
    if not state.live_mitigations and state.status.is_open:
        lines.append(NONE_IN_FORCE)
    if state.resolution:
        lines.append(f"Resolved: {state.resolution.summary}")
    return "\n".join(lines)[:TEXT_LIMIT]


@dataclass(frozen=True, slots=True)
class TakeRole:
    """Name the commander, scribe or communications liaison."""

    records: Records
    clock: Clock

    async def __call__(self, key: str, role: Role, person: Person, by: Person, idem: str) -> IncidentState:
        """The state with ``person`` in ``role``; whoever had it is replaced.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.begin() as work:
            state = await state_of(work, key)
            await record(work, state.incident.key, RoleTaken(role, person), by, self.clock.now(), f"role:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class ChangeSeverity:
    """Judge the impact anew."""

    records: Records
    clock: Clock

    async def __call__(self, key: str, severity: Severity, reason: str, by: Person, idem: str) -> IncidentState:
        """The state with the new severity; the same severity changes nothing.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: lowering it below the floor that its class set.
        """
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "change of severity")
            floor = state.classified.classification.severity_floor if state.classified else None
            if floor is not None and severity.rank > floor.rank:
                why = state.classified.classification.floor_reason if state.classified else ""
                raise BadInput("severity", f"{severity.value} is below the floor {floor.value}: {why}.")
            if severity is not state.severity:
                fact = SeverityChanged(state.severity, severity, reason.strip())
                await record(work, state.incident.key, fact, by, self.clock.now(), f"severity:{idem}")
            return await state_of(work, key)
