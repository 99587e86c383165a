"""What is true after a try at a control plane: in force, ended, declined, or not known yet."""

from dataclasses import dataclass, replace
from hashlib import sha256

from bot.incident.composition import Controls, compose
from bot.incident.facts.control import (
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationEscalated,
    MitigationNotLifted,
    MitigationUncertain,
)
from bot.incident.facts.mitigating import MitigationExpired, MitigationReverted
from bot.incident.fitness import stronger
from bot.incident.kinds import Value
from bot.incident.mitigation import PROOF_DEADLINE, Ending, Mitigation, MitigationState
from bot.incident.model import FIRSTFIVE
from bot.incident.timeline import Fact
from bot.ports import Clock, Work
from bot.response.recording import post, record
from bot.response.trying import PAUSES, Tried, drive_of

DECLINED = "declined"  # how the reason begins of a value that went back because its control plane said no
LIFT_AGAIN = (60, 300, 900, 3600)  # seconds after a control plane declined to lift; then somebody has to
UNHEARD = 8  # tries to lift without an answer, after which somebody is called


@dataclass(frozen=True, slots=True)
class Settle:
    """Record what one try came to, within the caller's transaction."""

    clock: Clock

    async def __call__(self, work: Work, m: Mitigation, tried: Tried, after: Controls) -> Mitigation:
        """The mitigation as it is known to be after the try, on the timeline and in the room; ``after`` is what was told."""
        requests = (*m.requests, *(tried.receipt.requests if tried.receipt else ()))
        m = replace(m, requests=requests, tried=m.tried + 1)
        if tried.read.confirmed:
            return await (self._ended(work, m, after) if m.ending else self._applied(work, m, tried))
        if tried.declined:
            return await self._declined(work, m, tried.why)
        return await self._again(work, m, tried)

    async def _applied(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        at = self.clock.now()
        detail = tried.read.detail
        fact = MitigationConfirmed(m.id, at, m.driver, detail, m.requests)
        await record(work, m.incident, fact, FIRSTFIVE, at, f"confirmed:{m.id}:{m.asked[:12]}:{m.tried}")
        return await work.mitigations.put(m.in_force(at))

    async def _ended(self, work: Work, m: Mitigation, after: Controls) -> Mitigation:
        ending = m.ending
        if ending is None:
            return m
        now = self.clock.now()
        fact: Fact
        if ending.state is MitigationState.EXPIRED:
            fact = MitigationExpired(m.id, ending.before, after.in_words)
        else:
            fact = MitigationReverted(
                m.id, ending.reason, ending.before, after.in_words, ending.alone, ending.approved_by
            )
        await record(work, m.incident, fact, ending.by, now, f"ended:{m.id}")
        return await work.mitigations.put(replace(m, state=ending.state, uncertain="", declined="", ending=None))

    async def _declined(self, work: Work, m: Mitigation, why: str) -> Mitigation:
        if m.ending:
            return await self._not_lifted(work, m, m.ending, why)
        before = await self._value_before(work, m)
        if before is not None:
            return await self._as_before(work, m, before, why)
        fact = MitigationDeclined(m.id, why)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), f"declined:{m.id}")
        await post(work, m.incident, f"declined:{m.id}", f"{m.label} on {m.target} is not in force: {why}")
        return await work.mitigations.put(replace(m, state=MitigationState.REFUSED, uncertain=why))

    async def _not_lifted(self, work: Work, m: Mitigation, ending: Ending, why: str) -> Mitigation:
        """It is still in force there: somebody is called, and it is told again a few times."""
        pause = LIFT_AGAIN[ending.declined] if ending.declined < len(LIFT_AGAIN) else None
        ending = replace(ending, declined=ending.declined + 1)
        still = replace(m, state=MitigationState.STILL_ON, declined=why, uncertain="", ending=ending)
        about = f"not-lifted:{m.id}:{m.asked[:12]}"
        fact = MitigationNotLifted(m.id, m.driver, why)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), about)
        if ending.declined == 1:
            await post(work, m.incident, about, f"<!channel> {_still_on(m, why)} It is told again within the hour.")
        if pause is None:
            text = f"<!channel> {_still_on(m, why)} It is not told again by itself: lift it there, or try again here."
            await post(work, m.incident, f"{about}:last", text)
        else:
            await work.jobs.schedule(drive_of(still, pause, self.clock))
        return await work.mitigations.put(still)

    async def _value_before(self, work: Work, m: Mitigation) -> Value | None:
        """The value in force before the one that was declined; None when there was none."""
        for event in reversed(await work.timelines.read(m.incident)):
            if isinstance(event.fact, MitigationConfirmed) and event.fact.mitigation == m.id:
                return None
            if isinstance(event.fact, MitigationAdjusted) and event.fact.mitigation == m.id:
                return None if event.fact.reason.startswith(DECLINED) else event.fact.was
        return None

    async def _as_before(self, work: Work, m: Mitigation, value: Value, why: str) -> Mitigation:
        """A declined change leaves in force what was: it is read back, and written again if it has to be."""
        asked = sha256(f"{m.asked}\nas before".encode()).hexdigest()
        back = await work.mitigations.put(replace(m, value=value, asked=asked, uncertain=why))
        live, revisions = await work.mitigations.live()
        words = compose(m.agent, m.scope, live, revisions.get(m.agent, 0)).in_words
        fact = MitigationAdjusted(m.id, m.value, value, f"{DECLINED} by {m.driver}: {why}", words, words)
        await record(work, m.incident, fact, FIRSTFIVE, self.clock.now(), f"as-before:{m.id}:{asked[:12]}")
        text = f"{m.label} on {m.target} was declined, so {back.label.lower()} stays: {why}"
        await post(work, m.incident, f"as-before:{m.id}:{asked[:12]}", text)
        await work.jobs.schedule(drive_of(back, PAUSES[0], self.clock))
        return back

    async def _again(self, work: Work, m: Mitigation, tried: Tried) -> Mitigation:
        now = self.clock.now()
        if m.uncertain != tried.why:
            fact = MitigationUncertain(m.id, tried.why)
            await record(work, m.incident, fact, FIRSTFIVE, now, f"uncertain:{m.id}:{m.tried}")
        m = replace(m, uncertain=tried.why)
        if m.ending and m.tried == UNHEARD:
            text = (
                f"<!channel> {m.label} on {m.target} could not be lifted yet, so it may still be in force: {tried.why}"
            )
            await post(work, m.incident, f"unheard:{m.id}:{m.asked[:12]}", text)
        late = now - m.applied_at > PROOF_DEADLINE and not m.ending
        if late:
            await escalate(work, m, tried.why, self.clock)
        # It said yes all the time and does nothing: that is known, not uncertain.
        if late and tried.receipt is not None:
            return await work.mitigations.put(replace(m, state=MitigationState.INEFFECTIVE))
        await work.jobs.schedule(drive_of(m, PAUSES[min(m.tried, len(PAUSES)) - 1], self.clock))
        return await work.mitigations.put(m)


async def escalate(work: Work, m: Mitigation, detail: str, clock: Clock) -> None:
    """Say once that it does not hold, and name the next stronger levers."""
    levers = stronger(m.kind)
    fact = MitigationEscalated(m.id, detail, levers)
    if not await record(work, m.incident, fact, FIRSTFIVE, clock.now(), f"escalated:{m.id}:{m.asked[:12]}"):
        return
    offered = " or ".join(lever.label.lower() for lever in levers)
    next_step = f" The next stronger lever: {offered}." if offered else " Stop the agent where it runs."
    text = f"{m.label} on {m.target} does not hold: {detail.rstrip('.')}.{next_step}"
    await post(work, m.incident, f"escalated:{m.id}:{m.asked[:12]}", text)


def _still_on(m: Mitigation, why: str) -> str:
    return f"{m.label} on {m.target} is still in force at {m.driver}, which declined to lift it: {why.rstrip('.')}."
