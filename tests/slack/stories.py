"""Incidents at every stage, told as timelines, so that what Slack shows is tested on real folds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.incident.choices import Choices
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.direction import Direction
from bot.incident.evidence import EvidenceBundle, Window
from bot.incident.facts.classifying import ClassificationOverdue, Classified
from bot.incident.facts.closing import PostmortemDrafted, Resolved
from bot.incident.facts.declaring import Declared, EvidenceFrozen, RoomPrepared, RoomStep
from bot.incident.facts.mitigating import MitigationApplied, MitigationHeld, MitigationProven
from bot.incident.facts.people import NoteAdded, RoleTaken
from bot.incident.folding import fold
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, OnExpiry, Scope
from bot.incident.model import Incident, IncidentKey, Person, Role, Via
from bot.incident.offer import Offer, Standing
from bot.incident.preview import Preview
from bot.incident.proof import Delivery, Effect, Proof, ReadBack, Verdict
from bot.incident.questionnaire import Questionnaire, questionnaire
from bot.incident.reach import Reach, Sharing
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity
from bot.incident.timeline import Event, Fact
from tests.taxonomies import TAXONOMY

AT = datetime(2026, 11, 20, 3, 14, tzinfo=UTC)
ANA, BEN = Person("U0ANA", "ana"), Person("U0BEN", "ben")
URL = "http://127.0.0.1:8080"
TITLE = "Helpdesk answers are nonsense since lunch"

ANSWERS = (
    Answer(Question.FRESH, Reply.YES, "last task 4 s ago"),
    Answer(Question.SECURITY, Reply.NO, "no guardrail hit in 50 tasks"),
    Answer(Question.ACTION, Reply.CANT_TELL, "no approvals are reported"),
    Answer(Question.LOUD, Reply.NO, "task errors 1 of 50 = 2 %, was 1 % of 240"),
    Answer(Question.LOOPING, Reply.YES, "17 of 50 tasks at the cap = 34 %", trace_ids=("a" * 32,)),
    Answer(Question.LOOP_BY_TOOL, Reply.NO, "0 of 17 looping tasks hold a failing tool"),
)
LOOPS = Classification(
    incident_class=IncidentClass.LOOP,
    cause=Cause.OUR_PROMPT,
    confidence=Confidence.HIGH,
    severity_floor=Severity.SEV3,
    floor_reason="loops without writes",
    because=("17 of 50 tasks at the cap = 34 % (22-48), was 3 % of 240", "the prompt changed at 03:02"),
    rules_out=("not TOOL: no failing tool in the loops", "not PROV: another agent on the provider is fine"),
    answers=ANSWERS,
)
EVIDENCE = EvidenceBundle("helpdesk-agent", int(AT.timestamp() * 1e9), Window(0, 1), Window(0, 1))
RUNBOOK = Runbook(IncidentClass.LOOP, "Loop without progress", first_five=tuple(f"Step {n}" for n in range(5)))
OFFERS = (
    Offer(MitigationKind.TURN_LIMIT, 5, Standing.FITS, "looping tasks end at the cap", 17, 50),
    Offer(MitigationKind.HALT, True, Standing.CONTRAINDICATED, "a cap keeps the other tasks", 50, 50),
)
PREVIEWS = tuple(
    Preview(
        wanted=Mitigation(
            id="w" * 20,
            kind=offer.kind,
            agent="helpdesk-agent",
            scope=Scope(),
            value=offer.value,
            reason="",
            incident=IncidentKey("INC-7"),
            applied_by=ANA,
            applied_at=AT,
            expires_at=AT + timedelta(minutes=60),
            on_expiry=OnExpiry.REVERT,
        ),
        standing=offer.standing,
        why=offer.why,
        running=3,
        reaches=(Reach(1, 17, 50, 0.22, 0.48), Reach(24, 40, 900, 0.03, 0.06)),
        sessions=12,
        instances=14,
        stale=("helpdesk-7",),
        before="no control",
        after="turn limit 5",
        direction=Direction.SAFER,
        conflicts=("Turn limit 8 is in force for INC-3: it meets the same control, and the safer value wins.",),
        shared=(Sharing("field-agent", models=("orion-large-2",)),),
        warnings=("a warning",),
        plan=("Turn limit 5 is served.",),
        proof=("read back at once", "delivered to each instance"),
        undo="Undo ends it earlier.",
        refusal="It makes LOOP worse." if offer.standing is Standing.CONTRAINDICATED else "",
    )
    for offer in OFFERS
)
KNOWN = Choices(
    tools=("check_vpn_status", "search_kb"),
    models=("orion-large-2",),
    prompts=("p-118", "p-119"),
    scopes=(Scope(environment="production"), Scope(tenant="acme")),
)
PROOF = Proof(
    ReadBack(confirmed=True, detail="max_turns 5"),
    Delivery(2, 2, 0.4),
    Effect(Verdict.OBSERVED, 6, 6, "6 of 6 tasks started since obey: at most 5 model turns a task"),
)


def questions_of(state: IncidentState, words: str = "") -> Questionnaire:
    """The dialog of an incident whose telemetry says LOOP; with ``words``, every sentence of it is those."""
    answers = tuple(replace(one, because=words or one.because) for one in ANSWERS)
    sentences = (words,) * 9 if words else ()
    tree = replace(LOOPS, answers=answers, because=sentences or LOOPS.because, rules_out=sentences or LOOPS.rules_out)
    return questionnaire(state, EVIDENCE, answers, tree, TAXONOMY)


def asked(*facts: Fact) -> Questionnaire:
    """The same for a timeline of these facts."""
    return questions_of(told(*facts)[0])


def mitigation(number: int = 1, limit: int | None = 5) -> Mitigation:
    kind = MitigationKind.HALT if limit is None else MitigationKind.TURN_LIMIT
    return Mitigation(
        id=f"m{number:019}",
        kind=kind,
        agent="helpdesk-agent",
        scope=Scope(),
        value=True if limit is None else limit,
        reason="contain",
        incident=incident().key,
        applied_by=ANA,
        applied_at=AT + timedelta(minutes=3),
        expires_at=AT + timedelta(minutes=63),
        on_expiry=OnExpiry.REVERT,
    )


def incident(title: str = TITLE, agent: str = "helpdesk-agent") -> Incident:
    return Incident(7, title, agent, "production", AT, ANA)


def told(*facts: Fact, title: str = TITLE, agent: str = "helpdesk-agent") -> tuple[IncidentState, tuple[Event, ...]]:
    """A timeline of these facts, ten seconds apart, after the declaration, and its state."""
    opened = declared(title=title, agent=agent)
    about = replace(incident(title, agent))
    events = tuple(
        Event(about.key, seq, AT + timedelta(seconds=10 * (seq - 1)), ANA, fact)
        for seq, fact in enumerate((opened, *facts) if not _declares(facts) else facts, 1)
    )
    return fold(about, events), events


def declared(
    *, title: str = TITLE, agent: str = "helpdesk-agent", harm_now: bool = False, detection: str = "a user told us"
) -> Declared:
    return Declared(title, agent, "production", Severity.SEV3, harm_now, Via.SLACK, detection)


def _declares(facts: tuple[Fact, ...]) -> bool:
    return bool(facts) and isinstance(facts[0], Declared)


FROZEN = EvidenceFrozen(
    "s1",
    "0" * 64,
    ("Tasks at the cap 17 of 50 = 34 % (22-48), was 3 % of 240", "Task errors 1 of 50 = 2 %, was 1 % of 240"),
    ("Langfuse: no answer in 2 s",),
    LOOPS,
)
ROOM = RoomPrepared("C0INC7", "inc-7-helpdesk-agent", (RoomStep("invite", "unknown_method"), RoomStep("topic")))
CLASSIFIED = Classified(IncidentClass.LOOP, Cause.OUR_PROMPT, Severity.SEV2, LOOPS)
APPLIED = MitigationApplied(mitigation(), "no control", "turn limit 5")
PROVEN = MitigationProven(mitigation().id, PROOF)
RESOLVED = Resolved("The loop ended with turn limit 5", ("Telemetry shows nothing unusual any more.",), ())

STAGES: dict[str, tuple[Fact, ...]] = {
    "just declared": (),
    "harm now": (declared(harm_now=True),),
    "evidence there": (FROZEN, ROOM),
    "overdue": (FROZEN, ROOM, ClassificationOverdue(5)),
    "classified": (FROZEN, ROOM, CLASSIFIED, RoleTaken(Role.COMMANDER, BEN)),
    "mitigated": (FROZEN, ROOM, CLASSIFIED, APPLIED, PROVEN),
    "held": (FROZEN, ROOM, CLASSIFIED, APPLIED, PROVEN, MitigationHeld(mitigation().id)),
    "five controls": (
        FROZEN,
        ROOM,
        CLASSIFIED,
        *(MitigationApplied(mitigation(n, n + 3), "no control", f"turn limit {n + 3}") for n in range(1, 6)),
    ),
    "resolved": (
        FROZEN,
        ROOM,
        CLASSIFIED,
        APPLIED,
        PROVEN,
        NoteAdded("ok", "pin", BEN),
        RESOLVED,
        PostmortemDrafted(3),
    ),
}
