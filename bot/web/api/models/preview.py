"""What is known before the click, as it goes out."""

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.web.api.models.shape import Shape


class AmongShape(Shape):
    """``k`` of ``n`` sessions, users or tenants that telemetry names."""

    what: str
    k: int
    n: int


class ReachShape(Shape):
    """How many tasks of the last hours it would have touched; ``k`` is null where telemetry cannot tell."""

    hours: int
    k: int | None
    n: int
    low: float
    high: float
    unsaid: int
    expected: bool
    cut: bool = Field(default=False, description="there were more tasks; these are the newest")
    among: list[AmongShape] = Field(default_factory=list)


class PreviewShape(Shape):
    """Everything to know before the click; nothing has been changed for it."""

    label: str
    agent: str
    standing: str = Field(description="fits, allowed or contraindicated")
    why: str
    running: int = Field(description="tasks running now")
    sessions: int | None
    reaches: list[ReachShape]
    instances: int
    before: str
    after: str
    direction: str = Field(description="safer, riskier or none")
    conflicts: list[str]
    shared: list[dict[str, Any]]
    warnings: list[str]
    plan: list[str]
    proof: list[str]
    expires_at: datetime
    on_expiry: str
    undo: str
    refusal: str = Field(description="why it would be refused as it is asked; empty when it would be taken")
    approval: str = Field(description="why a second person has to approve it; empty when one click is enough")
    text: list[str] = Field(description="the same in sentences")
