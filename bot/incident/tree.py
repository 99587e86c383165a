"""The decision tree: what is irreversible first, then what is loud, then what is quiet.

Telemetry answers each question beforehand; a responder's reply overrides it. An earlier
class whose signs are slight does not win over a later one that explains far more: its
question becomes "can't tell" and leaves a flag.
"""

import math
from collections.abc import Mapping

from bot.incident.cases import FEWEST_BASELINE, STRONG, THRESHOLDS, Case, cases_of, silent, strength
from bot.incident.causes import suspected_cause
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.evidence import Direction, EvidenceBundle
from bot.incident.severity import floor
from bot.incident.taxonomy import Confidence, IncidentClass
from bot.incident.wording import age, figure

FRACTION = 0.4  # of the strongest case: what an earlier class must reach; its own consequences may look stronger
TOO_OLD_SECONDS = 600.0
NEARBY = 0.5  # of the chosen case: a rival this strong leaves doubt
MINORITY = 0.5
SWAP_NEEDS = 2.0  # nats of worse answers beside a swapped model

_LOUD = (IncidentClass.PROV, IncidentClass.TOOL, IncidentClass.HARD)
_QUESTION_OF: dict[IncidentClass, Question] = {
    IncidentClass.SECU: Question.SECURITY,
    IncidentClass.ACTN: Question.ACTION,
    IncidentClass.BEHV: Question.BEHAVIOUR,
    IncidentClass.PROV: Question.PROVIDER,
    IncidentClass.TOOL: Question.ONE_TOOL,
    IncidentClass.LOOP: Question.LOOPING,
    IncidentClass.QUAL: Question.QUALITY,
}

BESIDE_ACTIONS = 0.6  # of the case for actions, where an attack explains the fewer of them

# nats from which a class that cannot be undone needs no comparison with later ones
STRONG_ENOUGH: dict[IncidentClass, float] = {IncidentClass.SECU: 9.0, IncidentClass.ACTN: 6.5, IncidentClass.BEHV: 10.0}
NEEDED: dict[IncidentClass, float] = {
    IncidentClass.SECU: 0.7,  # an attack leaves the rest flat
    IncidentClass.BEHV: 0.75,  # judges of policy err often
}
_TELLING: dict[IncidentClass, tuple[str, ...]] = {
    IncidentClass.SECU: ("security_hits", "new_destinations"),
    IncidentClass.ACTN: ("unapproved_writes", "write_share"),
    IncidentClass.BEHV: ("breaches",),
    IncidentClass.PROV: ("model_errors",),
    IncidentClass.TOOL: ("tool_errors",),
    IncidentClass.HARD: ("task_failures",),
    IncidentClass.LOOP: ("repeats",),
    IncidentClass.QUAL: ("quality", "probes"),
}

Cases = Mapping[IncidentClass, Case]
Answers = Mapping[Question, Answer]


def classify(bundle: EvidenceBundle, replies: Mapping[Question, Answer] | None = None) -> Classification:
    """The class, its reasons and what it is not. ``replies`` of responders override telemetry's answers."""
    replies = replies or {}
    cases = cases_of(bundle)
    measured = {answer.question: answer for answer in answers_from(bundle)}
    answers: dict[Question, Answer] = {question: replies.get(question, measured[question]) for question in Question}
    chosen = _walk(answers, bundle, asked=bool(replies))
    cause, why = suspected_cause(chosen, bundle)
    harm_now = answers[Question.HARM_NOW]
    lowest, reason = floor(chosen, bundle, harm_now=harm_now.reply is Reply.YES and harm_now.by != "telemetry")
    return Classification(
        incident_class=chosen,
        cause=cause,
        confidence=_confidence(chosen, answers, cases, bundle),
        severity_floor=lowest,
        floor_reason=reason,
        because=_because(chosen, answers, cases, why),
        rules_out=_rules_out(chosen, answers, cases, bundle),
        answers=tuple(answers[question] for question in Question),
        contributing=tuple(name for name, case in cases.items() if name is not chosen and case.stands),
        flags=_flags(answers, measured, bundle),
    )


def answers_from(bundle: EvidenceBundle) -> tuple[Answer, ...]:
    """Every question as telemetry answers it, in the order of the tree."""
    cases = cases_of(bundle)
    if _too_old(bundle):
        return _unknowable(bundle)
    fresh = _fresh(bundle)
    stale = fresh.reply is Reply.NO
    security = _security(cases, _apart(bundle), stale=stale)
    action, behaviour = (_asked(cases, name, stale=stale) for name in (IncidentClass.ACTN, IncidentClass.BEHV))
    quality = _quality(bundle, cases, stale=stale)
    return (
        fresh,
        _harm(security, action, stale=stale),
        security,
        action,
        behaviour,
        _loud(bundle, cases, stale=stale),
        _provider(bundle, cases, stale=stale),
        _one_tool(cases, stale=stale),
        _asked(cases, IncidentClass.LOOP, stale=stale),
        _loop_by_tool(bundle, stale=stale),
        quality,
        _model_changed(bundle, stale=stale),
    )


def _too_old(bundle: EvidenceBundle) -> bool:
    """Nothing arrives from anybody, and not just for a moment: even what was seen last says little about now."""
    newest = bundle.signal("span_age")
    return silent(bundle) and (newest is None or newest.value is None or newest.value > TOO_OLD_SECONDS)


def _unknowable(bundle: EvidenceBundle) -> tuple[Answer, ...]:
    fresh = _fresh(bundle)
    return tuple(
        fresh if question is Question.FRESH else Answer(question, Reply.CANT_TELL, "telemetry is stale")
        for question in Question
    )


def _walk(answers: Answers, bundle: EvidenceBundle, *, asked: bool) -> IncidentClass | None:
    """The ladder. Stale telemetry cannot prove that anything is flat, so it never ends in "nothing wrong"."""

    def yes(question: Question) -> bool:
        return answers[question].reply is Reply.YES

    if yes(Question.SECURITY):
        return IncidentClass.SECU
    if yes(Question.ACTION):
        return IncidentClass.ACTN
    if yes(Question.BEHAVIOUR):
        return IncidentClass.BEHV
    if yes(Question.LOUD):
        if yes(Question.PROVIDER):
            return IncidentClass.PROV
        return IncidentClass.TOOL if yes(Question.ONE_TOOL) else IncidentClass.HARD
    if yes(Question.LOOPING):
        return IncidentClass.TOOL if yes(Question.LOOP_BY_TOOL) else IncidentClass.LOOP
    if yes(Question.QUALITY):
        shared = yes(Question.MODEL_CHANGED) and (bool(bundle.also_affected) or not bundle.same_provider)
        return IncidentClass.PROV if shared else IncidentClass.QUAL
    stale = answers[Question.FRESH].reply is not Reply.YES
    return IncidentClass.UNKN if stale or asked else None


def _fresh(bundle: EvidenceBundle) -> Answer:
    """N0. Another agent's fresh spans show that the pipeline delivers: then this agent's silence is news, not doubt."""
    spans, scores, fleet = (bundle.signal(name) for name in ("span_age", "score_age", "fleet_age"))
    newest = spans.value if spans else None
    pipeline = bool(fleet and fleet.direction is Direction.FLAT)
    if newest is None:
        return Answer(Question.FRESH, Reply.NO, "no span of this agent in the last 90 min", ("span_age",))
    if spans and spans.direction is Direction.UP and not pipeline:
        return Answer(Question.FRESH, Reply.NO, f"the newest span came {age(newest)}", ("span_age",))
    if scores and scores.direction is Direction.UP:
        said = f"the newest score came {age(scores.value)}, so answers may be worse without a sign"
        return Answer(Question.FRESH, Reply.NO, said, ("score_age",))
    if spans and spans.direction is Direction.UP:
        said = f"the newest span came {age(newest)}, while other agents' spans arrive"
        return Answer(Question.FRESH, Reply.YES, said, ("span_age", "fleet_age"))
    last = f", the newest score {age(scores.value)}" if scores and scores.value is not None else ""
    return Answer(Question.FRESH, Reply.YES, f"the newest span came {age(newest)}{last}", ("span_age", "score_age"))


def _harm(security: Answer, action: Answer, *, stale: bool) -> Answer:
    """N1. Telemetry can only see signs of it; whether it is harm is for people to say."""
    signs = [answer for answer in (security, action) if answer.reply is Reply.YES]
    if signs:
        said = "; ".join(answer.because for answer in signs)
        traces = tuple(trace for answer in signs for trace in answer.trace_ids)
        return Answer(Question.HARM_NOW, Reply.YES, said, signs[0].signals, traces)
    if stale:
        return Answer(Question.HARM_NOW, Reply.CANT_TELL, "telemetry is stale")
    return Answer(Question.HARM_NOW, Reply.NO, "no sign of leaking data or of writes without approval")


def _asked(cases: Cases, name: IncidentClass, *, stale: bool) -> Answer:
    """The question that leads to one class."""
    return _answer(_QUESTION_OF[name], cases[name], _verdict(cases, name), stale=stale)


def _security(cases: Cases, apart: float, *, stale: bool) -> Answer:
    """N2. Odd writes are an attacker's only where an attack explains them."""
    verdict = _verdict(cases, IncidentClass.SECU, apart)
    return _answer(Question.SECURITY, cases[IncidentClass.SECU], verdict, stale=stale)


def _apart(bundle: EvidenceBundle) -> float:
    """How strong an attack must look beside odd writes, by how many of those it does not explain."""
    led = bundle.signal("led_actions")
    return BESIDE_ACTIONS if led and led.n and (led.k or 0) < MINORITY * led.n else 0.0


def _verdict(cases: Cases, name: IncidentClass, apart: float = 0.0) -> Reply:
    """Yes, no, or "can't tell" when the case stands but later classes explain far more."""
    case = cases[name]
    if not case.stands:
        return Reply.NO
    if name is IncidentClass.SECU and case.nats < apart * cases[IncidentClass.ACTN].nats:
        return Reply.CANT_TELL
    rivals = [other.nats for other in cases.values() if other.stands and _rival(case, other)]
    if case.nats >= STRONG_ENOUGH.get(name, math.inf) or case.nats >= NEEDED.get(name, FRACTION) * max(
        rivals, default=0.0
    ):
        return Reply.YES
    return Reply.CANT_TELL


def _rival(case: Case, other: Case) -> bool:
    """Another class explains the signs away, unless it is what an attacker does."""
    attack = case.incident_class is IncidentClass.SECU and other.incident_class is IncidentClass.ACTN
    return other.incident_class is not case.incident_class and not attack


def _answer(question: Question, case: Case, reply: Reply, *, stale: bool) -> Answer:
    if reply is Reply.NO and stale:
        return Answer(question, Reply.CANT_TELL, "telemetry is stale, so nothing counts as flat")
    said = "; ".join(case.because[:3])
    match reply:
        case Reply.YES:
            pass
        case Reply.CANT_TELL:
            said = f"{said}; slight beside what else is wrong"
        case Reply.NO:
            said = f"{said}; within the usual noise" if said else "nothing beyond the usual"
    return Answer(question, reply, said, case.signals, case.trace_ids)


def _loud(bundle: EvidenceBundle, cases: Cases, *, stale: bool) -> Answer:
    """N5. Failures of tasks, models or tools, or a collapse of volume; not tasks that loop into their limit."""
    loudest = max((cases[name] for name in _LOUD), key=lambda case: case.nats)
    verdict = _verdict(cases, loudest.incident_class)
    if verdict is Reply.YES and _worse_elsewhere(bundle, cases[IncidentClass.QUAL]) > loudest.nats:
        verdict = Reply.CANT_TELL
    failures = bundle.signal("task_failures")
    answer = _answer(Question.LOUD, loudest, verdict, stale=stale)
    if failures is None or failures.value is None or (stale and verdict is Reply.NO):
        return answer
    said = figure(failures) if verdict is Reply.NO else f"{figure(failures)}; {answer.because}"
    return Answer(Question.LOUD, verdict, said, ("task_failures", *answer.signals), answer.trace_ids)


def _worse_elsewhere(bundle: EvidenceBundle, quality: Case) -> float:
    """Nats for worse answers that no loud trouble explains: as far as tasks without any trouble show them too."""
    overall, elsewhere = (strength(bundle.signal(name)) for name in ("quality", "quality_elsewhere"))
    nats = quality.nats * min(1.0, max(0.0, elsewhere) / overall) if overall > 0 else 0.0
    return nats if nats >= THRESHOLDS[IncidentClass.QUAL] else 0.0


def _provider(bundle: EvidenceBundle, cases: Cases, *, stale: bool) -> Answer:
    """N5a. Model trouble that outweighs tool trouble; other agents on the provider confirm it."""
    case = cases[IncidentClass.PROV]
    answer = _answer(Question.PROVIDER, case, _among_loud(cases, IncidentClass.PROV), stale=stale)
    if answer.reply is not Reply.YES:
        return answer
    return Answer(
        Question.PROVIDER,
        Reply.YES,
        f"{answer.because}; {_company(bundle)}",
        answer.signals,
        answer.trace_ids,
    )


def _company(bundle: EvidenceBundle) -> str:
    """What other agents on the provider say."""
    if bundle.also_affected:
        return f"also affected on the same provider: {', '.join(bundle.also_affected)}"
    if bundle.same_provider:
        return f"not seen on the same provider: {', '.join(bundle.same_provider)}"
    return "no other agent uses this provider"


def _one_tool(cases: Cases, *, stale: bool) -> Answer:
    """N5b."""
    verdict = _among_loud(cases, IncidentClass.TOOL)
    return _answer(Question.ONE_TOOL, cases[IncidentClass.TOOL], verdict, stale=stale)


def _among_loud(cases: Cases, name: IncidentClass) -> Reply:
    """Failures have one explanation: the strongest of provider, tool and ourselves."""
    if not cases[name].stands:
        return Reply.NO
    return Reply.YES if cases[name].nats >= max(cases[rival].nats for rival in _LOUD) else Reply.CANT_TELL


def _loop_by_tool(bundle: EvidenceBundle, *, stale: bool) -> Answer:
    """N6a. Most repetition is of a call that fails or answers nothing."""
    plain, failing = bundle.signal("repeats"), bundle.signal("repeats_of_failing_tool")
    driven = (failing.k or 0) if failing else 0
    looping = driven + ((plain.k or 0) if plain else 0)
    if not looping:
        reply, said = (Reply.CANT_TELL, "telemetry is stale") if stale else (Reply.NO, "no task repeats itself")
        return Answer(Question.LOOP_BY_TOOL, reply, said)
    said = f"{driven} of {looping} repeating tasks repeat a call that fails"
    reply = Reply.YES if driven / looping > MINORITY else Reply.NO
    traces = failing.trace_ids if failing and reply is Reply.YES else ()
    return Answer(Question.LOOP_BY_TOOL, reply, said, ("repeats_of_failing_tool", "repeats"), traces)


def _quality(bundle: EvidenceBundle, cases: Cases, *, stale: bool) -> Answer:
    """N7. A swapped model lowers the bar: worse answers were then to be expected."""
    case = cases[IncidentClass.QUAL]
    verdict = _verdict(cases, IncidentClass.QUAL)
    if verdict is Reply.NO and case.nats >= SWAP_NEEDS and _swapped(bundle):
        verdict = Reply.YES
    if verdict is Reply.NO and not any(_measured(bundle, name) for name in ("quality", "probes", "feedback")):
        return Answer(Question.QUALITY, Reply.CANT_TELL, "no answer of this time has been judged")
    return _answer(Question.QUALITY, case, verdict, stale=stale)


def _measured(bundle: EvidenceBundle, name: str) -> bool:
    signal = bundle.signal(name)
    return signal is not None and signal.n > 0


def _swapped(bundle: EvidenceBundle) -> bool:
    return strength(bundle.signal("model_mismatch")) >= STRONG


def _model_changed(bundle: EvidenceBundle, *, stale: bool) -> Answer:
    """N7a."""
    signal = bundle.signal("model_mismatch")
    if signal is None or not signal.n:
        said = "telemetry does not say which model answers"
        return Answer(Question.MODEL_CHANGED, Reply.CANT_TELL, said)
    if _swapped(bundle):
        said = f"{figure(signal)}; {_company(bundle)}"
        return Answer(Question.MODEL_CHANGED, Reply.YES, said, (signal.name,), signal.trace_ids)
    if stale:
        return Answer(Question.MODEL_CHANGED, Reply.CANT_TELL, "telemetry is stale")
    return Answer(Question.MODEL_CHANGED, Reply.NO, figure(signal), (signal.name,))


def _confidence(chosen: IncidentClass | None, answers: Answers, cases: Cases, bundle: EvidenceBundle) -> Confidence:
    """High when the case is twice as strong as it must be and no other comes near it."""
    if chosen is None:
        return Confidence.HIGH if answers[Question.QUALITY].reply is Reply.NO else Confidence.MEDIUM
    if chosen is IncidentClass.UNKN:
        return Confidence.LOW
    case = cases[chosen]
    rivals = max((other.nats for other in cases.values() if other.incident_class is not chosen), default=0.0)
    alone = chosen is IncidentClass.PROV and not bundle.also_affected
    if not case.stands or answers[Question.FRESH].reply is not Reply.YES:
        return Confidence.LOW
    if case.nats >= 2 * THRESHOLDS[chosen] and rivals < NEARBY * case.nats and not alone:
        return Confidence.HIGH
    return Confidence.MEDIUM if rivals < case.nats and not alone else Confidence.LOW


def _because(chosen: IncidentClass | None, answers: Answers, cases: Cases, cause: str) -> tuple[str, ...]:
    """What the class rests on, the cause last."""
    if chosen is None:
        return ("telemetry is fresh and every signal is within its usual range",)
    if chosen is IncidentClass.UNKN:
        open_ends = [answer.because for answer in answers.values() if answer.reply is Reply.CANT_TELL]
        fresh = answers[Question.FRESH]
        first = (fresh.because,) if fresh.reply is not Reply.YES else ()
        return first + tuple(dict.fromkeys(open_ends))[:2] or ("no question was answered with yes",)
    said = list(cases[chosen].because)
    question = _QUESTION_OF.get(chosen, Question.LOUD)
    answer = answers[question]
    if answer.by != "telemetry" or not said:
        said.insert(0, answer.because)
    if chosen is IncidentClass.PROV:
        said.append(answers[Question.MODEL_CHANGED if not said else Question.PROVIDER].because.split("; ")[-1])
    return tuple(dict.fromkeys([*said, cause] if cause else said))


def _rules_out(chosen: IncidentClass | None, answers: Answers, cases: Cases, bundle: EvidenceBundle) -> tuple[str, ...]:
    """One sentence for each class that was considered and dropped."""
    if chosen is None:
        return ()
    stale = answers[Question.FRESH].reply is not Reply.YES
    return tuple(
        f"not {name.value}: {_why_not(case, bundle, stale=stale)}" for name, case in cases.items() if name is not chosen
    )


def _why_not(case: Case, bundle: EvidenceBundle, *, stale: bool) -> str:
    said = "; ".join(case.because[:2])
    if case.stands:
        return f"{said}, which follows from or is slight beside the main trouble"
    if said:
        return f"{said}, too little to tell from noise"
    if stale:
        return "cannot be ruled out while telemetry is stale"
    signal = next((one for name in _TELLING[case.incident_class] if (one := bundle.signal(name)) and one.n), None)
    return figure(signal) if signal else "no sign of it"


def _flags(answers: Answers, measured: Answers, bundle: EvidenceBundle) -> tuple[str, ...]:
    """What readers should know about the doubt in this result."""
    flags = [f"can't tell: {a.because}" for a in answers.values() if a.reply is Reply.CANT_TELL]
    flags += [
        f"{answer.by} says {answer.reply.value} to {question.value}, telemetry says {measured[question].reply.value}"
        for question, answer in answers.items()
        if answer.by != "telemetry" and answer.reply is not measured[question].reply
    ]
    flags += list(bundle.missing)
    failures = bundle.signal("task_failures")
    if failures and failures.n and failures.baseline_n < FEWEST_BASELINE:
        flags.append("no history to compare with: judged against a usual few percent")
    return tuple(dict.fromkeys(flags))
