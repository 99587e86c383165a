"""Sentences about signals: the figure first, then the word."""

from bot.incident.evidence import Signal, Unit


def figure(signal: Signal) -> str:
    """One signal as a sentence without a full stop: "17 of 50 tasks failed (34 %, was 3 %)"."""
    if signal.value is None:
        return f"{signal.label}: not measured"
    if signal.k is not None and signal.unit is Unit.SHARE:
        return f"{signal.k} of {signal.n} {signal.label} ({share(signal)})"
    was = "" if signal.baseline is None else f", was {quantity(signal.baseline, signal.unit)}"
    return f"{signal.label} {quantity(signal.value, signal.unit)}{was}"


def share(signal: Signal) -> str:
    """Only the shares: "34 %, was 3 %"."""
    now = "no figure" if signal.value is None else percent(signal.value)
    return now if signal.baseline is None else f"{now}, was {percent(signal.baseline)}"


def percent(value: float) -> str:
    """A share of 0..1 in words, with a decimal where it is small."""
    return f"{value * 100:.1f} %" if 0 < value < SMALL else f"{value * 100:.0f} %"


SMALL = 0.02


def quantity(value: float, unit: Unit) -> str:
    """A value with its unit."""
    match unit:
        case Unit.SHARE:
            return percent(value)
        case Unit.SECONDS:
            return f"{value:.1f} s"
        case Unit.RATE:
            return f"{value:.1f} a minute"
        case Unit.COUNT | Unit.TOKENS | Unit.STEPS:
            return f"{value:,.0f}"


def age(seconds: float | None) -> str:
    """How long ago, in words people use: "40 s ago", "26 min ago", "never"."""
    if seconds is None:
        return "never"
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"  # noqa: PLR2004  two minutes
