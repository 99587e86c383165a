"""The timeline is the truth: immutable events, and the state of an incident as a fold over them.

Each event holds one *fact*. The name under which a fact is stored is its class name in
snake case (``MitigationApplied`` is stored as ``mitigation_applied``); renaming one needs a migration.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from bot.incident.approval import Approval, ApprovalState
from bot.incident.classification import Classification, Question, Reply
from bot.incident.codec import decode, encode
from bot.incident.control_facts import (
    ActionAdded,
    ApprovalDecided,
    ApprovalFact,
    ApprovalLapsed,
    ApprovalRequested,
    ControlFact,
    EvidenceKept,
    ExitPlanned,
    ExitWaiting,
    MitigationAdjusted,
    MitigationConfirmed,
    MitigationDeclined,
    MitigationEscalated,
    MitigationLifting,
    MitigationNotLifted,
    MitigationStrayed,
    MitigationUncertain,
    MitigationWarned,
)
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import ExitPlan, Mitigation, MitigationState, Proof, Verdict
from bot.incident.model import FIRSTFIVE, Incident, IncidentKey, Person, Role, Status, Via
from bot.incident.remediation import (
    Evaluation,
    EvaluationAsked,
    RemediationEnded,
    RemediationFact,
    RemediationRefused,
    RemediationStarted,
    VersionEvaluated,
)
from bot.incident.taxonomy import Cause, IncidentClass, Severity


@dataclass(frozen=True, slots=True)
class Declared:
    """Somebody, or a monitor, said that something is wrong."""

    title: str
    agent: str
    environment: str
    severity: Severity
    harm_now: bool
    via: Via
    detection: str  # how it was noticed, in the declarer's words: "a user told us", "alert EvalDrop"
    test: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceFrozen:
    """Telemetry as of the declaration was snapshotted, with the classification it suggests."""

    snapshot: str
    sha256: str
    summary: tuple[str, ...]
    missing: tuple[str, ...]
    suggested: Classification | None


@dataclass(frozen=True, slots=True)
class Classified:
    """Responders set class, suspected cause and severity. A second one is a reclassification.

    It says what was set before and why it changed; ``before`` is None for the first one.
    """

    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    classification: Classification
    runbook: str = ""  # the edition of the class's runbook in use at that time
    before: IncidentClass | None = None
    before_cause: Cause | None = None
    before_severity: Severity | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """A responder answered a question of the tree; the last answer counts.

    ``telemetry`` and ``figure`` were beside it; ``asked`` is how the question read then.
    """

    question: Question
    reply: Reply
    telemetry: Reply | None = None
    figure: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class ClassDoubted:
    """A mitigation of the class did not show in time what it should: the class may be another one."""

    mitigation: str
    incident_class: IncidentClass
    detail: str


@dataclass(frozen=True, slots=True)
class StepTicked:
    """A step of a class's runbook was ticked, or unticked where not ``done``; ``text`` is how it read then."""

    incident_class: IncidentClass
    step: str
    text: str
    done: bool
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class OwnerInvited:
    """A private link to the classification was made for an owner of the agent; the link itself is kept nowhere."""

    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClassificationReminded:
    """Some minutes have passed without a class; there are still some left."""

    minutes: int


@dataclass(frozen=True, slots=True)
class ClassificationOverdue:
    """Five minutes have passed without a class."""

    minutes: int


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    """Impact was judged anew."""

    before: Severity
    after: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class RoleTaken:
    """A person took, or was given, a role."""

    role: Role
    person: Person


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """A note, typed or pinned from a message. ``source`` is "command", "pin", "cli" or "api"."""

    text: str
    source: str
    author: Person
    permalink: str | None = None


@dataclass(frozen=True, slots=True)
class UpdatePosted:
    """A status update for those who wait."""

    text: str


@dataclass(frozen=True, slots=True)
class MitigationApplied:
    """A lever was pulled. ``override`` holds the reason when it was contraindicated."""

    mitigation: Mitigation
    before: str
    after: str
    override: str | None = None
    warnings: tuple[str, ...] = ()  # what may keep it from working: a tool nobody has seen, an unknown agent


@dataclass(frozen=True, slots=True)
class MitigationRefused:
    """A lever was asked for and not pulled."""

    kind: MitigationKind
    why: str


@dataclass(frozen=True, slots=True)
class MitigationProven:
    """What proof there is of a mitigation, as of this moment; later ones replace earlier ones."""

    mitigation: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class MitigationExtended:
    """A mitigation got more time."""

    mitigation: str
    expires_at: datetime
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class MitigationHeld:
    """Its time is over and it stays in force: somebody must extend or undo it."""

    mitigation: str


@dataclass(frozen=True, slots=True)
class MitigationReverted:
    """A person undid it. ``alone`` is set when nobody else confirmed the riskier direction."""

    mitigation: str
    reason: str
    before: str
    after: str
    alone: bool = False
    approved_by: Person | None = None


@dataclass(frozen=True, slots=True)
class MitigationExpired:
    """Its time was over and it was lifted."""

    mitigation: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RoomStep:
    """One step of making the room: what, and ``None`` or what failed."""

    step: str
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class RoomPrepared:
    """The channel exists. Steps that failed were optional and are named."""

    channel_id: str
    channel_name: str
    steps: tuple[RoomStep, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Harm has ended. ``recovery`` says what telemetry shows; ``kept`` names controls that stay on."""

    summary: str
    recovery: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostmortemDrafted:
    """The draft was rendered and posted, with this many gaps left for people."""

    open_todos: int


@dataclass(frozen=True, slots=True)
class ReviewWritten:
    """People filled a section of the postmortem; the last text counts."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The postmortem was read and accepted."""

    comment: str


Fact: TypeAlias = (
    Declared
    | EvidenceFrozen
    | Classified
    | ClassificationOverdue
    | SeverityChanged
    | RoleTaken
    | NoteAdded
    | UpdatePosted
    | MitigationApplied
    | MitigationRefused
    | MitigationProven
    | MitigationExtended
    | MitigationHeld
    | MitigationReverted
    | MitigationExpired
    | RoomPrepared
    | Resolved
    | PostmortemDrafted
    | ReviewWritten
    | Reviewed
    | StepTicked
    | QuestionAnswered
    | ClassDoubted
    | ClassificationReminded
    | ControlFact
    | ApprovalFact
    | ActionAdded
    | OwnerInvited
    | RemediationStarted
    | RemediationRefused
    | RemediationEnded
    | EvaluationAsked
    | VersionEvaluated
)


def kind_of(fact: Fact | type) -> str:
    """The stored name of a fact: ``mitigation_applied``."""
    name = fact.__name__ if isinstance(fact, type) else type(fact).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


FACTS: Mapping[str, type] = {kind_of(fact): fact for fact in Fact.__args__}


def fact_to_json(fact: Fact) -> tuple[str, dict[str, Any]]:
    """The stored name and JSON body of a fact."""
    body: dict[str, Any] = encode(fact)
    return kind_of(fact), body


def fact_from_json(kind: str, body: Mapping[str, Any]) -> Fact:
    """The fact stored under ``kind``.

    Raises:
        ValueError: the kind is unknown or its body does not fit.
    """
    if kind not in FACTS:
        raise ValueError(f"unknown event kind {kind!r}")
    fact: Fact = decode(FACTS[kind], body)
    return fact


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a timeline. ``seq`` counts from 1 within its incident."""

    incident: IncidentKey
    seq: int
    at: datetime
    by: Person
    fact: Fact

    @property
    def id(self) -> str:
        """The name by which the postmortem cites it: ``INC-7#3``."""
        return f"{self.incident}#{self.seq}"


@dataclass(frozen=True, slots=True)
class MitigationStatus:
    """One mitigation with the latest proof of it."""

    mitigation: Mitigation
    proof: Proof | None = None
    ended_by: Person | None = None
    ended_at: datetime | None = None
    kept: EvidenceKept | None = None  # what was exported before it was applied
    escalated: MitigationEscalated | None = None
    strayed: MitigationStrayed | None = None  # what its control plane said else, until it is read back as in force
    waiting: str = ""  # what the next step of its exit plan waits for
    warnings: tuple[str, ...] = ()  # what may keep it from working
    first: Mapping[str, datetime] = field(
        default_factory=dict
    )  # "applied", "delivered", "observed" -> when first known


@dataclass(frozen=True, slots=True)
class RemediationStatus:
    """One remediation: who started it when, and how it ended."""

    fact: RemediationStarted
    by: Person
    at: datetime
    ended: RemediationEnded | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The last word on one step of a runbook: done or not, who said so, when, and how the step read then."""

    fact: StepTicked
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Replied:
    """The last answer to one question: who gave it, when, and what telemetry said beside it."""

    reply: Reply
    by: Person
    at: datetime
    telemetry: Reply | None = None
    figure: str = ""

    @property
    def differs(self) -> bool:
        """People and telemetry disagree."""
        return self.telemetry is not None and self.telemetry is not self.reply


@dataclass(frozen=True, slots=True)
class IncidentState:
    """An incident as its timeline tells it, up to the last event folded in."""

    incident: Incident
    severity: Severity
    status: Status = Status.DECLARED
    harm_now: bool = False
    suggested: Classification | None = None
    snapshot: str | None = None
    evidence_summary: tuple[str, ...] = ()
    evidence_missing: tuple[str, ...] = ()
    classified: Classified | None = None
    classified_at: datetime | None = None
    set_by: Person | None = None  # who set the class that stands, and when
    set_at: datetime | None = None
    overdue: bool = False
    roles: Mapping[Role, Person] = field(default_factory=dict)
    mitigations: Mapping[str, MitigationStatus] = field(default_factory=dict)
    channel_id: str | None = None
    channel_name: str | None = None
    room_steps: tuple[RoomStep, ...] = ()
    last_update: str | None = None
    resolved_at: datetime | None = None
    resolution: Resolved | None = None
    review: Mapping[str, str] = field(default_factory=dict)
    open_todos: int | None = None
    last_seq: int = 0
    ticks: Mapping[tuple[IncidentClass, str], Tick] = field(default_factory=dict)  # by class and step
    replies: Mapping[Question, Replied] = field(default_factory=dict)  # what responders answered, in any order
    approvals: Mapping[str, Approval] = field(default_factory=dict)  # by id, in the order in which they were asked
    actions: tuple[str, ...] = ()  # what is to be done after the incident
    remediations: Mapping[str, RemediationStatus] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)  # reported ones, the last of each version
    evaluations_asked: tuple[str, ...] = ()  # versions somebody wants evaluated
    doubt: ClassDoubted | None = None  # the question whether the class is right, until it is set anew

    @property
    def incident_class(self) -> IncidentClass | None:
        """The class responders set, or None."""
        return self.classified.incident_class if self.classified else None

    @property
    def cause(self) -> Cause | None:
        """The suspected cause responders set, or None."""
        return self.classified.cause if self.classified else None

    @property
    def remediation_unlocked(self) -> bool:
        """Class and suspected cause are set, and neither is unknown."""
        return self.incident_class not in {None, IncidentClass.UNKN} and self.cause not in {None, Cause.UNKNOWN}

    @property
    def live_mitigations(self) -> tuple[MitigationStatus, ...]:
        """Mitigations in force, oldest first."""
        return tuple(status for status in self.mitigations.values() if status.mitigation.state.is_live)

    @property
    def pending_approvals(self) -> tuple[Approval, ...]:
        """Questions to a second person that nobody has answered and a yes would still answer, oldest first."""
        return tuple(one for one in self.approvals.values() if one.is_pending and not self._is_moot(one))

    def _is_moot(self, approval: Approval) -> bool:
        """What it is about has ended, or was tightened since."""
        about = self.mitigations.get(approval.ask.mitigation)
        if about is None or approval.alone:
            return False
        m = about.mitigation
        return m.state.has_ended or approval.is_overtaken(m.kind, m.value)


def fold(incident: Incident, events: Iterable[Event]) -> IncidentState:
    """The state that ``events`` (in order, the declaration first) lead to."""
    state = IncidentState(incident=incident, severity=Severity.SEV3)
    for event in events:
        state = after(state, event)
    return state


def after(state: IncidentState, event: Event) -> IncidentState:
    """The state once ``event`` has happened."""
    state = replace(state, last_seq=event.seq)
    match event.fact:
        case Declared(severity=severity, harm_now=harm_now):
            return _declared(state, event, severity, harm_now=harm_now)
        case Classified() as fact:
            return _classified(state, fact, event)
        case SeverityChanged(after=severity):
            return replace(state, severity=severity)
        case RoleTaken(role=role, person=person):
            return replace(state, roles={**state.roles, role: person})
        case ClassificationOverdue():
            return replace(state, overdue=True)
        case QuestionAnswered() as fact:
            return _answered(state, fact, event)
        case ClassDoubted() as fact:
            return replace(state, doubt=fact)
        case UpdatePosted(text=text):
            return replace(state, last_update=text)
        case NoteAdded() | MitigationRefused() | ClassificationReminded() | OwnerInvited():
            return state
        case ApprovalRequested() | ApprovalDecided() | ApprovalLapsed() as fact:
            return replace(state, approvals=_asked(state.approvals, fact, event))
        case ActionAdded(text=text):
            return replace(state, actions=(*state.actions, text))
        case EvidenceFrozen() | RoomPrepared():
            return _prepared(state, event.fact)
        case (
            MitigationApplied()
            | MitigationProven()
            | MitigationExtended()
            | MitigationHeld()
            | MitigationReverted()
            | MitigationExpired()
        ):
            return _mitigated(state, event)
        case (
            MitigationConfirmed()
            | MitigationUncertain()
            | MitigationDeclined()
            | MitigationLifting()
            | MitigationNotLifted()
            | MitigationStrayed()
            | MitigationAdjusted()
            | MitigationWarned()
            | MitigationEscalated()
            | EvidenceKept()
            | ExitPlanned()
            | ExitWaiting()
        ):
            return _with(state, event.fact.mitigation, lambda status: _carried(status, event))
        case Resolved() | PostmortemDrafted() | ReviewWritten() | Reviewed():
            return _ended(state, event)
        case (
            RemediationStarted() | RemediationRefused() | RemediationEnded() | EvaluationAsked() | VersionEvaluated()
        ) as fact:
            return _remediated(state, fact, event)
        case StepTicked(incident_class=named, step=step) as fact:
            return replace(state, ticks={**state.ticks, (named, step): Tick(fact, event.by, event.at)})
        case other:
            assert_never(other)


def _prepared(state: IncidentState, fact: EvidenceFrozen | RoomPrepared) -> IncidentState:
    if isinstance(fact, RoomPrepared):
        return replace(state, channel_id=fact.channel_id, channel_name=fact.channel_name, room_steps=fact.steps)
    return replace(
        state,
        snapshot=fact.snapshot,
        evidence_summary=fact.summary,
        evidence_missing=fact.missing,
        suggested=fact.suggested,
    )


def _declared(state: IncidentState, event: Event, severity: Severity, *, harm_now: bool) -> IncidentState:
    """Harm at the declaration is the declarer's answer; without it the question is open."""
    told = {Question.HARM_NOW: Replied(Reply.YES, event.by, event.at)} if harm_now else {}
    return replace(state, severity=severity, harm_now=harm_now, replies=told)


def _answered(state: IncidentState, fact: QuestionAnswered, event: Event) -> IncidentState:
    given = Replied(fact.reply, event.by, event.at, fact.telemetry, fact.figure)
    harm = fact.question is Question.HARM_NOW and fact.reply is not Reply.CANT_TELL
    return replace(
        state,
        replies={**state.replies, fact.question: given},
        harm_now=fact.reply is Reply.YES if harm else state.harm_now,
    )


def _classified(state: IncidentState, fact: Classified, event: Event) -> IncidentState:
    climbed = Status.CLASSIFIED if state.status is Status.DECLARED else state.status
    if climbed is Status.CLASSIFIED and state.live_mitigations:
        climbed = Status.MITIGATED
    return replace(
        state,
        classified=fact,
        classified_at=state.classified_at or event.at,
        set_by=event.by,
        set_at=event.at,
        severity=fact.severity,
        status=climbed,
        overdue=False,
        doubt=None,
    )


def _mitigated(state: IncidentState, event: Event) -> IncidentState:
    match event.fact:
        case MitigationApplied(mitigation=mitigation, warnings=warnings):
            climbed = Status.MITIGATED if state.status is Status.CLASSIFIED else state.status
            first = {"applied": event.at} if mitigation.state is MitigationState.APPLIED else {}
            known = state.mitigations.get(mitigation.id, MitigationStatus(mitigation))
            status = replace(known, mitigation=mitigation, warnings=warnings)
            statuses = {**state.mitigations, mitigation.id: replace(status, first={**status.first, **first})}
            return replace(state, mitigations=statuses, status=climbed)
        case MitigationProven(mitigation=mid, proof=proof):
            return _with(state, mid, lambda s: _proven(s, proof, event.at))
        case MitigationExtended(mitigation=mid, expires_at=expires_at):
            return _with(state, mid, lambda s: replace(s, mitigation=_extended(s, expires_at)))
        case MitigationHeld(mitigation=mid):
            return _with(state, mid, lambda s: replace(s, mitigation=s.mitigation.moved(MitigationState.HELD)))
        case MitigationReverted(mitigation=mid):
            return _with(state, mid, lambda s: _over(s, event, MitigationState.REVERTED))
        case MitigationExpired(mitigation=mid):
            return _with(state, mid, lambda s: _over(s, event, MitigationState.EXPIRED))
        case _:
            return state


def _with(state: IncidentState, mid: str, change: Callable[[MitigationStatus], MitigationStatus]) -> IncidentState:
    """Change one mitigation that has not ended; what has ended stays ended, whatever arrives late."""
    if mid not in state.mitigations or state.mitigations[mid].mitigation.state.has_ended:
        return state
    return replace(state, mitigations={**state.mitigations, mid: change(state.mitigations[mid])})


def _proven(status: MitigationStatus, proof: Proof, at: datetime) -> MitigationStatus:
    seen = {
        "delivered": bool(proof.delivery.instances) and proof.delivery.reached >= proof.delivery.instances,
        "observed": proof.effect.verdict is Verdict.OBSERVED,
    }
    first = {**{name: at for name, known in seen.items() if known}, **status.first}
    if status.mitigation.state not in PROVABLE:  # a late proof decides nothing about its end
        return replace(status, proof=proof, first=first)
    return replace(status, proof=proof, first=first, mitigation=status.mitigation.moved(state_of(proof)))


PROVABLE = frozenset(
    {
        MitigationState.APPLIED,
        MitigationState.DELIVERED,
        MitigationState.OBSERVED,
        MitigationState.INEFFECTIVE,
        MitigationState.UNPROVEN,
    }
)


def _asked(
    approvals: Mapping[str, Approval], fact: ApprovalRequested | ApprovalDecided | ApprovalLapsed, event: Event
) -> Mapping[str, Approval]:
    if isinstance(fact, ApprovalRequested):
        return {**approvals, fact.approval.id: fact.approval}
    if fact.approval not in approvals or not approvals[fact.approval].is_pending:
        return approvals
    if isinstance(fact, ApprovalLapsed):
        decided = replace(approvals[fact.approval], state=ApprovalState.LAPSED)
    else:
        answer = ApprovalState.GRANTED if fact.granted else ApprovalState.REFUSED
        decided = replace(
            approvals[fact.approval], state=answer, decided_by=event.by, decided_at=event.at, note=fact.note
        )
    return {**approvals, fact.approval: decided}


def _carried(status: MitigationStatus, event: Event) -> MitigationStatus:
    """What a control plane, the clock or a plan did to one mitigation."""
    m = status.mitigation
    match event.fact:
        case MitigationConfirmed(at=at, requests=requests):
            applied = replace(m.in_force(at), requests=requests)
            return replace(status, mitigation=applied, proof=None, first={"applied": at}, strayed=None)
        case MitigationUncertain(why=why):
            return replace(status, mitigation=replace(m, uncertain=why))
        case MitigationDeclined(why=why):
            declined = replace(m, state=MitigationState.REFUSED, uncertain=why)
            return replace(status, mitigation=declined, ended_by=event.by, ended_at=event.at)
        case MitigationLifting():
            return replace(status, mitigation=replace(m, state=MitigationState.REVERTING, declined=""))
        case MitigationNotLifted(why=why):
            return replace(status, mitigation=replace(m, state=MitigationState.STILL_ON, declined=why, uncertain=""))
        case MitigationStrayed() as fact:
            told = m.moved(MitigationState.APPLYING) if fact.again else m
            return replace(status, mitigation=told, strayed=fact)
        case MitigationAdjusted(value=value):
            plan = _stepped(m.exit, value, event) if m.exit and event.by == FIRSTFIVE else None  # by hand ends the plan
            again = replace(m.applied_anew(event.at), value=value, state=MitigationState.APPLIED, exit=plan)
            again = replace(again, declined="")
            return replace(
                status, mitigation=again, proof=None, escalated=None, first={"applied": event.at}, waiting=""
            )
        case MitigationEscalated() as fact:
            return replace(status, escalated=fact)
        case EvidenceKept() as fact:
            return replace(status, kept=fact)
        case ExitPlanned(plan=plan):
            return replace(status, mitigation=replace(m, exit=plan), waiting="")
        case ExitWaiting(why=why):
            return replace(status, waiting=why)
        case _:
            return status


def _stepped(plan: ExitPlan, value: Value, event: Event) -> ExitPlan:
    """The plan with one step more taken, where the value is that step's; a change of ours may be a way back, too."""
    if plan.steps[plan.done : plan.done + 1] != (value,):
        return plan
    return replace(plan, done=plan.done + 1, stepped_at=event.at)


def _over(status: MitigationStatus, event: Event, state: MitigationState) -> MitigationStatus:
    return replace(status, mitigation=status.mitigation.moved(state), ended_by=event.by, ended_at=event.at)


def _extended(status: MitigationStatus, expires_at: datetime) -> Mitigation:
    mitigation = replace(status.mitigation, expires_at=expires_at, declined="")
    if mitigation.state not in {MitigationState.HELD, MitigationState.STILL_ON}:
        return mitigation
    return mitigation.moved(state_of(status.proof) if status.proof else MitigationState.APPLIED)


def state_of(proof: Proof) -> MitigationState:
    """The state a live mitigation is in, given its latest proof."""
    match proof.effect.verdict:
        case Verdict.OBSERVED:
            return MitigationState.OBSERVED
        case Verdict.INEFFECTIVE:
            return MitigationState.INEFFECTIVE
        case Verdict.UNPROVEN:
            return MitigationState.UNPROVEN
        case Verdict.WAITING:
            reached = proof.delivery.reached > 0 and proof.delivery.reached == proof.delivery.instances
            return MitigationState.DELIVERED if reached else MitigationState.APPLIED
        case other:
            assert_never(other)


def _remediated(state: IncidentState, fact: RemediationFact, event: Event) -> IncidentState:
    match fact:
        case RemediationStarted(remediation=name):
            return replace(
                state, remediations={**state.remediations, name: RemediationStatus(fact, event.by, event.at)}
            )
        case RemediationEnded(remediation=name) if name in state.remediations:
            ended = replace(state.remediations[name], ended=fact, ended_at=event.at)
            return replace(state, remediations={**state.remediations, name: ended})
        case VersionEvaluated(version=version, passed=passed, n=n):
            found = Evaluation(version, passed, n, event.at, event.by.name)
            return replace(state, evaluations={**state.evaluations, version: found})
        case EvaluationAsked(version=version):
            return replace(state, evaluations_asked=tuple(dict.fromkeys([*state.evaluations_asked, version])))
        case RemediationRefused() | RemediationEnded():
            return state
        case other:
            assert_never(other)


def _ended(state: IncidentState, event: Event) -> IncidentState:
    match event.fact:
        case Resolved() as fact:
            return replace(state, status=Status.RESOLVED, resolved_at=event.at, resolution=fact)
        case PostmortemDrafted(open_todos=open_todos):
            return replace(state, open_todos=open_todos)
        case ReviewWritten(section=section, text=text):
            return replace(state, review={**state.review, section: text})
        case Reviewed():
            return replace(state, status=Status.REVIEWED)
        case _:
            return state
