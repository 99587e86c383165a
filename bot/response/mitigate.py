"""Mitigate: offer, apply, extend, revert. Containment is always open and always expires."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from bot.incident.composition import Controls, compose
from bot.incident.errors import BadInput, Closed, Contraindicated, NeedsSecondPerson, NotFound
from bot.incident.fitness import judge, offers
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, MAX_TTL, Mitigation, MitigationState, Offer, OnExpiry, Scope, Standing
from bot.incident.model import Catalogue, Person
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.telemetry import EvalScore
from bot.incident.timeline import (
    IncidentState,
    MitigationApplied,
    MitigationExtended,
    MitigationRefused,
    MitigationReverted,
)
from bot.incident.wishes import value_of
from bot.ports import Clock, Control, Job, JobName, Records, Traces, Work
from bot.response.gather import MOST_TASKS, nanoseconds
from bot.response.recording import open_state_of, record, state_of

REACH = timedelta(hours=1)  # tasks of the last hour say what a lever would have touched
LEARNED_FROM = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Order:
    """What a responder asks for. ``override`` is the reason for pulling a contraindicated lever.

    ``value`` is as typed; :func:`bot.incident.wishes.value_of` says what each kind takes.
    """

    kind: MitigationKind
    value: object = None
    minutes: int = 60
    reason: str = ""
    override: str | None = None
    scope: Scope = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Offers:
    """The levers for an incident, best first, with their reach."""

    records: Records
    clock: Clock
    traces: Traces
    catalogue: Catalogue
    taxonomy: Taxonomy

    async def __call__(self, key: str) -> tuple[Offer, ...]:
        """Offers for the incident's agent.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        now = self.clock.now()
        onset = state.incident.declared_at
        earlier = await self._tasks(state.incident.agent, onset - LEARNED_FROM, onset)
        recent = await self._tasks(state.incident.agent, now - REACH, now)
        failing = await wrong_share(self.traces, self.catalogue, state.incident.agent, now)
        return offers(state.incident_class, self.taxonomy, earlier, recent, harm_now=state.harm_now, failing=failing)

    async def _tasks(self, agent: str, start: datetime, end: datetime) -> tuple[Reading, ...]:
        names = self.catalogue.agent(agent).telemetry_names
        return await self.traces.readings(names, nanoseconds(start), nanoseconds(end), MOST_TASKS)


async def wrong_share(traces: Traces, catalogue: Catalogue, agent: str, now: datetime) -> float:
    """Share of the newest 50 scores of the last hour that did not pass, 0..1; 0 when there are none."""
    scores: list[EvalScore] = []
    for name in sorted(catalogue.agent(agent).telemetry_names):
        scores.extend(await traces.scores(name, nanoseconds(now - REACH), nanoseconds(now)))
    verdicts = [score.passed for score in sorted(scores, key=lambda s: -s.at_ns) if score.passed is not None][:50]
    return verdicts.count(False) / len(verdicts) if verdicts else 0.0


@dataclass(frozen=True, slots=True)
class Apply:
    """Pull a lever: one transaction for state, audit, timeline, expiry and room, then make it visible."""

    records: Records
    clock: Clock
    traces: Traces
    catalogue: Catalogue
    control: Control
    taxonomy: Taxonomy

    async def __call__(self, key: str, order: Order, by: Person, idem: str) -> Mitigation:
        """The mitigation in force; the same click again returns the one it made.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: minutes or limit cannot be used.
            Contraindicated: it would make this class worse and no override reason was given.
        """
        checked_order(order)
        async with self.records.look() as work:
            agent = (await open_state_of(work, key, "mitigation")).incident.agent
        failing = await wrong_share(self.traces, self.catalogue, agent, self.clock.now())
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "mitigation")
            refusal = contraindication(state, order, self.taxonomy, failing)
            if refusal is None:
                mitigation = await self._apply(work, state, order, by, idem)
            else:
                fact = MitigationRefused(order.kind, refusal)
                await record(work, state.incident.key, fact, by, self.clock.now(), f"refused:{idem}")
        if refusal is not None:
            raise Contraindicated(refusal)
        await self.control.publish()
        return mitigation

    async def _apply(self, work: Work, state: IncidentState, order: Order, by: Person, idem: str) -> Mitigation:
        wanted = self._mitigation(state, order, by, idem)
        earlier = await work.mitigations.get(wanted.id)
        if earlier is not None:
            return earlier
        before = await controls_in(work, wanted)
        mitigation = await work.mitigations.put(wanted)
        after = await controls_in(work, wanted)
        fact = MitigationApplied(mitigation, before.in_words, after.in_words, order.override)
        await record(work, state.incident.key, fact, by, mitigation.applied_at, f"apply:{idem}")
        await work.jobs.schedule(expiry_of(mitigation))
        return mitigation

    def _mitigation(self, state: IncidentState, order: Order, by: Person, idem: str) -> Mitigation:
        at = self.clock.now()
        hold = order.kind is MitigationKind.HALT and state.harm_now
        return Mitigation(
            id=mitigation_id(state, idem),
            kind=order.kind,
            agent=state.incident.agent,
            scope=order.scope,
            value=value_of(order.kind, order.value),
            reason=order.reason.strip() or (order.override or "").strip() or f"contain {state.incident.key}",
            incident=state.incident.key,
            applied_by=by,
            applied_at=at,
            expires_at=at + timedelta(minutes=order.minutes),
            on_expiry=OnExpiry.HOLD_AND_PAGE if hold else OnExpiry.REVERT,
        )


def checked_order(order: Order) -> None:
    """Minutes and limit are usable.

    Raises:
        BadInput: one of them is not; the sentence says the range.
    """
    most = int(MAX_TTL.total_seconds() // 60)
    if not 1 <= order.minutes <= most:
        raise BadInput("minutes", f"A mitigation lasts from 1 to {most} minutes; extend it when it needs longer.")
    value_of(order.kind, order.value)


def contraindication(state: IncidentState, order: Order, taxonomy: Taxonomy, failing: float) -> str | None:
    """Why this lever is refused as asked, or None when it may be pulled."""
    if (order.override or "").strip():
        return None
    standing, why = judge(order.kind, state.incident_class, taxonomy, harm_now=state.harm_now, failing=failing)
    if standing is not Standing.CONTRAINDICATED or state.incident_class is None:
        return None
    name = state.incident_class.value
    return f"{order.kind.label} makes {name} worse: {why}. Give a reason to override, or choose another mitigation."


def mitigation_id(state: IncidentState, idem: str) -> str:
    """The id follows from the click, so that the same click delivered twice makes one mitigation."""
    return sha256(f"{state.incident.key}\n{idem}".encode()).hexdigest()[:20]


async def controls_in(work: Work, mitigation: Mitigation) -> Controls:
    """What the agent has to obey in the mitigation's scope, as this transaction sees it."""
    live, revisions = await work.mitigations.live()
    return compose(mitigation.agent, mitigation.scope, live, revisions.get(mitigation.agent, 0))


def expiry_of(mitigation: Mitigation) -> Job:
    """The durable timer that ends it; extending schedules another."""
    stamp = int(mitigation.expires_at.timestamp())
    return Job(JobName.MITIGATION_EXPIRY, f"expiry:{mitigation.id}:{stamp}", mitigation.id, mitigation.expires_at)


async def live_mitigation(work: Work, mitigation_id: str) -> Mitigation:
    """The mitigation in force of that id.

    Raises:
        NotFound: there is none.
        Closed: it has ended already.
    """
    mitigation = await work.mitigations.get(mitigation_id)
    if mitigation is None:
        raise NotFound("There is no such mitigation. The incident's card shows the ones in force.")
    if not mitigation.state.is_live:
        raise Closed(
            f"{mitigation.label} on {mitigation.agent} is {mitigation.state.value} already. Nothing was changed."
        )
    return mitigation


@dataclass(frozen=True, slots=True)
class Revert:
    """Undo a mitigation. It is the riskier direction: a second person, or a reason for going alone."""

    records: Records
    clock: Clock
    control: Control

    async def __call__(self, mitigation_id: str, reason: str, by: Person, idem: str) -> Mitigation:
        """The mitigation, reverted. What remains in force is recomputed from the others.

        Raises:
            NotFound, Closed: no such mitigation, or it has ended.
            NeedsSecondPerson: the one who applied it undoes it alone without a reason.
        """
        async with self.records.begin() as work:
            mitigation = await live_mitigation(work, mitigation_id)
            alone = by.id == mitigation.applied_by.id
            if alone and not reason.strip():
                raise NeedsSecondPerson(
                    f"You applied {mitigation.label}. Ask somebody else to undo it, or say why you do it alone."
                )
            ended = await end(work, mitigation, MitigationState.REVERTED)
            fact = MitigationReverted(mitigation.id, reason.strip(), ended.before, ended.after, alone)
            await record(work, mitigation.incident, fact, by, self.clock.now(), f"revert:{idem}")
        await self.control.publish()
        return ended.mitigation


@dataclass(frozen=True, slots=True)
class Ended:
    """A mitigation that is over, and the agent's controls before and after in words."""

    mitigation: Mitigation
    before: str
    after: str


async def end(work: Work, mitigation: Mitigation, state: MitigationState) -> Ended:
    """Take it out of force within this transaction."""
    before = await controls_in(work, mitigation)
    ended = await work.mitigations.put(mitigation.moved(state))
    return Ended(ended, before.in_words, (await controls_in(work, mitigation)).in_words)


@dataclass(frozen=True, slots=True)
class Extend:
    """Give a mitigation more time, 72 hours from its start at most."""

    records: Records
    clock: Clock

    async def __call__(self, mitigation_id: str, minutes: int, by: Person, idem: str) -> Mitigation:
        """The mitigation with its new end.

        Raises:
            NotFound, Closed: no such mitigation, or it has ended.
            BadInput: the new end would be more than 72 hours after its start.
        """
        async with self.records.begin() as work:
            mitigation = await live_mitigation(work, mitigation_id)
            at = self.clock.now()
            until = max(mitigation.expires_at, at) + timedelta(minutes=minutes)
            fact = MitigationExtended(mitigation.id, until)
            if not await record(work, mitigation.incident, fact, by, at, f"extend:{idem}"):
                return mitigation
            if minutes < 1 or until - mitigation.applied_at > MAX_TTL:
                raise BadInput("minutes", "A mitigation lasts 72 hours at most; apply a new one if it is still needed.")
            state = await state_of(work, mitigation.incident)
            longer = state.mitigations[mitigation.id].mitigation  # what was held goes back to what its proof says
            extended = await work.mitigations.put(longer)
            await work.jobs.schedule(expiry_of(extended))
            return extended
