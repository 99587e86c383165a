"""From nouns to the JSON that goes out."""

from typing import Any

from bot.incident import wording
from bot.incident.approval import Approval
from bot.incident.classification import Answer, Classification
from bot.incident.codec import encode
from bot.incident.composition import Controls
from bot.incident.evidence import Change, Course, EvidenceBundle, Finding, Interval, Onset, Pair, Signal, Window
from bot.incident.links import pair_page
from bot.incident.mitigation import Mitigation, Offer
from bot.incident.model import Agent, Person
from bot.incident.narration import narrate
from bot.incident.outline import moment, plain_step
from bot.incident.preview import Preview
from bot.incident.review import Postmortem
from bot.incident.statements import Statement
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.incident.timeline import Event, IncidentState, MitigationStatus, fact_to_json
from bot.web.api import models as m


def evidence(bundle: EvidenceBundle) -> m.EvidenceShape:
    """The evidence bundle."""
    return m.EvidenceShape(
        agent=bundle.agent,
        at=moment(bundle.at_ns),
        window=span_of_time(bundle.window),
        baseline_window=span_of_time(bundle.baseline_window),
        signals=[signal(measured) for measured in bundle.signals],
        findings=[finding(found) for found in bundle.findings],
        changes=[change(found) for found in bundle.changes],
        onset=onset(bundle.onset),
        sources=[m.SourceShape(**encode(source)) for source in bundle.sources],
        missing=list(bundle.missing),
        also_affected=list(bundle.also_affected),
        same_provider=list(bundle.same_provider),
        slow_steps=[m.SlowStepShape(**encode(step)) for step in bundle.slow_steps],
        pair=pair(bundle.pair),
        links=dict(bundle.links),
        courses=[course(known) for known in bundle.courses],
        steps=m.StepsShape(**encode(bundle.steps)) if bundle.steps else None,
    )


def pair(known: Pair | None) -> m.PairShape | None:
    """The bad task beside the good one, or null."""
    if known is None:
        return None
    return m.PairShape(**encode(known), page=pair_page(known, "") or "")


def course(known: Course) -> m.CourseShape:
    """One share over time."""
    points = [m.PointShape(start=moment(start), k=k, n=n) for start, k, n in known.points]
    return m.CourseShape(signal=known.signal, label=known.label, seconds=known.seconds, points=points)


def span_of_time(window: Window) -> m.SpanOfTime:
    """A window."""
    return m.SpanOfTime(start=moment(window.start_ns), end=moment(window.end_ns))


def signal(measured: Signal) -> m.SignalShape:
    """One signal."""
    return m.SignalShape(
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


def interval(known: Interval | None) -> m.IntervalShape | None:
    """An interval, or null."""
    return None if known is None else m.IntervalShape(low=known.low, high=known.high)


def finding(found: Finding) -> m.FindingShape:
    """One finding."""
    return m.FindingShape(
        kind=found.kind.value, span_ids=list(found.span_ids), detail=found.detail, trace_id=found.trace_id
    )


def change(found: Change) -> m.ChangeShape:
    """One change."""
    return m.ChangeShape(
        kind=found.kind.value,
        before=found.before,
        after=found.after,
        first_seen=moment(found.first_seen_ns),
        k=found.k,
        n=found.n,
    )


def onset(known: Onset | None) -> m.OnsetShape | None:
    """The onset, or null."""
    if known is None:
        return None
    return m.OnsetShape(
        at=moment(known.at_ns), low=moment(known.low_ns), high=moment(known.high_ns), signal=known.signal
    )


def classification(said: Classification, bundle: EvidenceBundle | None) -> m.ClassificationShape:
    """A classification; where it has no onset of its own it is the bundle's, and none where nothing is wrong."""
    frozen = bundle.onset if bundle is not None and said.incident_class is not None else None
    began = said.onset or frozen
    return m.ClassificationShape(
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
        suspects=[m.SuspectShape(**encode(one)) for one in said.suspects],
        would_change=[m.WouldChangeShape(**encode(one)) for one in said.would_change],
    )


def answer(given: Answer) -> m.AnswerShape:
    """One answer of the tree."""
    return m.AnswerShape(**encode(given))


def agent(entry: Agent, controls: Controls, *, sends: bool) -> m.AgentShape:
    """One agent."""
    return m.AgentShape(
        name=entry.name,
        description=entry.description,
        owners=list(entry.owners),
        environments=list(entry.environments),
        provider=entry.provider,
        listed=entry.listed,
        sends_telemetry=sends,
        controls=encode(controls),
    )


def trace(
    task: Trace, findings: tuple[Finding, ...], scores: tuple[EvalScore, ...] = (), url: str = ""
) -> m.TraceShape:
    """One task with its steps."""
    return m.TraceShape(
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


def score(given: EvalScore) -> m.ScoreShape:
    """One evaluator's verdict."""
    return m.ScoreShape(
        name=given.name,
        at=moment(given.at_ns),
        value=given.value,
        label=given.label,
        passed=given.passed,
        span_id=given.span_id,
        explanation=given.explanation,
    )


def step(span: Span) -> m.StepShape:
    """One span."""
    return m.StepShape(**plain_step(span))


def person(who: Person) -> m.PersonShape:
    """Who acted."""
    return m.PersonShape(id=who.id, name=who.name)


def mitigation(lever: Mitigation, status: MitigationStatus | None = None) -> m.MitigationShape:
    """One lever, with its proof where there is one."""
    ended_by = status.ended_by if status else None
    return m.MitigationShape(
        id=lever.id,
        kind=lever.kind.value,
        label=lever.label,
        agent=lever.agent,
        environment=lever.environment,
        scope=encode(lever.scope),
        value=encode(lever.value),
        limit=lever.limit,
        driver=lever.driver,
        uncertain=lever.uncertain,
        declined=lever.declined,
        strayed=status.strayed.detail if status and status.strayed else "",
        reason=lever.reason,
        incident=lever.incident,
        applied_by=person(lever.applied_by),
        applied_at=lever.applied_at,
        expires_at=lever.expires_at,
        on_expiry=lever.on_expiry.value,
        state=lever.state.value,
        live=lever.state.is_live,
        revision=lever.revision,
        proof=encode(status.proof) if status and status.proof else None,
        ended_by=person(ended_by) if ended_by else None,
        ended_at=status.ended_at if status else None,
        approval=lever.approval or None,
        approved_by=person(lever.approved_by) if lever.approved_by else None,
        requests=list(lever.requests),
        exit_plan=encode(lever.exit),
        times=dict(status.first) if status else {},
        snapshot=status.kept.snapshot if status and status.kept else None,
        warnings=list(status.warnings) if status else [],
    )


def preview(looked: Preview) -> m.PreviewShape:
    """What an order would do."""
    wanted = looked.wanted
    return m.PreviewShape(
        label=wanted.label,
        agent=wanted.agent,
        standing=looked.standing.value,
        why=looked.why,
        running=looked.running,
        sessions=looked.sessions,
        reaches=[m.ReachShape(**encode(reach)) for reach in looked.reaches],
        instances=looked.instances,
        before=looked.before,
        after=looked.after,
        direction=looked.direction.value,
        conflicts=list(looked.conflicts),
        shared=[encode(other) for other in looked.shared],
        warnings=list(looked.warnings),
        plan=list(looked.plan),
        proof=list(looked.proof),
        expires_at=wanted.expires_at,
        on_expiry=wanted.on_expiry.value,
        undo=looked.undo,
        refusal=looked.refusal,
        approval=looked.approval,
        text=list(looked.lines),
    )


def approval(asked: Approval) -> m.ApprovalShape:
    """A question to a second person."""
    return m.ApprovalShape(
        id=asked.id,
        incident=asked.incident,
        agent=asked.agent,
        mitigation=asked.ask.mitigation,
        action=asked.ask.action.value,
        words=asked.words,
        riskier=asked.riskier,
        reason=asked.ask.reason,
        asked_by=person(asked.asked_by),
        asked_at=asked.asked_at,
        expires_at=asked.expires_at,
        state=asked.state.value,
        alone=asked.alone,
    )


def offer(put: Offer) -> m.OfferShape:
    """One lever put before a responder."""
    return m.OfferShape(**encode(put), label=put.label, limit=put.limit)


def incident(state: IncidentState, public_url: str) -> m.IncidentShape:
    """An incident as it stands."""
    fixed = state.incident
    return m.IncidentShape(
        key=fixed.key,
        title=fixed.title,
        agent=fixed.agent,
        environment=fixed.environment,
        status=state.status.value,
        severity=state.severity.value,
        harm_now=state.harm_now,
        test=fixed.test,
        declared_at=fixed.declared_at,
        declared_by=person(fixed.declared_by),
        incident_class=state.incident_class.value if state.incident_class else None,
        cause=state.cause.value if state.cause else None,
        classified_at=state.classified_at,
        roles={role.value: person(who) for role, who in state.roles.items()},
        evidence_summary=list(state.evidence_summary),
        evidence_missing=list(state.evidence_missing),
        mitigations=[mitigation(status.mitigation, status) for status in state.mitigations.values()],
        channel=state.channel_name,
        last_update=state.last_update,
        resolved_at=state.resolved_at,
        summary=state.resolution.summary if state.resolution else None,
        open_todos=state.open_todos,
        last_event=state.last_seq,
        url=f"{public_url}/incidents/{fixed.key}",
    )


def event(entry: Event, state: IncidentState) -> m.EventShape:
    """One entry of the timeline."""
    kind, fact = fact_to_json(entry.fact)
    return m.EventShape(
        id=entry.id,
        seq=entry.seq,
        at=entry.at,
        by=person(entry.by),
        kind=kind,
        text=narrate(entry, state),
        fact=fact,
    )


def statements(said: tuple[Statement, ...]) -> list[m.StatementShape]:
    """Sentences with their events."""
    return [m.StatementShape(text=one.text, events=list(one.events)) for one in said]


def postmortem(document: Postmortem, public_url: str) -> m.PostmortemShape:
    """The document before rendering."""
    sections: dict[Any, tuple[Statement, ...]] = dict(document.sections)
    return m.PostmortemShape(
        incident=incident(document.state, public_url),
        drafted_at=document.drafted_at,
        sections={section.value: statements(said) for section, said in sections.items()},
        classification_story=statements(document.classification_story),
        mitigations=statements(document.mitigations),
        todos=[m.TodoShape(section=todo.section.value, question=todo.question) for todo in document.todos],
        reviewable=document.reviewable,
        reviewed=document.state.status.value == "reviewed",
        runbook_steps=statements(document.steps),
        runbook_questions=statements(document.asked),
        labels=statements(document.labels),
        mitigation_times=statements(document.times),
        approvals=statements(document.approvals),
    )
