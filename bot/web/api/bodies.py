"""The JSON that comes in."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.incident.classification import Reply
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.taxonomy import Cause, Severity


class Body(BaseModel):
    """What all bodies share: a field we do not know is an error, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclareBody(Body):
    """A declaration. Without an environment it is the agent's first one."""

    title: str
    agent: str
    environment: str = ""
    harm_now: bool = False
    severity: Severity = Severity.SEV3
    detection: str = Field(default="", description="how it was noticed, in your words")
    test: bool = False
    private: bool = False


class AnswerBody(Body):
    """A question whose answer responders confirm or override."""

    question: str = Field(description="its id in the taxonomy")
    reply: Reply
    because: str = ""


class ClassifyBody(Body):
    """What responders decided."""

    incident_class: str = Field(alias="class", description="its id in the taxonomy")
    cause: Cause
    severity: Severity
    answers: list[AnswerBody] = Field(default_factory=list)
    comment: str = ""


class ScopeBody(Body):
    """Whom it binds; what is empty binds all."""

    environment: str = ""
    tenant: str = ""
    channel: str = ""
    version: str = ""


def scope_of(body: ScopeBody) -> Scope:
    """The scope of a mitigation."""
    return Scope(body.environment, body.tenant, body.channel, body.version)


class ApplyBody(Body):
    """A lever to pull. ``override`` is the reason for one that is contraindicated."""

    kind: MitigationKind
    value: Any = Field(default=None, description="its figure: a number, a name or a list of tools; none for a switch")
    limit: int | None = Field(default=None, description="the same for kinds that count, under its older name")
    scope: ScopeBody = ScopeBody()
    minutes: int = 60
    reason: str = ""
    override: str | None = None


class RevertBody(Body):
    """Why it is undone; needed when the one who applied it undoes it alone."""

    reason: str = ""


class ExtendBody(Body):
    """How much longer."""

    minutes: int


class TextBody(Body):
    """Words for the timeline or a section."""

    text: str


class ResolveBody(Body):
    """How it ended, and the ids of the mitigations that stay on until they expire."""

    summary: str
    keep: list[str] = Field(default_factory=list)


class ReviewBody(Body):
    """What the reviewers say."""

    comment: str = ""
