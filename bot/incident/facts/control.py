"""Facts about one mitigation that a control plane, the clock or a plan brings: read back, declined, strayed, adjusted, warned."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import ExitPlan
from bot.incident.model import Person


@dataclass(frozen=True, slots=True)
class MitigationConfirmed:
    """A control plane took the write and reads it back: it is in force there since ``at``."""

    mitigation: str
    at: datetime
    driver: str
    detail: str
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MitigationUncertain:
    """A control plane may or may not have taken a write; ``why`` says what is known."""

    mitigation: str
    why: str


@dataclass(frozen=True, slots=True)
class MitigationDeclined:
    """It never came into force: the approval was refused or ran out, or the control plane declined for good."""

    mitigation: str
    why: str


@dataclass(frozen=True, slots=True)
class MitigationLifting:
    """A control plane is being told to lift it; until that is read back it counts as in force."""

    mitigation: str
    reason: str


@dataclass(frozen=True, slots=True)
class MitigationNotLifted:
    """Its control plane declined to lift it, so it is still in force there."""

    mitigation: str
    driver: str
    why: str


@dataclass(frozen=True, slots=True)
class MitigationStrayed:
    """Its control plane was found to say something else than what is in force; with ``again`` it is being told again."""

    mitigation: str
    driver: str
    detail: str
    again: bool


@dataclass(frozen=True, slots=True)
class MitigationAdjusted:
    """Its value changed. ``before`` and ``after`` are the agent's controls in words."""

    mitigation: str
    was: Value
    value: Value
    reason: str
    before: str
    after: str
    approved_by: Person | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class MitigationWarned:
    """Most of its time is over; the room was told."""

    mitigation: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MitigationEscalated:
    """It does not hold; the next stronger lever was offered to the room."""

    mitigation: str
    detail: str
    stronger: tuple[MitigationKind, ...]


@dataclass(frozen=True, slots=True)
class EvidenceKept:
    """Before a control that can destroy evidence: what was exported, and what is kept elsewhere."""

    mitigation: str
    snapshot: str
    sha256: str
    traces: int
    references: tuple[str, ...] = ()
    missing: str = ""  # why there are no traces in it, where there are none


@dataclass(frozen=True, slots=True)
class ExitPlanned:
    """It will be loosened step by step, each step behind the recovery gate."""

    mitigation: str
    plan: ExitPlan
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class ExitWaiting:
    """The next step of the exit plan waits; ``why`` says for what."""

    mitigation: str
    why: str


# About one mitigation, which their field ``mitigation`` names.
ControlFact: TypeAlias = (
    MitigationConfirmed
    | MitigationUncertain
    | MitigationDeclined
    | MitigationLifting
    | MitigationNotLifted
    | MitigationStrayed
    | MitigationAdjusted
    | MitigationWarned
    | MitigationEscalated
    | EvidenceKept
    | ExitPlanned
    | ExitWaiting
)
