"""Mitigate: offer and apply. Containment is always open and always expires."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.incident.approval import Ask, Loosening
from bot.incident.composition import compose
from bot.incident.direction import change
from bot.incident.environments import kept, wanted_of, without_scores_of
from bot.incident.errors import Contraindicated, Stale
from bot.incident.facts.mitigating import MitigationRefused
from bot.incident.fitness import offers
from bot.incident.lasting import within_maximum
from bot.incident.mitigation import BUILT_IN, Mitigation, MitigationState
from bot.incident.model import Agent, Catalogue, Person
from bot.incident.offer import Offer
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.state import IncidentState
from bot.incident.telemetry import EvalScore
from bot.incident.verdicts import each_once
from bot.ports import Clock, Records, Traces, Work
from bot.response.changes import Changes
from bot.response.driving import Drivers
from bot.response.gather import MOST_TASKS, nanoseconds
from bot.response.in_force import Applying, is_stale, put_in_force
from bot.response.keeping import keep
from bot.response.known import warnings_for
from bot.response.orders import Order, checked_order, contraindication, drafted, lasting, mitigation_id, supersession
from bot.response.recording import open_state_of, record, state_of, used_before

REACH = timedelta(hours=1)  # tasks of the last hour say what a lever would have touched
LEARNED_FROM = timedelta(minutes=90)
VERDICTS, VERDICTS_LOOKED_AT = 50, 500  # the newest that tell how much fails, among so many: some are of long ago


@dataclass(frozen=True, slots=True)
class Offers:
    """The levers for an incident, best first, with their reach."""

    records: Records
    clock: Clock
    traces: Traces
    catalogue: Catalogue
    taxonomy: Taxonomy

    async def __call__(self, key: str, *, every: bool = False) -> tuple[Offer, ...]:
        """Offers for the incident's agent: those the card has room for, or ``every`` kind with a sensible value.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        now = self.clock.now()
        onset = state.incident.declared_at
        earlier = await self._tasks(state.incident.agent, onset - LEARNED_FROM, onset)
        recent = await self._tasks(state.incident.agent, now - REACH, now)
        entry, environment = self.catalogue.agent(state.incident.agent), state.incident.environment
        foreign = wanted_of(entry, environment).foreign({task.environment for task in (*earlier, *recent)})
        earlier, recent = (tuple(one for one in tasks if one.environment not in foreign) for tasks in (earlier, recent))
        failing = await wrong_share(self.traces, entry, environment, now)
        return offers(
            state.incident_class, self.taxonomy, earlier, recent, harm_now=state.harm_now, failing=failing, every=every
        )

    async def _tasks(self, agent: str, start: datetime, end: datetime) -> tuple[Reading, ...]:
        names = self.catalogue.agent(agent).telemetry_names
        return await self.traces.readings(names, nanoseconds(start), nanoseconds(end), MOST_TASKS)


async def wrong_share(traces: Traces, agent: Agent, environment: str, now: datetime) -> float:
    """Share of the newest 50 verdicts on the last hour's tasks in the environment that did not pass, 0..1; 0 without any."""
    start, end = nanoseconds(now - REACH), nanoseconds(now)
    found = [score for name in sorted(agent.telemetry_names) for score in await traces.scores(name, start, end)]
    told = [score for score in found if score.passed is not None]
    scores: Sequence[EvalScore] = [
        *each_once(score for score in told if score.trace_id),
        *(score for score in told if not score.trace_id),
    ]
    wanted = wanted_of(agent, environment)
    if scores and wanted.name:
        tasks = await traces.readings(agent.telemetry_names, start, end, MOST_TASKS)
        scores = without_scores_of(scores, tasks, kept(tasks, wanted).foreign)
    newest = sorted(scores, key=lambda score: -score.at_ns)[:VERDICTS_LOOKED_AT]
    judged = {score.trace_id for score in newest if score.trace_id}
    earlier = await traces.begun_before(judged, start) if judged else ()
    verdicts = [score.passed for score in newest if score.trace_id not in earlier][:VERDICTS]
    return verdicts.count(False) / len(verdicts) if verdicts else 0.0


@dataclass(frozen=True, slots=True)
class Apply:
    """Pull a lever: one transaction for state, evidence, audit, timeline, timers and room; then it is carried out."""

    records: Records
    clock: Clock
    traces: Traces
    catalogue: Catalogue
    drivers: Drivers
    changes: Changes
    taxonomy: Taxonomy

    async def __call__(self, key: str, order: Order, by: Person, idem: str) -> Mitigation:
        """The mitigation; the same click again returns the one it made.

        It is in force, being applied by another control plane, or waits with ``approval`` for a second person.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: minutes, value or scope cannot be used.
            Contraindicated: it would make this class worse and no override reason was given.
            Conflict: another pin is in force and it does not say that it supersedes it.
            Unsupported: the control plane of this agent cannot do it.
            NeedsSecondPerson: the same has been in force for longer than 72 hours, so it is to be extended.
            KeyReused, Stale: the key came with another order; the controls have changed since ``expected``.
        """
        checked_order(order)
        earlier = await self._earlier(key, order, idem)
        if earlier is not None:
            return earlier
        async with self.records.look() as work:
            incident = (await open_state_of(work, key, "mitigation")).incident
        agent, entry = incident.agent, self.catalogue.agent(incident.agent)
        failing = await wrong_share(self.traces, entry, incident.environment, self.clock.now())
        evidence = await keep(self.traces, entry, order.kind)
        warnings = await warnings_for(
            self.traces, self.catalogue, agent, order.kind, order.value, order.scope, self.clock.now()
        )
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "mitigation")
            wanted = self._mitigation(state, order, by, idem)
            again = await used_before(work, f"apply:{wanted.id}", order.digest, self.clock.now())
            earlier = await work.mitigations.get(wanted.id)
            if again and earlier is not None:
                return earlier  # the same click at the same time
            refusal = contraindication(state, order, self.taxonomy, failing)
            if refusal is None:
                await self._fresh(work, wanted, order)
                mitigation = await self._apply(work, wanted, Applying(order.override, evidence, warnings), by, idem)
            else:
                fact = MitigationRefused(order.kind, refusal)
                await record(work, state.incident.key, fact, by, self.clock.now(), f"refused:{idem}")
                await work.requests.forget(f"apply:{wanted.id}")  # nothing was applied; with an override it may be
        if refusal is not None:
            raise Contraindicated(refusal)
        return await self.changes.finish(mitigation)

    async def _earlier(self, key: str, order: Order, idem: str) -> Mitigation | None:
        """What this click made before, whatever has become of it and of its incident."""
        async with self.records.look() as work:
            name = mitigation_id(await state_of(work, key), idem)
            earlier = await work.mitigations.get(name)
        if earlier is not None:
            async with self.records.begin() as work:
                await used_before(work, f"apply:{name}", order.digest, self.clock.now())
        return earlier

    async def _fresh(self, work: Work, wanted: Mitigation, order: Order) -> None:
        if order.expected is None:
            return
        _, revisions = await work.mitigations.live()
        now = revisions.get(wanted.agent, 0)
        if await is_stale(work, wanted.agent, now, order.expected):
            raise Stale(
                f"The controls of {wanted.agent} are at revision {now}, not {order.expected}: somebody changed them "
                "since you looked. Look again and decide anew."
            )

    async def _apply(self, work: Work, wanted: Mitigation, given: Applying, by: Person, idem: str) -> Mitigation:
        live, _ = await work.mitigations.live()
        superseded = supersession(live, wanted)
        if superseded is not None and (way := change(live, superseded, wanted)).is_riskier:
            waiting = replace(wanted, state=MitigationState.AWAITING_APPROVAL)
            ask = Ask(Loosening.APPLY, wanted.id, wanted.reason)
            return await self.changes.put_to(work, waiting, ask, way, by, idem)
        wanted, cut = within_maximum(live, lasting(wanted, superseded), self.clock.now())
        given = replace(given, warnings=(*given.warnings, *([cut] if cut else [])))
        return await put_in_force(work, wanted, superseded, given, by, idem, self.clock)

    def _mitigation(self, state: IncidentState, order: Order, by: Person, idem: str) -> Mitigation:
        driver = self.drivers.serving(state.incident.agent, order.kind)
        wanted = replace(
            drafted(state.incident.agent, order, state, self.clock.now()),
            id=mitigation_id(state, idem),
            applied_by=by,
            state=MitigationState.APPLIED if driver.name == BUILT_IN else MitigationState.APPLYING,
            driver=driver.name,
            asked=order.digest,
            last_key=idem,
        )
        driver.plan(wanted, compose(wanted.agent, wanted.scope, [wanted], 0))  # says now what it cannot do
        return wanted
