"""One incident from its declaration to its review, as values, for tests of everything that reads a timeline."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.incident.approval import Approval, Ask, Loosening
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.evidence import (
    Change,
    ChangeKind,
    Direction,
    EvidenceBundle,
    Finding,
    FindingKind,
    Interval,
    Onset,
    Signal,
    SourceStatus,
    Unit,
    Window,
)
from bot.incident.facts.approving import ApprovalDecided, ApprovalLapsed, ApprovalRequested
from bot.incident.facts.classifying import (
    ClassDoubted,
    ClassificationOverdue,
    ClassificationReminded,
    Classified,
    OwnerInvited,
    QuestionAnswered,
    SeverityChanged,
    StepTicked,
)
from bot.incident.facts.closing import ActionAdded, PostmortemDrafted, Resolved, Reviewed, ReviewWritten
from bot.incident.facts.control import (
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
from bot.incident.facts.declaring import Declared, EvidenceFrozen, RoomPrepared, RoomStep
from bot.incident.facts.mitigating import (
    MitigationApplied,
    MitigationExpired,
    MitigationExtended,
    MitigationHeld,
    MitigationProven,
    MitigationRefused,
    MitigationReverted,
)
from bot.incident.facts.people import NoteAdded, RoleTaken, UpdatePosted
from bot.incident.folding import fold
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import ExitPlan, Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import FIRSTFIVE, Incident, IncidentKey, Person, Role, Via
from bot.incident.postmortem import Section
from bot.incident.proof import Delivery, Effect, Proof, ReadBack, Verdict
from bot.incident.remediation import (
    EvaluationAsked,
    Outcome,
    RemediationEnded,
    RemediationRefused,
    RemediationStarted,
    VersionEvaluated,
    Wish,
)
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity
from bot.incident.timeline import Event, Fact

ANA, BEN = Person("U01ANA", "Ana"), Person("U02BEN", "Ben")
KEY = IncidentKey("INC-7")
DECLARED_AT = datetime(2026, 11, 2, 14, 31, tzinfo=UTC)
NS = 1_000_000_000
TITLE = "Helpdesk answers are nonsense since lunch"


def ns(at: datetime) -> int:
    return int(at.timestamp()) * NS


def signal(
    name: str, label: str, k: int, n: int, before: tuple[int, int] | None, direction: Direction = Direction.UP
) -> Signal:
    baseline = before[0] / before[1] if before else None
    window = Window(ns(DECLARED_AT) - 600 * NS, ns(DECLARED_AT))
    return Signal(
        name=name,
        label=label,
        unit=Unit.SHARE,
        value=k / n,
        baseline=baseline,
        n=n,
        baseline_n=before[1] if before else 0,
        window=window,
        direction=direction,
        k=k,
        baseline_k=before[0] if before else None,
        interval=Interval(max(0.0, k / n - 0.1), min(1.0, k / n + 0.1)),
        fresh_seconds=12.0,
        trace_ids=("a" * 32,),
    )


def bundle() -> EvidenceBundle:
    """Evaluations down since 14:02; everything else as before; a prompt changed at 13:58."""
    at = ns(DECLARED_AT)
    silent = Signal(
        name="escalations",
        label="tasks handed to people",
        unit=Unit.SHARE,
        value=None,
        baseline=None,
        n=0,
        baseline_n=0,
        window=Window(at - 600 * NS, at),
        direction=Direction.UNKNOWN,
        note="no such attribute",
    )
    onset = ns(DECLARED_AT - timedelta(minutes=29))
    return EvidenceBundle(
        agent="helpdesk-agent",
        at_ns=at,
        window=Window(at - 600 * NS, at),
        baseline_window=Window(at - 5400 * NS, at - 1800 * NS),
        signals=(
            signal("quality", "answers were judged wrong", 18, 40, (8, 168)),
            signal("task_failures", "tasks failed", 1, 84, (2, 200), Direction.FLAT),
            silent,
        ),
        findings=(Finding(FindingKind.MODEL_MISMATCH, "a" * 32, ("b" * 16,), "asked gpt-x, answered gpt-x-mini"),),
        changes=(Change(ChangeKind.PROMPT_VERSION, "p-118", "p-119", onset - 240 * NS, 40, 40),),
        onset=Onset(onset, onset - 60 * NS, onset + 60 * NS, "quality"),
        sources=(SourceStatus("built-in", 84, 40), SourceStatus("other", 0, 0, "other did not answer")),
        also_affected=("field-agent",),
    )


def classification(incident_class: IncidentClass | None, because: str) -> Classification:
    return Classification(
        incident_class=incident_class,
        cause=Cause.OUR_PROMPT,
        confidence=Confidence.HIGH,
        severity_floor=Severity.SEV3,
        floor_reason="18 of 40 answers",
        because=(because, "errors, steps and tools are flat"),
        rules_out=("Not LOOP: no repeats in 50 traces",),
        answers=(Answer(Question.QUALITY, Reply.YES, because, ("quality",), ("a" * 32,)),),
        contributing=(IncidentClass.BEHV,),
        flags=("one source is missing",),
    )


def mitigation(mid: str = "m1", kind: MitigationKind = MitigationKind.TURN_LIMIT, limit: int | None = 6) -> Mitigation:
    at = DECLARED_AT + timedelta(minutes=5)
    return Mitigation(
        id=mid,
        kind=kind,
        agent="helpdesk-agent",
        scope=Scope(),
        value=True if limit is None else limit,
        reason="contain INC-7",
        incident=KEY,
        applied_by=ANA,
        applied_at=at,
        expires_at=at + timedelta(minutes=60),
        on_expiry=OnExpiry.REVERT,
    )


def proof(verdict: Verdict = Verdict.OBSERVED, k: int = 31, n: int = 31) -> Proof:
    detail = f"{k} of {n} tasks started since obey: at most 6 model turns a task"
    return Proof(
        ReadBack(confirmed=True, detail="agent.max_turns reads 6"), Delivery(2, 2, 0.4), Effect(verdict, k, n, detail)
    )


def declared(title: str = TITLE, detection: str = "a user told us", via: Via = Via.SLACK) -> Declared:
    return Declared(title, "helpdesk-agent", "production", Severity.SEV3, harm_now=False, via=via, detection=detection)


def approval(alone: str = "", action: Loosening = Loosening.REVERT) -> Approval:
    """Ben asks to undo the turn limit, or did it alone."""
    return Approval(
        id=f"INC-7-{'a' if alone else 'b'}123456789",
        incident=KEY,
        agent="helpdesk-agent",
        ask=Ask(action, "m4", "pass rate is back"),
        words="undo Turn limit 6 on helpdesk-agent",
        riskier="it lets the agent do more: turn limit 6 → no turn limit",
        asked_by=BEN,
        asked_at=DECLARED_AT,
        expires_at=DECLARED_AT + timedelta(minutes=30),
        alone=alone,
    )


CHANGES: tuple[tuple[Person, Fact], ...] = (
    (ANA, MitigationApplied(mitigation("m4").moved(MitigationState.APPLYING), "no control", "turn limit 6")),
    (ANA, EvidenceKept("m4", "s2", "0" * 64, 50, ("redis://memory",))),
    (FIRSTFIVE, MitigationUncertain("m4", "unleash did not answer within 2 s; the write may have happened")),
    (FIRSTFIVE, MitigationConfirmed("m4", DECLARED_AT, "unleash", "helpdesk.max_turns reads 6", ("42",))),
    (FIRSTFIVE, MitigationEscalated("m4", "3 of 9 tasks did not obey", (MitigationKind.DRAIN, MitigationKind.HALT))),
    (FIRSTFIVE, MitigationWarned("m4", DECLARED_AT + timedelta(hours=1))),
    (BEN, ApprovalRequested(approval())),
    (ANA, ApprovalDecided("INC-7-b123456789", granted=False, note="not yet")),
    (ANA, ExitPlanned("m4", ExitPlan((8, 15), 20), BEN)),
    (FIRSTFIVE, ExitWaiting("m4", "answers judged wrong: 12 of 40")),
    (FIRSTFIVE, MitigationAdjusted("m4", 6, 8, "step 1", "turn limit 6", "turn limit 8", BEN)),
    (BEN, ApprovalRequested(approval("nobody is awake"))),
    (BEN, MitigationLifting("m4", "pass rate is back")),
    (FIRSTFIVE, MitigationNotLifted("m4", "unleash", "the feature is protected")),
    (FIRSTFIVE, MitigationStrayed("m4", "unleash", "the feature is off", again=False)),
    (FIRSTFIVE, ApprovalLapsed("INC-7-a123456789")),
    (
        FIRSTFIVE,
        ActionAdded(
            "Find out why nobody could approve in time to undo Turn limit 6; it was done alone (nobody is awake)."
        ),
    ),
    (ANA, MitigationApplied(mitigation("m5").moved(MitigationState.APPLYING), "no control", "turn limit 6")),
    (FIRSTFIVE, MitigationDeclined("m5", "unleash declined: no such flag")),
    (BEN, MitigationReverted("m4", "pass rate is back", "turn limit 8", "no control", alone=True)),
)

BACK = Wish(RemediationKind.ROLLBACK, "p-118")

WHOLE: tuple[tuple[Person, Fact], ...] = (
    (BEN, declared()),
    (
        FIRSTFIVE,
        EvidenceFrozen(
            "s1",
            "0" * 64,
            ("18 of 40 answers were judged wrong",),
            ("other did not answer",),
            classification(IncidentClass.QUAL, "18 of 40 answers were judged wrong"),
        ),
    ),
    (
        FIRSTFIVE,
        RoomPrepared("C07", "inc-7-helpdesk-agent", (RoomStep("pin"), RoomStep("bookmark", "not allowed"))),
    ),
    (ANA, RoleTaken(Role.COMMANDER, ANA)),
    (FIRSTFIVE, ClassificationOverdue(5)),
    (
        ANA,
        Classified(
            IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV3, classification(IncidentClass.LOOP, "steps have grown")
        ),
    ),
    (ANA, MitigationRefused(MitigationKind.HALT, "Kill switch makes LOOP worse: a cap per task ends the loops")),
    (ANA, MitigationApplied(mitigation(), "no control", "turn limit 6")),
    (FIRSTFIVE, MitigationProven("m1", proof(Verdict.WAITING, 0, 0))),
    (FIRSTFIVE, MitigationProven("m1", proof())),
    (FIRSTFIVE, MitigationProven("m1", proof(Verdict.INEFFECTIVE, 30, 31))),
    (
        BEN,
        Classified(
            IncidentClass.QUAL,
            Cause.OUR_PROMPT,
            Severity.SEV2,
            classification(IncidentClass.QUAL, "18 of 40 answers were judged wrong"),
        ),
    ),
    (BEN, MitigationReverted("m1", "it is no loop", "turn limit 6", "no control")),
    (
        ANA,
        MitigationApplied(mitigation("m2", MitigationKind.HALT, None), "no control", "halted", "answers do harm"),
    ),
    (FIRSTFIVE, MitigationHeld("m2")),
    (ANA, MitigationExtended("m2", DECLARED_AT + timedelta(hours=2))),
    (ANA, MitigationApplied(mitigation("m3", limit=4), "halted", "halted, turn limit 4")),
    (FIRSTFIVE, MitigationExpired("m3", "halted, turn limit 4", "halted")),
    (ANA, MitigationReverted("m2", "pass rate is back", "halted", "no control", alone=True)),
    (BEN, NoteAdded("the new prompt dropped the policy page", "command", BEN)),
    (ANA, NoteAdded("it was fine before lunch", "pin", BEN, "https://chat.example.com/p1")),
    (ANA, UpdatePosted("We have limited the agent and are rolling the prompt back.")),
    (ANA, SeverityChanged(Severity.SEV2, Severity.SEV3, "few users saw it")),
    (ANA, Resolved("prompt p-118 is back", ("Telemetry shows nothing unusual any more.",), ())),
    (FIRSTFIVE, PostmortemDrafted(4)),
    *((BEN, ReviewWritten(section.value, f"What people say about {section.value}.")) for section in Section),
    (FIRSTFIVE, ClassificationReminded(3)),
    (ANA, OwnerInvited("@ben", DECLARED_AT + timedelta(hours=4))),
    (BEN, QuestionAnswered(Question.LOOPING, Reply.NO, Reply.YES, "steps have grown")),
    (FIRSTFIVE, ClassDoubted("m1", IncidentClass.LOOP, "30 of 31 tasks started since did not obey")),
    (BEN, StepTicked(IncidentClass.QUAL, "read-figure", "Read the figure, its n and its interval.", done=True)),
    (BEN, RemediationRefused(BACK, ("p-118 has no evaluation since 14:02 UTC",))),
    (BEN, EvaluationAsked("p-118")),
    (ANA, VersionEvaluated("p-118", 38, 40)),
    (BEN, RemediationStarted("r1", BACK, "p-119 is worse", ("p-118 passes 38 of 40 verdicts since 14:02 UTC",))),
    (BEN, RemediationEnded("r1", Outcome.WORKED, "answers are right again")),
    (ANA, Reviewed("read by both teams")),
    *CHANGES,
)


def told(facts: Iterable[tuple[Person, Fact]] = WHOLE) -> tuple[Event, ...]:
    """The facts as a timeline, a minute apart."""
    return tuple(
        Event(KEY, seq, DECLARED_AT + timedelta(minutes=seq - 1), by, fact)
        for seq, (by, fact) in enumerate(facts, start=1)
    )


def incident(title: str = TITLE) -> Incident:
    return Incident(7, title, "helpdesk-agent", "production", DECLARED_AT, BEN)


def state(events: Iterable[Event], title: str = TITLE) -> IncidentState:
    return fold(incident(title), events)
