"""A runbook: for one class, what to look for, what to do in which order, what not to do, and when it is over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.incident.kinds import MitigationKind
from bot.incident.recovery import Gate
from bot.incident.taxonomy import Cause, IncidentClass


class Phase(StrEnum):
    """Where in the response a step belongs, in the order in which people work."""

    CONTAINMENT = "containment"
    DIAGNOSIS = "diagnosis"
    REMEDIATION = "remediation"
    COMMUNICATION = "communication"
    RECOVERY = "recovery"


class Deed(StrEnum):
    """What a button beside a step can do, other than pulling a lever."""

    SNAPSHOT = "snapshot"
    EVIDENCE = "evidence"
    UPDATE = "update"
    PAGE_OWNER = "page-owner"

    @property
    def label(self) -> str:
        """What the button says."""
        return _LABELS[self]


_LABELS = {
    Deed.SNAPSHOT: "Take a snapshot",
    Deed.EVIDENCE: "Open the evidence",
    Deed.UPDATE: "Post an update",
    Deed.PAGE_OWNER: "Page the owner",
}

Action: TypeAlias = MitigationKind | Deed
ACTIONS: dict[str, Action] = {one.value: one for one in (*MitigationKind, *Deed)}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``causes`` are those a remediation step repairs; none means any.

    Containment says how to ``verify`` that it works and how to ``undo`` it. ``rollback`` marks a return
    to an older version, which has a gate of its own.
    """

    id: str
    text: str
    phase: Phase
    action: Action | None = None
    verify: str = ""
    undo: str = ""
    causes: tuple[Cause, ...] = ()
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class DoNot:
    """What makes this class worse, and why."""

    text: str
    because: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told what, and when."""

    who: str
    when: str
    what: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """One class's runbook. ``first_five`` are the texts of the steps shown on the card; ``body`` is Markdown.

    ``own`` says that the organisation wrote it; otherwise it came along.
    """

    incident_class: IncidentClass
    title: str
    version: str = ""
    own: bool = False
    trigger: str = ""
    signature: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    in_flight: tuple[str, ...] = ()
    first_five: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    do_not: tuple[DoNot, ...] = ()
    snapshot: tuple[str, ...] = ()
    recovery: Gate | None = None
    communication: tuple[Notice, ...] = ()
    postmortem: tuple[str, ...] = ()
    body: str = ""

    @property
    def edition(self) -> str:
        """Which text this is, for the timeline: "LOOP 1, packaged"."""
        return f"{self.incident_class.value} {self.version}, {'own' if self.own else 'packaged'}"

    def step(self, step_id: str) -> Step | None:
        """The step of that id, or None."""
        return next((step for step in self.steps if step.id == step_id), None)
