"""Mitigate: offer and apply. Containment is always open and always expires."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.incident.approval import Ask, Loosening
from bot.incident.codec import encode
from bot.incident.composition import compose
from bot.incident.direction import change
from bot.incident.errors import BadInput, Conflict, Contraindicated, NotFound, Stale
from bot.incident.facts.mitigating import MitigationRefused
from bot.incident.fitness import judge, offers
from bot.incident.kinds import LEVERS, Joining, MitigationKind
from bot.incident.lasting import within_maximum
from bot.incident.mitigation import (
    BUILT_IN,
    EVERYWHERE,
    MAX_TTL,
    Mitigation,
    MitigationState,
    Offer,
    OnExpiry,
    Scope,
    Standing,
)
from bot.incident.model import Catalogue, IncidentKey, Person
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.state import IncidentState
from bot.incident.telemetry import EvalScore
from bot.incident.wishes import MOST_CHARACTERS, reason_of, value_of
from bot.ports import Clock, Records, Traces, Work
from bot.response.changes import Changes
from bot.response.driving import Drivers
from bot.response.gather import MOST_TASKS, nanoseconds
from bot.response.in_force import Applying, is_stale, overlapping, put_in_force
from bot.response.keeping import keep
from bot.response.known import warnings_for
from bot.response.recording import open_state_of, record, state_of, used_before

REACH = timedelta(hours=1)  # tasks of the last hour say what a lever would have touched
NOBODY = Person("", "nobody")
LEARNED_FROM = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Order:
    """What a responder asks for. ``override`` is the reason for pulling a contraindicated lever.

    ``value`` is as typed; :func:`bot.incident.wishes.value_of` says what each kind takes. ``supersedes`` is
    the id of the pin it takes the place of, ``expected`` the agent's revision that the decision rests on.
    """

    kind: MitigationKind
    value: object = None
    minutes: int = 60
    reason: str = ""
    override: str | None = None
    scope: Scope = EVERYWHERE
    supersedes: str = ""
    on_expiry: OnExpiry | None = None
    expected: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked for, to tell a repeated request from another one."""
        asked = encode(replace(self, expected=None))
        return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


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
        failing = await wrong_share(self.traces, self.catalogue, state.incident.agent, now)
        return offers(
            state.incident_class, self.taxonomy, earlier, recent, harm_now=state.harm_now, failing=failing, every=every
        )

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
            agent = (await open_state_of(work, key, "mitigation")).incident.agent
        failing = await wrong_share(self.traces, self.catalogue, agent, self.clock.now())
        evidence = await keep(self.traces, self.catalogue.agent(agent), order.kind)
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


def drafted(agent: str, order: Order, state: IncidentState | None, at: datetime) -> Mitigation:
    """The mitigation that an order asks for, nobody's yet and not in force."""
    hold = order.kind is MitigationKind.HALT and state is not None and state.harm_now
    incident = state.incident.key if state else IncidentKey("")
    return Mitigation(
        id="",
        kind=order.kind,
        agent=agent,
        scope=order.scope,
        value=value_of(order.kind, order.value),
        reason=order.reason.strip() or (order.override or "").strip() or f"contain {incident}",
        incident=incident,
        applied_by=NOBODY,
        applied_at=at,
        expires_at=at + timedelta(minutes=order.minutes),
        on_expiry=order.on_expiry or (OnExpiry.HOLD_AND_PAGE if hold else OnExpiry.REVERT),
        state=MitigationState.DRAFT,
        supersedes=order.supersedes,
    )


def lasting(wanted: Mitigation, superseded: Mitigation | None) -> Mitigation:
    """What takes the place of another lasts at least as long: to end sooner is to loosen, which needs two people."""
    if superseded is None:
        return wanted
    held = OnExpiry.HOLD_AND_PAGE in {wanted.on_expiry, superseded.on_expiry}
    return replace(
        wanted,
        expires_at=max(wanted.expires_at, superseded.expires_at),
        on_expiry=OnExpiry.HOLD_AND_PAGE if held else OnExpiry.REVERT,
    )


def supersession(live: Sequence[Mitigation], wanted: Mitigation) -> Mitigation | None:
    """The live mitigation that the wanted one takes the place of; None when it stands in nobody's way.

    Raises:
        Conflict: another one of a kind without order is in force there and is not named.
        NotFound: the one that is named is not in force.
    """
    named = next((m for m in live if m.id == wanted.supersedes and m.state.is_live), None)
    if wanted.supersedes and (named is None or named.agent != wanted.agent or named.kind is not wanted.kind):
        raise NotFound(f"{wanted.supersedes[:40]} is no {wanted.kind.label.lower()} in force on {wanted.agent}.")
    without_conflict(live, wanted)
    return named


def without_conflict(live: Sequence[Mitigation], wanted: Mitigation) -> None:
    """No other one of a kind without order is in force where the wanted one binds, but the one it supersedes.

    Raises:
        Conflict: there is one with another value.
    """
    if LEVERS[wanted.kind].joining is not Joining.ALONE:
        return
    for other in overlapping(live, wanted):
        if other.value != wanted.value and other.id != wanted.supersedes:
            where = f" ({other.scope.in_words})" if other.scope.in_words else ""
            raise Conflict(
                other.id,
                f"{other.label}{where} is in force for {other.incident}, and no {wanted.kind.label.lower()} is safer "
                f"than another. Name it to take its place: supersedes {other.id}.",
            )


def checked_order(order: Order) -> None:
    """Minutes, value and scope are usable.

    Raises:
        BadInput: one of them is not; the sentence says the range.
    """
    most = int(MAX_TTL.total_seconds() // 60)
    if not 1 <= order.minutes <= most:
        raise BadInput("minutes", f"A mitigation lasts from 1 to {most} minutes; extend it when it needs longer.")
    value_of(order.kind, order.value)
    reason_of(order.reason)
    reason_of(order.override or "", "override")
    for name, said in encode(order.scope).items():
        if len(said) > MOST_CHARACTERS or not said.isprintable():
            raise BadInput(
                "scope", f"The {name} of the scope has 1 to {MOST_CHARACTERS} printable characters, or none."
            )


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
