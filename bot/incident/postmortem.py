"""The postmortem as a value: what each section says, what only people can add, and the pictures beside it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.incident.charts.chart import Chart
from bot.incident.evidence import EvidenceBundle
from bot.incident.state import IncidentState
from bot.incident.statements import Statement
from bot.incident.timeline import Event


class Section(StrEnum):
    """The sections people can fill; the values are the names used by dialogs, API and events."""

    SUMMARY = "summary"
    IMPACT = "impact"
    DETECTION = "detection"
    CONTRIBUTING_FACTORS = "contributing_factors"
    MONITORING_GAP = "monitoring_gap"
    ACTIONS = "actions"

    @property
    def heading(self) -> str:
        """Its heading: ``Contributing factors``."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Todo:
    """A gap only people can fill: which section, and the question to answer."""

    section: Section
    question: str


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
    steps: tuple[Statement, ...] = ()  # of the runbook: ticked ones, then those that nobody ticked
    asked: tuple[Statement, ...] = ()  # what the runbook wants answered
    labels: tuple[Statement, ...] = ()  # names of the class in public taxonomies
    class_name: str = ""
    times: tuple[Statement, ...] = ()  # of mitigations: in force, delivered, observed
    approvals: tuple[Statement, ...] = ()  # by second persons, and broken glass

    @property
    def reviewable(self) -> bool:
        """The monitoring gap is filled, so the document may be marked reviewed."""
        return bool(self.state.review.get(Section.MONITORING_GAP.value, "").strip())


REVIEW_QUESTIONS = {
    Section.SUMMARY: "What happened, in two sentences a stranger understands?",
    Section.IMPACT: "Who was affected, how many, and what did it cost them?",
    Section.DETECTION: "How was it noticed?",
    Section.CONTRIBUTING_FACTORS: "Which conditions made it possible? Name several; people are not one of them.",
    Section.MONITORING_GAP: "Which signal would have found this, when, and does that monitor exist now?",
    Section.ACTIONS: "What will be done, by which role, until when? At least one action detects, or say why not.",
}
