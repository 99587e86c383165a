"""What was measured about an agent, as it goes out."""

from datetime import datetime

from pydantic import Field

from bot.web.api.models.shape import IntervalShape, Shape, SpanOfTime


class SignalShape(Shape):
    """One measured quantity with its doubt."""

    name: str
    label: str
    unit: str = Field(description="share (0..1), count, seconds, tokens, steps, USD or per minute")
    value: float | None = Field(description="null when telemetry cannot tell")
    baseline: float | None
    k: int | None = Field(description="of a share: k of n")
    n: int
    baseline_k: int | None
    baseline_n: int
    interval: IntervalShape | None = Field(description="of the value")
    difference: IntervalShape | None = Field(description="of value minus baseline")
    window: SpanOfTime
    freshness: float | None = Field(description="age of the newest observation in seconds; null when there is none")
    direction: str = Field(description="up, down, flat or unknown, judged by the interval")
    trace_ids: list[str]
    note: str
    text: str = Field(description="the figure in words")
    usual: float | None = Field(
        default=None, description="at this hour of the week in the four weeks before; null where history does not know"
    )
    usual_n: int = 0


class FindingShape(Shape):
    """One thing a detector found."""

    kind: str
    span_ids: list[str]
    detail: str
    trace_id: str


class ChangeShape(Shape):
    """Something that differs from the baseline, in k of n tasks since."""

    kind: str
    before: str | None
    after: str
    first_seen: datetime
    k: int
    n: int
    environment: str = Field(default="", description="of an announced change, where it was told")


class OnsetShape(Shape):
    """When it began, with the interval around the estimate and the signal it comes from."""

    at: datetime
    low: datetime
    high: datetime
    signal: str


class SourceShape(Shape):
    """What a source gave; ``missing`` says why it gave nothing or less."""

    name: str
    traces: int
    scores: int
    missing: str | None
    metrics: int = 0
    drawn_from: int = Field(default=0, description="the tasks there are, where only a draw of them was read")


class SlowStepShape(Shape):
    """Mean seconds a task spends in one kind of step and in no step beneath it, now and before."""

    name: str
    seconds: float
    baseline_seconds: float | None
    share: float = Field(description="of all the time of the window's tasks")
    n: int
    trace_ids: list[str]


class PairShape(Shape):
    """A bad task and the good one most like it."""

    bad: str
    good: str
    likeness: float = Field(description="0..1, of their sequences of steps")
    why: str
    page: str = Field(description="path of our page that shows them side by side")


class PointShape(Shape):
    """One stretch of a course: k of n were bad."""

    start: datetime
    k: int
    n: int


class CourseShape(Shape):
    """A share over time; stretches without observations are left out."""

    signal: str
    label: str
    seconds: int = Field(description="length of one stretch")
    points: list[PointShape]


class StepsShape(Shape):
    """Tasks by number of steps: bin i starts at ``first + i * width``."""

    first: int
    width: int
    now: list[int]
    before: list[int]


class EvidenceShape(Shape):
    """Everything measured about one agent at one moment."""

    agent: str
    at: datetime
    window: SpanOfTime
    baseline_window: SpanOfTime
    signals: list[SignalShape]
    findings: list[FindingShape]
    changes: list[ChangeShape]
    onset: OnsetShape | None
    sources: list[SourceShape]
    missing: list[str]
    also_affected: list[str]
    same_provider: list[str] = Field(default_factory=list)
    slow_steps: list[SlowStepShape] = Field(default_factory=list)
    pair: PairShape | None = None
    links: dict[str, str] = Field(default_factory=dict, description="trace id to its page in the tool it came from")
    courses: list[CourseShape] = Field(default_factory=list)
    steps: StepsShape | None = None
    environment: str = Field(
        default="", description="whose tasks are counted, with those that name none; empty: all of them"
    )
    environments: dict[str, int] = Field(
        default_factory=dict, description="the agent's tasks by the environment they name; under an empty name: none"
    )
    left_out: dict[str, int] = Field(default_factory=dict, description="those of them that are not counted")
    environment_notes: list[str] = Field(default_factory=list, description="the same in words, where it matters")
