"""The JSON that goes out. Names here are a public promise: extend, do not rename.

Times are ISO 8601 in UTC, durations seconds, shares 0..1. A figure that telemetry cannot
tell is null, never zero.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """What all answers share: frozen, and infinities never leave."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null", populate_by_name=True)


class IntervalShape(Shape):
    """A 95 % interval."""

    low: float | None
    high: float | None


class SpanOfTime(Shape):
    """Half-open: start is in it, end is not."""

    start: datetime
    end: datetime


class SignalShape(Shape):
    """One measured quantity with its doubt."""

    name: str
    label: str
    unit: str = Field(description="share (0..1), count, seconds, tokens, steps or per minute")
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


class AnswerShape(Shape):
    """One question of the decision tree with its reply and the figures behind it."""

    question: str
    reply: str = Field(description="yes, no or cant_tell")
    because: str
    signals: list[str]
    trace_ids: list[str]
    by: str = Field(description="telemetry, or who overrode or confirmed it")


class SuspectShape(Shape):
    """A cause that may be behind it."""

    cause: str
    because: str


class WouldChangeShape(Shape):
    """What would lead to another class: another reply to a question, or a signal at another share."""

    to: str | None = Field(description="the class, or null for nothing wrong")
    text: str
    question: str | None
    reply: str | None
    signal: str
    value: float | None = Field(description="share of the signal, 0..1")


class ClassificationShape(Shape):
    """A class with its reasons; ``class`` is null when nothing is wrong."""

    incident_class: str | None = Field(serialization_alias="class")
    cause: str
    confidence: str
    onset: datetime | None = Field(description="best estimate of when it began")
    onset_interval: OnsetShape | None
    because: list[str]
    rules_out: list[str]
    severity_floor: str
    floor_reason: str
    answers: list[AnswerShape]
    contributing: list[str]
    flags: list[str]
    suspects: list[SuspectShape] = Field(description="causes to choose from, the suspected one first")
    would_change: list[WouldChangeShape]


class LinkShape(Shape):
    """A private link to the classification of one incident. Whoever holds it acts as ``owner``."""

    owner: str
    url: str
    expires_at: datetime


class LinksShape(Shape):
    """Private links, one for each owner."""

    links: list[LinkShape]


class AgentShape(Shape):
    """An agent of the catalogue, or one that only telemetry knows (``listed`` false)."""

    name: str
    description: str
    owners: list[str]
    environments: list[str]
    provider: str | None
    listed: bool
    sends_telemetry: bool = Field(description="something arrived within the last hour")
    controls: dict[str, Any] = Field(description="what it has to obey now")


class StepShape(Shape):
    """One span. Previews are redacted, and hostile all the same: escape them where they are shown."""

    span_id: str
    parent_id: str | None
    kind: str
    name: str
    start: datetime
    seconds: float
    error: bool
    error_type: str | None
    error_message: str
    tool: dict[str, Any] | None
    model: dict[str, Any] | None
    guardrail: dict[str, Any] | None
    inferred: bool = Field(default=False, description="a call that no span tells of, read from what the model answered")


class ScoreShape(Shape):
    """One evaluator's verdict."""

    name: str
    at: datetime
    value: float | None
    label: str | None
    passed: bool | None
    span_id: str | None
    explanation: str


class TaskShape(Shape):
    """One task without its steps."""

    trace_id: str
    agent: str
    environment: str | None
    session_id: str | None
    start: datetime
    seconds: float
    error: bool
    failed: bool = Field(default=False, description="it ended in an error, a failure or at its step limit")
    complete: bool
    agent_version: str | None
    prompt_version: str | None
    provider: str | None
    task: dict[str, Any]
    scores: list[ScoreShape] = Field(default_factory=list)
    url: str | None = Field(default=None, description="its page in your own tool")


class TraceShape(TaskShape):
    """One task with its steps and what the detectors find in it."""

    steps: list[StepShape]
    findings: list[FindingShape]


class ListedTraceShape(TaskShape):
    """One task of many; steps and findings where they were asked for."""

    steps: list[StepShape] | None = Field(description="null unless spans=true")
    findings: list[FindingShape] | None = Field(description="null unless findings=true")


class TracesShape(Shape):
    """Traces, newest first; ask again with ``before=next`` until it is null."""

    traces: list[ListedTraceShape]
    next: str | None


class PersonShape(Shape):
    """Who acted."""

    id: str
    name: str


class MitigationShape(Shape):
    """A lever with the latest proof of it."""

    id: str
    kind: str
    label: str
    agent: str
    environment: str
    scope: dict[str, str] = Field(description="whom it binds: environment, tenant, channel, version; empty is all")
    value: Any
    limit: int | None = Field(description="the value, where it is a whole number")
    driver: str = Field(description="the control plane that carries it out")
    uncertain: str = Field(description="why nobody knows whether it is in force; empty when it is known")
    declined: str = Field(description="why its control plane declined to lift it, while it is still in force there")
    strayed: str = Field(description="what its control plane was found to say else, until it is as it should be again")
    reason: str
    incident: str | None
    applied_by: PersonShape
    applied_at: datetime
    expires_at: datetime
    on_expiry: str
    state: str
    live: bool
    revision: int
    proof: dict[str, Any] | None = None
    ended_by: PersonShape | None = None
    ended_at: datetime | None = None
    approval: str | None = Field(default=None, description="the question to a second person that is open about it")
    approved_by: PersonShape | None = None
    requests: list[str] = Field(default_factory=list, description="what its control plane calls our writes")
    exit_plan: dict[str, Any] | None = None
    times: dict[str, datetime] = Field(default_factory=dict, description="when applied, delivered, observed first")
    snapshot: str | None = Field(default=None, description="what was exported before it was applied")
    warnings: list[str] = Field(default_factory=list, description="what may keep it from working")


class ApprovalShape(Shape):
    """A question to a second person; with ``alone`` it is done already and falls back without a yes."""

    id: str
    incident: str
    agent: str
    mitigation: str = Field(description="its id; empty when it is about a remediation")
    action: str
    words: str
    riskier: str = Field(description="why it needs a second person")
    reason: str
    asked_by: PersonShape
    asked_at: datetime
    expires_at: datetime
    state: str
    alone: str


class ApprovalsShape(Shape):
    """What waits for a second person, oldest first."""

    approvals: list[ApprovalShape]


class InForceShape(Shape):
    """Mitigations that have not ended, and every agent's revision."""

    mitigations: list[MitigationShape]
    revisions: dict[str, int]


class AuditShape(Shape):
    """Entries as they were hashed."""

    entries: list[dict[str, Any]]
    next: int | None


class AuditBreakShape(Shape):
    """Where a chain is not what was written."""

    agent: str
    revision: int
    what: str


class AuditCheckShape(Shape):
    """Whether every chain is as it was written."""

    ok: bool
    checked: int
    breaks: list[AuditBreakShape]


class AmongShape(Shape):
    """``k`` of ``n`` sessions, users or tenants that telemetry names."""

    what: str
    k: int
    n: int


class ReachShape(Shape):
    """How many tasks of the last hours it would have touched; ``k`` is null where telemetry cannot tell."""

    hours: int
    k: int | None
    n: int
    low: float
    high: float
    unsaid: int
    expected: bool
    cut: bool = Field(default=False, description="there were more tasks; these are the newest")
    among: list[AmongShape] = Field(default_factory=list)


class PreviewShape(Shape):
    """Everything to know before the click; nothing has been changed for it."""

    label: str
    agent: str
    standing: str = Field(description="fits, allowed or contraindicated")
    why: str
    running: int = Field(description="tasks running now")
    sessions: int | None
    reaches: list[ReachShape]
    instances: int
    before: str
    after: str
    direction: str = Field(description="safer, riskier or none")
    conflicts: list[str]
    shared: list[dict[str, Any]]
    warnings: list[str]
    plan: list[str]
    proof: list[str]
    expires_at: datetime
    on_expiry: str
    undo: str
    refusal: str = Field(description="why it would be refused as it is asked; empty when it would be taken")
    approval: str = Field(description="why a second person has to approve it; empty when one click is enough")
    text: list[str] = Field(description="the same in sentences")


class OfferShape(Shape):
    """A lever put before a responder; it would have touched k of n tasks of the last hour."""

    kind: str
    label: str
    value: Any
    limit: int | None
    standing: str = Field(description="fits, allowed or contraindicated")
    why: str
    touches_k: int | None
    touches_n: int | None


class MitigationsShape(Shape):
    """The levers that fit, best first, and those in force."""

    offers: list[OfferShape]
    live: list[MitigationShape]
    approvals: list[ApprovalShape] = Field(default_factory=list)


class EvaluationShape(Shape):
    """How a version did since the trouble began."""

    version: str
    passed: int
    n: int
    at: datetime
    source: str = Field(description="telemetry, or who reported it")


class RemediationOfferShape(Shape):
    """A remediation, and whether it may be done now."""

    kind: str
    target: str
    label: str
    allowed: bool
    because: list[str] = Field(description="why it may be done, or each reason why not")
    evaluation: EvaluationShape | None


class RemediationShape(Shape):
    """A remediation that was started, and how it ended."""

    id: str
    kind: str
    target: str
    label: str
    reason: str
    grounds: list[str]
    override: str | None
    approved_by: PersonShape | None = Field(description="the second person, where it was locked")
    alone: str = Field(description="why it was begun without a second person; empty otherwise")
    by: PersonShape
    at: datetime
    outcome: str | None
    detail: str
    ended_at: datetime | None


class RemediationsShape(Shape):
    """What may be done to repair it, and what was."""

    offers: list[RemediationOfferShape]
    started: list[RemediationShape]
    waiting: list[ApprovalShape] = Field(description="overrides that wait for a second person")
    evaluations_asked: list[str]


class IncidentShape(Shape):
    """An incident as its timeline tells it."""

    key: str
    title: str
    agent: str
    environment: str
    status: str
    severity: str
    harm_now: bool
    test: bool
    declared_at: datetime
    declared_by: PersonShape
    incident_class: str | None = Field(serialization_alias="class")
    cause: str | None
    classified_at: datetime | None
    roles: dict[str, PersonShape]
    evidence_summary: list[str]
    evidence_missing: list[str]
    mitigations: list[MitigationShape]
    channel: str | None
    last_update: str | None
    resolved_at: datetime | None
    summary: str | None
    open_todos: int | None
    last_event: int
    url: str


class IncidentsShape(Shape):
    """A page of incidents, newest first; ask again with ``cursor=next`` until it is null."""

    incidents: list[IncidentShape]
    next: str | None


class EventShape(Shape):
    """One entry of the timeline."""

    id: str
    seq: int
    at: datetime
    by: PersonShape
    kind: str
    text: str
    fact: dict[str, Any]


class TimelineShape(Shape):
    """All entries, oldest first."""

    events: list[EventShape]


class StoodShape(Shape):
    """What telemetry suggested at the declaration and what responders set."""

    suggested: ClassificationShape | None
    set: ClassificationShape | None
    severity: str


class StatementShape(Shape):
    """A sentence with the events that support it; none means people wrote it."""

    text: str
    events: list[str]


class TodoShape(Shape):
    """A gap only people can fill."""

    section: str
    question: str


class PostmortemShape(Shape):
    """The document before rendering."""

    incident: IncidentShape
    drafted_at: datetime
    sections: dict[str, list[StatementShape]]
    classification_story: list[StatementShape]
    mitigations: list[StatementShape]
    todos: list[TodoShape]
    reviewable: bool
    reviewed: bool
    runbook_steps: list[StatementShape] = Field(default_factory=list, description="ticked ones, then the others")
    runbook_questions: list[StatementShape] = Field(default_factory=list)
    labels: list[StatementShape] = Field(default_factory=list, description="names of the class in public taxonomies")
    mitigation_times: list[StatementShape] = Field(
        default_factory=list,
        description="of each mitigation: in force, delivered, observed, and where the audit has it",
    )
    approvals: list[StatementShape] = Field(default_factory=list, description="by second persons, and broken glass")
