"""Changing what is in force: safer at once, riskier with a second person or through broken glass."""

from dataclasses import dataclass, replace

from bot.incident.approval import (
    APPROVAL_TTL,
    BREAK_GLASS_TTL,
    Approval,
    ApprovalState,
    Ask,
    Loosening,
    approval_id,
)
from bot.incident.control_values import figure_of, label_of
from bot.incident.direction import Direction, Way, change
from bot.incident.errors import NeedsSecondPerson
from bot.incident.mitigation import MAX_TTL, Mitigation, MitigationState
from bot.incident.model import Person
from bot.incident.quantities import in_minutes
from bot.ports import Clock, Control, Records, Work
from bot.response.carry_out import CarryOut
from bot.response.deciding import returned_id
from bot.response.performing import Done, extended_until, perform
from bot.response.questions import put_question
from bot.response.recording import state_of
from bot.response.trying import PATIENCE_OF_PEOPLE


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
            return await perform(work, m, ask, done, idem, self.clock)
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
            return await perform(work, asked, ask, done, idem, self.clock)
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
                if extended_until(m, ask.minutes, self.clock.now()) - m.unbroken <= MAX_TTL:
                    return Way(Direction.SAFER, "it stays in force longer")
                hours = int(MAX_TTL.total_seconds() // 3600)
                return Way(Direction.RISKIER, f"it would last more than {hours} h, so somebody should look at it")
            case _:
                return Way(Direction.RISKIER, "it lets the agent do more, step by step")


def in_words(m: Mitigation, ask: Ask) -> str:
    """What is asked for: ``undo Turn limit 5 on helpdesk-agent``."""
    match ask.action:
        case Loosening.APPLY:
            return f"apply {m.label} to {m.target}"
        case Loosening.REVERT:
            return f"undo {m.label} on {m.target}"
        case Loosening.EXTEND:
            return f"keep {m.label} on {m.target} for {in_minutes(ask.minutes)} more"
        case Loosening.ADJUST | Loosening.STEP:
            value = m.value if ask.value is None else ask.value
            return f"change {m.label} on {m.target} to {label_of(m.kind, value)}"
        case Loosening.EXIT_PLAN:
            steps = " → ".join(figure_of(value) for value in (m.value, *ask.steps))
            return f"loosen {m.label} on {m.target} step by step: {steps} → off"
        case Loosening.REMEDIATE:
            raise ValueError("A remediation changes no mitigation.")
