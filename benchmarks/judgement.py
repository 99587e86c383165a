"""What was said of simulated incidents, and how right that is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LATE_MINUTES = 5.0
LOUD = frozenset({"HARD", "PROV", "TOOL", "LOOP"})
NOTHING, UNKNOWN = "none", "UNKN"


@dataclass(frozen=True)
class Look:
    """What was said at one moment."""

    minute: float
    given: str
    onset_error: float | None  # minutes
    seconds: float


@dataclass(frozen=True)
class Told:
    """One incident with its truth and what was said of it."""

    expected: str
    level: str
    mechanism: str
    looks: tuple[Look, ...]

    def at(self, minute: float) -> Look:
        """The look of that minute."""
        return next(look for look in self.looks if look.minute == minute)


def right(found: Sequence[Told], minute: float) -> float:
    """The share that was given its own class."""
    return sum(one.at(minute).given == one.expected for one in found) / len(found)


def confused(found: Sequence[Told], minute: float) -> int:
    """A quiet class called loud, or the reverse."""
    return mixed_up((one.expected, one.at(minute).given) for one in found)


def misplaced(found: Sequence[Told], minute: float) -> tuple[int, int]:
    """Onsets more than five minutes off or missing, of those whose class is right."""
    errors = [one.at(minute).onset_error for one in found if one.at(minute).given == one.expected]
    return sum(error is None or abs(error) > LATE_MINUTES for error in errors), len(errors)


def wrong(found: Sequence[Told], minute: float) -> float:
    """The share that was given another class."""
    return sum(one.at(minute).given not in {one.expected, NOTHING, UNKNOWN} for one in found) / len(found)


def mixed_up(pairs: Iterable[tuple[str, str]]) -> int:
    """How many (truth, given) are a quiet class called loud, or the reverse."""
    return sum((truth in LOUD) != (given in LOUD) for truth, given in pairs if given not in {NOTHING, UNKNOWN})


def confusion(pairs: Iterable[tuple[str, str]], classes: Sequence[str]) -> list[str]:
    """The (truth, given) counted, as lines of a Markdown table."""
    counts = Counter(pairs)
    columns = [*classes, NOTHING, UNKNOWN]
    rows = [f"|**{row}**|" + "|".join(str(counts[row, name] or "") for name in columns) + "|" for row in classes]
    return ["|truth \\ given|" + "|".join(columns) + "|", "|-|" + "-:|" * len(columns), *rows]
