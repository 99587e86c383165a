"""The JSON that comes in."""

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.incident.classification import Reply
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import OnExpiry, Scope
from bot.incident.remediation import Outcome
from bot.incident.rules import RemediationKind
from bot.incident.taxonomy import Cause, Severity


def _no_switch(said: object) -> object:
    if isinstance(said, bool):
        raise ValueError("Give a number, not true or false")  # noqa: TRY004  pydantic turns only these into sentences
    return said


Whole: TypeAlias = Annotated[int, BeforeValidator(_no_switch)]
"""A whole number; true is none, although Python takes it for 1."""


class Body(BaseModel):
    """What all bodies share: a field we do not know is an error, not silence, and so is text that cannot be stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, said: Any) -> Any:
        for name, text in said.items() if isinstance(said, dict) else ():
            for one in text if isinstance(text, list) else [text]:
                if isinstance(one, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in one):
                    raise ValueError(f"{name[:40]!a} has characters that are no text")
        return said


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
    return Scope(body.environment.strip(), body.tenant.strip(), body.channel.strip(), body.version.strip())


class LinksBody(Body):
    """Private links to the classification, for owners without Slack."""

    owner: str = Field(default="", description="one of the agent's owners; empty: all of them")
    minutes: int = Field(default=240, description="how long they are good for, 5 to 1440")


class ApplyBody(Body):
    """A lever to pull. ``override`` is the reason for one that is contraindicated."""

    kind: MitigationKind
    value: Any = Field(default=None, description="its figure: a number, a name or a list of tools; none for a switch")
    limit: Whole | None = Field(default=None, description="the same for kinds that count, under its older name")
    scope: ScopeBody = ScopeBody()
    minutes: Whole = 60
    reason: str = ""
    override: str | None = None
    supersedes: str = Field(default="", description="the id of the pin in force whose place it takes")
    on_expiry: OnExpiry | None = Field(default=None, description="revert, or hold_and_page; a halt for harm holds")


class ContainBody(ApplyBody):
    """A lever to pull on an agent; without an incident one is declared."""

    agent: str = ""
    incident: str = ""


class RemediateBody(Body):
    """A remediation to start. ``override`` is the reason for doing what is locked, once a second person approves it."""

    kind: RemediationKind
    target: str = Field(default="", description="the version to go back to, for a rollback")
    reason: str
    override: str | None = None
    alone: str = Field(default="", description="why it cannot wait for a second person; what is locked then starts now")


class OutcomeBody(Body):
    """How a remediation ended."""

    outcome: Outcome
    detail: str = ""


class EvaluationBody(Body):
    """A version to evaluate now; with ``passed`` and ``of`` the result of an evaluation that ran elsewhere."""

    version: str
    passed: int | None = None
    of: int | None = None


class RevertBody(Body):
    """Why it is undone. ``alone`` is why it cannot wait for a second person; it falls back after 30 min then."""

    reason: str = ""
    alone: str = ""


class AdjustBody(RevertBody):
    """The new value."""

    value: Any


class ExitPlanBody(Body):
    """The values to go through, each looser than the one before; after the last one it is lifted."""

    steps: list[Any] = Field(default_factory=list)
    minutes: Whole = Field(default=20, description="between two steps, at least")
    reason: str = ""


class AnswerApprovalBody(Body):
    """Words that go with a yes or a no."""

    note: str = ""


class ExtendBody(Body):
    """How much longer."""

    minutes: Whole


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
