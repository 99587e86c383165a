"""The state of an incident, as a fold over its timeline finds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.incident.approval import Approval
from bot.incident.classification import Classification, Question, Reply
from bot.incident.facts.classifying import ClassDoubted, Classified, StepTicked
from bot.incident.facts.closing import Resolved
from bot.incident.facts.control import EvidenceKept, MitigationEscalated, MitigationStrayed
from bot.incident.facts.declaring import RoomStep
from bot.incident.mitigation import Mitigation
from bot.incident.model import Incident, Person, Role, Status
from bot.incident.proof import Proof
from bot.incident.remediation import Evaluation, RemediationEnded, RemediationStarted
from bot.incident.taxonomy import Cause, IncidentClass, Severity


@dataclass(frozen=True, slots=True)
class MitigationStatus:
    """One mitigation with the latest proof of it."""

    mitigation: Mitigation
    proof: Proof | None = None
    ended_by: Person | None = None
    ended_at: datetime | None = None
    kept: EvidenceKept | None = None  # what was exported before it was applied
    escalated: MitigationEscalated | None = None
    strayed: MitigationStrayed | None = None  # what its control plane said else, until it is read back as in force
    waiting: str = ""  # what the next step of its exit plan waits for
    warnings: tuple[str, ...] = ()  # what may keep it from working
    first: Mapping[str, datetime] = field(
        default_factory=dict
    )  # "applied", "delivered", "observed" -> when first known


@dataclass(frozen=True, slots=True)
class RemediationStatus:
    """One remediation: who started it when, and how it ended."""

    fact: RemediationStarted
    by: Person
    at: datetime
    ended: RemediationEnded | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The last word on one step of a runbook: done or not, who said so, when, and how the step read then."""

    fact: StepTicked
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Replied:
    """The last answer to one question: who gave it, when, and what telemetry said beside it."""

    reply: Reply
    by: Person
    at: datetime
    telemetry: Reply | None = None
    figure: str = ""

    @property
    def differs(self) -> bool:
        """People and telemetry disagree."""
        return self.telemetry is not None and self.telemetry is not self.reply


@dataclass(frozen=True, slots=True)
class IncidentState:
    """An incident as its timeline tells it, up to the last event folded in."""

    incident: Incident
    severity: Severity
    status: Status = Status.DECLARED
    harm_now: bool = False
    suggested: Classification | None = None
    snapshot: str | None = None
    evidence_summary: tuple[str, ...] = ()
    evidence_missing: tuple[str, ...] = ()
    classified: Classified | None = None
    classified_at: datetime | None = None
    set_by: Person | None = None  # who set the class that stands, and when
    set_at: datetime | None = None
    overdue: bool = False
    roles: Mapping[Role, Person] = field(default_factory=dict)
    mitigations: Mapping[str, MitigationStatus] = field(default_factory=dict)
    channel_id: str | None = None
    channel_name: str | None = None
    room_steps: tuple[RoomStep, ...] = ()
    last_update: str | None = None
    resolved_at: datetime | None = None
    resolution: Resolved | None = None
    review: Mapping[str, str] = field(default_factory=dict)
    open_todos: int | None = None
    last_seq: int = 0
    ticks: Mapping[tuple[IncidentClass, str], Tick] = field(default_factory=dict)  # by class and step
    replies: Mapping[Question, Replied] = field(default_factory=dict)  # what responders answered, in any order
    approvals: Mapping[str, Approval] = field(default_factory=dict)  # by id, in the order in which they were asked
    actions: tuple[str, ...] = ()  # what is to be done after the incident
    remediations: Mapping[str, RemediationStatus] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)  # reported ones, the last of each version
    evaluations_asked: tuple[str, ...] = ()  # versions somebody wants evaluated
    doubt: ClassDoubted | None = None  # the question whether the class is right, until it is set anew

    @property
    def incident_class(self) -> IncidentClass | None:
        """The class responders set, or None."""
        return self.classified.incident_class if self.classified else None

    @property
    def cause(self) -> Cause | None:
        """The suspected cause responders set, or None."""
        return self.classified.cause if self.classified else None

    @property
    def remediation_unlocked(self) -> bool:
        """Class and suspected cause are set, and neither is unknown."""
        return self.incident_class not in {None, IncidentClass.UNKN} and self.cause not in {None, Cause.UNKNOWN}

    @property
    def live_mitigations(self) -> tuple[MitigationStatus, ...]:
        """Mitigations in force, oldest first."""
        return tuple(status for status in self.mitigations.values() if status.mitigation.state.is_live)

    @property
    def pending_approvals(self) -> tuple[Approval, ...]:
        """Questions to a second person that nobody has answered and a yes would still answer, oldest first."""
        return tuple(one for one in self.approvals.values() if one.is_pending and not self._is_moot(one))

    def _is_moot(self, approval: Approval) -> bool:
        """What it is about has ended, or was tightened since."""
        about = self.mitigations.get(approval.ask.mitigation)
        if about is None or approval.alone:
            return False
        m = about.mitigation
        return m.state.has_ended or approval.is_overtaken(m.kind, m.value)
