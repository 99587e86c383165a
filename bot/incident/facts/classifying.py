"""Facts about what it is and how bad: answers, class, severity, the runbook's steps, and the clock that waits for a class."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bot.incident.classification import Classification, Question, Reply
from bot.incident.taxonomy import Cause, IncidentClass, Severity


@dataclass(frozen=True, slots=True)
class Classified:
    """Responders set class, suspected cause and severity. A second one is a reclassification.

    It says what was set before and why it changed; ``before`` is None for the first one.
    """

    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    classification: Classification
    runbook: str = ""  # the edition of the class's runbook in use at that time
    before: IncidentClass | None = None
    before_cause: Cause | None = None
    before_severity: Severity | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """A responder answered a question of the tree; the last answer counts.

    ``telemetry`` and ``figure`` were beside it; ``asked`` is how the question read then.
    """

    question: Question
    reply: Reply
    telemetry: Reply | None = None
    figure: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class ClassDoubted:
    """A mitigation of the class did not show in time what it should: the class may be another one."""

    mitigation: str
    incident_class: IncidentClass
    detail: str


@dataclass(frozen=True, slots=True)
class StepTicked:
    """A step of a class's runbook was ticked, or unticked where not ``done``; ``text`` is how it read then."""

    incident_class: IncidentClass
    step: str
    text: str
    done: bool
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class OwnerInvited:
    """A private link to the classification was made for an owner of the agent; the link itself is kept nowhere."""

    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClassificationReminded:
    """Some minutes have passed without a class; there are still some left."""

    minutes: int


@dataclass(frozen=True, slots=True)
class ClassificationOverdue:
    """Five minutes have passed without a class."""

    minutes: int


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    """Impact was judged anew."""

    before: Severity
    after: Severity
    reason: str


ClassifyingFact: TypeAlias = (
    Classified
    | QuestionAnswered
    | ClassDoubted
    | StepTicked
    | OwnerInvited
    | ClassificationReminded
    | ClassificationOverdue
    | SeverityChanged
)
