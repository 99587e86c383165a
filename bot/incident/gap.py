"""The monitoring gap, worked out from the data: what moved, since when, and who noticed.

The figures are facts of the timeline and the frozen evidence. Which monitor should exist is
for people to say; the draft asks them and quotes what they need to answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.incident.evidence import EvidenceBundle, Signal, Unit
from bot.incident.facts.declaring import Declared
from bot.incident.model import Via


@dataclass(frozen=True, slots=True)
class MonitoringGap:
    """What telemetry held before anybody acted.

    ``unseen_seconds`` is the time from the estimated onset to the declaration, None when
    there is no estimate; ``moved`` are the signals that had moved by then, largest first.
    """

    onset: datetime | None
    declared: datetime
    unseen_seconds: float | None
    moved: tuple[Signal, ...]
    found_by_monitor: bool


def monitoring_gap(declared: Declared, declared_at: datetime, bundle: EvidenceBundle | None) -> MonitoringGap:
    """The gap between what telemetry held and what was noticed, as of the declaration."""
    onset = datetime.fromtimestamp(bundle.onset.at_ns / 1e9, UTC) if bundle and bundle.onset else None
    unseen = (declared_at - onset).total_seconds() if onset and onset <= declared_at else None
    moved = tuple(sorted(_moved(bundle), key=_size, reverse=True)) if bundle else ()
    by_monitor = declared.via in {Via.MONITOR, Via.ALERT}
    return MonitoringGap(onset, declared_at, unseen, moved, by_monitor)


def _moved(bundle: EvidenceBundle) -> list[Signal]:
    return [signal for signal in bundle.signals if signal.moved]


def _size(signal: Signal) -> float:
    """How far it moved, in its own scale, so that shares and seconds can be put in one order."""
    if signal.value is None or signal.baseline is None:
        return 0.0
    return abs(signal.value - signal.baseline) / max(abs(signal.baseline), 0.05 if signal.unit is Unit.SHARE else 1.0)
