"""Take the steps of an exit plan: each waits for its time, and then for the recovery gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.incident.approval import Ask, Loosening
from bot.incident.facts.control import ExitWaiting
from bot.incident.mitigation import Ending, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE
from bot.incident.recovery import Gate, Recovery
from bot.incident.recovery import recovered as gate_met
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, Work
from bot.response.changes import Changes
from bot.response.in_force import lift, step_of
from bot.response.performing import Done, adjust
from bot.response.recording import post, record, state_of
from bot.response.suggest import Suggest

LOOK_AGAIN = timedelta(minutes=5)  # while the gate is not met
EARLY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TakeStep:
    """The next step of one mitigation's exit plan, when its time has come and the gate is met."""

    records: Records
    clock: Clock
    changes: Changes
    suggest: Suggest
    runbooks: Mapping[IncidentClass, Runbook] = field(default_factory=dict)

    async def __call__(self, mitigation_id: str) -> None:
        """Take it, or say once what it waits for and look again in five minutes. Without a plan nothing happens."""
        async with self.records.look() as work:
            m = await work.mitigations.get(mitigation_id)
            if m is None or m.exit is None or not m.state.is_live:
                return
            state = await state_of(work, m.incident)
        due = (m.exit.stepped_at or m.applied_at) + timedelta(minutes=m.exit.minutes)
        recovery = (
            await self._gate(state) if due <= self.clock.now() + EARLY else Recovery(None, ("its time has not come",))
        )
        async with self.records.begin() as work:
            current = await work.mitigations.get(mitigation_id)
            if current is None or current.exit != m.exit or not current.state.is_live:
                return
            if due > self.clock.now() + EARLY:
                await work.jobs.schedule(step_of(current, due))
                return
            if recovery.met is not True:
                await self._wait(work, current, recovery)
                return
            current = await self._step(work, current)
        await self.changes.finish(current)

    async def _gate(self, state: IncidentState) -> Recovery:
        """Whether telemetry shows recovery while the mitigation is in force: nothing unusual, or the runbook's gate."""
        incident = state.incident
        runbook = self.runbooks.get(state.incident_class) if state.incident_class else None
        gate: Gate | None = runbook.recovery if runbook else None
        if gate is not None and gate.watches:
            # Its own mitigation is what is being loosened, so it does not count as hiding the trouble.
            window = timedelta(minutes=gate.minutes)
            bundle = await self.suggest.gather(incident.agent, None, window, environment=incident.environment)
            return gate_met(replace(gate, lifted=False), bundle, ())
        _, tree = await self.suggest(incident.agent, environment=incident.environment)
        if tree.incident_class is None:
            return Recovery(met=True, because=("telemetry shows nothing unusual",))
        reasons = tree.because or (f"telemetry looks like {tree.incident_class.value}",)
        return Recovery(met=False, because=reasons)

    async def _wait(self, work: Work, m: Mitigation, recovery: Recovery) -> None:
        now = self.clock.now()
        why = recovery.because[0] if recovery.because else "telemetry cannot tell whether it is over"
        done = m.exit.done if m.exit else 0
        if await record(work, m.incident, ExitWaiting(m.id, why), FIRSTFIVE, now, f"exit-waits:{m.id}:{done}"):
            await post(
                work,
                m.incident,
                f"exit-waits:{m.id}:{done}",
                f"The next step for {m.label} on {m.target} waits: {why}.",
            )
        await work.jobs.schedule(step_of(m, now + LOOK_AGAIN))

    async def _step(self, work: Work, m: Mitigation) -> Mitigation:
        plan, now = m.exit, self.clock.now()
        if plan is None:
            return m
        key = f"exit:{m.id}:{plan.done}"
        moved = replace(plan, done=plan.done + 1, stepped_at=now)
        if plan.done >= len(plan.steps):
            reason = f"last step of the exit plan{_approved(m)}"
            ending = Ending(MitigationState.REVERTED, reason, FIRSTFIVE, approved_by=plan.approved_by)
            await post(work, m.incident, key, f"{m.label} on {m.target} is lifted: {reason}.")
            return await lift(work, replace(m, exit=moved), ending, self.clock, key)
        ask = Ask(Loosening.STEP, m.id, f"step {plan.done + 1} of the exit plan{_approved(m)}", plan.steps[plan.done])
        done = Done(FIRSTFIVE, now, approved_by=plan.approved_by)
        changed = await adjust(work, replace(m, exit=moved), ask, done, key, self.clock)
        await post(work, m.incident, key, f"{m.label} on {m.target} is now {changed.label.lower()}: {ask.reason}.")
        await work.jobs.schedule(step_of(changed, now + timedelta(minutes=plan.minutes)))
        return changed


def _approved(m: Mitigation) -> str:
    return f", approved by {m.exit.approved_by.name}" if m.exit and m.exit.approved_by else ""
