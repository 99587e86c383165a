"""Review: draft the postmortem from the timeline, let people fill its gaps, accept it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.incident.errors import Closed, Refused
from bot.incident.facts.closing import Reviewed, ReviewWritten
from bot.incident.model import Person, Status
from bot.incident.postmortem import Postmortem, Section
from bot.incident.review import draft
from bot.incident.rules import Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, Work
from bot.response.freeze import frozen_bundle
from bot.response.recording import digest_of, record, state_of, used_before
from bot.response.update import checked_text


@dataclass(frozen=True, slots=True)
class DraftPostmortem:
    """The postmortem as the timeline supports it right now."""

    records: Records
    clock: Clock
    taxonomy: Taxonomy
    runbooks: Mapping[IncidentClass, Runbook] = field(default_factory=dict)

    async def __call__(self, key: str) -> Postmortem:
        """The typed document.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
            events = await work.timelines.read(state.incident.key)
            bundle = await frozen_bundle(work, state)
        runbook = self.runbooks.get(state.incident_class or IncidentClass.UNKN)
        return draft(state, events, bundle, self.clock.now(), self.taxonomy, runbook)


@dataclass(frozen=True, slots=True)
class WriteSection:
    """Fill a section. The last text counts, and each one stays on the timeline."""

    records: Records
    clock: Clock

    async def __call__(self, key: str, section: Section, text: str, by: Person, idem: str) -> IncidentState:
        """The state with the section filled.

        Raises:
            NotFound: there is no such incident.
            BadInput: the text is empty or too long.
            Closed: the postmortem is reviewed already.
        """
        kept = checked_text(text, section.value)
        async with self.records.begin() as work:
            state = await unreviewed_state_of(work, key)
            if state.review.get(section.value) != kept:
                fact = ReviewWritten(section.value, kept)
                await record(work, state.incident.key, fact, by, self.clock.now(), f"section:{section.value}:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class AcceptReview:
    """Mark the postmortem reviewed."""

    records: Records
    clock: Clock

    async def __call__(self, key: str, comment: str, by: Person, idem: str) -> IncidentState:
        """The reviewed state.

        Raises:
            NotFound: there is no such incident.
            Closed: it is reviewed already, by another click than this one.
            Refused: it is not resolved yet, or the monitoring gap is empty.
            KeyReused: this click came with something else before.
        """
        async with self.records.begin() as work:
            known = await state_of(work, key)
            asked = f"review:{known.incident.key}:{idem}"
            if await used_before(work, asked, digest_of(comment.strip()), self.clock.now()):
                return known
            state = await unreviewed_state_of(work, key)
            if state.status.is_open:
                raise Refused(f"{state.incident.key} is still {state.status.value}; resolve it before the review.")
            if not state.review.get(Section.MONITORING_GAP.value, "").strip():
                raise Refused(
                    "The monitoring gap is empty. Say which signal would have found this, when, and if it exists now."
                )
            fact = Reviewed(comment.strip())
            await record(work, state.incident.key, fact, by, self.clock.now(), f"review:{idem}")
            return await state_of(work, key)


async def unreviewed_state_of(work: Work, key: str) -> IncidentState:
    """The state, for a step that an accepted postmortem no longer takes.

    Raises:
        NotFound: there is no such incident.
        Closed: its postmortem is reviewed.
    """
    state = await state_of(work, key)
    if state.status is Status.REVIEWED:
        raise Closed(f"The postmortem of {state.incident.key} is reviewed already. Nothing was changed.")
    return state
