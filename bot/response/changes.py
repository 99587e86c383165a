"""Changing what is in force: safer at once, riskier with a second person or through broken glass."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.incident.approval import (
    APPROVAL_TTL,
    BREAK_GLASS_TTL,
    Approval,
    ApprovalState,
    Ask,
    Loosening,
    approval_id,
)
from bot.incident.direction import Direction, Way, change
from bot.incident.errors import NeedsSecondPerson
from bot.incident.facts.approving import ApprovalDecided, ApprovalLapsed
from bot.incident.facts.control import ExitPlanned, MitigationAdjusted
from bot.incident.facts.mitigating import MitigationExtended
from bot.incident.kinds import figure_of, joined, label_of
from bot.incident.mitigation import BUILT_IN, DEFAULT_TTL, MAX_TTL, Ending, ExitPlan, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE, Person
from bot.ports import Clock, Control, Records, Work
from bot.response.carry_out import CarryOut
from bot.response.in_force import DRIVE_SOON, Applying, controls_in, decline, lift, put_in_force, schedule_end, step_of
from bot.response.questions import put_question
from bot.response.recording import post, record, state_of
from bot.response.trying import PATIENCE_OF_PEOPLE, drive_of

_BEING_LIFTED = frozenset({MitigationState.REVERTING, MitigationState.STILL_ON})


@dataclass(frozen=True, slots=True)
class Done:
    """Who did it and who approved it. ``alone``: the reason for which the glass was broken."""

    by: Person
    at: datetime
    approved_by: Person | None = None
    alone: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """One mitigation after the other, each within the caller's transaction."""

    records: Records
    clock: Clock
    control: Control
    carry_out: CarryOut

    async def finish(self, mitigation: Mitigation) -> Mitigation:
        """After the commit: make it visible, and tell its control plane without waiting long."""
        await self.control.publish()
        if mitigation.state in {MitigationState.APPLYING, MitigationState.REVERTING}:
            return await self.carry_out(mitigation.id, PATIENCE_OF_PEOPLE, first=not mitigation.tried) or mitigation
        return mitigation

    async def ask(self, work: Work, m: Mitigation, ask: Ask, by: Person, idem: str, alone: str = "") -> Mitigation:
        """Do it when it is not riskier; else put it to a second person, or break the glass for the reason in ``alone``.

        The mitigation comes back changed, or with the id of the open question in ``approval``.

        Raises:
            NeedsSecondPerson: the glass was broken for it before, and nobody approved that.
        """
        way = await self.way(work, m, ask)
        done = Done(by, self.clock.now(), alone=alone.strip())
        if not way.is_riskier:
            return await self.perform(work, m, ask, done, idem)
        standing = await self._standing(work, m, ask)
        if standing is not None and not done.alone:
            return m  # the same question stands already
        if done.alone:
            await self._once(work, m)
        return await self._put(work, m, ask, way, done, idem)

    async def put_to(self, work: Work, m: Mitigation, ask: Ask, way: Way, by: Person, idem: str) -> Mitigation:
        """Put it to a second person, whatever it is."""
        return await self._put(work, m, ask, way, Done(by, self.clock.now()), idem)

    async def _put(self, work: Work, m: Mitigation, ask: Ask, way: Way, done: Done, idem: str) -> Mitigation:
        approval = self._approval(m, ask, way, done, idem)
        if not await put_question(work, approval, idem):
            return m  # this very click has asked before
        asked = replace(m, approval=approval.id)
        if done.alone:
            return await self.perform(work, asked, ask, done, idem)
        return await work.mitigations.put(asked)

    def _approval(self, m: Mitigation, ask: Ask, way: Way, done: Done, idem: str) -> Approval:
        return Approval(
            id=approval_id(m.incident, f"{m.id}\n{idem}"),
            incident=m.incident,
            agent=m.agent,
            ask=ask,
            words=in_words(m, ask),
            riskier=way.reason,
            asked_by=done.by,
            asked_at=done.at,
            expires_at=done.at + (BREAK_GLASS_TTL if done.alone else APPROVAL_TTL),
            alone=done.alone,
            before=m.value,
        )

    async def _once(self, work: Work, m: Mitigation) -> None:
        """Half an hour alone is what there is; a second one would make it an hour, and so on."""
        state = await state_of(work, m.incident)
        for one in state.approvals.values():
            same = m.id in {one.ask.mitigation, returned_id(one)}
            if one.alone and one.state is not ApprovalState.GRANTED and same:
                raise NeedsSecondPerson(
                    f"{one.asked_by.name} broke the glass to {one.words} before, and nobody has approved it. "
                    "It cannot be done alone again: ask without, and have a second person approve it."
                )

    async def _standing(self, work: Work, m: Mitigation, ask: Ask) -> Approval | None:
        state = await state_of(work, m.incident)
        return next(
            (
                one
                for one in state.pending_approvals
                if replace(one.ask, reason="") == replace(ask, mitigation=m.id, reason="")
                and not one.is_overtaken(m.kind, m.value)
                and one.expires_at > self.clock.now()
            ),
            None,
        )

    async def way(self, work: Work, m: Mitigation, ask: Ask) -> Way:
        """Which way it goes."""
        live, _ = await work.mitigations.live()
        match ask.action:
            case Loosening.REVERT if m.state is MitigationState.STILL_ON:
                return Way(Direction.NONE, "it was decided before, and its control plane declined")
            case Loosening.REVERT:
                return change(live, m, None)
            case Loosening.ADJUST if ask.value is not None:
                return change(live, m, replace(m, value=ask.value))
            case Loosening.EXTEND:
                if self.until(m, ask.minutes) - m.unbroken <= MAX_TTL:
                    return Way(Direction.SAFER, "it stays in force longer")
                hours = int(MAX_TTL.total_seconds() // 3600)
                return Way(Direction.RISKIER, f"it would last more than {hours} h, so somebody should look at it")
            case _:
                return Way(Direction.RISKIER, "it lets the agent do more, step by step")

    def until(self, m: Mitigation, minutes: int) -> datetime:
        """When it would end."""
        return max(m.expires_at, self.clock.now()) + timedelta(minutes=minutes)

    async def perform(self, work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
        """Do what was asked, within this transaction."""
        match ask.action:
            case Loosening.REVERT:
                return await self._revert(work, m, ask, done, idem)
            case Loosening.EXTEND:
                return await self._extend(work, m, ask, done, idem)
            case Loosening.ADJUST | Loosening.STEP:
                return await self.adjust(work, m, ask, done, idem)
            case Loosening.EXIT_PLAN:
                return await self._plan(work, m, ask, done, idem)
            case Loosening.APPLY:
                return await self.come_into_force(work, m, done, idem)
            case Loosening.REMEDIATE:
                raise ValueError("A remediation changes no mitigation.")

    async def _revert(self, work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
        ending = Ending(MitigationState.REVERTED, ask.reason, done.by, "", done.approved_by, bool(done.alone))
        if m.state is MitigationState.STILL_ON and m.ending is not None:  # tried again: who decided it stays
            ending = replace(m.ending, declined=0)
        return await lift(work, m, ending, self.clock, f"revert:{idem}", by=done.by)

    async def _extend(self, work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
        until = self.until(m, ask.minutes)
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

    async def adjust(self, work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
        """Another value for what is in force; it is proven anew."""
        value = m.value if ask.value is None else ask.value
        before = (await controls_in(work, m)).in_words
        state = MitigationState.APPLIED if m.driver == BUILT_IN else MitigationState.APPLYING
        asked = sha256(f"{m.asked}\n{figure_of(value)}".encode()).hexdigest()
        plan = m.exit if done.by == FIRSTFIVE else None  # a value set by hand ends the steps planned before
        changed = replace(
            m.applied_anew(done.at), value=value, state=state, asked=asked, tried=0, uncertain="", exit=plan
        )
        changed = replace(changed, ending=None, declined="")
        changed = await work.mitigations.put(changed)
        after = (await controls_in(work, changed)).in_words
        fact = MitigationAdjusted(
            m.id, m.value, value, ask.reason, before, after, done.approved_by, alone=bool(done.alone)
        )
        await record(work, m.incident, fact, done.by, done.at, f"adjust:{idem}")
        if state is MitigationState.APPLYING:
            await work.jobs.schedule(drive_of(changed, DRIVE_SOON, self.clock))
        return changed

    async def _plan(self, work: Work, m: Mitigation, ask: Ask, done: Done, idem: str) -> Mitigation:
        plan = ExitPlan(ask.steps, ask.minutes, stepped_at=done.at, approved_by=done.approved_by)
        fact = ExitPlanned(m.id, plan, done.approved_by)
        if await record(work, m.incident, fact, done.by, done.at, f"plan:{idem}"):
            m = await work.mitigations.put(replace(m, exit=plan))
            await work.jobs.schedule(step_of(m, done.at + timedelta(minutes=plan.minutes)))
        return m

    async def come_into_force(self, work: Work, m: Mitigation, done: Done, idem: str) -> Mitigation:
        """A mitigation that waited for its approval is applied now, in place of the one it supersedes."""
        live, _ = await work.mitigations.live()
        superseded = next((other for other in live if other.id == m.supersedes and other.state.is_live), None)
        lasts = m.expires_at - m.applied_at
        state = MitigationState.APPLIED if m.driver == BUILT_IN else MitigationState.APPLYING
        now = replace(m, state=state, applied_at=done.at, expires_at=done.at + lasts)
        return await put_in_force(work, now, superseded, Applying(), done.by, idem, self.clock)

    async def lapse(self, work: Work, approval: Approval) -> Mitigation | None:
        """Close the question; undo what was done alone. None when there is nothing to finish."""
        now = self.clock.now()
        if not await record(
            work, approval.incident, ApprovalLapsed(approval.id), FIRSTFIVE, now, f"lapse:{approval.id}"
        ):
            return None
        m = await work.mitigations.get(approval.ask.mitigation)
        if m is None:
            return None
        freed = replace(m, approval="") if m.approval == approval.id else m
        if approval.alone:
            return await self._fall_back(work, freed, approval)
        if freed.state is MitigationState.AWAITING_APPROVAL:
            return await decline(work, freed, "nobody approved it in time", FIRSTFIVE, now)
        await post(work, approval.incident, f"lapsed:{approval.id}", f"Nobody approved to {approval.words} in time.")
        return await work.mitigations.put(freed)

    async def _fall_back(self, work: Work, m: Mitigation, approval: Approval) -> Mitigation:
        """What was loosened alone is as it was before."""
        done = Done(FIRSTFIVE, self.clock.now())
        if approval.ask.action is Loosening.ADJUST and not m.state.has_ended and approval.before is not None:
            value = joined(m.kind, (m.value, approval.before))  # it may have been tightened since, which stays
            ask = replace(approval.ask, value=value, reason="what was done alone was not approved")
            return await self.adjust(work, m, ask, done, f"fall-back:{approval.id}")
        if approval.ask.action is Loosening.REVERT and m.state in _BEING_LIFTED:
            asked = sha256(f"{m.asked}\nback".encode()).hexdigest()  # its control plane was never heard to lift it
            back = replace(m, state=MitigationState.APPLYING, ending=None, declined="", tried=0, asked=asked)
            back = await work.mitigations.put(back)
            await work.jobs.schedule(drive_of(back, DRIVE_SOON, self.clock))
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
        return await put_in_force(work, again, None, Applying(), FIRSTFIVE, f"fall-back:{approval.id}", self.clock)

    async def decide(
        self, work: Work, approval: Approval, m: Mitigation, by: Person, *, granted: bool, note: str = ""
    ) -> Mitigation:
        """A second person's answer, already found to be allowed."""
        now = self.clock.now()
        fact = ApprovalDecided(approval.id, granted, note)
        if not await record(work, approval.incident, fact, by, now, f"decide:{approval.id}"):
            return m
        freed = replace(m, approval="") if m.approval == approval.id else m
        if not granted and m.state is MitigationState.AWAITING_APPROVAL:
            return await decline(work, freed, f"{by.name} did not approve it", by, now)
        verb = "approved" if granted else "refused"
        await post(work, m.incident, f"decided:{approval.id}", f"{by.name} {verb} to {approval.words}. {note}".strip())
        if approval.alone and not granted:
            return await self._fall_back(work, freed, approval)
        if approval.alone or not granted or m.state.has_ended:
            return await work.mitigations.put(freed)
        done = Done(approval.asked_by, now, approved_by=by)
        return await self.perform(work, replace(freed, approved_by=by), approval.ask, done, approval.id)


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


def in_words(m: Mitigation, ask: Ask) -> str:
    """What is asked for: ``undo Turn limit 5 on helpdesk-agent``."""
    match ask.action:
        case Loosening.APPLY:
            return f"apply {m.label} to {m.target}"
        case Loosening.REVERT:
            return f"undo {m.label} on {m.target}"
        case Loosening.EXTEND:
            return f"keep {m.label} on {m.target} for {ask.minutes} min more"
        case Loosening.ADJUST | Loosening.STEP:
            value = m.value if ask.value is None else ask.value
            return f"change {m.label} on {m.target} to {label_of(m.kind, value)}"
        case Loosening.EXIT_PLAN:
            steps = " → ".join(figure_of(value) for value in (m.value, *ask.steps))
            return f"loosen {m.label} on {m.target} step by step: {steps} → off"
        case Loosening.REMEDIATE:
            raise ValueError("A remediation changes no mitigation.")
