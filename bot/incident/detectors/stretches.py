"""Stretches of a task's calls, each of which goes on with the one before it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.incident.detectors.task_steps import Step


@dataclass(frozen=True, slots=True)
class Row:
    """What the row is, and its calls; ``tool`` where they are all of one."""

    what: str
    steps: Sequence[Step]
    tool: str | None = None


def row_of(what: str, steps: Sequence[Step], fewest: int) -> Row | None:
    """The calls as a row, None where they are fewer than ``fewest``."""
    if len(steps) < fewest:
        return None
    return Row(what, steps, steps[0].name if len({step.name for step in steps}) == 1 else None)


def longest(calls: Sequence[Step], goes_on: Callable[[Step, Step], bool]) -> Sequence[Step]:
    """The longest stretch of two and more in which every call goes on with the one before it; empty without any."""
    return max(_stretches(calls, goes_on), key=len, default=())


def longest_of(
    calls: Sequence[Step], alike: Callable[[Step, Step], bool], goes_on: Callable[[Step, Step], bool], fewest: int
) -> Sequence[Step]:
    """As ``longest``, where ``goes_on`` is slow and holds only for calls that are ``alike``."""
    enough = [stretch for stretch in _stretches(calls, alike) if len(stretch) >= fewest]
    return max((longest(stretch, goes_on) for stretch in enough), key=len, default=())


def same_outcome(a: Step, b: Step) -> bool:
    """What came of both is known, and is the same to the letter."""
    return a.outcome is not None and a.outcome == b.outcome


def _stretches(calls: Sequence[Step], goes_on: Callable[[Step, Step], bool]) -> Iterator[Sequence[Step]]:
    begin = 0
    for place in range(1, len(calls) + 1):
        if place == len(calls) or not goes_on(calls[place - 1], calls[place]):
            if place - begin > 1:
                yield calls[begin:place]
            begin = place
