"""Mitigations as values: what is limited, until when, and how we know that it works.

Safest wins where several overlap; reverting one recomputes the rest. Every mitigation
expires. A mitigation is proven by three separate signals: read back through the public
path, delivered to k of n instances, observed in traces that started afterwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from bot.incident.model import IncidentKey, Person


class MitigationKind(StrEnum):
    """The levers. Values are stable names used by the command line, the API and the timeline."""

    HALT = "halt"
    TURN_LIMIT = "turn-limit"

    @property
    def label(self) -> str:
        """The name people read."""
        match self:
            case MitigationKind.HALT:
                return "Kill switch"
            case MitigationKind.TURN_LIMIT:
                return "Turn limit"
            case other:
                assert_never(other)


class OnExpiry(StrEnum):
    """What happens when time runs out: lift the control, or keep it and call somebody."""

    REVERT = "revert"
    HOLD_AND_PAGE = "hold_and_page"


class MitigationState(StrEnum):
    """Where a mitigation is. Live states are in force for agents."""

    APPLIED = "applied"
    DELIVERED = "delivered"
    OBSERVED = "observed"
    INEFFECTIVE = "ineffective"
    UNPROVEN = "unproven"
    HELD = "held"  # its time is over, and it stays in force until somebody decides
    REVERTED = "reverted"
    EXPIRED = "expired"

    @property
    def is_live(self) -> bool:
        """In force: agents obey it."""
        return self not in {MitigationState.REVERTED, MitigationState.EXPIRED}

    @property
    def is_proven_or_given_up(self) -> bool:
        """Nothing more will be learned from waiting."""
        return self not in {MitigationState.APPLIED, MitigationState.DELIVERED, MitigationState.UNPROVEN}


DEFAULT_TTL = timedelta(minutes=60)
MAX_TTL = timedelta(hours=72)
PROOF_DEADLINE = timedelta(seconds=90)  # after this, no effect seen is said aloud


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One lever pulled on one agent. ``limit`` is model turns per task for a turn limit, else None.

    An empty ``environment`` means every environment of the agent.
    """

    id: str
    kind: MitigationKind
    agent: str
    environment: str
    limit: int | None
    reason: str
    incident: IncidentKey
    applied_by: Person
    applied_at: datetime
    expires_at: datetime
    on_expiry: OnExpiry
    state: MitigationState = MitigationState.APPLIED
    revision: int = 0

    @property
    def label(self) -> str:
        """Name with its figure: ``Turn limit 5``."""
        return self.kind.label if self.limit is None else f"{self.kind.label} {self.limit}"

    def moved(self, state: MitigationState) -> "Mitigation":
        """The same mitigation in another state."""
        return replace(self, state=state)


@dataclass(frozen=True, slots=True)
class Controls:
    """What one agent has to obey right now, in one atomic read.

    ``revision`` grows with every change of any mitigation of the agent.
    ``mitigations`` and ``incidents`` name who is behind it; ``expires_at`` is the earliest end.
    """

    agent: str
    revision: int = 0
    halt: bool = False
    max_turns: int | None = None
    mitigations: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    expires_at: datetime | None = None


def compose(agent: str, environment: str, live: Iterable[Mitigation], revision: int) -> Controls:
    """Fold the live mitigations of an agent into what it must obey; the safest value wins.

    Halts are joined by "or", turn limits by the minimum. A mitigation without an environment
    binds every environment, and an agent that names no environment is bound by all.
    """
    binding = [
        m
        for m in live
        if m.agent == agent
        and m.state.is_live
        and (not m.environment or not environment or m.environment == environment)
    ]
    limits = [m.limit for m in binding if m.kind is MitigationKind.TURN_LIMIT and m.limit is not None]
    return Controls(
        agent=agent,
        revision=revision,
        halt=any(m.kind is MitigationKind.HALT for m in binding),
        max_turns=min(limits, default=None),
        mitigations=tuple(m.id for m in binding),
        incidents=tuple(dict.fromkeys(m.incident for m in binding)),
        expires_at=min((m.expires_at for m in binding), default=None),
    )


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the public read path answered when asked after applying."""

    confirmed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many of the agent's instances have read a revision that contains the mitigation."""

    instances: int
    reached: int
    seconds: float | None = None  # from applying until the last of them read it


class Verdict(StrEnum):
    """What traces that started after applying say about the effect."""

    OBSERVED = "observed"
    WAITING = "waiting"
    INEFFECTIVE = "ineffective"
    UNPROVEN = "unproven"  # no traffic, so nothing is claimed


@dataclass(frozen=True, slots=True)
class Effect:
    """``k`` of ``n`` tasks started since obeyed the mitigation."""

    verdict: Verdict
    k: int
    n: int
    detail: str
    trace_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The three signals together, as of one moment."""

    read_back: ReadBack
    delivery: Delivery
    effect: Effect


class Standing(StrEnum):
    """How a mitigation stands to the incident at hand."""

    FITS = "fits"
    ALLOWED = "allowed"
    CONTRAINDICATED = "contraindicated"


@dataclass(frozen=True, slots=True)
class Offer:
    """A mitigation put before a responder: what, how it stands and why, and what it would touch.

    ``touches_k`` of ``touches_n`` tasks of the last hour would have been affected; None when
    there was no traffic to tell from.
    """

    kind: MitigationKind
    limit: int | None
    standing: Standing
    why: str
    touches_k: int | None = None
    touches_n: int | None = None

    @property
    def label(self) -> str:
        """Name with its figure."""
        return self.kind.label if self.limit is None else f"{self.kind.label} {self.limit}"
