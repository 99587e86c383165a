"""What responders choose, as values, and the pure decisions about it: is it set already, and what is recorded."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.incident.answering import answers_from
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.errors import BadInput
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import Classified, QuestionAnswered
from bot.incident.look import look_at
from bot.incident.model import Person
from bot.incident.rules import Taxonomy
from bot.incident.severity import Reasoned
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity


@dataclass(frozen=True, slots=True)
class Choice:
    """What responders decided. ``answers`` are those they confirmed or overrode."""

    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    answers: tuple[Answer, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer a responder gives, beside what telemetry ``said`` on the screen they saw."""

    question: Question
    reply: Reply
    said: Reply | None = None
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The class that somebody saw as set when they decided: since when it stands, None for no class yet."""

    at: datetime | None

    @classmethod
    def since(cls, text: str) -> "Seen":
        """From the moment as text, in ISO 8601; an empty one means no class."""
        return cls(datetime.fromisoformat(text) if text else None)


def answers_with(
    state: IncidentState, choice: Choice, bundle: EvidenceBundle, taxonomy: Taxonomy
) -> list[QuestionAnswered]:
    """The answers that came with the class and are not on the timeline yet, beside what telemetry says."""
    measured = {answer.question: answer for answer in answers_from(look_at(bundle, taxonomy))}
    found = []
    for given in choice.answers:
        known, said = state.replies.get(given.question), measured[given.question]
        if given.by != "telemetry" and (known is None or known.reply is not given.reply):
            asked = taxonomy.asked(given.question).ask
            found.append(QuestionAnswered(given.question, given.reply, said.reply, said.because, asked))
    return found


def says_harm(choice: Choice) -> bool:
    """An answer that came with the class says that harm is happening."""
    return any(one.question is Question.HARM_NOW and one.reply is Reply.YES for one in choice.answers)


def named_class(taxonomy: Taxonomy, text: str) -> IncidentClass:
    """The class of that id.

    Raises:
        BadInput: the taxonomy has none; the sentence names those it has.
    """
    found = taxonomy.class_named(text)
    if found is None:
        raise BadInput("class", f"No class is called {text[:20]!r}. Use one of {', '.join(taxonomy.classes)}.")
    return found


def named_question(taxonomy: Taxonomy, text: str) -> Question:
    """The question of that id.

    Raises:
        BadInput: the taxonomy has none; the sentence names those it has.
    """
    found = taxonomy.question_named(text)
    if found is None:
        raise BadInput("question", f"No question is called {text[:40]!r}. Use one of {', '.join(taxonomy.questions)}.")
    return found


def is_set(state: IncidentState, choice: Choice) -> bool:
    """It says what is set, without a word on it, and nobody asked whether it is still right."""
    return (
        (state.incident_class, state.cause, state.severity) == (choice.incident_class, choice.cause, choice.severity)
        and not choice.comment.strip()
        and state.doubt is None
    )


def by_this_click(state: IncidentState, choice: Choice, by: Person) -> bool:
    """The same answer of the same person, delivered again."""
    set_now = (state.incident_class, state.cause, state.severity, state.set_by)
    return set_now == (choice.incident_class, choice.cause, choice.severity, by)


def overtaken(state: IncidentState) -> str:
    """What somebody reads whose view of the class is an old one."""
    who = state.set_by.name if state.set_by else "Somebody"
    named = state.incident_class.value if state.incident_class else "a class"
    return f"{who} has set {named} while you had this open. Nothing was changed; look at it before you change it."


def why_needed(before: Classified) -> str:
    """What somebody reads who changes the class and does not say why."""
    return f"{before.incident_class.value} is set already. Say in a few words why it changes, or why it stays."


def reasons(choice: Choice, tree: Classification, by: Person, lowest: Reasoned) -> Classification:
    """The classification to record: the tree's when people agree with it, else theirs beside what telemetry said.

    Either way ``lowest`` is its floor: that of the class people chose.
    """
    severity_floor, floor_reason = lowest
    own = (f"{by.name}: {choice.comment.strip()}",) if choice.comment.strip() else ()
    decided = replace(tree, cause=choice.cause, severity_floor=severity_floor, floor_reason=floor_reason)
    if tree.incident_class is choice.incident_class:
        return replace(decided, because=own + tree.because)
    said = tree.incident_class.value if tree.incident_class else "nothing unusual"
    return replace(
        decided,
        incident_class=choice.incident_class,
        confidence=Confidence.LOW,
        because=(*own, f"set by {by.name}; telemetry suggested {said}"),
        rules_out=(),
        flags=(*tree.flags, "differs from what telemetry suggests"),
        would_change=(),
    )
