"""How a mitigation comes into force and goes out of it, within one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.incident.composition import Controls, compose
from bot.incident.errors import Closed, NotFound, Stale
from bot.incident.facts.control import MitigationDeclined, MitigationLifting
from bot.incident.facts.mitigating import MitigationApplied, MitigationExpired, MitigationReverted
from bot.incident.mitigation import BUILT_IN, Ending, Mitigation, MitigationState
from bot.incident.model import Person
from bot.ports import Clock, Job, JobName, Work
from bot.response.keeping import Kept, freeze
from bot.response.recording import post, record
from bot.response.trying import drive_of

WARN_AFTER = 0.8  # of its time
DRIVE_SOON = 5.0  # seconds after which the durable job looks, should the first try not come back


@dataclass(frozen=True, slots=True)
class Applying:
    """What goes along with a new mitigation: an override's reason, evidence to keep first, what may keep it from working."""

    override: str | None = None
    evidence: Kept | None = None
    warnings: tuple[str, ...] = ()


async def put_in_force(
    work: Work, wanted: Mitigation, superseded: Mitigation | None, given: Applying, by: Person, idem: str, clock: Clock
) -> Mitigation:
    """Everything that one transaction has to hold for a mitigation that comes into force now."""
    before = await controls_in(work, wanted)
    if superseded is not None:
        ending = Ending(MitigationState.REVERTED, f"superseded by {wanted.label}", by)
        await lift(work, superseded, ending, clock, f"superseded:{superseded.id}:{wanted.id}")
    mitigation = await work.mitigations.put(wanted)
    after = await controls_in(work, wanted)
    fact = MitigationApplied(mitigation, before.in_words, after.in_words, given.override, given.warnings)
    await record(work, mitigation.incident, fact, by, mitigation.applied_at, f"apply:{idem}")
    if given.evidence is not None:
        await freeze(work, mitigation, given.evidence, by)
    await schedule_end(work, mitigation)
    if mitigation.state is MitigationState.APPLYING:
        await work.jobs.schedule(drive_of(mitigation, DRIVE_SOON, clock))
    return mitigation


async def lift(
    work: Work, m: Mitigation, ending: Ending, clock: Clock, idem: str, by: Person | None = None
) -> Mitigation:
    """Take it out of force: at once where it is built in, else by telling its control plane.

    ``by`` is who has it told, where that is another than who decided it.
    """
    ended = await end(work, m, ending.state) if m.driver == BUILT_IN else None
    if ended is not None:
        fact = ended_fact(ending, ended)
        await record(work, m.incident, fact, ending.by, clock.now(), idem)
        return ended.mitigation
    before = (await controls_in(work, m)).in_words
    asked = sha256(f"{m.asked}\nlift".encode()).hexdigest()
    ending = replace(ending, before=ending.before or before)
    lifting = replace(m, state=MitigationState.REVERTING, ending=ending, declined="", tried=0, asked=asked)
    lifting = await work.mitigations.put(lifting)
    await record(work, m.incident, MitigationLifting(m.id, ending.reason), by or ending.by, clock.now(), idem)
    await work.jobs.schedule(drive_of(lifting, DRIVE_SOON, clock))
    return lifting


@dataclass(frozen=True, slots=True)
class Ended:
    """A mitigation that is over, and the agent's controls before and after in words."""

    mitigation: Mitigation
    before: str
    after: str


def ended_fact(ending: Ending, ended: Ended) -> MitigationExpired | MitigationReverted:
    """How it ended, for the timeline."""
    mid, before, after = ended.mitigation.id, ended.before, ended.after
    if ending.state is MitigationState.EXPIRED:
        return MitigationExpired(mid, before, after)
    return MitigationReverted(mid, ending.reason, before, after, ending.alone, ending.approved_by)


async def end(work: Work, mitigation: Mitigation, state: MitigationState) -> Ended:
    """Take it out of force within this transaction."""
    before = await controls_in(work, mitigation)
    ended = await work.mitigations.put(replace(mitigation, state=state, ending=None))
    return Ended(ended, before.in_words, (await controls_in(work, mitigation)).in_words)


async def controls_in(work: Work, mitigation: Mitigation) -> Controls:
    """What the agent has to obey in the mitigation's scope, as this transaction sees it."""
    live, revisions = await work.mitigations.live()
    return compose(mitigation.agent, mitigation.scope, live, revisions.get(mitigation.agent, 0))


async def live_mitigation(work: Work, mitigation_id: str, expected: int | None = None) -> Mitigation:
    """The mitigation in force of that id; ``expected`` is the revision at which the caller saw it.

    Raises:
        NotFound: there is none.
        Closed: it has ended, or is about to.
        Stale: it has changed since.
    """
    mitigation = await work.mitigations.get(mitigation_id)
    if mitigation is None:
        raise NotFound("There is no such mitigation. The incident's card shows the ones in force.")
    if not mitigation.state.is_live or mitigation.state is MitigationState.REVERTING:
        raise Closed(
            f"{mitigation.label} on {mitigation.target} is {mitigation.state.value} already. Nothing was changed."
        )
    if expected is not None and await is_stale(work, mitigation.agent, mitigation.revision, expected, mitigation.id):
        raise Stale(
            f"{mitigation.label} has changed since you read it (revision {mitigation.revision}, not {expected}). "
            "Read it again and decide anew."
        )
    return mitigation


async def is_stale(work: Work, agent: str, revision: int, expected: int, mitigation: str = "") -> bool:
    """Something was decided after the revision that the caller saw. Proof that came meanwhile decides nothing."""
    return expected > revision or (
        expected != revision and await work.mitigations.decided_since(agent, expected, mitigation)
    )


async def schedule_end(work: Work, m: Mitigation, *, again: bool = False) -> None:
    """The durable timers that warn of its end and end it; extending schedules others.

    ``again``: the one for this very end has run already, before its time.
    """
    stamp = f"{int(m.expires_at.timestamp())}{f':{m.revision}' if again else ''}"
    warn_at = m.since + (m.expires_at - m.since) * WARN_AFTER
    await work.jobs.schedule(Job(JobName.MITIGATION_EXPIRY, f"expiry:{m.id}:{stamp}", m.id, m.expires_at))
    await work.jobs.schedule(Job(JobName.MITIGATION_WARNING, f"warning:{m.id}:{stamp}", m.id, warn_at))


def step_of(m: Mitigation, at: datetime) -> Job:
    """The durable job that looks whether the next step of the exit plan may be taken."""
    return Job(JobName.EXIT_STEP, f"step:{m.id}:{m.exit.done if m.exit else 0}:{int(at.timestamp())}", m.id, at)


def overlapping(live: Sequence[Mitigation], wanted: Mitigation) -> tuple[Mitigation, ...]:
    """Live mitigations of the same kind that bind some of the same calls."""
    return tuple(
        m
        for m in live
        if m.agent == wanted.agent
        and m.kind is wanted.kind
        and m.id != wanted.id
        and m.state.is_live
        and m.scope.meets(wanted.scope)
    )


async def decline(work: Work, m: Mitigation, why: str, by: Person, at: datetime) -> Mitigation:
    """What waited for approval never comes into force."""
    await record(work, m.incident, MitigationDeclined(m.id, why), by, at, f"declined:{m.id}")
    await post(work, m.incident, f"declined:{m.id}", f"{m.label} on {m.target} was not applied: {why}.")
    return await work.mitigations.put(replace(m, state=MitigationState.REFUSED, approval=""))
