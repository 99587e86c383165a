"""Facts about levers: pulled, refused, proven, extended, held, undone, run out."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.proof import Proof


@dataclass(frozen=True, slots=True)
class MitigationApplied:
    """A lever was pulled. ``override`` holds the reason when it was contraindicated."""

    mitigation: Mitigation
    before: str
    after: str
    override: str | None = None
    warnings: tuple[str, ...] = ()  # what may keep it from working: a tool nobody has seen, an unknown agent


@dataclass(frozen=True, slots=True)
class MitigationRefused:
    """A lever was asked for and not pulled."""

    kind: MitigationKind
    why: str


@dataclass(frozen=True, slots=True)
class MitigationProven:
    """What proof there is of a mitigation, as of this moment; later ones replace earlier ones."""

    mitigation: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class MitigationExtended:
    """A mitigation got more time."""

    mitigation: str
    expires_at: datetime
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class MitigationHeld:
    """Its time is over and it stays in force: somebody must extend or undo it."""

    mitigation: str


@dataclass(frozen=True, slots=True)
class MitigationReverted:
    """A person undid it. ``alone`` is set when nobody else confirmed the riskier direction."""

    mitigation: str
    reason: str
    before: str
    after: str
    alone: bool = False
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class MitigationExpired:
    """Its time was over and it was lifted."""

    mitigation: str
    before: str
    after: str


MitigatingFact: TypeAlias = (
    MitigationApplied
    | MitigationRefused
    | MitigationProven
    | MitigationExtended
    | MitigationHeld
    | MitigationReverted
    | MitigationExpired
)
