"""Levers and questions to a second person, as they go out."""

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.web.api.models.shape import PersonShape, Shape


class MitigationShape(Shape):
    """A lever with the latest proof of it."""

    id: str
    kind: str
    label: str
    agent: str
    environment: str
    scope: dict[str, str] = Field(description="whom it binds: environment, tenant, channel, version; empty is all")
    value: Any
    limit: int | None = Field(description="the value, where it is a whole number")
    driver: str = Field(description="the control plane that carries it out")
    uncertain: str = Field(description="why nobody knows whether it is in force; empty when it is known")
    declined: str = Field(description="why its control plane declined to lift it, while it is still in force there")
    strayed: str = Field(description="what its control plane was found to say else, until it is as it should be again")
    reason: str
    incident: str | None
    applied_by: PersonShape
    applied_at: datetime
    expires_at: datetime
    on_expiry: str
    state: str
    live: bool
    revision: int
    proof: dict[str, Any] | None = None
    ended_by: PersonShape | None = None
    ended_at: datetime | None = None
    approval: str | None = Field(default=None, description="the question to a second person that is open about it")
    approved_by: PersonShape | None = None
    requests: list[str] = Field(default_factory=list, description="what its control plane calls our writes")
    exit_plan: dict[str, Any] | None = None
    times: dict[str, datetime] = Field(default_factory=dict, description="when applied, delivered, observed first")
    snapshot: str | None = Field(default=None, description="what was exported before it was applied")
    warnings: list[str] = Field(default_factory=list, description="what may keep it from working")


class ApprovalShape(Shape):
    """A question to a second person; with ``alone`` it is done already and falls back without a yes."""

    id: str
    incident: str
    agent: str
    mitigation: str = Field(description="its id; empty when it is about a remediation")
    action: str
    words: str
    riskier: str = Field(description="why it needs a second person")
    reason: str
    asked_by: PersonShape
    asked_at: datetime
    expires_at: datetime
    state: str
    alone: str


class ApprovalsShape(Shape):
    """What waits for a second person, oldest first."""

    approvals: list[ApprovalShape]


class InForceShape(Shape):
    """Mitigations that have not ended, and every agent's revision."""

    mitigations: list[MitigationShape]
    revisions: dict[str, int]


class OfferShape(Shape):
    """A lever put before a responder; it would have touched k of n tasks of the last hour."""

    kind: str
    label: str
    value: Any
    limit: int | None
    standing: str = Field(description="fits, allowed or contraindicated")
    why: str
    touches_k: int | None
    touches_n: int | None


class MitigationsShape(Shape):
    """The levers that fit, best first, and those in force."""

    offers: list[OfferShape]
    live: list[MitigationShape]
    approvals: list[ApprovalShape] = Field(default_factory=list)
