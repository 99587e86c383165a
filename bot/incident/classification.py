"""The questions of the decision tree and the answer they lead to.

The tree asks what is irreversible first, then what is loud, then what is quiet. A question
answered "can't tell" falls through and leaves a flag.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity


class Question(StrEnum):
    """The yes/no nodes of the tree, in the order in which they are asked."""

    FRESH = "fresh"
    HARM_NOW = "harm_now"
    SECURITY = "security"
    ACTION = "action"
    BEHAVIOUR = "behaviour"
    LOUD = "loud"
    PROVIDER = "provider"
    ONE_TOOL = "one_tool"
    LOOPING = "looping"
    LOOP_BY_TOOL = "loop_by_tool"
    QUALITY = "quality"
    MODEL_CHANGED = "model_changed"


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
class Classification:
    """The class of an incident with its reasons; ``incident_class`` is None when nothing is wrong.

    ``because`` is what Slack shows and what the postmortem quotes; ``rules_out`` has one
    sentence per class that was considered and dropped; ``contributing`` are secondary classes.
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
