"""A draw of an agent's tasks, where there are more than one look reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.incident.reading import Reading


@dataclass(frozen=True, slots=True)
class Draw:
    """Which tasks were read: all from ``since_ns`` on, and of the earlier ones one in ``each``.

    Whether a task is drawn depends on when it started alone, so shares and quantiles hold; what counts tasks goes by
    ``starts``, when each of them all started, in order; empty where that is not known.
    """

    starts: Sequence[int]
    since_ns: int
    each: int

    def of(self, at_ns: int, *, known: bool) -> "Draw":
        """As it was at ``at_ns``. Where it is not ``known`` which tasks count, nobody knows when those that do started."""
        return replace(self, starts=[at for at in self.starts if at <= at_ns] if known else ())

    def stands_for(self, reading: Reading) -> int:
        """How many tasks a reading stands for."""
        return 1 if reading.at_ns >= self.since_ns else self.each
