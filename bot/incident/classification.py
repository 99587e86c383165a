"""The questions of the decision tree and the answer they lead to.

The tree asks what is irreversible first, then what is loud, then what is quiet. A question
answered "can't tell" falls through and leaves a flag.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from bot.incident.evidence import Onset
from bot.incident.names import Name
from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity


class Question(Name):
    """A yes/no node of the tree, by its id. These twelve come along; a team's taxonomy may have more."""

    FRESH: ClassVar["Question"]
    HARM_NOW: ClassVar["Question"]
    SECURITY: ClassVar["Question"]
    ACTION: ClassVar["Question"]
    BEHAVIOUR: ClassVar["Question"]
    LOUD: ClassVar["Question"]
    PROVIDER: ClassVar["Question"]
    ONE_TOOL: ClassVar["Question"]
    LOOPING: ClassVar["Question"]
    LOOP_BY_TOOL: ClassVar["Question"]
    QUALITY: ClassVar["Question"]
    MODEL_CHANGED: ClassVar["Question"]


for _id in (
    *("fresh", "harm_now", "security", "action", "behaviour", "loud", "provider", "one_tool"),
    *("looping", "loop_by_tool", "quality", "model_changed"),
):
    setattr(Question, _id.upper(), Question(_id))


class Reply(StrEnum):
    """An answer to a question."""

    YES = "yes"
    NO = "no"
    CANT_TELL = "cant_tell"


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with its reply and the sentence that carries the figures behind it.

    ``by`` is "telemetry" or the id of the responder who overrode or confirmed it.
    """

    question: Question
    reply: Reply
    because: str
    signals: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()
    by: str = "telemetry"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cause that may be behind it, and the sentence that says why."""

    cause: Cause
    because: str


@dataclass(frozen=True, slots=True)
class WouldChange:
    """What would lead to another class, ``to`` (None: to nothing wrong), in a sentence with its figure.

    Either another ``reply`` to ``question``, or ``signal`` at the share ``value`` (0..1) instead of its own.
    """

    to: IncidentClass | None
    text: str
    question: Question | None = None
    reply: Reply | None = None
    signal: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of an incident with its reasons; ``incident_class`` is None when nothing is wrong.

    ``because`` is what Slack shows and what the postmortem quotes; ``rules_out`` has one
    sentence per class that was considered and dropped; ``contributing`` are secondary classes;
    ``suspects`` are causes to choose from, the suspected one first.
    """

    incident_class: IncidentClass | None
    cause: Cause
    confidence: Confidence
    severity_floor: Severity
    floor_reason: str
    because: tuple[str, ...]
    rules_out: tuple[str, ...]
    answers: tuple[Answer, ...]
    contributing: tuple[IncidentClass, ...] = ()
    flags: tuple[str, ...] = ()
    onset: Onset | None = None
    suspects: tuple[Suspect, ...] = ()
    would_change: tuple[WouldChange, ...] = ()
