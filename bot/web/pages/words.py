"""Figures and moments as people read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit
from bot.incident.links import own_tool
from bot.incident.quantities import ago, between, points, quantity, signed
from bot.incident.summary import is_part, word, worst_first
from bot.web.moments import EPOCH

UNKNOWN = "can't tell"


@dataclass(frozen=True, slots=True)
class Link:
    """A trace on our page, and its page in the team's own tool where there is one."""

    trace_id: str
    theirs: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of figures."""

    label: str
    now: str
    n: int
    interval: str
    before: str
    difference: str
    usual: str
    direction: Direction
    moved: bool
    part: bool  # of one tool, one evaluator or one slice
    word: str
    fresh: str
    note: str
    traces: tuple[Link, ...]


def rows(bundle: EvidenceBundle) -> tuple[Row, ...]:
    """The figures of ``bundle``, worst first."""
    return tuple(row(signal, bundle) for signal in worst_first(bundle))


def links(ids: Iterable[str], bundle: EvidenceBundle) -> tuple[Link, ...]:
    """Where these traces can be looked at: on our page, and in the tool they came from."""
    return tuple(Link(trace_id, own_tool(bundle, trace_id)) for trace_id in ids)


def row(signal: Signal, bundle: EvidenceBundle) -> Row:
    """One figure with its doubt."""
    return Row(
        label=signal.label,
        now=now(signal),
        n=signal.n,
        interval=between(signal.interval, signal.unit) if signal.interval else "",
        before=before(signal),
        difference=apart(signal),
        usual=usual(signal),
        direction=signal.direction,
        moved=signal.moved,
        part=is_part(signal),
        word=word(signal),
        fresh="never seen" if signal.fresh_seconds is None else ago(signal.fresh_seconds),
        note=signal.note,
        traces=links(signal.trace_ids[:2], bundle),
    )


def now(signal: Signal) -> str:
    """The value with what stands behind it: ``17 of 50 = 34 %``."""
    if signal.value is None:
        return UNKNOWN
    counted = f"{signal.k} of {signal.n} = " if signal.unit is Unit.SHARE and signal.k is not None else ""
    return counted + quantity(signal.value, signal.unit)


def before(signal: Signal) -> str:
    """The baseline with its sample: ``3 % of 240``."""
    if signal.baseline is None:
        return "no baseline"
    if signal.is_age:
        return f"stale after {quantity(signal.baseline, signal.unit)}"
    of = " of " if signal.unit is Unit.SHARE else ", n = "
    return f"{quantity(signal.baseline, signal.unit)}{of}{signal.baseline_n}"


def apart(signal: Signal) -> str:
    """By how much it differs, with the interval: ``+31 points (+18 to +45)``."""
    apart, value, base = signal.difference, signal.value, signal.baseline
    if apart is None or value is None or base is None or not signal.enough:
        return ""
    if signal.unit is Unit.SHARE:
        return points(value - base, apart)
    by, low, high = (signed(one, signal.unit) for one in (value - base, apart.low, apart.high))
    return f"{by} ({low} to {high})"


def usual(signal: Signal) -> str:
    """What is usual at this hour of the week: ``2 % of 900``; empty where history does not know."""
    return "" if signal.usual is None else f"{quantity(signal.usual, signal.unit)} of {signal.usual_n}"


def clock_time(at: datetime) -> str:
    """A moment in UTC to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment(ns: int) -> datetime:
    """The moment ``ns`` nanoseconds after the epoch."""
    return EPOCH + timedelta(microseconds=ns // 1000)
