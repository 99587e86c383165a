"""Remediations, as they go out."""

from datetime import datetime

from pydantic import Field

from bot.web.api.models.mitigations import ApprovalShape
from bot.web.api.models.shape import PersonShape, Shape


class EvaluationShape(Shape):
    """How a version did since the trouble began."""

    version: str
    passed: int
    n: int
    at: datetime
    source: str = Field(description="telemetry, or who reported it")


class RemediationOfferShape(Shape):
    """A remediation, and whether it may be done now."""

    kind: str
    target: str
    label: str
    allowed: bool
    because: list[str] = Field(description="why it may be done, or each reason why not")
    evaluation: EvaluationShape | None


class RemediationShape(Shape):
    """A remediation that was started, and how it ended."""

    id: str
    kind: str
    target: str
    label: str
    reason: str
    grounds: list[str]
    override: str | None
    approved_by: PersonShape | None = Field(description="the second person, where it was locked")
    alone: str = Field(description="why it was begun without a second person; empty otherwise")
    by: PersonShape
    at: datetime
    outcome: str | None
    detail: str
    ended_at: datetime | None


class RemediationsShape(Shape):
    """What may be done to repair it, and what was."""

    offers: list[RemediationOfferShape]
    started: list[RemediationShape]
    waiting: list[ApprovalShape] = Field(description="overrides that wait for a second person")
    evaluations_asked: list[str]
