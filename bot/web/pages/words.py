"""Figures, durations and moments as people read them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.incident.evidence import Direction, EvidenceBundle, Interval, Signal, Unit

UNKNOWN = "can't tell"
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of figures."""

    label: str
    now: str
    n: int
    interval: str
    before: str
    direction: Direction
    fresh: str
    note: str
    trace_ids: tuple[str, ...]


def rows(bundle: EvidenceBundle) -> tuple[Row, ...]:
    """The figures of ``bundle``, those that moved first."""
    moved = {Direction.UP: 0, Direction.DOWN: 0, Direction.UNKNOWN: 1, Direction.FLAT: 2}
    return tuple(row(signal) for signal in sorted(bundle.signals, key=lambda signal: moved[signal.direction]))


def row(signal: Signal) -> Row:
    """One figure with its doubt."""
    return Row(
        label=signal.label,
        now=now(signal),
        n=signal.n,
        interval=between(signal.interval, signal.unit),
        before=before(signal),
        direction=signal.direction,
        fresh="never seen" if signal.fresh_seconds is None else f"{duration(signal.fresh_seconds)} ago",
        note=signal.note,
        trace_ids=signal.trace_ids[:3],
    )


def now(signal: Signal) -> str:
    """The value with what stands behind it: ``17 of 50 = 34 %``."""
    if signal.value is None:
        return UNKNOWN
    counted = f"{signal.k} of {signal.n} = " if signal.unit is Unit.SHARE and signal.k is not None else ""
    return counted + number(signal.value, signal.unit)


def before(signal: Signal) -> str:
    """The baseline with its sample: ``3 % of 240``."""
    if signal.baseline is None:
        return "no baseline"
    joined = " of " if signal.unit is Unit.SHARE else ", n = "
    return f"{number(signal.baseline, signal.unit)}{joined}{signal.baseline_n}"


def between(interval: Interval | None, unit: Unit) -> str:
    """An interval: ``22 % to 48 %``."""
    return "" if interval is None else f"{number(interval.low, unit)} to {number(interval.high, unit)}"


def number(value: float, unit: Unit) -> str:
    """A number in its unit."""
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.1f} %" if abs(value) < 0.1 and value else f"{value * 100:.0f} %"  # noqa: PLR2004  one decimal for small shares
        case Unit.SECONDS:
            return f"{value:.2g} s" if abs(value) < 1 else f"{value:.1f} s"
        case Unit.RATE:
            return f"{value:.1f} per min"
        case _:
            return f"{value:,.1f}".removesuffix(".0")


def duration(seconds: float) -> str:
    """A length of time in one or two units: ``45 s``, ``4 min``, ``2 h 5 min``, ``3 days``."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min".removesuffix(" 0 min")
    return f"{whole // DAY} day{'s' if whole >= 2 * DAY else ''}"


def clock_time(at: datetime) -> str:
    """A moment in UTC to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
