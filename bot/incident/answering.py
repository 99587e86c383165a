"""How telemetry answers the questions of the tree. A responder's reply overrides it later.

An earlier class whose signs are slight does not win over a later one that explains far more: its
question becomes "can't tell" and leaves a flag. Stale telemetry never answers "no".
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.incident.cases import Case
from bot.incident.classification import Answer, Question, Reply
from bot.incident.evidence import EvidenceBundle
from bot.incident.look import Look, verdict
from bot.incident.rules import AnswerRule, QuestionFacts, QuestionRole, Taxonomy
from bot.incident.staleness import STALE, freshness_of, too_old
from bot.incident.strength import strength
from bot.incident.taxonomy import IncidentClass
from bot.incident.wording import figure

MINORITY = 0.5
STRONG = 10.0  # nats that leave no doubt
SWAP_NEEDS = 1.0  # nats of worse answers beside a swapped model
BESIDE_ACTIONS = 0.6  # of the case for actions, where an attack explains the fewer of them


def answers_from(look: Look) -> tuple[Answer, ...]:
    """Every question as telemetry answers it, in the order in which they are asked."""
    if too_old(look.bundle):
        return tuple(_unknowable(facts, look.bundle) for facts in look.taxonomy.questions.values())
    told = {one.id: answer(one, look) for one in look.taxonomy.questions.values() if one.role is not QuestionRole.HARM}
    signs = tuple(told[name] for name in told if _leads_to_harm(name, look.taxonomy))
    return tuple(
        told[one.id] if one.id in told else _harm(one.id, signs, look) for one in look.taxonomy.questions.values()
    )


def answer(question: QuestionFacts, look: Look) -> Answer:
    """One question, other than whether harm is happening, as telemetry answers it."""
    return _RULES[question.telemetry](question, look)


def _leads_to_harm(question: Question, taxonomy: Taxonomy) -> bool:
    """A yes is a sign of harm that cannot be taken back."""
    named = taxonomy.asked(question).leads_to
    return named is not None and taxonomy.facts(named).irreversible


def _unknowable(question: QuestionFacts, bundle: EvidenceBundle) -> Answer:
    if question.role is QuestionRole.FRESHNESS:
        return freshness_of(question.id, bundle)
    return Answer(question.id, Reply.CANT_TELL, STALE)


def _freshness(question: QuestionFacts, look: Look) -> Answer:
    return freshness_of(question.id, look.bundle)


def _harm(question: Question, told: tuple[Answer, ...], look: Look) -> Answer:
    """N1. Telemetry can only see signs of it; whether it is harm is for people to say."""
    signs = [one for one in told if one.reply is Reply.YES]
    if signs:
        said = "; ".join(one.because for one in signs)
        traces = tuple(trace for one in signs for trace in one.trace_ids)
        return Answer(question, Reply.YES, said, signs[0].signals, traces)
    if look.stale:
        return Answer(question, Reply.CANT_TELL, STALE)
    return Answer(question, Reply.NO, "no sign of leaking data or of writes without approval")


def _people(question: QuestionFacts, look: Look) -> Answer:
    del look
    return Answer(question.id, Reply.CANT_TELL, "telemetry does not measure this")


def _of_case(question: QuestionFacts, look: Look) -> Answer:
    """The question that leads to one class."""
    if question.leads_to is None or question.leads_to not in look.cases:
        return _people(question, look)
    return _said(question.id, look.case(question.leads_to), verdict(look, question.leads_to), look)


def _security(question: QuestionFacts, look: Look) -> Answer:
    """N2. Odd writes are an attacker's only where an attack explains them."""
    named = question.leads_to or IncidentClass.SECU
    return _said(question.id, look.case(named), verdict(look, named, _apart(look.bundle)), look)


def _apart(bundle: EvidenceBundle) -> float:
    """How strong an attack must look beside odd writes, by how many of those it does not explain."""
    led = bundle.signal("led_actions")
    return BESIDE_ACTIONS if led and led.n and (led.k or 0) < MINORITY * led.n else 0.0


def _said(question: Question, case: Case, reply: Reply, look: Look) -> Answer:
    if reply is Reply.NO and look.stale:
        return Answer(question, Reply.CANT_TELL, f"{STALE}, so nothing counts as flat")
    said = "; ".join(case.because[:3])
    match reply:
        case Reply.YES:
            pass
        case Reply.CANT_TELL:
            said = f"{said}; slight beside what else is wrong"
        case Reply.NO:
            said = f"{said}; within the usual noise" if said else "nothing beyond the usual"
    return Answer(question, reply, said, case.signals, case.trace_ids)


def _loudest(question: QuestionFacts, look: Look) -> Answer:
    """N5. Failures of tasks, models or tools, or a collapse of volume; not tasks that loop into their limit."""
    loudest = max((look.case(name) for name in look.taxonomy.group(question.id)), key=lambda case: case.nats)
    reply = verdict(look, loudest.incident_class)
    if reply is Reply.YES and _worse_elsewhere(look) > loudest.nats:
        reply = Reply.CANT_TELL
    failures = look.bundle.signal("task_failures")
    told = _said(question.id, loudest, reply, look)
    if failures is None or failures.value is None or (look.stale and reply is Reply.NO):
        return told
    said = figure(failures) if reply is Reply.NO else f"{figure(failures)}; {told.because}"
    return Answer(question.id, reply, said, ("task_failures", *told.signals), told.trace_ids)


def _worse_elsewhere(look: Look) -> float:
    """Nats for worse answers that no loud trouble explains: as far as tasks without any trouble show them too."""
    quality = look.case(IncidentClass.QUAL)
    overall, elsewhere = (strength(look.bundle.signal(name)) for name in ("quality", "quality_elsewhere"))
    nats = quality.nats * min(1.0, max(0.0, elsewhere) / overall) if overall > 0 else 0.0
    return nats if nats >= quality.convincing else 0.0


def _provider(question: QuestionFacts, look: Look) -> Answer:
    """N5a. Model trouble that outweighs tool trouble; other agents on the provider confirm it."""
    told = _strongest(question, look)
    if told.reply is not Reply.YES:
        return told
    return replace(told, because=f"{told.because}; {company(look.bundle)}")


def company(bundle: EvidenceBundle) -> str:
    """What other agents on the provider say."""
    if bundle.also_affected:
        return f"also affected on the same provider: {', '.join(bundle.also_affected)}"
    if bundle.same_provider:
        return f"not seen on the same provider: {', '.join(bundle.same_provider)}"
    return "no other agent uses this provider"


def _strongest(question: QuestionFacts, look: Look) -> Answer:
    """N5b. Failures have one explanation: the strongest of those asked about together."""
    case = look.case(question.leads_to)
    rivals = max(look.case(name).nats for name in look.taxonomy.group(question.id))
    reply = Reply.NO if not case.stands else Reply.YES if case.nats >= rivals else Reply.CANT_TELL
    return _said(question.id, case, reply, look)


def _repeats(question: QuestionFacts, look: Look) -> Answer:
    """N6a. Most repetition is of a call that fails or answers nothing."""
    plain, failing = look.bundle.signal("repeats"), look.bundle.signal("repeats_of_failing_tool")
    driven = (failing.k or 0) if failing else 0
    looping = driven + ((plain.k or 0) if plain else 0)
    if not looping:
        reply, said = (Reply.CANT_TELL, STALE) if look.stale else (Reply.NO, "no task repeats itself")
        return Answer(question.id, reply, said)
    said = f"{driven} of {looping} repeating tasks repeat a call that fails"
    no = Reply.CANT_TELL if look.stale else Reply.NO
    reply = Reply.YES if driven / looping > MINORITY else no
    traces = failing.trace_ids if failing and reply is Reply.YES else ()
    return Answer(question.id, reply, said, ("repeats_of_failing_tool", "repeats"), traces)


def _quality(question: QuestionFacts, look: Look) -> Answer:
    """N7. A swapped model lowers the bar: worse answers were then to be expected."""
    named = question.leads_to or IncidentClass.QUAL
    case, reply = look.case(named), verdict(look, named)
    if reply is Reply.NO and case.nats >= SWAP_NEEDS and _swapped(look.bundle):
        reply = Reply.YES
    if reply is Reply.NO and not any(_measured(look.bundle, name) for name in ("quality", "probes", "feedback")):
        return Answer(question.id, Reply.CANT_TELL, "no answer of this time has been judged")
    return _said(question.id, case, reply, look)


def _measured(bundle: EvidenceBundle, name: str) -> bool:
    signal = bundle.signal(name)
    return signal is not None and signal.n > 0


def _swapped(bundle: EvidenceBundle) -> bool:
    return strength(bundle.signal("model_mismatch")) >= STRONG


def _model(question: QuestionFacts, look: Look) -> Answer:
    """N7a."""
    signal = look.bundle.signal("model_mismatch")
    if signal is None or not signal.n:
        said = "telemetry does not say which model answers"
        return Answer(question.id, Reply.CANT_TELL, said)
    if _swapped(look.bundle):
        said = f"{figure(signal)}; {company(look.bundle)}"
        return Answer(question.id, Reply.YES, said, (signal.name,), signal.trace_ids)
    if look.stale:
        return Answer(question.id, Reply.CANT_TELL, STALE)
    return Answer(question.id, Reply.NO, figure(signal), (signal.name,))


_RULES: Mapping[AnswerRule, Callable[[QuestionFacts, Look], Answer]] = {
    AnswerRule.CASE: _of_case,
    AnswerRule.PEOPLE: _people,
    AnswerRule.STRONGEST: _strongest,
    AnswerRule.LOUDEST: _loudest,
    AnswerRule.FRESHNESS: _freshness,
    AnswerRule.HARM: _people,  # answered from the answers of the others
    AnswerRule.SECURITY: _security,
    AnswerRule.PROVIDER: _provider,
    AnswerRule.REPEATS: _repeats,
    AnswerRule.QUALITY: _quality,
    AnswerRule.MODEL: _model,
}
