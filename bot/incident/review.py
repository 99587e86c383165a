"""The postmortem as a value: what the timeline supports, and what only people can add.

Nothing here invents: a sentence cites the events it rests on, and what no event
supports is a gap that says what is missing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.incident.evidence import EvidenceBundle
from bot.incident.timeline import Event, IncidentState


class Section(StrEnum):
    """The sections people can fill; the values are the names used by dialogs, API and events."""

    SUMMARY = "summary"
    IMPACT = "impact"
    DETECTION = "detection"
    CONTRIBUTING_FACTORS = "contributing_factors"
    MONITORING_GAP = "monitoring_gap"
    ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence with the events that support it (``INC-7#3``); no events means people wrote it."""

    text: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Todo:
    """A gap only people can fill: which section, and the question to answer."""

    section: Section
    question: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture for the document: a Vega-Lite spec and the same figures in words."""

    name: str
    alt: str
    spec: dict[str, object]


@dataclass(frozen=True, slots=True)
class Postmortem:
    """The document before rendering. Times are UTC."""

    state: IncidentState
    events: tuple[Event, ...]
    bundle: EvidenceBundle | None
    drafted_at: datetime
    sections: dict[Section, tuple[Statement, ...]]
    classification_story: tuple[Statement, ...]
    mitigations: tuple[Statement, ...]
    todos: tuple[Todo, ...]
    charts: tuple[Chart, ...] = ()

    @property
    def reviewable(self) -> bool:
        """The monitoring gap is filled, so the document may be marked reviewed."""
        return bool(self.state.review.get(Section.MONITORING_GAP, "").strip())
