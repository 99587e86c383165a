"""What may be done to repair an incident, weighed against what is known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.incident.evidence import ENOUGH, Change, EvidenceBundle
from bot.incident.reading import Reading
from bot.incident.remediation import (
    FRESH_FOR,
    Evaluation,
    Known,
    Permission,
    RemediationOffer,
    Wish,
    may_remediate,
    rollbacks,
)
from bot.incident.rules import RemediationKind, Taxonomy
from bot.incident.state import IncidentState
from bot.incident.telemetry import EvalScore
from bot.incident.verdicts import each_once
from bot.ports import Clock, Records
from bot.response.freeze import frozen_bundle
from bot.response.gather import MOST_TASKS, Gather, nanoseconds
from bot.response.recording import state_of

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WeighRemediation:
    """What may be done to repair it, and why or why not."""

    records: Records
    clock: Clock
    gather: Gather

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes, for what makes them worse."""
        return self.gather.taxonomy

    async def __call__(self, key: str) -> tuple[RemediationOffer, ...]:
        """Every remediation that can be named now: the versions before a change, a prompt fix, a restart.

        Raises:
            NotFound: there is no such incident.
        """
        async with self.records.look() as work:
            state = await state_of(work, key)
        known = await self._seen(state)
        versions = rollbacks(known.changes, known.onset)
        asked = tuple(Wish(RemediationKind.ROLLBACK, one) for one in (*state.evaluations_asked, *state.evaluations))
        kinds = [Wish(kind) for kind in RemediationKind if kind is not RemediationKind.ROLLBACK]
        wishes = dict.fromkeys([*versions, *asked, *kinds])
        return tuple([await self._offer(state, wish, known) for wish in wishes])

    async def permission(self, state: IncidentState, wish: Wish) -> Permission:
        """Whether ``wish`` may be done now."""
        return (await self._offer(state, wish, await self._seen(state))).permission

    async def _offer(self, state: IncidentState, wish: Wish, known: Known) -> RemediationOffer:
        found = await self._evaluation(state, wish.target, known) if wish.target else None
        about = Known(known.incident_class, known.cause, known.onset, known.changes, found, known.usual)
        return RemediationOffer(wish, may_remediate(wish, about, self.taxonomy, self.clock.now()), found)

    async def _seen(self, state: IncidentState) -> Known:
        """What was frozen at the declaration, with the changes that were seen since."""
        async with self.records.look() as work:
            frozen = await frozen_bundle(work, state)
        now = await self.gather(state.incident.agent, environment=state.incident.environment)
        onset = frozen.onset if frozen and frozen.onset else now.onset
        return Known(state.incident_class, state.cause, onset, _changes(frozen, now), None, _usual(frozen or now))

    async def _evaluation(self, state: IncidentState, version: str, known: Known) -> Evaluation | None:
        """The verdicts on tasks that carry the version and ran since, or what somebody reported; the newer of them."""
        now = self.clock.now()
        start = max(nanoseconds(now - FRESH_FOR), known.onset.at_ns if known.onset else 0)
        names = sorted(self.gather.catalogue.agent(state.incident.agent).telemetry_names)
        tasks = await self.gather.traces.readings(names, start, nanoseconds(now), MOST_TASKS)
        carrying = {task.id for task in tasks if version in _versions(task)}
        scores = [one for name in names for one in await self.gather.traces.scores(name, start, nanoseconds(now))]
        found = [
            _judged(version, each_once(one for one in scores if one.trace_id in carrying)),
            state.evaluations.get(version),
        ]
        return max((one for one in found if one), key=lambda one: one.at, default=None)


def _changes(frozen: EvidenceBundle | None, now: EvidenceBundle) -> tuple[Change, ...]:
    known = frozen.changes if frozen else ()
    told = {(one.kind, one.after) for one in known}
    return (*known, *(one for one in now.changes if (one.kind, one.after) not in told))


def _usual(bundle: EvidenceBundle) -> tuple[int, int] | None:
    """(bad, of) verdicts before the trouble, by judges or else by probes."""
    for name in ("quality", "probes"):
        signal = bundle.signal(name)
        if signal is not None and signal.baseline_k is not None and signal.baseline_n >= ENOUGH:
            return signal.baseline_k, signal.baseline_n
    return None


def _versions(task: Reading) -> frozenset[str | None]:
    return frozenset({task.agent_version, task.prompt_version, *(step.answering for step in task.models)})


def _judged(version: str, scores: Sequence[EvalScore]) -> Evaluation | None:
    verdicts = [one for one in scores if one.passed is not None]
    if not verdicts:
        return None
    newest = max(one.at_ns for one in verdicts)
    return Evaluation(version, sum(one.passed is True for one in verdicts), len(verdicts), _moment(newest))


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / NS, UTC)
