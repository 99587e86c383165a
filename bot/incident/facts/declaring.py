"""Facts of the beginning: declared, evidence frozen, the room made."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.incident.classification import Classification
from bot.incident.model import Via
from bot.incident.taxonomy import Severity


@dataclass(frozen=True, slots=True)
class Declared:
    """Somebody, or a monitor, said that something is wrong."""

    title: str
    agent: str
    environment: str
    severity: Severity
    harm_now: bool
    via: Via
    detection: str  # how it was noticed, in the declarer's words: "a user told us", "alert EvalDrop"
    test: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceFrozen:
    """Telemetry as of the declaration was snapshotted, with the classification it suggests."""

    snapshot: str
    sha256: str
    summary: tuple[str, ...]
    missing: tuple[str, ...]
    suggested: Classification | None


@dataclass(frozen=True, slots=True)
class RoomStep:
    """One step of making the room: what, and ``None`` or what failed."""

    step: str
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class RoomPrepared:
    """The channel exists. Steps that failed were optional and are named."""

    channel_id: str
    channel_name: str
    steps: tuple[RoomStep, ...]


DeclaringFact: TypeAlias = Declared | EvidenceFrozen | RoomPrepared
