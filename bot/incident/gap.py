"""The monitoring gap, worked out from the data: what moved, since when, and who noticed.

The figures are facts of the timeline and the frozen evidence. Which monitor should exist is
for people to say; the draft asks them and quotes what they need to answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit
from bot.incident.model import Via
from bot.incident.timeline import Declared


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
    return [signal for signal in bundle.signals if signal.direction in {Direction.UP, Direction.DOWN}]


def _size(signal: Signal) -> float:
    """How far it moved, in its own scale, so that shares and seconds can be put in one order."""
    if signal.value is None or signal.baseline is None:
        return 0.0
    return abs(signal.value - signal.baseline) / max(abs(signal.baseline), 0.05 if signal.unit is Unit.SHARE else 1.0)


def figure(signal: Signal) -> str:
    """A signal in plain words with its figures: ``12 of 19 answers were judged wrong (63 %, 41-81 %; was 10 % of 168)``."""
    if signal.value is None:
        return f"{signal.label}: can't tell" + (f" ({signal.note})" if signal.note else "")
    if signal.unit is Unit.SHARE and signal.k is not None:
        return f"{signal.k} of {signal.n} {signal.label} ({share(signal.value)}{_between(signal)}; {_was(signal)})"
    value = share(signal.value) if signal.unit is Unit.SHARE else _number(signal.value, signal.unit)
    return f"{signal.label} {value} (n = {signal.n}; {_was(signal)})"


def share(value: float) -> str:
    """A share as a percentage, with a decimal where it would otherwise read as none or all."""
    percent = value * 100
    return f"{percent:.0f} %" if percent in {0, 100} or 1 <= percent <= 99 else f"{percent:.1f} %"  # noqa: PLR2004


def _between(signal: Signal) -> str:
    if signal.interval is None:
        return ""
    return f", {signal.interval.low * 100:.0f}-{signal.interval.high * 100:.0f} %"


def _was(signal: Signal) -> str:
    if signal.baseline is None:
        return "no baseline"
    if signal.unit is Unit.SHARE:
        return f"was {share(signal.baseline)} of {signal.baseline_n}"
    return f"was {_number(signal.baseline, signal.unit)}, n = {signal.baseline_n}"


def _number(value: float, unit: Unit) -> str:
    match unit:
        case Unit.SECONDS:
            return f"{value:.1f} s"
        case Unit.RATE:
            return f"{value:.1f} per min"
        case _:
            return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004 - one decimal below ten
