"""From the events of a timeline to the state of its incident."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from bot.incident.approval import Approval, ApprovalState
from bot.incident.classification import Question, Reply
from bot.incident.facts.approving import ApprovalFact, ApprovalLapsed, ApprovalRequested
from bot.incident.facts.classifying import (
    ClassDoubted,
    ClassificationOverdue,
    ClassificationReminded,
    Classified,
    ClassifyingFact,
    OwnerInvited,
    QuestionAnswered,
    SeverityChanged,
    StepTicked,
)
from bot.incident.facts.closing import (
    ActionAdded,
    ClosingFact,
    PostmortemDrafted,
    Resolved,
    Reviewed,
    ReviewWritten,
)
from bot.incident.facts.control import ControlFact
from bot.incident.facts.declaring import Declared, DeclaringFact, EvidenceFrozen, RoomPrepared
from bot.incident.facts.mitigating import MitigatingFact
from bot.incident.facts.people import NoteAdded, PeopleFact, RoleTaken, UpdatePosted
from bot.incident.mitigation_folding import controlled, mitigated
from bot.incident.model import Incident, Status
from bot.incident.remediation import (
    Evaluation,
    EvaluationAsked,
    RemediationEnded,
    RemediationFact,
    RemediationRefused,
    RemediationStarted,
    VersionEvaluated,
)
from bot.incident.state import IncidentState, RemediationStatus, Replied, Tick
from bot.incident.taxonomy import Severity
from bot.incident.timeline import Event


def fold(incident: Incident, events: Iterable[Event]) -> IncidentState:
    """The state that ``events`` (in order, the declaration first) lead to."""
    state = IncidentState(incident=incident, severity=Severity.SEV3)
    for event in events:
        state = after(state, event)
    return state


def after(state: IncidentState, event: Event) -> IncidentState:
    """The state once ``event`` has happened."""
    state, fact = replace(state, last_seq=event.seq), event.fact
    if isinstance(fact, DeclaringFact):
        return _begun(state, fact, event)
    if isinstance(fact, ClassifyingFact):
        return _judged(state, fact, event)
    if isinstance(fact, PeopleFact):
        return _told(state, fact)
    if isinstance(fact, MitigatingFact):
        return mitigated(state, fact, event)
    if isinstance(fact, ControlFact):
        return controlled(state, fact, event)
    if isinstance(fact, ApprovalFact):
        return replace(state, approvals=_asked(state.approvals, fact, event))
    if isinstance(fact, RemediationFact):
        return _remediated(state, fact, event)
    if isinstance(fact, ClosingFact):
        return _ended(state, fact, event)
    assert_never(fact)


def _begun(state: IncidentState, fact: DeclaringFact, event: Event) -> IncidentState:
    match fact:
        case Declared(severity=severity, harm_now=harm_now):
            # Harm at the declaration is the declarer's answer; without it the question is open.
            told = {Question.HARM_NOW: Replied(Reply.YES, event.by, event.at)} if harm_now else {}
            return replace(state, severity=severity, harm_now=harm_now, replies=told)
        case EvidenceFrozen(snapshot=snapshot, summary=summary, missing=missing, suggested=suggested):
            frozen = replace(state, snapshot=snapshot, suggested=suggested)
            return replace(frozen, evidence_summary=summary, evidence_missing=missing)
        case RoomPrepared(channel_id=channel, channel_name=name, steps=steps):
            return replace(state, channel_id=channel, channel_name=name, room_steps=steps)
        case other:
            assert_never(other)


def _judged(state: IncidentState, fact: ClassifyingFact, event: Event) -> IncidentState:
    match fact:
        case Classified():
            return _classified(state, fact, event)
        case QuestionAnswered():
            return _answered(state, fact, event)
        case SeverityChanged(after=severity):
            return replace(state, severity=severity)
        case ClassificationOverdue():
            return replace(state, overdue=True)
        case ClassDoubted():
            return replace(state, doubt=fact)
        case StepTicked(incident_class=named, step=step):
            return replace(state, ticks={**state.ticks, (named, step): Tick(fact, event.by, event.at)})
        case ClassificationReminded() | OwnerInvited():
            return state
        case other:
            assert_never(other)


def _told(state: IncidentState, fact: PeopleFact) -> IncidentState:
    match fact:
        case RoleTaken(role=role, person=person):
            return replace(state, roles={**state.roles, role: person})
        case UpdatePosted(text=text):
            return replace(state, last_update=text)
        case NoteAdded():
            return state
        case other:
            assert_never(other)


def _answered(state: IncidentState, fact: QuestionAnswered, event: Event) -> IncidentState:
    given = Replied(fact.reply, event.by, event.at, fact.telemetry, fact.figure)
    harm = fact.question is Question.HARM_NOW and fact.reply is not Reply.CANT_TELL
    return replace(
        state,
        replies={**state.replies, fact.question: given},
        harm_now=fact.reply is Reply.YES if harm else state.harm_now,
    )


def _classified(state: IncidentState, fact: Classified, event: Event) -> IncidentState:
    climbed = Status.CLASSIFIED if state.status is Status.DECLARED else state.status
    if climbed is Status.CLASSIFIED and state.live_mitigations:
        climbed = Status.MITIGATED
    return replace(
        state,
        classified=fact,
        classified_at=state.classified_at or event.at,
        set_by=event.by,
        set_at=event.at,
        severity=fact.severity,
        status=climbed,
        overdue=False,
        doubt=None,
    )


def _asked(approvals: Mapping[str, Approval], fact: ApprovalFact, event: Event) -> Mapping[str, Approval]:
    if isinstance(fact, ApprovalRequested):
        return {**approvals, fact.approval.id: fact.approval}
    if fact.approval not in approvals or not approvals[fact.approval].is_pending:
        return approvals
    if isinstance(fact, ApprovalLapsed):
        decided = replace(approvals[fact.approval], state=ApprovalState.LAPSED)
    else:
        answer = ApprovalState.GRANTED if fact.granted else ApprovalState.REFUSED
        decided = replace(
            approvals[fact.approval], state=answer, decided_by=event.by, decided_at=event.at, note=fact.note
        )
    return {**approvals, fact.approval: decided}


def _remediated(state: IncidentState, fact: RemediationFact, event: Event) -> IncidentState:
    match fact:
        case RemediationStarted(remediation=name):
            return replace(
                state, remediations={**state.remediations, name: RemediationStatus(fact, event.by, event.at)}
            )
        case RemediationEnded(remediation=name) if name in state.remediations:
            ended = replace(state.remediations[name], ended=fact, ended_at=event.at)
            return replace(state, remediations={**state.remediations, name: ended})
        case VersionEvaluated(version=version, passed=passed, n=n):
            found = Evaluation(version, passed, n, event.at, event.by.name)
            return replace(state, evaluations={**state.evaluations, version: found})
        case EvaluationAsked(version=version):
            return replace(state, evaluations_asked=tuple(dict.fromkeys([*state.evaluations_asked, version])))
        case RemediationRefused() | RemediationEnded():
            return state
        case other:
            assert_never(other)


def _ended(state: IncidentState, fact: ClosingFact, event: Event) -> IncidentState:
    match fact:
        case Resolved():
            return replace(state, status=Status.RESOLVED, resolved_at=event.at, resolution=fact)
        case PostmortemDrafted(open_todos=open_todos):
            return replace(state, open_todos=open_todos)
        case ReviewWritten(section=section, text=text):
            return replace(state, review={**state.review, section: text})
        case Reviewed():
            return replace(state, status=Status.REVIEWED)
        case ActionAdded(text=text):
            return replace(state, actions=(*state.actions, text))
        case other:
            assert_never(other)
