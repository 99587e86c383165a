"""From what telemetry tells (evidence, classifications, tasks) to the JSON that goes out."""

from bot.incident import wording
from bot.incident.classification import Answer, Classification
from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.incident.environments import said_of
from bot.incident.evidence import Change, Course, EvidenceBundle, Finding, Interval, Onset, Pair, Signal, Window
from bot.incident.links import pair_page
from bot.incident.model import Agent
from bot.incident.outline import moment, plain_step
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.web.api.models.classification import AnswerShape, ClassificationShape, SuspectShape, WouldChangeShape
from bot.web.api.models.evidence import (
    ChangeShape,
    CourseShape,
    EvidenceShape,
    FindingShape,
    OnsetShape,
    PairShape,
    PointShape,
    SignalShape,
    SlowStepShape,
    SourceShape,
    StepsShape,
)
from bot.web.api.models.shape import IntervalShape, SpanOfTime
from bot.web.api.models.traces import AgentShape, ScoreShape, StepShape, TraceShape


def evidence(bundle: EvidenceBundle) -> EvidenceShape:
    """The evidence bundle."""
    return EvidenceShape(
        agent=bundle.agent,
        at=moment(bundle.at_ns),
        window=span_of_time(bundle.window),
        baseline_window=span_of_time(bundle.baseline_window),
        signals=[signal(measured) for measured in bundle.signals],
        findings=[finding(found) for found in bundle.findings],
        changes=[change(found) for found in bundle.changes],
        onset=onset(bundle.onset),
        sources=[SourceShape(**encode(source)) for source in bundle.sources],
        missing=list(bundle.missing),
        also_affected=list(bundle.also_affected),
        same_provider=list(bundle.same_provider),
        slow_steps=[SlowStepShape(**encode(step)) for step in bundle.slow_steps],
        pair=pair(bundle.pair),
        links=dict(bundle.links),
        courses=[course(known) for known in bundle.courses],
        steps=StepsShape(**encode(bundle.steps)) if bundle.steps else None,
        environment=bundle.environment,
        environments=dict(bundle.environments),
        left_out=dict(bundle.left_out),
        environment_notes=list(said_of(bundle)),
    )


def pair(known: Pair | None) -> PairShape | None:
    """The bad task beside the good one, or null."""
    if known is None:
        return None
    return PairShape(**encode(known), page=pair_page(known, "") or "")


def course(known: Course) -> CourseShape:
    """One share over time."""
    points = [PointShape(start=moment(start), k=k, n=n) for start, k, n in known.points]
    return CourseShape(signal=known.signal, label=known.label, seconds=known.seconds, points=points)


def span_of_time(window: Window) -> SpanOfTime:
    """A window."""
    return SpanOfTime(start=moment(window.start_ns), end=moment(window.end_ns))


def signal(measured: Signal) -> SignalShape:
    """One signal."""
    return SignalShape(
        name=measured.name,
        label=measured.label,
        unit=measured.unit.value,
        value=measured.value,
        baseline=measured.baseline,
        k=measured.k,
        n=measured.n,
        baseline_k=measured.baseline_k,
        baseline_n=measured.baseline_n,
        interval=interval(measured.interval),
        difference=interval(measured.difference),
        window=span_of_time(measured.window),
        freshness=measured.fresh_seconds,
        direction=measured.direction.value,
        trace_ids=list(measured.trace_ids),
        note=measured.note,
        text=wording.measured(measured),
        usual=measured.usual,
        usual_n=measured.usual_n,
    )


def interval(known: Interval | None) -> IntervalShape | None:
    """An interval, or null."""
    return None if known is None else IntervalShape(low=known.low, high=known.high)


def finding(found: Finding) -> FindingShape:
    """One finding."""
    return FindingShape(
        kind=found.kind.value, span_ids=list(found.span_ids), detail=found.detail, trace_id=found.trace_id
    )


def change(found: Change) -> ChangeShape:
    """One change."""
    return ChangeShape(
        kind=found.kind.value,
        before=found.before,
        after=found.after,
        first_seen=moment(found.first_seen_ns),
        k=found.k,
        n=found.n,
        environment=found.environment,
    )


def onset(known: Onset | None) -> OnsetShape | None:
    """The onset, or null."""
    if known is None:
        return None
    return OnsetShape(at=moment(known.at_ns), low=moment(known.low_ns), high=moment(known.high_ns), signal=known.signal)


def classification(said: Classification, bundle: EvidenceBundle | None) -> ClassificationShape:
    """A classification; where it has no onset of its own it is the bundle's, and none where nothing is wrong."""
    frozen = bundle.onset if bundle is not None and said.incident_class is not None else None
    began = said.onset or frozen
    return ClassificationShape(
        incident_class=said.incident_class.value if said.incident_class else None,
        cause=said.cause.value,
        confidence=said.confidence.value,
        onset=moment(began.at_ns) if began else None,
        onset_interval=onset(began),
        because=list(said.because),
        rules_out=list(said.rules_out),
        severity_floor=said.severity_floor.value,
        floor_reason=said.floor_reason,
        answers=[answer(given) for given in said.answers],
        contributing=[other.value for other in said.contributing],
        flags=list(said.flags),
        suspects=[SuspectShape(**encode(one)) for one in said.suspects],
        would_change=[WouldChangeShape(**encode(one)) for one in said.would_change],
        environment_notes=list(said_of(bundle)) if bundle else [],
    )


def answer(given: Answer) -> AnswerShape:
    """One answer of the tree."""
    return AnswerShape(**encode(given))


def agent(entry: Agent, controls: Controls, *, sends: bool) -> AgentShape:
    """One agent."""
    return AgentShape(
        name=entry.name,
        description=entry.description,
        owners=list(entry.owners),
        environments=list(entry.environments),
        provider=entry.provider,
        listed=entry.listed,
        sends_telemetry=sends,
        controls=encode(controls),
    )


def trace(task: Trace, findings: tuple[Finding, ...], scores: tuple[EvalScore, ...] = (), url: str = "") -> TraceShape:
    """One task with its steps."""
    return TraceShape(
        trace_id=task.id,
        agent=task.agent,
        environment=task.environment,
        session_id=task.session_id,
        start=moment(task.start_ns),
        seconds=max(0, task.end_ns - task.start_ns) / 1e9,
        error=task.error,
        failed=task.failed,
        complete=task.complete,
        agent_version=task.agent_version,
        prompt_version=task.prompt_version,
        provider=task.provider,
        task=encode(task.task),
        steps=[step(span) for span in task.spans],
        findings=[finding(found) for found in findings],
        scores=[score(given) for given in scores],
        url=url or None,
    )


def score(given: EvalScore) -> ScoreShape:
    """One evaluator's verdict."""
    return ScoreShape(
        name=given.name,
        at=moment(given.at_ns),
        value=given.value,
        label=given.label,
        passed=given.passed,
        span_id=given.span_id,
        explanation=given.explanation,
    )


def step(span: Span) -> StepShape:
    """One span."""
    return StepShape(**plain_step(span))
