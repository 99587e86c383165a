"""From incidents and their levers to the JSON that goes out."""

from typing import Any

from bot.incident.approval import Approval
from bot.incident.codec import encode
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.narration import narrate
from bot.incident.offer import Offer
from bot.incident.postmortem import Postmortem
from bot.incident.preview import Preview
from bot.incident.state import IncidentState, MitigationStatus
from bot.incident.statements import Statement
from bot.incident.timeline import Event, fact_to_json
from bot.web.api.models.incidents import EventShape, IncidentShape
from bot.web.api.models.mitigations import ApprovalShape, MitigationShape, OfferShape
from bot.web.api.models.postmortem import PostmortemShape, StatementShape, TodoShape
from bot.web.api.models.preview import PreviewShape, ReachShape
from bot.web.api.models.shape import PersonShape


def person(who: Person) -> PersonShape:
    """Who acted."""
    return PersonShape(id=who.id, name=who.name)


def mitigation(lever: Mitigation, status: MitigationStatus | None = None) -> MitigationShape:
    """One lever, with its proof where there is one."""
    ended_by = status.ended_by if status else None
    return MitigationShape(
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


def preview(looked: Preview) -> PreviewShape:
    """What an order would do."""
    wanted = looked.wanted
    return PreviewShape(
        label=wanted.label,
        agent=wanted.agent,
        standing=looked.standing.value,
        why=looked.why,
        running=looked.running,
        sessions=looked.sessions,
        reaches=[ReachShape(**encode(reach)) for reach in looked.reaches],
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


def approval(asked: Approval) -> ApprovalShape:
    """A question to a second person."""
    return ApprovalShape(
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


def offer(put: Offer) -> OfferShape:
    """One lever put before a responder."""
    return OfferShape(**encode(put), label=put.label, limit=put.limit)


def incident(state: IncidentState, public_url: str) -> IncidentShape:
    """An incident as it stands."""
    fixed = state.incident
    return IncidentShape(
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


def event(entry: Event, state: IncidentState) -> EventShape:
    """One entry of the timeline."""
    kind, fact = fact_to_json(entry.fact)
    return EventShape(
        id=entry.id,
        seq=entry.seq,
        at=entry.at,
        by=person(entry.by),
        kind=kind,
        text=narrate(entry, state),
        fact=fact,
    )


def statements(said: tuple[Statement, ...]) -> list[StatementShape]:
    """Sentences with their events."""
    return [StatementShape(text=one.text, events=list(one.events)) for one in said]


def postmortem(document: Postmortem, public_url: str) -> PostmortemShape:
    """The document before rendering."""
    sections: dict[Any, tuple[Statement, ...]] = dict(document.sections)
    return PostmortemShape(
        incident=incident(document.state, public_url),
        drafted_at=document.drafted_at,
        sections={section.value: statements(said) for section, said in sections.items()},
        classification_story=statements(document.classification_story),
        mitigations=statements(document.mitigations),
        todos=[TodoShape(section=todo.section.value, question=todo.question) for todo in document.todos],
        reviewable=document.reviewable,
        reviewed=document.state.status.value == "reviewed",
        runbook_steps=statements(document.steps),
        runbook_questions=statements(document.asked),
        labels=statements(document.labels),
        mitigation_times=statements(document.times),
        approvals=statements(document.approvals),
    )
