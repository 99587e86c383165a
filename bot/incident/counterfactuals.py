"""What would change the tree's mind: which other answer, or which figure of which signal, leads to which class.

Nothing is estimated: each one is tried, by deciding again with that one thing changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.incident.asking import path
from bot.incident.classification import Answer, Classification, Question, Reply, WouldChange
from bot.incident.evidence import EvidenceBundle, Signal
from bot.incident.look import look_at
from bot.incident.model import Impact
from bot.incident.quantities import percent
from bot.incident.rules import QuestionRole, Taxonomy
from bot.incident.severity import UNKNOWN_IMPACT
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify, decide

FEWEST = 5  # observations below which a figure that would matter is no figure


def would_change(
    bundle: EvidenceBundle, taxonomy: Taxonomy, replies: Mapping[Question, Answer] | None = None
) -> tuple[WouldChange, ...]:
    """Answers first, in the order of the tree; then one signal for each class, where one alone is enough."""
    told = dict(replies or {})
    now = decide(look_at(bundle, taxonomy), told)
    return (
        *_other_answers(bundle, taxonomy, told, now.chosen),
        *_other_figures(bundle, taxonomy, told, now.chosen),
    )


def _other_answers(
    bundle: EvidenceBundle, taxonomy: Taxonomy, told: Mapping[Question, Answer], chosen: IncidentClass | None
) -> Iterator[WouldChange]:
    """Each question on the way, answered the other way round."""
    look = look_at(bundle, taxonomy)
    answers = decide(look, told).answers
    for question in path({name: answer.reply for name, answer in answers.items()}, taxonomy):
        if taxonomy.asked(question).role is not QuestionRole.CLASS:
            continue  # it decides about containment, not about the class
        before = answers[question].reply
        for reply in (Reply.YES, Reply.NO):
            if reply is before:
                continue
            found = decide(look, {**told, question: Answer(question, reply, "", by="people")}).chosen
            if found is not chosen and not (chosen is None and reply is Reply.NO):
                words = taxonomy.asked(question).title
                text = f"{_named(found)} if people answer {reply.value} to: {words}"
                yield WouldChange(found, text, question, reply)


def _other_figures(
    bundle: EvidenceBundle, taxonomy: Taxonomy, told: Mapping[Question, Answer], chosen: IncidentClass | None
) -> Iterator[WouldChange]:
    for facts in taxonomy.classes.values():
        for signal in _signs(bundle, taxonomy, facts.id):
            wanted = facts.id is not chosen
            found = _crossing(bundle, taxonomy, told, signal, facts.id, chosen, up=wanted)
            if found is not None:
                yield found
                break


def _signs(bundle: EvidenceBundle, taxonomy: Taxonomy, name: IncidentClass) -> Iterator[Signal]:
    """The shares that speak for a class and were observed often enough."""
    case = taxonomy.facts(name).case
    for sign in case.signs if case else ():
        signal = bundle.signal(sign.name)
        if signal is not None and signal.k is not None and signal.n >= FEWEST:
            yield signal


def _crossing(
    bundle: EvidenceBundle,
    taxonomy: Taxonomy,
    told: Mapping[Question, Answer],
    signal: Signal,
    name: IncidentClass,
    chosen: IncidentClass | None,
    *,
    up: bool,
) -> WouldChange | None:
    """The nearest count of the signal at which the class is ``name`` (``up``) or is no longer."""
    at, far = signal.k or 0, signal.n if up else 0

    def there(k: int) -> IncidentClass | None:
        return decide(look_at(_with(bundle, signal, k), taxonomy), told).chosen

    if (there(far) is name) is not up:
        return None
    while abs(far - at) > 1:
        middle = (at + far) // 2
        if (there(middle) is name) is up:
            far = middle
        else:
            at = middle
    found = there(far)
    if found is chosen:
        return None
    text = f"{_named(found)} if {far} of {signal.n} {signal.label} ({percent(far / signal.n)}, now {signal.k})"
    return WouldChange(found, text, signal=signal.name, value=far / signal.n)


def _with(bundle: EvidenceBundle, signal: Signal, k: int) -> EvidenceBundle:
    changed = replace(signal, k=k, value=k / signal.n)
    return replace(bundle, signals=tuple(changed if one.name == signal.name else one for one in bundle.signals))


def _named(found: IncidentClass | None) -> str:
    return found.value if found else "nothing wrong"


def explained(
    bundle: EvidenceBundle, taxonomy: Taxonomy, replies: Mapping[Question, Answer], impact: Impact = UNKNOWN_IMPACT
) -> Classification:
    """The classification with what would change it."""
    said = classify(bundle, taxonomy, replies, impact)
    return replace(said, would_change=would_change(bundle, taxonomy, replies))
