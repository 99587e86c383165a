"""Do what was asked of a mitigation in force, within the caller's transaction: undo, extend, adjust, loosen by plan."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.incident.approval import Ask, Loosening
from bot.incident.control_values import figure_of
from bot.incident.facts.control import ExitPlanned, MitigationAdjusted
from bot.incident.facts.mitigating import MitigationExtended
from bot.incident.mitigation import BUILT_IN, Ending, ExitPlan, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE, Person
from bot.ports import Clock, Work
from bot.response.in_force import DRIVE_SOON, Applying, controls_in, lift, put_in_force, schedule_end, step_of
from bot.response.recording import record, state_of
from bot.response.trying import drive_of


@dataclass(frozen=True, slots=True)
class Done:
    """Who did it and who approved it. ``alone``: the reason for which the glass was broken."""

    by: Person
    at: datetime
    approved_by: Person | None = None
    alone: str = ""


async def perform(work: Work, m: Mitigation, ask: Ask, done: Done, idem: str, clock: Clock) -> Mitigation:
    """Do what was asked, within this transaction."""
    match ask.action:
        case Loosening.REVERT:
            return await _revert(work, m, ask, done, idem, clock)
        case Loosening.EXTEND:
            return await _extend(work, m, ask, done, idem, clock)
        case Loosening.ADJUST | Loosening.STEP:
            return await adjust(work, m, ask, done, idem, clock)
        case Loosening.EXIT_PLAN:
            return await _plan(work, m, ask, done, idem)
        case Loosening.APPLY:
            return await _come_into_force(work, m, done, idem, clock)
        case Loosening.REMEDIATE:
            raise ValueError("A remediation changes no mitigation.")


async def _revert(work: Work, m: Mitigation, ask: Ask, done: Done, idem: str, clock: Clock) -> Mitigation:
    ending = Ending(MitigationState.REVERTED, ask.reason, done.by, "", done.approved_by, bool(done.alone))
    if m.state is MitigationState.STILL_ON and m.ending is not None:  # tried again: who decided it stays
        ending = replace(m.ending, declined=0)
    return await lift(work, m, ending, clock, f"revert:{idem}", by=done.by)


async def _extend(work: Work, m: Mitigation, ask: Ask, done: Done, idem: str, clock: Clock) -> Mitigation:
    until = extended_until(m, ask.minutes, clock.now())
    fact = MitigationExtended(m.id, until, done.approved_by)
    if not await record(work, m.incident, fact, done.by, done.at, f"extend:{idem}"):
        return m
    state = await state_of(work, m.incident)
    known = state.mitigations.get(m.id)  # what was held goes back to what its proof says
    stayed = m.state in {MitigationState.HELD, MitigationState.STILL_ON}
    back = known.mitigation.state if known and stayed else m.state
    longer = await work.mitigations.put(replace(m, expires_at=until, state=back, ending=None, declined=""))
    await schedule_end(work, longer)
    return longer


async def adjust(work: Work, m: Mitigation, ask: Ask, done: Done, idem: str, clock: Clock) -> Mitigation:
    """Another value for what is in force; it is proven anew."""
    value = m.value if ask.value is None else ask.value
    before = (await controls_in(work, m)).in_words
    state = MitigationState.APPLIED if m.driver == BUILT_IN else MitigationState.APPLYING
    asked = sha256(f"{m.asked}\n{figure_of(value)}".encode()).hexdigest()
    plan = m.exit if done.by == FIRSTFIVE else None  # a value set by hand ends the steps planned before
    changed = replace(m.applied_anew(done.at), value=value, state=state, asked=asked, tried=0, uncertain="", exit=plan)
    changed = replace(changed, ending=None, declined="")
    changed = await work.mitigations.put(changed)
    after = (await controls_in(work, changed)).in_words
    fact = MitigationAdjusted(m.id, m.value, value, ask.reason, before, after, done.approved_by, alone=bool(done.alone))
    await record(work, m.incident, fact, done.by, done.at, f"adjust:{idem}")
    if state is MitigationState.APPLYING:
        await work.jobs.schedule(drive_of(changed, DRIVE_SOON, clock))
    return changed


async def _plan(work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
    plan = ExitPlan(ask.steps, ask.minutes, stepped_at=done.at, approved_by=done.approved_by)
    fact = ExitPlanned(m.id, plan, done.approved_by)
    if await record(work, m.incident, fact, done.by, done.at, f"plan:{idem}"):
        m = await work.mitigations.put(replace(m, exit=plan))
        await work.jobs.schedule(step_of(m, done.at + timedelta(minutes=plan.minutes)))
    return m


async def _come_into_force(work: Work, m: Mitigation, done: Done, idem: str, clock: Clock) -> Mitigation:
    """A mitigation that waited for its approval is applied now, in place of the one it supersedes."""
    live, _ = await work.mitigations.live()
    superseded = next((other for other in live if other.id == m.supersedes and other.state.is_live), None)
    lasts = m.expires_at - m.applied_at
    state = MitigationState.APPLIED if m.driver == BUILT_IN else MitigationState.APPLYING
    now = replace(m, state=state, applied_at=done.at, expires_at=done.at + lasts)
    return await put_in_force(work, now, superseded, Applying(), done.by, idem, clock)


def extended_until(m: Mitigation, minutes: int, now: datetime) -> datetime:
    """When it would end with as many minutes more."""
    return max(m.expires_at, now) + timedelta(minutes=minutes)
