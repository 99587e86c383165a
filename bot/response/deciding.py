"""What becomes of a question to a second person: granted, refused, or lapsed. What was done alone may fall back."""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from bot.incident.approval import Approval, Loosening
from bot.incident.control_values import joined
from bot.incident.facts.approving import ApprovalDecided, ApprovalLapsed
from bot.incident.mitigation import BUILT_IN, DEFAULT_TTL, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE, Person
from bot.ports import Clock, Work
from bot.response.in_force import DRIVE_SOON, Applying, decline, put_in_force
from bot.response.performing import Done, adjust, perform
from bot.response.recording import post, record
from bot.response.trying import drive_of

_BEING_LIFTED = frozenset({MitigationState.REVERTING, MitigationState.STILL_ON})


async def lapse(work: Work, approval: Approval, clock: Clock) -> Mitigation | None:
    """Close the question; undo what was done alone. None when there is nothing to finish."""
    now = clock.now()
    if not await record(work, approval.incident, ApprovalLapsed(approval.id), FIRSTFIVE, now, f"lapse:{approval.id}"):
        return None
    m = await work.mitigations.get(approval.ask.mitigation)
    if m is None:
        return None
    freed = replace(m, approval="") if m.approval == approval.id else m
    if approval.alone:
        return await _fall_back(work, freed, approval, clock)
    if freed.state is MitigationState.AWAITING_APPROVAL:
        return await decline(work, freed, "nobody approved it in time", FIRSTFIVE, now)
    await post(work, approval.incident, f"lapsed:{approval.id}", f"Nobody approved to {approval.words} in time.")
    return await work.mitigations.put(freed)


async def _fall_back(work: Work, m: Mitigation, approval: Approval, clock: Clock) -> Mitigation:
    """What was loosened alone is as it was before."""
    done = Done(FIRSTFIVE, clock.now())
    if approval.ask.action is Loosening.ADJUST and not m.state.has_ended and approval.before is not None:
        value = joined(m.kind, (m.value, approval.before))  # it may have been tightened since, which stays
        ask = replace(approval.ask, value=value, reason="what was done alone was not approved")
        return await adjust(work, m, ask, done, f"fall-back:{approval.id}", clock)
    if approval.ask.action is Loosening.REVERT and m.state in _BEING_LIFTED:
        asked = sha256(f"{m.asked}\nback".encode()).hexdigest()  # its control plane was never heard to lift it
        back = replace(m, state=MitigationState.APPLYING, ending=None, declined="", tried=0, asked=asked)
        back = await work.mitigations.put(back)
        await work.jobs.schedule(drive_of(back, DRIVE_SOON, clock))
        return back
    if approval.ask.action is not Loosening.REVERT or not m.state.has_ended:
        return await work.mitigations.put(m)
    await work.mitigations.put(m)
    again = returned(m, approval, done.at)
    await post(
        work,
        m.incident,
        f"fell-back:{approval.id}",
        f"To {approval.words} was not approved, so {m.label} on {m.target} is in force again.",
    )
    return await put_in_force(work, again, None, Applying(), FIRSTFIVE, f"fall-back:{approval.id}", clock)


async def decide(
    work: Work, approval: Approval, m: Mitigation, by: Person, clock: Clock, *, granted: bool, note: str = ""
) -> Mitigation:
    """A second person's answer, already found to be allowed."""
    now = clock.now()
    fact = ApprovalDecided(approval.id, granted, note)
    if not await record(work, approval.incident, fact, by, now, f"decide:{approval.id}"):
        return m
    freed = replace(m, approval="") if m.approval == approval.id else m
    if not granted and m.state is MitigationState.AWAITING_APPROVAL:
        return await decline(work, freed, f"{by.name} did not approve it", by, now)
    verb = "approved" if granted else "refused"
    await post(work, m.incident, f"decided:{approval.id}", f"{by.name} {verb} to {approval.words}. {note}".strip())
    if approval.alone and not granted:
        return await _fall_back(work, freed, approval, clock)
    if approval.alone or not granted or m.state.has_ended:
        return await work.mitigations.put(freed)
    done = Done(approval.asked_by, now, approved_by=by)
    return await perform(work, replace(freed, approved_by=by), approval.ask, done, approval.id, clock)


def returned(m: Mitigation, approval: Approval, at: datetime) -> Mitigation:
    """The mitigation that was undone alone, once more and under an id of its own."""
    name = returned_id(approval)
    return replace(
        m,
        id=name,
        state=MitigationState.APPLIED if m.driver == BUILT_IN else MitigationState.APPLYING,
        reason=f"fell back: {approval.words} was done alone and not approved",
        applied_at=at,
        first_at=m.since,
        expires_at=max(m.expires_at, at + DEFAULT_TTL),  # as long as it would have lasted, and never for a moment only
        asked=sha256(name.encode()).hexdigest(),
        approval="",
        approved_by=None,
        ending=None,
        exit=None,
        tried=0,
        requests=(),
    )


def returned_id(approval: Approval) -> str:
    """The id under which comes back what was undone alone."""
    return sha256(f"{approval.ask.mitigation}\n{approval.id}".encode()).hexdigest()[:20]
