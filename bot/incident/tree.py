"""The decision tree: what is irreversible first, then what is loud, then what is quiet.

Telemetry answers each question beforehand (``answering.py``); a responder's reply overrides it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.incident.answering import answers_from, company
from bot.incident.cases import Case
from bot.incident.causes import suspects_of
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.evidence import Direction, EvidenceBundle
from bot.incident.look import Look, look_at
from bot.incident.model import Impact
from bot.incident.rules import AnswerRule, Condition, QuestionFacts, QuestionRole, Taxonomy
from bot.incident.severity import UNKNOWN_IMPACT, floor
from bot.incident.strength import FEWEST_BASELINE
from bot.incident.taxonomy import Cause, Confidence, IncidentClass
from bot.incident.wording import figure

NEARBY = 0.5  # of the chosen case: a rival this strong leaves doubt

Answers = Mapping[Question, Answer]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the tree comes to: the class, the answers it rests on, and what telemetry alone would have answered."""

    chosen: IncidentClass | None
    answers: Answers
    measured: Answers


def classify(
    bundle: EvidenceBundle,
    taxonomy: Taxonomy,
    replies: Mapping[Question, Answer] | None = None,
    impact: Impact = UNKNOWN_IMPACT,
) -> Classification:
    """The class, its reasons and what it is not. ``replies`` of responders override telemetry's answers.

    ``impact`` is what the catalogue knows of the agent; it may raise the floor of the severity.
    """
    look = look_at(bundle, taxonomy)
    made = decide(look, replies or {})
    chosen, answers = made.chosen, made.answers
    suspects = suspects_of(chosen, bundle, taxonomy)
    lowest, reason = floor(chosen, bundle, taxonomy, impact, harm_now=_harm_said(answers, taxonomy))
    return Classification(
        incident_class=chosen,
        cause=suspects[0].cause if suspects else Cause.UNKNOWN,
        confidence=_confidence(chosen, answers, look),
        severity_floor=lowest,
        floor_reason=reason,
        because=_because(chosen, answers, look, suspects[0].because if suspects else ""),
        rules_out=_rules_out(chosen, answers, look),
        answers=tuple(answers.values()),
        contributing=tuple(name for name, case in look.cases.items() if name is not chosen and case.stands),
        flags=_flags(answers, made.measured, look),
        onset=bundle.onset if chosen else None,
        suspects=suspects,
    )


def decide(look: Look, replies: Mapping[Question, Answer]) -> Decision:
    """Only the class and the answers that lead to it."""
    measured = {answer.question: answer for answer in answers_from(look)}
    answers = {question: replies.get(question, answer) for question, answer in measured.items()}
    return Decision(_walk(answers, look, asked=bool(replies)), answers, measured)


def _harm_said(answers: Answers, taxonomy: Taxonomy) -> bool:
    """A person says that harm is happening; telemetry alone only sees signs of it."""
    told = (answer for name, answer in answers.items() if taxonomy.asked(name).role is QuestionRole.HARM)
    return any(answer.reply is Reply.YES and answer.by != "telemetry" for answer in told)


def _walk(answers: Answers, look: Look, *, asked: bool) -> IncidentClass | None:
    """The ladder. Stale telemetry cannot prove that anything is flat, so it never ends in "nothing wrong"."""
    for question in look.taxonomy.order:
        if answers[question].reply is Reply.YES and (found := _led(look.taxonomy.asked(question), answers, look)):
            return found
    return IncidentClass.UNKN if asked or not fresh(answers, look.taxonomy) else None


def _led(question: QuestionFacts, answers: Answers, look: Look) -> IncidentClass | None:
    """Where a yes leads: to the first narrower question that is answered yes too, else to its own class."""
    for narrower in (look.taxonomy.asked(name) for name in question.then):
        if answers[narrower.id].reply is Reply.YES and _holds(narrower.only_when, look.bundle):
            return _led(narrower, answers, look)
    return question.leads_to


def _holds(condition: Condition | None, bundle: EvidenceBundle) -> bool:
    match condition:
        case None:
            return True
        case Condition.SHARED_PROVIDER:
            return bool(bundle.also_affected) or not bundle.same_provider


def fresh(answers: Answers, taxonomy: Taxonomy) -> bool:
    """Telemetry is fresh, as far as telemetry and people say."""
    told = (answer for name, answer in answers.items() if taxonomy.asked(name).role is QuestionRole.FRESHNESS)
    return all(answer.reply is Reply.YES for answer in told)


def _confidence(chosen: IncidentClass | None, answers: Answers, look: Look) -> Confidence:
    """High when the case is twice as strong as it must be and no other comes near it."""
    if chosen is None:
        quiet = answers.get(Question.QUALITY)
        return Confidence.HIGH if quiet and quiet.reply is Reply.NO else Confidence.MEDIUM
    case = _basis(chosen, answers, look)
    if chosen is IncidentClass.UNKN or not case.stands or not fresh(answers, look.taxonomy):
        return Confidence.LOW
    ours = {chosen, case.incident_class}
    rivals = max((other.nats for other in look.cases.values() if other.incident_class not in ours), default=0.0)
    alone = chosen is IncidentClass.PROV and not look.bundle.also_affected
    if case.nats >= 2 * case.convincing and rivals < NEARBY * case.nats and not alone:
        return Confidence.HIGH
    return Confidence.MEDIUM if rivals < case.nats and not alone else Confidence.LOW


def _decided(chosen: IncidentClass, answers: Answers, taxonomy: Taxonomy) -> Question | None:
    """The question whose yes led to the class; the first that could have where none was answered so."""
    led = [one.id for one in taxonomy.questions.values() if one.leads_to is chosen]
    return next((name for name in led if answers[name].reply is Reply.YES), led[0] if led else None)


def _basis(chosen: IncidentClass, answers: Answers, look: Look) -> Case:
    """The case the class rests on; worse answers where another model is what makes them the provider's."""
    swapped = _decided(chosen, answers, look.taxonomy) is Question.MODEL_CHANGED
    return look.case(IncidentClass.QUAL if swapped else chosen)


def _because(chosen: IncidentClass | None, answers: Answers, look: Look, cause: str) -> tuple[str, ...]:
    """What the class rests on, the cause last."""
    if chosen is None:
        return ("telemetry is fresh, and no signal moved far enough for a class",)
    if chosen is IncidentClass.UNKN:
        open_ends = [answer.because for answer in answers.values() if answer.reply is Reply.CANT_TELL]
        stale = [answers[name].because for name in (Question.FRESH,) if not fresh(answers, look.taxonomy)]
        return _told_once((*stale, *_told_once(open_ends)[:2])) or ("no question was answered with yes",)
    question = _decided(chosen, answers, look.taxonomy)
    answer = answers[question] if question else None
    said = list(_basis(chosen, answers, look).because)
    if question is Question.MODEL_CHANGED and answer:
        said.insert(0, answer.because.split("; ")[0])  # whom else it concerns comes last
    if answer and (answer.by != "telemetry" or not said):
        said.insert(0, answer.because)
    if chosen is IncidentClass.PROV and not look.stale:
        said.append(company(look.bundle))
    return tuple(dict.fromkeys([*said, cause] if cause else said))


def _rules_out(chosen: IncidentClass | None, answers: Answers, look: Look) -> tuple[str, ...]:
    """One sentence for each class that was considered and dropped; what cannot be ruled out is not named."""
    if chosen is None:
        return ()
    stale = not fresh(answers, look.taxonomy)
    return tuple(
        f"not {name.value}: {_why_not(case, look)}"
        for name, case in look.cases.items()
        if name is not chosen and (not stale or case.because)
    )


def _why_not(case: Case, look: Look) -> str:
    said = "; ".join(case.because[:2])
    if case.stands or (said and _surely_moved(case, look)):
        return f"{said}, which follows from or is slight beside the main trouble"
    if said:
        return f"{said}, too little for it alone"
    telling = look.taxonomy.facts(case.incident_class).telling
    signal = next((one for name in telling if (one := look.bundle.signal(name)) and one.n), None)
    return figure(signal) if signal else "no sign of it"


def _surely_moved(case: Case, look: Look) -> bool:
    """A signal that speaks for it moved beyond doubt: then it is no noise, whatever else explains it."""
    told = (look.bundle.signal(name) for name in case.signals)
    return any(signal.direction in {Direction.UP, Direction.DOWN} for signal in told if signal)


def _flags(answers: Answers, measured: Answers, look: Look) -> tuple[str, ...]:
    """What readers should know about the doubt in this result."""
    flags = [f"can't tell: {a.because}" for a in answers.values() if _open(a, look.taxonomy)]
    flags += [
        f"{answer.by} says {answer.reply.value} to {question.value}, telemetry says {measured[question].reply.value}"
        for question, answer in answers.items()
        if answer.by != "telemetry" and answer.reply is not measured[question].reply
    ]
    flags += list(look.bundle.missing)
    failures = look.bundle.signal("task_failures")
    if failures and failures.n and failures.baseline_n < FEWEST_BASELINE:
        flags.append("no history to compare with: judged against a usual few percent")
    return _told_once(flags)


def _told_once(said: Iterable[str]) -> tuple[str, ...]:
    """The sentences without those that another one begins with: it says the same and more."""
    known = tuple(dict.fromkeys(said))
    return tuple(one for one in known if not any(other != one and other.startswith(one) for other in known))


def _open(answer: Answer, taxonomy: Taxonomy) -> bool:
    """Nobody can tell, where somebody should."""
    only_people = taxonomy.asked(answer.question).telemetry is AnswerRule.PEOPLE and answer.by == "telemetry"
    return answer.reply is Reply.CANT_TELL and not only_people
