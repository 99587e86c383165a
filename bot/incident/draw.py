"""A draw of an agent's tasks, where there are more than one look reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.incident.reading import Reading
from bot.incident.statistics import cut


@dataclass(frozen=True, slots=True)
class Draw:
    """Which tasks were read: all from ``since_ns`` on, and of the earlier ones one in ``each``.

    Whether a task is drawn depends on when it started alone, so shares and quantiles hold; what counts tasks goes by
    ``starts``, when each of them all started, in order; empty where that is not known.
    """

    starts: Sequence[int]
    since_ns: int
    each: int
    beside: Mapping[str, int] = field(default_factory=dict)  # tasks that were read, but not drawn: what each stands for
    thorough: bool = True  # all that looks new in it was looked for among all tasks

    def of(self, at_ns: int, *, known: bool) -> "Draw":
        """As it was at ``at_ns``. Where it is not ``known`` which tasks count, nobody knows when those that do started."""
        return replace(self, starts=[at for at in self.starts if at <= at_ns] if known else ())

    def stands_for(self, reading: Reading) -> int:
        """How many tasks a reading stands for; 0 where those that were drawn stand for it already."""
        if self.beside and reading.id in self.beside:
            return self.beside[reading.id]
        return 1 if reading.at_ns >= self.since_ns else self.each


def since(moment_ns: int, readings: Collection[Reading], draw: Draw | None) -> int:
    """How many tasks started from that moment on: all of them, beside a draw too, about where their starts are not known."""
    if draw is None:
        return sum(one.at_ns >= moment_ns for one in readings)
    if draw.starts:
        return len(draw.starts) - cut(draw.starts, moment_ns)
    return sum(draw.stands_for(one) for one in readings if one.at_ns >= moment_ns)
