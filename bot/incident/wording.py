"""Sentences about signals: the figure first, then the word."""

from bot.incident.evidence import ENOUGH, Change, Signal, Unit
from bot.incident.quantities import percent, percents, quantity


def figure(signal: Signal) -> str:
    """One signal as a sentence without a full stop: "17 of 50 tasks failed (34 %, was 3 %)"."""
    if signal.value is None:
        return f"{signal.label}: not measured"
    if signal.k is not None and signal.unit is Unit.SHARE:
        return f"{signal.k} of {signal.n} {signal.label} ({share(signal)})"
    if signal.is_age:
        return _age(signal)
    was = "" if signal.baseline is None else f", was {quantity(signal.baseline, signal.unit)}"
    return f"{signal.label} {quantity(signal.value, signal.unit)}{was}"


def measured(signal: Signal) -> str:
    """As :func:`figure`, with all its doubt: "12 of 19 answers were judged wrong (63 %, 41-81 %; was 10 % of 168)"."""
    if signal.value is None:
        return f"{signal.label}: can't tell" + (f" ({signal.note})" if signal.note else "")
    if signal.is_age:
        return _age(signal)
    was = "no baseline"
    if signal.baseline is not None:
        was = f"was {quantity(signal.baseline, signal.unit)}"
        was += f" of {signal.baseline_n}" if signal.unit is Unit.SHARE else f", n = {signal.baseline_n}"
    if signal.unit is Unit.SHARE and signal.k is not None:
        doubt = f", {percents(signal.interval)}" if signal.interval else ""
        return f"{signal.k} of {signal.n} {signal.label} ({percent(signal.value)}{doubt}; {was})"
    return f"{signal.label} {quantity(signal.value, signal.unit)} (n = {signal.n}; {was})"


def tasks_since(change: Change) -> str:
    """How many tasks since show a change: "in 51 of 199 tasks since"; of an announced one only how many there are."""
    return f"{change.n} tasks since" if change.announced else f"in {change.k} of {change.n} tasks since"


def _age(signal: Signal) -> str:
    stale = "" if signal.baseline is None else f", stale after {quantity(signal.baseline, signal.unit)}"
    return f"{signal.label} {quantity(signal.value or 0.0, signal.unit)}{stale}"


def usual(signal: Signal) -> str:
    """What is usual at this hour of the week, empty where history does not know: "usually 4 % at this hour"."""
    if signal.usual is None:
        return ""
    few = "" if signal.usual_n >= ENOUGH else f" (only {signal.usual_n} known)"
    return f"usually {percent(signal.usual)} at this hour{few}"


def share(signal: Signal) -> str:
    """Only the shares: "34 %, was 3 %"."""
    now = "no figure" if signal.value is None else percent(signal.value)
    return now if signal.baseline is None else f"{now}, was {percent(signal.baseline)}"
