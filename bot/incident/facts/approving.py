"""Facts about questions to a second person: asked, answered, lapsed."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.incident.approval import Approval


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """Somebody asked for the riskier direction; with ``approval.alone`` the glass was broken and it is done."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """A second person said yes or no."""

    approval: str
    granted: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalLapsed:
    """Nobody decided in time. What was done alone falls back."""

    approval: str


ApprovalFact: TypeAlias = ApprovalRequested | ApprovalDecided | ApprovalLapsed
