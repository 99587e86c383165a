"""What an event makes of the mitigations of an incident."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

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
from bot.incident.kinds import Value
from bot.incident.mitigation import ExitPlan, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE, Status
from bot.incident.proof import Proof, Verdict
from bot.incident.state import IncidentState, MitigationStatus
from bot.incident.timeline import Event

PROVABLE = frozenset(
    {
        MitigationState.APPLIED,
        MitigationState.DELIVERED,
        MitigationState.OBSERVED,
        MitigationState.INEFFECTIVE,
        MitigationState.UNPROVEN,
    }
)


def mitigated(state: IncidentState, fact: MitigatingFact, event: Event) -> IncidentState:
    """The state once a lever was pulled, proven, extended, held or is over."""
    match fact:
        case MitigationApplied():
            return _applied(state, fact, event)
        case MitigationProven(mitigation=mid, proof=proof):
            return _with(state, mid, lambda s: _proven(s, proof, event.at))
        case MitigationExtended(mitigation=mid, expires_at=expires_at):
            return _with(state, mid, lambda s: replace(s, mitigation=_extended(s, expires_at)))
        case MitigationHeld(mitigation=mid):
            return _with(state, mid, lambda s: replace(s, mitigation=s.mitigation.moved(MitigationState.HELD)))
        case MitigationReverted(mitigation=mid):
            return _with(state, mid, lambda s: _over(s, event, MitigationState.REVERTED))
        case MitigationExpired(mitigation=mid):
            return _with(state, mid, lambda s: _over(s, event, MitigationState.EXPIRED))
        case MitigationRefused():
            return state
        case other:
            assert_never(other)


def controlled(state: IncidentState, fact: ControlFact, event: Event) -> IncidentState:
    """The state once a control plane, the clock or a plan did something to one mitigation."""
    return _with(state, fact.mitigation, lambda status: _controlled(status, fact, event))


def _applied(state: IncidentState, fact: MitigationApplied, event: Event) -> IncidentState:
    mitigation = fact.mitigation
    climbed = Status.MITIGATED if state.status is Status.CLASSIFIED else state.status
    first = {"applied": event.at} if mitigation.state is MitigationState.APPLIED else {}
    known = state.mitigations.get(mitigation.id, MitigationStatus(mitigation))
    status = replace(known, mitigation=mitigation, warnings=fact.warnings)
    statuses = {**state.mitigations, mitigation.id: replace(status, first={**status.first, **first})}
    return replace(state, mitigations=statuses, status=climbed)


def _with(state: IncidentState, mid: str, change: Callable[[MitigationStatus], MitigationStatus]) -> IncidentState:
    """Change one mitigation that has not ended; what has ended stays ended, whatever arrives late."""
    if mid not in state.mitigations or state.mitigations[mid].mitigation.state.has_ended:
        return state
    return replace(state, mitigations={**state.mitigations, mid: change(state.mitigations[mid])})


def _proven(status: MitigationStatus, proof: Proof, at: datetime) -> MitigationStatus:
    seen = {
        "delivered": bool(proof.delivery.instances) and proof.delivery.reached >= proof.delivery.instances,
        "observed": proof.effect.verdict is Verdict.OBSERVED,
    }
    first = {**{name: at for name, known in seen.items() if known}, **status.first}
    if status.mitigation.state not in PROVABLE:  # a late proof decides nothing about its end
        return replace(status, proof=proof, first=first)
    return replace(status, proof=proof, first=first, mitigation=status.mitigation.moved(proven_state(proof)))


def _controlled(status: MitigationStatus, fact: ControlFact, event: Event) -> MitigationStatus:
    m = status.mitigation
    match fact:
        case MitigationConfirmed(at=at, requests=requests):
            applied = replace(m.in_force(at), requests=requests)
            return replace(status, mitigation=applied, proof=None, first={"applied": at}, strayed=None)
        case MitigationUncertain(why=why):
            return replace(status, mitigation=replace(m, uncertain=why))
        case MitigationDeclined(why=why):
            declined = replace(m, state=MitigationState.REFUSED, uncertain=why)
            return replace(status, mitigation=declined, ended_by=event.by, ended_at=event.at)
        case MitigationLifting():
            return replace(status, mitigation=replace(m, state=MitigationState.REVERTING, declined=""))
        case MitigationNotLifted(why=why):
            return replace(status, mitigation=replace(m, state=MitigationState.STILL_ON, declined=why, uncertain=""))
        case MitigationStrayed():
            told = m.moved(MitigationState.APPLYING) if fact.again else m
            return replace(status, mitigation=told, strayed=fact)
        case MitigationAdjusted(value=value):
            return _adjusted(status, value, event)
        case MitigationEscalated():
            return replace(status, escalated=fact)
        case EvidenceKept():
            return replace(status, kept=fact)
        case ExitPlanned(plan=plan):
            return replace(status, mitigation=replace(m, exit=plan), waiting="")
        case ExitWaiting(why=why):
            return replace(status, waiting=why)
        case MitigationWarned():
            return status
        case other:
            assert_never(other)


def _adjusted(status: MitigationStatus, value: Value, event: Event) -> MitigationStatus:
    m = status.mitigation
    plan = _stepped(m.exit, value, event) if m.exit and event.by == FIRSTFIVE else None  # by hand ends the plan
    again = replace(m.applied_anew(event.at), value=value, state=MitigationState.APPLIED, exit=plan, declined="")
    return replace(status, mitigation=again, proof=None, escalated=None, first={"applied": event.at}, waiting="")


def _stepped(plan: ExitPlan, value: Value, event: Event) -> ExitPlan:
    """The plan with one step more taken, where the value is that step's; a change of ours may be a way back, too."""
    if plan.steps[plan.done : plan.done + 1] != (value,):
        return plan
    return replace(plan, done=plan.done + 1, stepped_at=event.at)


def _over(status: MitigationStatus, event: Event, state: MitigationState) -> MitigationStatus:
    return replace(status, mitigation=status.mitigation.moved(state), ended_by=event.by, ended_at=event.at)


def _extended(status: MitigationStatus, expires_at: datetime) -> Mitigation:
    mitigation = replace(status.mitigation, expires_at=expires_at, declined="")
    if mitigation.state not in {MitigationState.HELD, MitigationState.STILL_ON}:
        return mitigation
    return mitigation.moved(proven_state(status.proof) if status.proof else MitigationState.APPLIED)


def proven_state(proof: Proof) -> MitigationState:
    """The state a live mitigation is in, given its latest proof."""
    match proof.effect.verdict:
        case Verdict.OBSERVED:
            return MitigationState.OBSERVED
        case Verdict.INEFFECTIVE:
            return MitigationState.INEFFECTIVE
        case Verdict.UNPROVEN:
            return MitigationState.UNPROVEN
        case Verdict.WAITING:
            reached = proof.delivery.reached > 0 and proof.delivery.reached == proof.delivery.instances
            return MitigationState.DELIVERED if reached else MitigationState.APPLIED
        case other:
            assert_never(other)
