"""Classify, the last screen: class, suspected cause and severity with their reasons, and what not to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.classification import Answer, Question, Reply
from bot.incident.narration import reply_word
from bot.incident.questionnaire import Questionnaire
from bot.incident.rules import ClassFacts, QuestionRole
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.slack.blocks import Block, Option, View, actions, button, context, modal, section, select, text_input
from bot.slack.text import bold_untrusted, date_token, quote_untrusted, sentence, who
from bot.slack.views.declare import SEVERITY_WORDS
from bot.slack.views.question import answers_so_far
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata, text_of, too_long

CALLBACK: Final = "classify_verdict"
CLASS, CAUSE, SEVERITY, COMMENT, LOOK = "incident_class", "cause", "class_severity", "class_comment", "look_again"
COMMENT_CHARACTERS = 500
SHOWN_REASONS = 4
SHOWN_WARNINGS = 6
SHOWN_CHANGES = 2
RULED_OUT = 130  # characters for each class that it is not
KEEP = "keep"

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
class Verdict:
    """What was submitted. ``shown`` is the class the button named; ``look`` a question to go back to.

    ``raisable`` says that nobody chose the severity, so that it follows its floor. ``seen`` is the moment since which the class stood that the screen showed as set, as text; empty for none.
    """

    key: str
    shown: IncidentClass
    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    comment: str
    look: Question | None
    seen: str
    declared: bool
    raisable: bool = True


def dialog(
    asked: Questionnaire,
    named: IncidentClass | None = None,
    warnings: Sequence[str] = (),
    *,
    news: str = "",
    comment: str = "",
    declared: bool = False,
) -> View:
    """The screen for ``named``, by default the class that telemetry and the answers lead to.

    ``warnings`` are what its runbook says not to do; without any those of the class. ``news`` comes first.
    """
    state = asked.state
    shown = named or asked.suggested
    key = str(state.incident.key)
    blocks = [
        *([section(f"*{quote_untrusted(news, 500)}*")] if news else []),
        *([section(_set_already(state))] if state.classified else []),
        section(_verdict(asked, shown)),
        *_context(_ruled_out(asked, shown)),
        *_context(_would_change(asked, shown)),
        section(_do_not(asked.taxonomy.facts(shown), warnings)),
        *_inputs(asked, shown, comment),
        *_context(answers_so_far(state, asked.taxonomy)),
        *_context(_unasked(asked)),
        *_back(asked, key),
    ]
    about = {"k": key, "c": shown.value, "at": state.set_at.isoformat() if state.set_at else "", "d": int(declared)}
    about["s"] = state.severity.at_least(asked.floor_of(shown)[0]).value
    return modal(CALLBACK, f"Classify {key}", blocks, about, submit=f"Confirm {shown.value}")


def read(view: Mapping[str, Any]) -> Verdict | InputErrors:
    """What was confirmed; untouched fields are as they were shown."""
    about = metadata(view)
    named, cause, level = choice_of(view, CLASS), choice_of(view, CAUSE), choice_of(view, SEVERITY)
    comment, look = text_of(view, COMMENT), choice_of(view, LOOK)
    errors: InputErrors = {}
    if not named or not about.get("c"):
        errors[CLASS] = "Choose a class; UNKN when you are not sure."
    if cause not in set(Cause):
        errors[CAUSE] = "Choose a suspected cause, or Unknown."
    if level not in set(Severity):
        errors[SEVERITY] = "Choose a severity."
    if said := too_long(comment, COMMENT_CHARACTERS):
        errors[COMMENT] = said
    if errors:
        return errors
    again = Question(look) if look not in {"", KEEP} else None
    return Verdict(
        key_of(view),
        IncidentClass(about["c"]),
        IncidentClass(named),
        Cause(cause),
        Severity(level),
        comment,
        again,
        str(about.get("at", "")),
        bool(about.get("d")),
        raisable=level == about.get("s"),
    )


def _set_already(state: IncidentState) -> str:
    named = state.incident_class.value if state.incident_class else ""
    by = f", by {who(state.set_by)}" if state.set_by else ""
    at = f" {date_token(state.set_at)}" if state.set_at else ""
    doubt = f"\nWhether it is right is in question: {quote_untrusted(state.doubt.detail, 300)}" if state.doubt else ""
    return f"*{named} is set*{by}{at}. Confirming changes it: say below why.{doubt}"


def _verdict(asked: Questionnaire, shown: IncidentClass) -> str:
    facts, tree = asked.taxonomy.facts(shown), asked.tree
    heading = f"*{shown.value}: {facts.name}*"
    because = "\n".join(f"• {quote_untrusted(one, 400)}" for one in tree.because[:SHOWN_REASONS])
    if tree.incident_class is None:
        nothing = "Telemetry shows nothing unusual, and no answer points to a class."
        return f"{heading}\n{facts.meaning}\n{nothing} If people see trouble, choose what fits, or confirm UNKN."
    if shown is not tree.incident_class:
        suggested = tree.incident_class.value
        return f"{heading}\n{facts.meaning}\nYour choice. Telemetry and answers suggest {suggested}:\n{because}"
    also = f"\nAlso: {', '.join(one.value for one in tree.contributing)}" if tree.contributing else ""
    return f"{heading} ({tree.confidence.value} confidence)\n{facts.meaning}\n{because}{also}"


def _ruled_out(asked: Questionnaire, shown: IncidentClass) -> str:
    if shown is not asked.tree.incident_class:
        return ""
    words = "; ".join(quote_untrusted(one, RULED_OUT).rstrip(".") for one in asked.tree.rules_out[:8])
    return sentence(words)


def _would_change(asked: Questionnaire, shown: IncidentClass) -> str:
    if shown is not asked.tree.incident_class:
        return ""
    told = [quote_untrusted(one.text, 200).rstrip(".") for one in asked.tree.would_change[:SHOWN_CHANGES]]
    return sentence("would change it: " + "; ".join(told)) if told else ""


def _do_not(facts: ClassFacts, warnings: Sequence[str]) -> str:
    lines = [f"• {quote_untrusted(one, 200)}" for one in (warnings or facts.do_not)[:SHOWN_WARNINGS]]
    return "\n".join([f"*Do not* (for {facts.id.value})", *lines])


def _inputs(asked: Questionnaire, shown: IncidentClass, comment: str) -> Iterator[Block]:
    lowest, why = asked.floor_of(shown)
    mark = f"{shown.value}-{lowest.value}"  # Slack keeps what was chosen in a field of the same name
    yield select(
        f"{CLASS}:{mark}", "Class", _classes(asked, shown), initial=shown.value, placeholder=_called(asked, shown)
    )
    cause = asked.cause_of(shown)
    causes = [(one.value, CAUSE_WORDS[one]) for one in (cause, *(other for other in Cause if other is not cause))]
    yield select(f"{CAUSE}:{mark}", "Suspected cause", causes, initial=cause.value, placeholder=CAUSE_WORDS[cause])
    level = asked.state.severity.at_least(lowest)
    levels = [(one.value, SEVERITY_WORDS[one]) for one in Severity if one.rank <= lowest.rank]
    floor = f"Floor {lowest.value}: {quote_untrusted(why, 500).rstrip('.')}. It can be raised, not lowered."
    yield select(
        f"{SEVERITY}:{mark}", "Severity", levels, initial=level.value, placeholder=SEVERITY_WORDS[level], hint=floor
    )
    changing = asked.state.classified is not None
    yield text_input(
        COMMENT,
        "Why does it change?" if changing else "Why, in your words?",
        initial=comment,
        hint="Needed, because a class is set already. It goes on the timeline." if changing else "",
        optional=not changing,
        limit=COMMENT_CHARACTERS,
    )
    keep = "Keep all answers"
    yield select(LOOK, "Look at an answer again", [(KEEP, keep), *_looks(asked)], initial=KEEP, placeholder=keep)


def _classes(asked: Questionnaire, shown: IncidentClass) -> list[Option]:
    others = [one for one in asked.taxonomy.classes if one is not shown]
    return [(one.value, _called(asked, one)) for one in (shown, *others)]


def _called(asked: Questionnaire, named: IncidentClass) -> str:
    return "UNKN: not sure" if named is IncidentClass.UNKN else f"{named.value}: {asked.taxonomy.facts(named).name}"


def _looks(asked: Questionnaire) -> list[Option]:
    """Every question with the answer that stands, those that were asked first."""
    unasked = [one.question for one in asked.unasked]
    order = [*asked.asked, *(one for one in asked.state.replies if one not in asked.asked), *unasked]
    return [
        (one.value, f"{asked.words(one).title}: {reply_word(asked.standing(one))}")
        for one in order
        if asked.words(one).role is not QuestionRole.FRESHNESS  # measured, not asked
    ]


def _unasked(asked: Questionnaire) -> str:
    """What nobody had to look at, folded into one line; change any of it with the menu above."""
    told = [_short(asked.words(one.question).title, one) for one in asked.unasked]
    return "Answered by telemetry alone: " + " · ".join(told) if told else ""


def _short(title: str, answer: Answer) -> str:
    word = reply_word(answer.reply)
    told = f" ({quote_untrusted(answer.because, 90)})" if answer.reply is Reply.CANT_TELL else ""
    return f"{quote_untrusted(title, 80)}: *{word}*{told}"


def _back(asked: Questionnaire, key: str) -> list[Block]:
    """Back, for clients in which buttons of a dialog work; the menu above does the same everywhere."""
    back = asked.back(None)
    return [actions("way_back", button("Back", "question", {"k": key, "q": back.value}))] if back is not None else []


def _context(text: str) -> list[Block]:
    return [context(text)] if text else []


def confirmed(state: IncidentState) -> View:
    """What the declarer sees in the end, who may not stand in the incident's channel."""
    incident = state.incident
    where = f"<#{state.channel_id}>" if state.channel_id else "its channel"
    named = state.incident_class.value if state.incident_class else "no class"
    blocks = [
        section(f"*{incident.key} is {named}, {state.severity.value}*\n{bold_untrusted(incident.title, 1200)}"),
        section(f"*Next: mitigate.* The card in {where} has the levers that fit, and the runbook as a checklist."),
    ]
    return modal("notice", f"{incident.key} classified", blocks, {"k": incident.key}, close="Close")
