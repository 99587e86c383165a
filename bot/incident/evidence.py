"""Figures with their doubt: what telemetry says about an agent at one moment.

Every figure carries its sample size, interval, window and freshness. What is stale or
missing is UNKNOWN; it is never called flat and never shown as zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ENOUGH = 20  # observations on each side below which there is "not enough data" for a direction
FEWEST = 5  # observations on each side below which nothing is said at all
AGES = frozenset({"span_age", "score_age", "fleet_age", "judge_age"})  # the signals that say how old something is


class Direction(StrEnum):
    """How a signal moved against its baseline, judged by its interval and not by its point."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    UNKNOWN = "unknown"


class Unit(StrEnum):
    """What a signal's value counts."""

    SHARE = "share"  # 0..1, of n
    COUNT = "count"
    SECONDS = "seconds"
    TOKENS = "tokens"
    STEPS = "steps"
    USD = "USD"
    RATE = "per minute"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time [start, end) in nanoseconds since the epoch."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured quantity, now and before.

    ``k`` of ``n`` stands behind a share. ``interval`` is of the value, ``difference`` of
    value minus baseline. ``fresh_seconds`` is the age of the newest observation at the
    moment asked for; None when there never was one. ``trace_ids`` are the worst examples first.
    """

    name: str
    label: str
    unit: Unit
    value: float | None
    baseline: float | None
    n: int
    baseline_n: int
    window: Window
    direction: Direction
    k: int | None = None
    baseline_k: int | None = None
    interval: Interval | None = None
    difference: Interval | None = None
    fresh_seconds: float | None = None
    trace_ids: tuple[str, ...] = ()
    note: str = ""
    usual: float | None = None  # the same hour of the week, as far back as history goes
    usual_n: int = 0
    hour: tuple[int, int] | None = None  # (bad, of) in the last hour, where an error budget is taken of it

    @property
    def is_age(self) -> bool:
        """It says how old something is; its baseline is the age at which that is stale."""
        return self.name in AGES

    @property
    def enough(self) -> bool:
        """Both sides have the observations that a direction needs."""
        return min(self.n, self.baseline_n) >= ENOUGH

    @property
    def moved(self) -> bool:
        """It went up or down, or leans that way so clearly that few observations show it."""
        if self.direction is not Direction.UNKNOWN:
            return self.direction is not Direction.FLAT
        if self.difference is None or min(self.n, self.baseline_n) < FEWEST:
            return False
        return self.difference.low > 0 or self.difference.high < 0


class FindingKind(StrEnum):
    """What a detector may find inside one trace or across traces."""

    LOOP = "loop"
    TOOL_ERROR = "tool_error"
    SLOW_STEP = "slow_step"
    UNAPPROVED_WRITE = "unapproved_write"
    CLAIMED_WITHOUT_SUCCESS = "claimed_without_success"
    UNTRUSTED_THEN_PRIVILEGED = "untrusted_then_privileged"
    FIRST_SEEN_DESTINATION = "first_seen_destination"
    FIRST_SEEN_MANIFEST = "first_seen_manifest"
    GUARDRAIL = "guardrail"
    MODEL_MISMATCH = "model_mismatch"
    MODEL_ERROR = "model_error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a detector found, with the spans that show it."""

    kind: FindingKind
    trace_id: str
    span_ids: tuple[str, ...]
    detail: str


class ChangeKind(StrEnum):
    """What can change under an agent."""

    AGENT_VERSION = "agent version"
    PROMPT_VERSION = "prompt version"
    MODEL_REQUESTED = "model asked for"
    MODEL_ANSWERING = "model answering"
    TOOL_MANIFEST = "tool manifest"
    DEPLOY = "deploy"  # from here on: announced by a pipeline, not read from traces
    FLAG = "flag"
    PROMPT = "prompt"
    TOOL = "tool"
    INDEX = "index"


ANNOUNCED = (ChangeKind.DEPLOY, ChangeKind.FLAG, ChangeKind.PROMPT, ChangeKind.TOOL, ChangeKind.INDEX)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs from the baseline: first seen when, and in what share of k of n tasks since."""

    kind: ChangeKind
    before: str | None
    after: str
    first_seen_ns: int
    k: int
    n: int
    environment: str = ""  # of an announced one, where its pipeline names it

    @property
    def announced(self) -> bool:
        """A pipeline told of it; which tasks it reached is not in their traces, so ``k`` is ``n``."""
        return self.kind in ANNOUNCED

    @property
    def in_words(self) -> str:
        """What came, and where if its pipeline named that: ``deploy v42 in staging``."""
        return f"{self.kind.value} {self.after}" + (f" in {self.environment}" if self.environment else "")


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began: the best estimate and the interval around it, in nanoseconds since the epoch."""

    at_ns: int
    low_ns: int
    high_ns: int
    signal: str


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What one source gave, or why it gave nothing. Where ``drawn_from`` is set, ``traces`` are a draw of so many."""

    name: str
    traces: int
    scores: int
    missing: str | None = None
    metrics: int = 0
    drawn_from: int = 0

    @property
    def of_all(self) -> str:
        """What stands behind the number of traces: `` drawn from 6,480``, or nothing where all were read."""
        return f" drawn from {self.drawn_from:,}" if self.drawn_from else ""


@dataclass(frozen=True, slots=True)
class SlowStep:
    """Seconds a task spends in one kind of step, and in no step beneath it: the mean now and before."""

    name: str
    seconds: float
    baseline_seconds: float | None
    share: float  # of all the time of the window's tasks
    n: int  # tasks of the window that have the step
    trace_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A bad task and the good one most like it, compared step by step when somebody looks."""

    bad: str  # trace ids
    good: str
    likeness: float  # 0..1, of their sequences of steps
    why: str  # what is bad about the bad one


@dataclass(frozen=True, slots=True)
class Course:
    """A share over time: how many were bad, of how many, in each stretch of the last hours. Empty stretches are left out."""

    signal: str
    label: str
    seconds: int  # length of one stretch
    points: tuple[tuple[int, ...], ...]  # (start in ns, k, n), oldest first


@dataclass(frozen=True, slots=True)
class StepsDistribution:
    """How many tasks took how many steps. Bin i holds ``first + i * width`` to one less than the next bin's first."""

    first: int
    width: int
    now: tuple[int, ...]  # tasks a bin
    before: tuple[int, ...]  # as long as ``now``


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """Everything measured about one agent at one moment; frozen at declaration and never overwritten."""

    agent: str
    at_ns: int
    window: Window
    baseline_window: Window
    signals: tuple[Signal, ...] = ()
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    onset: Onset | None = None
    sources: tuple[SourceStatus, ...] = ()
    also_affected: tuple[str, ...] = ()  # other agents with the same trouble on the same provider
    same_provider: tuple[str, ...] = ()  # all other agents on that provider, affected or not
    slow_steps: tuple[SlowStep, ...] = ()  # where the time goes, the step that grew most first
    pair: Pair | None = None
    links: Mapping[str, str] = field(default_factory=dict)  # trace id -> its page in the tool it came from
    courses: tuple[Course, ...] = ()  # for the charts, what moved most first
    steps: StepsDistribution | None = None
    environment: str = ""  # whose tasks are counted, with those that name none; empty: all tasks
    environments: Mapping[str, int] = field(default_factory=dict)  # how many of its tasks name each; "": name none
    left_out: Mapping[str, int] = field(default_factory=dict)  # those of them that are not counted

    def signal(self, name: str) -> Signal | None:
        """The signal called ``name``, or None when it was not measured."""
        return next((signal for signal in self.signals if signal.name == name), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """Why parts are missing, one sentence each."""
        return tuple(source.missing for source in self.sources if source.missing)
