"""Remediation: what repairs rather than contains. Locked until class and cause are set, and a rollback longer.

A rollback may restore the old bug. So it also needs a cause that an older version can repair, a change that came
before the trouble did, and a target that was evaluated since then, not on its release day. The decision is pure
and answers with its reasons; an override is possible, explicit, and on the timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.incident.causes import AFTER_ONSET
from bot.incident.evidence import Change, ChangeKind, Onset
from bot.incident.model import Person
from bot.incident.offer import Standing
from bot.incident.rules import ROLLBACK_CAUSES, RemediationKind, Taxonomy
from bot.incident.statistics import newcombe
from bot.incident.taxonomy import Cause, IncidentClass

FRESH_FOR = timedelta(hours=2)  # how long an evaluation of the target counts as "now"
FEWEST_VERDICTS = 20  # below it an evaluation says too little
NS = 1_000_000_000
ROLLABLE = frozenset(
    {
        ChangeKind.PROMPT_VERSION,
        ChangeKind.AGENT_VERSION,
        ChangeKind.MODEL_REQUESTED,
        ChangeKind.MODEL_ANSWERING,
        ChangeKind.PROMPT,
        ChangeKind.DEPLOY,
        ChangeKind.FLAG,
    }
)  # what an older version of can be had again


class Outcome(StrEnum):
    """How a remediation ended."""

    WORKED = "worked"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do: a kind, and for a rollback the version to go back to."""

    kind: RemediationKind
    target: str = ""

    @property
    def label(self) -> str:
        """Name with its target: ``Roll back to p-118``."""
        return f"{self.kind.label} to {self.target}" if self.target else self.kind.label


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a version did since the trouble began: ``passed`` of ``n`` verdicts, the newest ``at``."""

    version: str
    passed: int
    n: int
    at: datetime
    source: str = "telemetry"  # or who reported it

    @property
    def figure(self) -> str:
        """In words: ``p-118 passes 38 of 40``."""
        return f"{self.version} passes {self.passed} of {self.n}"


@dataclass(frozen=True, slots=True)
class Known:
    """What the decision rests on. ``usual`` is (bad, of) verdicts before the trouble; None where nobody judged."""

    incident_class: IncidentClass | None
    cause: Cause | None
    onset: Onset | None = None
    changes: Sequence[Change] = ()
    evaluation: Evaluation | None = None  # of the target
    usual: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a remediation may be done now, and each reason; the first is the one to show."""

    granted: bool
    because: tuple[str, ...]

    @property
    def reason(self) -> str:
        """All of it in one sentence, without a full stop."""
        return "; ".join(self.because)


def may_remediate(wish: Wish, known: Known, taxonomy: Taxonomy, now: datetime) -> Permission:
    """Whether ``wish`` may be done at ``now``; every reason against it, or what it rests on."""
    named, cause = known.incident_class, known.cause
    if named in {None, IncidentClass.UNKN} or cause in {None, Cause.UNKNOWN}:
        return Permission(granted=False, because=("locked until class and suspected cause are set",))
    against = [*_contraindicated(wish, named, taxonomy)]
    grounds = [f"class {named} and cause {cause.value} are set"] if named and cause else []
    if wish.kind is RemediationKind.ROLLBACK:
        for reason, holds in _rollback(wish, known, taxonomy, now):
            (grounds if holds else against).append(reason)
    return Permission(granted=not against, because=tuple(against or grounds))


def _contraindicated(wish: Wish, named: IncidentClass | None, taxonomy: Taxonomy) -> list[str]:
    fit = taxonomy.facts(named).remediations.get(wish.kind) if named else None
    if fit is None or fit.standing is not Standing.CONTRAINDICATED:
        return []
    return [f"{wish.kind.label.lower()} makes {named} worse: {fit.because}"]


def _rollback(wish: Wish, known: Known, taxonomy: Taxonomy, now: datetime) -> list[tuple[str, bool]]:
    said = []
    named = known.incident_class
    if named is not None and not taxonomy.facts(named).rollback:
        said.append((f"{named} takes no rollback: an older version of ours does not mend it", False))
    if known.cause not in ROLLBACK_CAUSES:
        cause = known.cause.value if known.cause else "unknown"
        said.append((f"the suspected cause is {cause}, which an older version does not repair", False))
    return [*said, _preceded(wish, known), _evaluated(wish, known, now)]


def _preceded(wish: Wish, known: Known) -> tuple[str, bool]:
    if not wish.target:
        return "say which version to go back to", False
    if known.onset is None:
        return "nobody knows when it began, so no change is known to come before it", False
    latest = known.onset.high_ns + AFTER_ONSET
    found = [one for one in known.changes if one.kind in ROLLABLE and one.before in {wish.target, None}]
    before = next((one for one in found if one.first_seen_ns <= latest), None)
    if before is not None:
        when = "before the trouble" if before.first_seen_ns < known.onset.at_ns else "as the trouble began"
        return f"{before.in_words} came {_clock(before.first_seen_ns)}, {when}", True
    if found:
        return f"{found[0].after} came {_clock(found[0].first_seen_ns)}, after the trouble had begun", False
    return f"no change away from {wish.target} is known", False


def _evaluated(wish: Wish, known: Known, now: datetime) -> tuple[str, bool]:
    target = wish.target or "the target"
    since = max(_moment(known.onset.at_ns), now - FRESH_FOR) if known.onset else now - FRESH_FOR
    found = known.evaluation
    if found is None or found.at < since:
        return f"{target} has no evaluation since {since:%H:%M} UTC; evaluate it now", False
    if found.n < FEWEST_VERDICTS:
        return f"{found.figure} verdicts since {since:%H:%M} UTC; {FEWEST_VERDICTS} are needed", False
    if known.usual and newcombe(found.n - found.passed, found.n, *known.usual).low > 0:
        bad, of = known.usual
        return f"{found.figure} now, worse than the {of - bad} of {of} before the trouble", False
    return f"{found.figure} verdicts since {since:%H:%M} UTC", True


def rollbacks(changes: Sequence[Change], onset: Onset | None) -> tuple[Wish, ...]:
    """The versions to go back to that the changes name, those nearest to the beginning first."""
    began = onset.at_ns if onset else 0
    near = sorted(
        (one for one in changes if one.kind in ROLLABLE and one.before), key=lambda one: abs(one.first_seen_ns - began)
    )
    return tuple(dict.fromkeys(Wish(RemediationKind.ROLLBACK, one.before or "") for one in near))


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / NS, UTC)


def _clock(ns: int) -> str:
    return f"{_moment(ns):%H:%M} UTC"


@dataclass(frozen=True, slots=True)
class RemediationOffer:
    """A remediation put before a responder, and whether it may be done."""

    wish: Wish
    permission: Permission
    evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True)
class RemediationStarted:
    """Somebody repairs it. ``grounds`` are why it was allowed; with ``override``, a reason, they are what speaks against it.

    What is locked is approved by a second person, or begun ``alone``: why it could not wait for one. In what
    older versions wrote, an override names neither.
    """

    remediation: str
    wish: Wish
    reason: str
    grounds: tuple[str, ...] = ()
    override: str | None = None
    approved_by: Person | None = None
    alone: str = ""


@dataclass(frozen=True, slots=True)
class RemediationRefused:
    """A remediation was asked for and is locked."""

    wish: Wish
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemediationEnded:
    """How it ended, in the words of the one who did it."""

    remediation: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationAsked:
    """Somebody wants a version evaluated now, because a rollback to it depends on that."""

    version: str


@dataclass(frozen=True, slots=True)
class VersionEvaluated:
    """The result of an evaluation that ran elsewhere, as somebody reports it."""

    version: str
    passed: int
    n: int


RemediationFact = RemediationStarted | RemediationRefused | RemediationEnded | EvaluationAsked | VersionEvaluated
