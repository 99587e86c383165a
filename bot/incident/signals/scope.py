"""What is measured: tasks and scores of now, and the same of before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.incident.draw import Draw
from bot.incident.evidence import Window
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore


@dataclass(frozen=True, slots=True)
class Scope:
    """Two windows of one agent's tasks and scores, each in order of time.

    A score belongs to the window in which its task started, where the task is known.
    """

    agent: str
    at_ns: int
    window: Window
    baseline: Window
    now: tuple[Reading, ...]
    before: tuple[Reading, ...]
    scores_now: tuple[EvalScore, ...]
    scores_before: tuple[EvalScore, ...]
    began: bool  # the window starts where a trouble did, and not at a fixed distance
    seen: tuple[Reading, ...]  # all tasks, those between the windows too
    others: Mapping[str, tuple[Reading, ...]]  # other agents' tasks, both windows together
    span_ns: int | None  # the newest sign of life of this agent, of its scores, and of any other agent
    score_ns: int | None
    fleet_ns: int | None
    heard: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # when each evaluator's scores came, in order
    probe_ns: int | None = None  # the newest score of a probe
    draw: Draw | None = None  # where not every task was read
    starts_before: Sequence[int] = ()  # when tasks started before all that was read, where that is asked for

    @property
    def starts(self) -> Sequence[int]:
        """When each task started, in order, those that were not read too; empty where there is none, or nobody knows."""
        return [one.at_ns for one in self.seen] if self.draw is None else self.draw.starts

    @property
    def every_start(self) -> Sequence[int]:
        """As :attr:`starts`, with those before all that was read where they are known: only to know how tasks come."""
        return [*self.starts_before, *self.starts] if self.starts_before and self.starts else self.starts

    @property
    def span_age(self) -> float | None:
        """Seconds since this agent's newest span; None when there is none."""
        return self._age(self.span_ns)

    @property
    def score_age(self) -> float | None:
        """Seconds since this agent's newest score; None when there is none."""
        return self._age(self.score_ns)

    @property
    def probe_age(self) -> float | None:
        """Seconds since the newest score of a probe; None when there is none."""
        return self._age(self.probe_ns)

    def heard_age(self, names: Iterable[str]) -> float | None:
        """Seconds since the newest score of these evaluators; None when there is none."""
        return self._age(max((self.heard[name][-1] for name in names if name in self.heard), default=None))

    @property
    def fleet_age(self) -> float | None:
        """Seconds since the newest span of any other agent; None when there is none."""
        return self._age(self.fleet_ns)

    def _age(self, newest_ns: int | None) -> float | None:
        return None if newest_ns is None else max(0.0, (self.at_ns - newest_ns) / 1e9)
