"""Each event in one sentence, the same in Slack, on pages and in the postmortem. Who and when stand beside it."""

from typing import assert_never

from bot.incident.classification import Reply
from bot.incident.control_words import approval_sentence, control_sentence, mitigating_sentence, mitigation_label
from bot.incident.facts.approving import ApprovalFact, ApprovalRequested
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
from bot.incident.facts.closing import ActionAdded, ClosingFact, PostmortemDrafted, Resolved, Reviewed, ReviewWritten
from bot.incident.facts.control import ControlFact
from bot.incident.facts.declaring import Declared, DeclaringFact, EvidenceFrozen, RoomPrepared
from bot.incident.facts.mitigating import MitigatingFact
from bot.incident.facts.people import NoteAdded, PeopleFact, RoleTaken, UpdatePosted
from bot.incident.quantities import in_minutes
from bot.incident.remediation import (
    EvaluationAsked,
    RemediationEnded,
    RemediationFact,
    RemediationRefused,
    RemediationStarted,
    VersionEvaluated,
)
from bot.incident.state import IncidentState
from bot.incident.timeline import Event


def narrate(event: Event, state: IncidentState | None = None) -> str:
    """What happened, in one plain sentence; ``state`` lets mitigations be called by their label."""
    fact = event.fact
    if isinstance(fact, DeclaringFact):
        return _opening(fact)
    if isinstance(fact, ClassifyingFact):
        return _judging(fact, state)
    if isinstance(fact, PeopleFact):
        return _said(fact)
    if isinstance(fact, MitigatingFact):
        return mitigating_sentence(fact, state)
    if isinstance(fact, ControlFact):
        return control_sentence(fact, state)
    if isinstance(fact, ApprovalFact):
        asked = fact.approval if isinstance(fact, ApprovalRequested) else None
        return approval_sentence(fact, asked or (state.approvals.get(str(fact.approval)) if state else None))
    if isinstance(fact, RemediationFact):
        return _remediation(fact, state)
    if isinstance(fact, ClosingFact):
        return _closing(fact)
    assert_never(fact)


def _opening(fact: DeclaringFact) -> str:
    match fact:
        case Declared(title=title, severity=severity, harm_now=harm_now, via=via):
            harm = " Harm is happening now." if harm_now else ""
            return f"Declared through {via.in_words} as {severity.value}: {title}.{harm}"
        case EvidenceFrozen(suggested=suggested, missing=missing):
            named = suggested.incident_class if suggested else None
            looks = f"; it looks like {named.value}" if named else "; nothing unusual is seen"
            gaps = f" Missing: {'; '.join(missing)}." if missing else ""
            return f"Evidence of the declaration frozen{looks}.{gaps}"
        case RoomPrepared(channel_name=name, steps=steps):
            failed = [step.step for step in steps if step.failed]
            return f"Channel #{name} is ready." + (f" Not done: {', '.join(failed)}." if failed else "")
        case other:
            assert_never(other)


def _judging(fact: ClassifyingFact, state: IncidentState | None) -> str:
    match fact:
        case Classified():
            return _class(fact)
        case QuestionAnswered():
            return _answer(fact)
        case ClassificationOverdue(minutes=minutes):
            return f"{in_minutes(minutes)} without a class."
        case ClassificationReminded(minutes=minutes):
            return f"{in_minutes(minutes)} without a class; a reminder was posted."
        case SeverityChanged(before=before, after=after, reason=reason):
            return f"Severity {before.value} → {after.value}" + (f": {reason.rstrip('.')}." if reason else ".")
        case ClassDoubted(mitigation=mid, incident_class=named, detail=detail):
            label = mitigation_label(mid, state)
            return f"{label} does not show its effect ({detail.rstrip('.')}): {named.value} may not be the class."
        case OwnerInvited(owner=owner, expires_at=until):
            return f"A private link to classify was made for {owner}, good until {until:%H:%M} UTC."
        case StepTicked(incident_class=named, text=text, done=done):
            word = "Done" if done else "Not done after all"
            return f"{word}, runbook {named.value}: {text.rstrip('.')}."
        case other:
            assert_never(other)


def _class(fact: Classified) -> str:
    named, reasons = fact.incident_class.value, fact.classification
    if fact.before is None:
        because = f": {reasons.because[0]}" if reasons.because else ""
        told = f"Classified {named}, suspected cause {fact.cause.value}, {fact.severity.value}{because}"
        return told.rstrip(".") + "."
    if fact.before is fact.incident_class:
        first = f"Class {named} looked at again and kept"
    else:
        first = f"Reclassified {fact.before.value} → {named}"
    cause = _change(fact.before_cause.value if fact.before_cause else "", fact.cause.value)
    severity = _change(fact.before_severity.value if fact.before_severity else "", fact.severity.value)
    why = f": {fact.reason}" if fact.reason else ""
    return f"{first}, suspected cause {cause}, {severity}{why}".rstrip(".") + "."


def _change(before: str, after: str) -> str:
    return after if before in {"", after} else f"{before} → {after}"


def _answer(fact: QuestionAnswered) -> str:
    """What was answered, and what telemetry said where the two differ."""
    words = fact.question.value.replace("_", " ") + "?"
    told = f"Answered {reply_word(fact.reply)}: {fact.asked or words}"
    if fact.telemetry is None or fact.telemetry is fact.reply:
        return told
    figure = f" ({fact.figure.rstrip('.')})" if fact.figure else ""
    return f"{told} Telemetry says {reply_word(fact.telemetry)}{figure}."


def reply_word(reply: Reply) -> str:
    """A reply as people read it: ``can't tell``."""
    return "can't tell" if reply is Reply.CANT_TELL else reply.value


def _said(fact: PeopleFact) -> str:
    match fact:
        case RoleTaken(role=role, person=person):
            return f"{person.name} is {role.value}."
        case NoteAdded(text=text, source=source, author=author):
            return f"Pinned from {author.name}: {text}" if source == "pin" else f"Note: {text}"
        case UpdatePosted(text=text):
            return f"Update: {text}"
        case other:
            assert_never(other)


def _remediation(fact: RemediationFact, state: IncidentState | None) -> str:
    match fact:
        case RemediationStarted(wish=wish, reason=reason, approved_by=approver, alone=alone):
            how = f", approved by {approver.name}" if approver else f" alone ({alone.rstrip('.')})" if alone else ""
            why = f"Override: {fact.override.rstrip('.')}." if fact.override else f"Allowed: {'; '.join(fact.grounds)}."
            return f"{wish.label} started{how}: {reason.rstrip('.')}. {why}"
        case RemediationRefused(wish=wish, why=why):
            return f"{wish.label} is locked: {'; '.join(why)}."
        case RemediationEnded(remediation=name, outcome=outcome, detail=detail):
            known = state.remediations.get(name) if state else None
            label = known.fact.wish.label if known else "Remediation"
            return f"{label} {outcome.value}" + (f": {detail.rstrip('.')}." if detail else ".")
        case EvaluationAsked(version=version):
            return f"Evaluation of {version} asked for."
        case VersionEvaluated(version=version, passed=passed, n=n):
            return f"Version {version} was evaluated: it passes {passed} of {n}."
        case other:
            assert_never(other)


def _closing(fact: ClosingFact) -> str:
    match fact:
        case Resolved(summary=summary, kept=kept):
            return f"Resolved: {summary.rstrip('.')}." + (f" Still in force: {', '.join(kept)}." if kept else "")
        case PostmortemDrafted(open_todos=todos):
            return f"Postmortem drafted; {todos} gaps are left for people."
        case ReviewWritten(section=section):
            return f"Postmortem section written: {section.replace('_', ' ')}."
        case Reviewed(comment=comment):
            return "Postmortem reviewed." + (f" {comment}" if comment else "")
        case ActionAdded(text=text):
            return f"To do afterwards: {text}"
        case other:
            assert_never(other)
