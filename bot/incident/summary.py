"""The evidence on one screen: a few lines, worst first, each with its figure and its word."""

from datetime import UTC, datetime

from bot.incident.environments import said_of
from bot.incident.evidence import ENOUGH, Change, Direction, EvidenceBundle, Signal, Unit
from bot.incident.wording import measured, tasks_since

ALWAYS = ("task_failures", "quality", "model_errors", "tool_errors", "repeats", "steps_p95")  # also said when flat
OTHERS = "fleet_age"  # of other agents: it explains a silence, and is no trouble of this one
NOTHING = "No telemetry of this agent in the last 90 minutes."
MOST_LINES = 6
MOST_CHANGES = 2
_WORD = {Direction.UP: "up", Direction.DOWN: "down", Direction.FLAT: "flat", Direction.UNKNOWN: "can't tell"}


def summary_of(bundle: EvidenceBundle) -> tuple[str, ...]:
    """Eight lines or so: what moved, what changed near the onset, what stayed flat, and whose tasks are not counted."""
    shown = headlines(bundle)
    lines = [_line(signal) for signal in shown if signal.moved]
    lines += [_changed(change) for change in bundle.changes[:MOST_CHANGES]]
    lines += [_line(signal) for signal in shown if not signal.moved]
    return (*(lines or [NOTHING]), *said_of(bundle))


def headlines(bundle: EvidenceBundle, most: int = MOST_LINES) -> tuple[Signal, ...]:
    """The signals of one screen: what moved, worst first, then those that are also said when flat."""
    moved = [signal for signal in worst_first(bundle) if signal.moved]
    shown = ([signal for signal in moved if not is_part(signal)] or moved)[:most]
    quiet = [signal for name in ALWAYS if (signal := bundle.signal(name)) and signal not in shown and not signal.moved]
    return (*shown, *quiet[: max(0, most - len(shown))])


def worst_first(bundle: EvidenceBundle) -> tuple[Signal, ...]:
    """Every signal: what moved, by how sure that is and by how much; then what nobody can tell; then what is flat."""
    moved = sorted((signal for signal in bundle.signals if signal.moved), key=_weight, reverse=True)
    rest = [signal for signal in bundle.signals if not signal.moved]
    unknown = [signal for signal in rest if signal.direction is Direction.UNKNOWN]
    return (*moved, *unknown, *(signal for signal in rest if signal.direction is not Direction.UNKNOWN))


def _line(signal: Signal) -> str:
    return f"{measured(signal)}: {word(signal)}"


def word(signal: Signal) -> str:
    """Up, down, flat, or why none of them can be said."""
    if signal.direction is Direction.UNKNOWN and signal.value is not None and not signal.enough and signal.interval:
        return f"not enough data, {ENOUGH} are needed on each side"
    return _WORD[signal.direction]


def is_part(signal: Signal) -> bool:
    """One tool, one evaluator or one slice: said on the evidence page, and too small for one screen."""
    return ":" in signal.name or signal.name.endswith("_slice") or signal.name == "task_mix"


def _weight(signal: Signal) -> tuple[bool, bool, bool, bool, bool, float]:
    """What is of this agent, then what is sure, then what got worse, headlines next, shares before amounts, then how much is beyond doubt."""
    sure = 0.0
    if signal.difference is not None:
        sure = max(signal.difference.low, -signal.difference.high, 0.0)
    sure_of_it = signal.direction is not Direction.UNKNOWN
    return signal.name != OTHERS, sure_of_it, worse(signal), signal.name in ALWAYS, signal.unit is Unit.SHARE, sure


def worse(signal: Signal) -> bool:
    """A signal that moved moved for the worse: shares, times and counts are of trouble, only a pace is missed."""
    if signal.unit is Unit.RATE or signal.difference is None:
        return signal.direction in {Direction.UP, Direction.DOWN}
    return signal.difference.low > 0


def _changed(change: Change) -> str:
    first = datetime.fromtimestamp(change.first_seen_ns / 1e9, UTC)
    before = f", was {change.before}" if change.before else ""
    return f"Changed: {change.in_words}{before}, first seen {first:%H:%M} UTC, {tasks_since(change)}"
