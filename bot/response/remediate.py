"""Remediate: what repairs, behind its gate. We record and weigh it; people or their pipeline carry it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from bot.incident.codec import decode
from bot.incident.errors import BadInput, Locked, NotFound
from bot.incident.evidence import ENOUGH, Change, EvidenceBundle
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.reading import Reading
from bot.incident.remediation import (
    FRESH_FOR,
    Evaluation,
    EvaluationAsked,
    Known,
    Outcome,
    Permission,
    RemediationEnded,
    RemediationOffer,
    RemediationRefused,
    RemediationStarted,
    VersionEvaluated,
    Wish,
    may_remediate,
    rollbacks,
)
from bot.incident.rules import RemediationKind, Taxonomy
from bot.incident.state import IncidentState
from bot.incident.telemetry import EvalScore
from bot.incident.wishes import reason_of
from bot.ports import Clock, Records, RoomTask, RoomTaskKind, Work
from bot.response.gather import MOST_TASKS, Gather, nanoseconds
from bot.response.override import ask_override
from bot.response.recording import open_state_of, record, state_of

MOST_CHARACTERS = 500
MOST_VERDICTS = 1_000_000
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
        frozen = await self._frozen(state)
        now = await self.gather(state.incident.agent)
        onset = frozen.onset if frozen and frozen.onset else now.onset
        return Known(state.incident_class, state.cause, onset, _changes(frozen, now), None, _usual(frozen or now))

    async def _frozen(self, state: IncidentState) -> EvidenceBundle | None:
        if state.snapshot is None:
            return None
        async with self.records.look() as work:
            body = await work.snapshots.frozen(state.snapshot)
        return decode(EvidenceBundle, body["evidence"]) if body else None

    async def _evaluation(self, state: IncidentState, version: str, known: Known) -> Evaluation | None:
        """The verdicts on tasks that carry the version and ran since, or what somebody reported; the newer of them."""
        now = self.clock.now()
        start = max(nanoseconds(now - FRESH_FOR), known.onset.at_ns if known.onset else 0)
        names = sorted(self.gather.catalogue.agent(state.incident.agent).telemetry_names)
        tasks = await self.gather.traces.readings(names, start, nanoseconds(now), MOST_TASKS)
        carrying = {task.id for task in tasks if version in _versions(task)}
        scores = [one for name in names for one in await self.gather.traces.scores(name, start, nanoseconds(now))]
        found = [_judged(version, [one for one in scores if one.trace_id in carrying]), state.evaluations.get(version)]
        return max((one for one in found if one), key=lambda one: one.at, default=None)


@dataclass(frozen=True, slots=True)
class Remediate:
    """Record that somebody repairs it, and how that ended."""

    records: Records
    clock: Clock
    weigh: WeighRemediation

    async def __call__(
        self, key: str, wish: Wish, reason: str, by: Person, idem: str, override: str | None = None, alone: str = ""
    ) -> IncidentState:
        """The state with the remediation started, or with the question that a second person has to answer first.

        What its gate grants is one person's click. With ``override``, why in spite of the lock, it is put to a
        second person; ``alone``, why it cannot wait for one, starts it at once. The same click again does it once.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the reason is missing, a rollback names no version, or something is too long.
            Locked: it may not be done now and no override was given; the sentence says why.
            NeedsSecondPerson: the glass was broken for it before, and nobody approved that.
        """
        reasons = checked(wish, reason, override or "", alone)
        async with self.records.look() as work:
            state = await state_of(work, key)
            name = remediation_id(state, idem)
            if _known(state, name):
                return state
            state = await open_state_of(work, key, "remediation")
        permission = await self.weigh.permission(state, wish)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "remediation")
            fact = _fact(name, wish, reasons, permission)
            if permission.granted:
                await self._start(work, state, fact, by, idem)
            elif fact.override:
                await ask_override(work, state, fact, by, self.clock.now(), idem)
            else:
                refused = RemediationRefused(wish, permission.because)
                at = self.clock.now()
                await record(work, state.incident.key, refused, by, at, f"remediation-refused:{idem}")
            after = await state_of(work, key)
        if not permission.granted and not fact.override:
            raise Locked(
                f"{wish.label} is locked: {permission.reason}. Do what is missing, or say why in spite of that: "
                "a second person then has to approve it."
            )
        return after

    async def _start(self, work: Work, state: IncidentState, fact: RemediationStarted, by: Person, idem: str) -> None:
        if await record(work, state.incident.key, fact, by, self.clock.now(), f"remediate:{idem}"):
            text = f"{fact.wish.label} started by {by.name}: {fact.reason.rstrip('.')}."
            await work.outbox.put(_post(state, f"remediate:{idem}", text))

    async def end(
        self, key: str, remediation: str, outcome: Outcome, detail: str, by: Person, idem: str
    ) -> IncidentState:
        """The state with the outcome of a remediation; the first outcome counts.

        Raises:
            NotFound: no such incident or remediation.
            Closed: the incident is resolved or reviewed.
        """
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "outcome of a remediation")
            known = state.remediations.get(remediation)
            if known is None:
                raise NotFound(f"{state.incident.key} has no remediation {remediation[:40]!r}. Its page lists them.")
            if known.ended is None:
                fact = RemediationEnded(remediation, outcome, detail.strip()[:MOST_CHARACTERS])
                await record(work, state.incident.key, fact, by, self.clock.now(), f"remediation-ended:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class EvaluateVersion:
    """Ask for an evaluation of a version now, or report one that ran elsewhere."""

    records: Records
    clock: Clock

    async def ask(self, key: str, version: str, by: Person, idem: str) -> IncidentState:
        """The state with the version asked for; the room is told once how its result gets here.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the version is empty or too long.
        """
        wanted = _version(version)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "evaluation")
            if wanted not in state.evaluations_asked:
                await record(
                    work, state.incident.key, EvaluationAsked(wanted), by, self.clock.now(), f"evaluation:{idem}"
                )
                text = (
                    f"{by.name} asks for an evaluation of {wanted} now. Run your evaluations against it: verdicts on tasks "
                    f"that carry the version count as they arrive, or report them on the incident's page."
                )
                await work.outbox.put(_post(state, f"evaluation:{wanted}", text))
            return await state_of(work, key)

    async def report(self, key: str, version: str, passed: int, n: int, by: Person, idem: str) -> IncidentState:
        """The state with a result: ``passed`` of ``n`` verdicts.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the counts do not fit together, or the version is empty or too long.
        """
        if not 0 <= passed <= n <= MOST_VERDICTS or n == 0:
            raise BadInput("passed", "Give how many verdicts there were, and how many of them passed.")
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "evaluation")
            fact = VersionEvaluated(_version(version), passed, n)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"evaluated:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why somebody wants it, why in spite of its lock, and why without waiting for a second person."""

    why: str
    override: str = ""
    alone: str = ""


def checked(wish: Wish, why: str, override: str = "", alone: str = "") -> Reasons:
    """The reasons, without spaces around them; everything a remediation needs is there.

    Raises:
        BadInput: something is missing or too long.
    """
    found = Reasons(why.strip(), reason_of(override, "override"), reason_of(alone, "reason for doing it alone"))
    if not found.why or len(found.why) > MOST_CHARACTERS:
        raise BadInput("reason", f"Say in a few words why, in {MOST_CHARACTERS} characters at most.")
    if wish.kind is RemediationKind.ROLLBACK:
        _version(wish.target)
    return found


def _fact(name: str, wish: Wish, reasons: Reasons, permission: Permission) -> RemediationStarted:
    """What goes on the timeline when it starts: of an override the reasons for it, too."""
    if permission.granted:
        return RemediationStarted(name, wish, reasons.why, permission.because)
    override = reasons.override or reasons.alone or None
    return RemediationStarted(name, wish, reasons.why, permission.because, override, alone=reasons.alone)


def _known(state: IncidentState, name: str) -> bool:
    """This very click has started it, or has asked for it."""
    asked = (one.ask.starts for one in state.approvals.values())
    return name in state.remediations or any(fact.remediation == name for fact in asked if fact)


def _version(text: str) -> str:
    if not text.strip() or len(text) > 200:  # noqa: PLR2004  as long as any version is
        raise BadInput("target", "Name the version, as your telemetry calls it.")
    return text.strip()


def remediation_id(state: IncidentState, idem: str) -> str:
    """The id follows from the click, so that the same click delivered twice makes one."""
    return sha256(f"{state.incident.key}\nremediate\n{idem}".encode()).hexdigest()[:20]


def _post(state: IncidentState, task: str, text: str) -> RoomTask:
    return RoomTask(RoomTaskKind.POST, state.incident.key, task, {"text": text, "by": FIRSTFIVE.id})


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
