"""Classify: a few questions with telemetry's answers, then class, cause and severity to confirm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.rules import Taxonomy
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.slack.blocks import Block, View, context, divider, modal, radio, section, select, text_input
from bot.slack.text import quote_untrusted, sentence
from bot.slack.views.declare import SEVERITY_WORDS
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata, text_of, too_long

QUESTION_CALLBACK: Final = "classify_questions"
SUMMARY_CALLBACK: Final = "classify_summary"
CLASS, CAUSE, SEVERITY, COMMENT = "incident_class", "cause", "class_severity", "class_comment"
COMMENT_CHARACTERS = 500
ON_ONE_SCREEN = 3
SHOWN_REASONS = 4

REPLY_WORDS: Final[Mapping[Reply, str]] = {Reply.YES: "yes", Reply.NO: "no", Reply.CANT_TELL: "can't tell"}
CAUSE_WORDS: Final[Mapping[Cause, str]] = {
    Cause.OUR_PROMPT: "Our prompt",
    Cause.OUR_CODE_OR_CONFIG: "Our code or configuration",
    Cause.MODEL_OR_PROVIDER: "Model or provider",
    Cause.TOOL_OR_API: "A tool or its API",
    Cause.DATA_OR_INDEX_OR_MEMORY: "Data, index or memory",
    Cause.TRAFFIC_MIX: "Other traffic than usual",
    Cause.ADVERSARY: "An adversary",
    Cause.UNKNOWN: "Unknown: remediation stays locked",
}


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """The replies that differ from telemetry's so far, and the screen they came from."""

    key: str
    replies: Mapping[Question, Reply]
    index: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class ClassifyForm:
    """What was confirmed. ``overrides`` are the replies in which people differ from telemetry."""

    key: str
    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    comment: str = ""
    overrides: Mapping[Question, Reply] = field(default_factory=dict)


def skeleton(key: str) -> View:
    """The dialog until telemetry's answers are there."""
    return loading(QUESTION_CALLBACK, f"Classify {key}", key, "Reading telemetry …")


def asked(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """The at most three answers worth a person's look: what carries the class, then what telemetry cannot tell.

    Whether telemetry is fresh is measured and not asked. The order of the tree is kept.
    """
    open_to_people = [answer for answer in answers if answer.question is not Question.FRESH]
    order = [Reply.YES, Reply.CANT_TELL, Reply.NO]
    # The last "yes" of the tree decided; an early "can't tell" outranks a late one.
    ranked = sorted(
        enumerate(open_to_people),
        key=lambda at: (order.index(at[1].reply), -at[0] if at[1].reply is not Reply.CANT_TELL else at[0]),
    )
    chosen = {answer.question for _, answer in ranked[:ON_ONE_SCREEN]}
    return tuple(answer for answer in open_to_people if answer.question in chosen)


def questions(
    key: str,
    answers: Sequence[Answer],
    taxonomy: Taxonomy,
    replies: Mapping[Question, Reply] | None = None,
    public_url: str = "",
) -> View:
    """One screen: the questions worth a look with telemetry's answers, the others in one summary.

    ``answers`` are all answers of the tree; ``replies`` what people said on an earlier screen.
    """
    said = replies or {}
    shown = asked(answers)
    blocks: list[Block] = [context("Telemetry has answered. Change what you know better; leave the rest.")]
    for at, answer in enumerate(shown, 1):
        count = f"Question {at} of {len(shown)}" if len(shown) > 1 else ""
        blocks += _ask(answer, taxonomy.asked(answer.question).ask, said.get(answer.question), count, public_url)
    others = [answer for answer in answers if answer not in shown]
    if others:
        blocks += [
            divider(),
            context("Answered by telemetry:\n" + "\n".join(_short(answer, taxonomy) for answer in others)),
        ]
    return modal(QUESTION_CALLBACK, f"Classify {key}", blocks, _about(key, shown, said, 1, 1), submit="Next")


def question(
    key: str,
    index: int,
    total: int,
    answer: Answer,
    wording: str,
    chosen: Reply | Mapping[Question, Reply] | None = None,
    public_url: str = "",
) -> View:
    """One question on a screen of its own. ``chosen`` is an earlier reply, or all earlier ones by question."""
    said = dict(chosen) if isinstance(chosen, Mapping) else ({answer.question: chosen} if chosen else {})
    blocks = _ask(
        answer,
        wording,
        said.get(answer.question),
        f"Question {index} of {total}",
        public_url,
    )
    return modal(QUESTION_CALLBACK, f"Classify {key}", blocks, _about(key, [answer], said, index, total), submit="Next")


def read_question(view: Mapping[str, Any]) -> QuestionForm:
    """The replies so far, this screen's included. An untouched question keeps telemetry's reply."""
    about = metadata(view)
    replies = _replies(about)
    for name, given in dict(about.get("t") or {}).items():
        chosen = choice_of(view, f"q_{name}")
        if chosen not in set(Reply):
            continue
        if chosen == given:
            replies.pop(Question(name), None)
        else:
            replies[Question(name)] = Reply(chosen)
    return QuestionForm(key_of(view), replies, int(about.get("i", 1)), int(about.get("o", 1)))


def summary(
    key: str,
    classification: Classification,
    taxonomy: Taxonomy,
    answers: Sequence[Answer] | None = None,
    do_not: Sequence[str] | None = None,
    rules_out: Sequence[str] | None = None,
    replies: Mapping[Question, Reply] | None = None,
    current: Severity | None = None,
) -> View:
    """The last screen: class, cause and severity to confirm, with reasons. Everything optional follows from the tree.

    ``current`` is the severity the incident has; the dialog does not suggest to lower it.
    """
    named = classification.incident_class or IncidentClass.UNKN
    facts = taxonomy.facts(named)
    floor = classification.severity_floor
    levels = [one for one in Severity if one.rank <= floor.rank]
    warnings = facts.do_not if do_not is None else do_not
    not_it = classification.rules_out if rules_out is None else rules_out
    said = replies or {}
    blocks = [
        section(_verdict(classification, named, taxonomy)),
        *([context(sentence(_joined(not_it, "; ")))] if not_it else []),
        *([context(_differing(said, taxonomy))] if said else []),
        select(
            CLASS, "Class", _classes(named, taxonomy), initial=named.value, placeholder=f"{named.value}: {facts.name}"
        ),
        _cause_input(classification.cause),
        _severity_input(floor, classification.floor_reason, levels, (current or floor).at_least(floor)),
        section(
            f"*Do not* (for {named.value})\n" + "\n".join(f"• {quote_untrusted(one, 300)}" for one in warnings[:6])
        ),
        text_input(COMMENT, "Why, in your words?", optional=True, limit=COMMENT_CHARACTERS),
        context(_unsure(answers if answers is not None else classification.answers, taxonomy)),
    ]
    about = {
        "k": key,
        "r": {one.value: reply.value for one, reply in said.items()},
        "s": floor.value,
    }
    return modal(SUMMARY_CALLBACK, f"Classify {key}", blocks, about, submit=f"Confirm {named.value}")


def read_summary(view: Mapping[str, Any]) -> ClassifyForm | InputErrors:
    """What was confirmed; untouched fields are as telemetry suggested."""
    named, cause, level = choice_of(view, CLASS), choice_of(view, CAUSE), choice_of(view, SEVERITY)
    comment = text_of(view, COMMENT)
    errors: InputErrors = {}
    if not named:
        errors[CLASS] = "Choose a class; UNKN when you are not sure."
    if cause not in set(Cause):
        errors[CAUSE] = "Choose a suspected cause, or Unknown."
    if level not in set(Severity):
        errors[SEVERITY] = "Choose a severity."
    if said := too_long(comment, COMMENT_CHARACTERS):
        errors[COMMENT] = said
    if errors:
        return errors
    return ClassifyForm(
        key_of(view), IncidentClass(named), Cause(cause), Severity(level), comment, _replies(metadata(view))
    )


def _ask(answer: Answer, wording: str, chosen: Reply | None, count: str, public_url: str) -> list[Block]:
    told = f"Telemetry says *{REPLY_WORDS[answer.reply]}*: {quote_untrusted(answer.because, 900)}"
    links = "  ".join(
        f"<{public_url}/traces/{trace}|trace {at}>"
        for at, trace in enumerate(answer.trace_ids[:5], 1)
        if public_url and trace.isalnum()
    )
    heading = f"{count}\n" if count else ""
    wanted = chosen or answer.reply
    asked_of = f"Your answer (untouched: {REPLY_WORDS[wanted]})"
    return [
        section(f"{heading}*{quote_untrusted(wording, 500)}*\n{told}" + (f"\nSee {links}" if links else "")),
        radio(
            f"q_{answer.question.value}",
            asked_of,
            [(reply.value, words) for reply, words in REPLY_WORDS.items()],
            initial=wanted.value,
        ),
    ]


def _about(key: str, shown: Sequence[Answer], said: Mapping[Question, Reply], index: int, total: int) -> dict[str, Any]:
    return {
        "k": key,
        "i": index,
        "o": total,
        "t": {answer.question.value: answer.reply.value for answer in shown},
        "r": {one.value: reply.value for one, reply in said.items()},
    }


def _replies(about: Mapping[str, Any]) -> dict[Question, Reply]:
    found = dict(about.get("r") or {})
    return {Question(q): Reply(r) for q, r in found.items() if r in set(Reply)}


def _short(answer: Answer, taxonomy: Taxonomy) -> str:
    return (
        f"• {taxonomy.asked(answer.question).ask} *{REPLY_WORDS[answer.reply]}*: {quote_untrusted(answer.because, 110)}"
    )


def _verdict(tree: Classification, named: IncidentClass, taxonomy: Taxonomy) -> str:
    facts = taxonomy.facts(named)
    if tree.incident_class is None:
        return (
            "*Nothing unusual in telemetry.* If people see trouble, choose what fits, or confirm UNKN and look closer."
        )
    because = "\n".join(f"• {quote_untrusted(one, 500)}" for one in tree.because[:SHOWN_REASONS])
    first = f"*{named.value}: {facts.name}* (confidence {tree.confidence.value})\n{facts.meaning}"
    also = f"\nAlso: {', '.join(one.value for one in tree.contributing)}" if tree.contributing else ""
    return f"{first}\n{because}{also}"


def _differing(said: Mapping[Question, Reply], taxonomy: Taxonomy) -> str:
    return "You changed: " + "; ".join(
        f"{taxonomy.asked(one).ask} *{REPLY_WORDS[reply]}*" for one, reply in said.items()
    )


def _unsure(answers: Sequence[Answer], taxonomy: Taxonomy) -> str:
    open_ones = [taxonomy.asked(answer.question).ask for answer in answers if answer.reply is Reply.CANT_TELL]
    if not open_ones:
        return "Not sure? Choose UNKN: it has its own runbook, and the class can be changed at any time."
    return "Can't tell yet: " + " ".join(open_ones) + " The class can be changed at any time."


def _classes(named: IncidentClass, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    rest = [one for one in taxonomy.classes if one is not named]
    return [(one.value, f"{one.value}: {taxonomy.facts(one).name}") for one in (named, *rest)]


def _cause_input(cause: Cause) -> Block:
    options = [(one.value, CAUSE_WORDS[one]) for one in (cause, *(other for other in Cause if other is not cause))]
    return select(CAUSE, "Suspected cause", options, initial=cause.value, placeholder=CAUSE_WORDS[cause])


def _severity_input(floor: Severity, reason: str, levels: Sequence[Severity], initial: Severity) -> Block:
    options = [(one.value, SEVERITY_WORDS[one]) for one in levels] or [(floor.value, SEVERITY_WORDS[floor])]
    why = f"Floor {floor.value}: {quote_untrusted(reason, 500)}. It can be raised, not lowered." if reason else ""
    return select(SEVERITY, "Severity", options, initial=initial.value, placeholder=SEVERITY_WORDS[initial], hint=why)


def _joined(sentences: Sequence[str], between: str) -> str:
    return between.join(quote_untrusted(one, 300).rstrip(".") for one in sentences[:6])
