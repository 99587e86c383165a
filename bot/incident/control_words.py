"""What happens to mitigations and approvals, one sentence each; part of :mod:`bot.incident.narration`."""

from typing import assert_never

from bot.incident.approval import Approval
from bot.incident.control_values import figure_of
from bot.incident.facts.approving import ApprovalDecided, ApprovalFact, ApprovalLapsed, ApprovalRequested
from bot.incident.facts.control import (
    ControlFact,
    EvidenceKept,
    ExitPlanned,
    ExitWaiting,
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationEscalated,
    MitigationLifting,
    MitigationNotLifted,
    MitigationStrayed,
    MitigationUncertain,
    MitigationWarned,
)
from bot.incident.facts.mitigating import (
    MitigatingFact,
    MitigationApplied,
    MitigationExpired,
    MitigationExtended,
    MitigationHeld,
    MitigationProven,
    MitigationRefused,
    MitigationReverted,
)
from bot.incident.proof import Proof
from bot.incident.quantities import duration, in_minutes
from bot.incident.state import IncidentState

NONE_IN_FORCE = "This incident has no control in force."  # another incident of the same agent may have one


def mitigating_sentence(fact: MitigatingFact, state: IncidentState | None) -> str:
    """What responders and the clock did to a mitigation; ``state`` knows what it is called."""
    match fact:
        case MitigationRefused(kind=kind, why=why):
            return f"{kind.label} was refused: {why}"
        case MitigationApplied(mitigation=m, before=before, after=after, override=override):
            against = f" Override: {override}" if override else ""
            against += "".join(f" Careful: {warning}." for warning in fact.warnings)
            return f"{m.label} applied to {m.target} until {m.expires_at:%H:%M} UTC; before: {before}, now: {after}.{against}"
        case MitigationProven(mitigation=mid, proof=proof):
            return f"{mitigation_label(mid, state)}: {proof_line(proof)}."
        case MitigationExtended() | MitigationHeld() | MitigationReverted() | MitigationExpired():
            return _ending(fact, mitigation_label(fact.mitigation, state))
        case other:
            assert_never(other)


def _ending(fact: MitigationExtended | MitigationHeld | MitigationReverted | MitigationExpired, label: str) -> str:
    match fact:
        case MitigationExtended(expires_at=until):
            return f"{label} extended until {until:%H:%M} UTC."
        case MitigationHeld():
            return f"{label}: its time is over and it stays in force until somebody decides."
        case MitigationReverted(reason=reason, after=now, alone=alone, approved_by=approved_by):
            by = f", approved by {approved_by.name}" if approved_by else " alone" if alone else ""
            return f"{label} undone{by}" + (f" ({reason.rstrip('.')})" if reason else "") + f"; now: {now}."
        case MitigationExpired(after=now):
            return f"{label} expired; now: {now}."
        case other:
            assert_never(other)


def mitigation_label(mitigation_id: str, state: IncidentState | None) -> str:
    """The label of the mitigation of that id, where ``state`` knows it."""
    status = state.mitigations.get(mitigation_id) if state else None
    return status.mitigation.label if status else "Mitigation"


def proof_line(proof: Proof) -> str:
    """The three signals in words: ``read back: yes · delivered 2 of 2 instances in 400 ms · observed: …``."""
    read = "read back: yes" if proof.read_back.confirmed else f"read back: no ({proof.read_back.detail})"
    d = proof.delivery
    if d.instances:
        took = f" in {duration(d.seconds)}" if d.seconds is not None else ""
        delivered = f"delivered {d.reached} of {d.instances} instances{took}"
    else:
        delivered = "delivered: no instance has asked yet"
    return f"{read} · {delivered} · {proof.effect.verdict.value}: {proof.effect.detail}"


def approval_sentence(fact: ApprovalFact, approval: Approval | None) -> str:
    """A question to a second person, its answer, or its end; ``approval`` is the question where it is known."""
    words = approval.words if approval else "the change"
    match fact:
        case ApprovalRequested(approval=asked) if asked.alone:
            until = f"{asked.expires_at:%H:%M} UTC"
            then = (
                f"it falls back at {until} unless approved" if asked.can_fall_back else f"to be approved until {until}"
            )
            return f"Broke the glass to {asked.words} ({asked.alone.rstrip('.')}); {then}."
        case ApprovalRequested(approval=asked):
            why = f" ({asked.ask.reason.rstrip('.')})" if asked.ask.reason else ""
            return f"Asked to {asked.words}{why}; needs a second person until {asked.expires_at:%H:%M} UTC: {asked.riskier}."
        case ApprovalDecided(granted=granted, note=note):
            said = f"{'Approved' if granted else 'Not approved'}: {words}."
            return said + (f" In their words: {note}" if note else "")
        case ApprovalLapsed():
            fell = " It falls back." if approval and approval.alone and approval.can_fall_back else ""
            return f"Nobody approved in time: {words}.{fell}"
        case other:
            assert_never(other)


def control_sentence(fact: ControlFact, state: IncidentState | None) -> str:
    """What a control plane, the clock or a plan did to a mitigation; ``state`` knows what it is called."""
    label = mitigation_label(fact.mitigation, state)
    match fact:
        case MitigationConfirmed() | MitigationUncertain() | MitigationDeclined() | MitigationLifting():
            return _written(fact, label)
        case MitigationNotLifted(driver=driver, why=why):
            return f"{label} is still in force at {driver}, which declined to lift it: {why.rstrip('.')}."
        case MitigationStrayed(driver=driver, detail=detail, again=again):
            then = "It is being applied again." if again else "It was not written again."
            return f"{label} is not what {driver} says any more: {detail.rstrip('.')}. {then}"
        case ExitPlanned() | ExitWaiting():
            return _exit(fact, label)
        case MitigationAdjusted(was=was, value=value, reason=reason, after=after, alone=alone, approved_by=approved_by):
            why = f" ({reason.rstrip('.')})" if reason else ""
            by = f", approved by {approved_by.name}" if approved_by else " alone" if alone else ""
            return f"{label} changed from {figure_of(was)} to {figure_of(value)}{by}{why}; now: {after}."
        case MitigationWarned(expires_at=until):
            return f"{label} ends at {until:%H:%M} UTC; the room was told."
        case MitigationEscalated(detail=detail, stronger=levers):
            offered = f" Offered: {', '.join(lever.label.lower() for lever in levers)}." if levers else ""
            return f"{label} does not hold: {detail.rstrip('.')}.{offered}"
        case EvidenceKept(traces=traces, references=references, missing=missing, snapshot=snapshot):
            where = f" Kept elsewhere: {', '.join(references)}." if references else ""
            gap = f" Missing: {missing}." if missing else ""
            many = "1 task" if traces == 1 else f"{traces} tasks"
            return f"Before {label}: {many} exported to snapshot {snapshot}.{where}{gap}"
        case other:
            assert_never(other)


def _written(
    fact: MitigationConfirmed | MitigationUncertain | MitigationDeclined | MitigationLifting, label: str
) -> str:
    match fact:
        case MitigationConfirmed(driver=driver, detail=detail):
            return f"{label} is in force in {driver}: {detail.rstrip('.')}."
        case MitigationUncertain(why=why):
            return f"Uncertain whether {label} is in force: {why.rstrip('.')}."
        case MitigationDeclined(why=why):
            return f"{label} never came into force: {why.rstrip('.')}."
        case MitigationLifting(reason=reason):
            return f"{label} is being lifted" + (f" ({reason.rstrip('.')})." if reason else ".")
        case other:
            assert_never(other)


def _exit(fact: ExitPlanned | ExitWaiting, label: str) -> str:
    if isinstance(fact, ExitWaiting):
        return f"The next step out of {label} waits: {fact.why.rstrip('.')}."
    steps = [*(figure_of(step) for step in fact.plan.steps), "off"]
    by = f", approved by {fact.approved_by.name}" if fact.approved_by else ""
    return f"{label} will be loosened step by step{by}: {' → '.join(steps)}, {in_minutes(fact.plan.minutes)} apart."
