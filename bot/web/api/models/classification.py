"""A class with its reasons, and who is asked for it, as they go out."""

from datetime import datetime

from pydantic import Field

from bot.web.api.models.evidence import OnsetShape
from bot.web.api.models.shape import Shape


class AnswerShape(Shape):
    """One question of the decision tree with its reply and the figures behind it."""

    question: str
    reply: str = Field(description="yes, no or cant_tell")
    because: str
    signals: list[str]
    trace_ids: list[str]
    by: str = Field(description="telemetry, or who overrode or confirmed it")


class SuspectShape(Shape):
    """A cause that may be behind it."""

    cause: str
    because: str


class WouldChangeShape(Shape):
    """What would lead to another class: another reply to a question, or a signal at another share."""

    to: str | None = Field(description="the class, or null for nothing wrong")
    text: str
    question: str | None
    reply: str | None
    signal: str
    value: float | None = Field(description="share of the signal, 0..1")


class ClassificationShape(Shape):
    """A class with its reasons; ``class`` is null when nothing is wrong."""

    incident_class: str | None = Field(serialization_alias="class")
    cause: str
    confidence: str
    onset: datetime | None = Field(description="best estimate of when it began")
    onset_interval: OnsetShape | None
    because: list[str]
    rules_out: list[str]
    severity_floor: str
    floor_reason: str
    answers: list[AnswerShape]
    contributing: list[str]
    flags: list[str]
    suspects: list[SuspectShape] = Field(description="causes to choose from, the suspected one first")
    would_change: list[WouldChangeShape]
    environment_notes: list[str] = Field(default_factory=list, description="whose tasks are not counted, in words")


class StoodShape(Shape):
    """What telemetry suggested at the declaration and what responders set."""

    suggested: ClassificationShape | None
    set: ClassificationShape | None
    severity: str


class LinkShape(Shape):
    """A private link to the classification of one incident. Whoever holds it acts as ``owner``."""

    owner: str
    url: str
    expires_at: datetime


class LinksShape(Shape):
    """Private links, one for each owner."""

    links: list[LinkShape]
