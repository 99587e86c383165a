"""Mitigations as values: what is limited, where and until when. Every one expires; :mod:`bot.incident.proof` is its proof."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.incident.control_values import label_of
from bot.incident.kinds import LEVERS, MitigationKind, Value
from bot.incident.model import IncidentKey, Person


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a mitigation binds, or where a call happens. "" means all, or not said."""

    environment: str = ""
    tenant: str = ""
    channel: str = ""
    version: str = ""

    def meets(self, other: "Scope") -> bool:
        """No dimension in which both name a value, and a different one."""
        return all(
            not mine or not theirs or mine == theirs
            for mine, theirs in (
                (self.environment, other.environment),
                (self.tenant, other.tenant),
                (self.channel, other.channel),
                (self.version, other.version),
            )
        )

    @property
    def named(self) -> Mapping[str, str]:
        """What is named, by dimension."""
        said = ((dimension, str(getattr(self, dimension))) for dimension in DIMENSIONS)
        return {dimension: value for dimension, value in said if value}

    @property
    def in_words(self) -> str:
        """What is named, in words: ``environment staging, tenant acme``; empty for everything."""
        return ", ".join(f"{dimension} {value}" for dimension, value in self.named.items())


DIMENSIONS = ("environment", "tenant", "channel", "version")
EVERYWHERE = Scope()
BUILT_IN = "built-in"  # the driver that serves a kind where the catalogue names no other


class OnExpiry(StrEnum):
    """What happens when time runs out: lift the control, or keep it and call somebody."""

    REVERT = "revert"
    HOLD_AND_PAGE = "hold_and_page"


class MitigationState(StrEnum):
    """Where a mitigation is. Live states are in force for agents."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    APPLYING = "applying"  # a control plane is being told; until it is read back it may or may not be in force
    APPLIED = "applied"
    DELIVERED = "delivered"
    OBSERVED = "observed"
    INEFFECTIVE = "ineffective"
    UNPROVEN = "unproven"
    HELD = "held"  # its time is over, and it stays in force until somebody decides
    REVERTING = "reverting"  # a control plane is being told to lift it; until read back it counts as in force
    STILL_ON = "still_in_force"  # its control plane declined to lift it
    REVERTED = "reverted"
    EXPIRED = "expired"
    REFUSED = "refused"  # never in force: the approval was refused or ran out, or the control plane declined

    @property
    def is_live(self) -> bool:
        """In force: agents obey it. What is not certain counts as in force, which is the safe side."""
        return self not in _NOT_IN_FORCE

    @property
    def has_ended(self) -> bool:
        """Nothing will happen to it any more."""
        return self in {MitigationState.REVERTED, MitigationState.EXPIRED, MitigationState.REFUSED}

    @property
    def is_proven_or_given_up(self) -> bool:
        """Nothing more will be learned from waiting."""
        return self not in {
            MitigationState.APPLIED,
            MitigationState.DELIVERED,
            MitigationState.UNPROVEN,
            MitigationState.INEFFECTIVE,  # it may begin to hold, once the last instance has heard of it
        }


_NOT_IN_FORCE = frozenset(
    {
        MitigationState.DRAFT,
        MitigationState.AWAITING_APPROVAL,
        MitigationState.REVERTED,
        MitigationState.EXPIRED,
        MitigationState.REFUSED,
    }
)

DEFAULT_TTL = timedelta(minutes=60)
MAX_TTL = timedelta(hours=72)
PROOF_DEADLINE = timedelta(seconds=90)  # after this, no effect seen is said aloud


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """How a mitigation is loosened again: one value after the other, and lifted after the last where ``lift``.

    A step waits ``minutes`` after the one before and then for the recovery gate.
    """

    steps: tuple[Value, ...]
    minutes: int = 20
    lift: bool = True
    done: int = 0  # steps taken
    stepped_at: datetime | None = None  # when the last one was taken, or the plan approved
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How it is going to end, while a control plane is told: remembered so that a crash loses nothing."""

    state: MitigationState
    reason: str
    by: Person
    before: str = ""
    approved_by: Person | None = None
    alone: bool = False
    declined: int = 0  # how often its control plane has declined


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One lever pulled on one agent, within a scope. What ``value`` is follows from ``kind``.

    ``driver`` names the control plane that carries it out and ``requests`` what that one called our
    writes. ``uncertain`` says, where a write may or may not have happened, why nobody knows.
    """

    id: str
    kind: MitigationKind
    agent: str
    scope: Scope
    value: Value
    reason: str
    incident: IncidentKey
    applied_by: Person
    applied_at: datetime
    expires_at: datetime
    on_expiry: OnExpiry
    state: MitigationState = MitigationState.APPLIED
    revision: int = 0
    driver: str = BUILT_IN
    requests: tuple[str, ...] = ()
    uncertain: str = ""
    supersedes: str = ""  # the id of the pin it took the place of
    approval: str = ""  # the id of the question to a second person that is open about it
    approved_by: Person | None = None
    asked: str = ""  # SHA-256 of the order, to tell a repeated request from another one with the same key
    ending: Ending | None = None
    exit: ExitPlan | None = None
    tried: int = 0  # how often its control plane was told
    last_key: str = ""  # the idempotency key of the last change that somebody asked for
    first_at: datetime | None = None  # when it was first applied, where ``applied_at`` has started anew since
    in_force_since: datetime | None = None  # one of its kind, there and without a break, where that was before it
    declined: str = ""  # why its control plane declined to lift it, while it is still in force for that
    strayed: int = 0  # how often its control plane was found to say something else, and was told again

    @property
    def since(self) -> datetime:
        """When it was first applied, however often its value has changed since."""
        return self.first_at or self.applied_at

    @property
    def unbroken(self) -> datetime:
        """Since when one of its kind has been in force there without a break; the longest time counts from then."""
        return min(self.since, self.in_force_since or self.since)

    @property
    def label(self) -> str:
        """Name with its figure: ``Turn limit 5``."""
        return label_of(self.kind, self.value)

    @property
    def target(self) -> str:
        """What it binds: ``helpdesk-agent``, or ``helpdesk-agent (tenant acme)``."""
        return f"{self.agent} ({self.scope.in_words})" if self.scope.in_words else self.agent

    @property
    def environment(self) -> str:
        """The environment it binds; "" means every one."""
        return self.scope.environment

    @property
    def limit(self) -> int | None:
        """Its figure, where that is a whole number; else None."""
        return whole(self.kind, self.value)

    @property
    def never_in_force(self) -> str:
        """What its control plane declined, and why, for whoever asked for it."""
        return f"{self.label} on {self.target} is not in force ({self.incident}): {self.uncertain}"

    def moved(self, state: MitigationState) -> "Mitigation":
        """The same mitigation in another state."""
        return replace(self, state=state)

    def in_force(self, at: datetime) -> "Mitigation":
        """The same mitigation, read back at ``at``; one whose time is over, and that holds, is held again."""
        holds = self.on_expiry is OnExpiry.HOLD_AND_PAGE and self.expires_at <= at
        state = MitigationState.HELD if holds else MitigationState.APPLIED
        return replace(self.applied_anew(at), state=state, uncertain="", declined="")

    def applied_anew(self, at: datetime) -> "Mitigation":
        """The same mitigation, to be proven from ``at`` on; it does not get any younger by that."""
        return replace(self, applied_at=at, first_at=self.since)

    @classmethod
    def from_stored(cls, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was stored, in today's fields: once there was a limit in place of a value and only an environment."""
        if "value" in kept:
            return kept
        limit = kept.get("limit")
        scope = {"environment": kept.get("environment", "")}
        return {**kept, "value": True if limit is None else limit, "scope": scope}


def whole(kind: MitigationKind, value: Value | None) -> int | None:
    """The value of a kind that counts, else None."""
    return value if LEVERS[kind].is_whole and isinstance(value, int) else None
