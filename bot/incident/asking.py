"""Which questions people are asked, in the tree's order, and what they have answered so far."""

from collections.abc import Mapping, Sequence

from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.questions import open_questions
from bot.incident.rules import QuestionRole, Taxonomy
from bot.incident.state import IncidentState, Replied

MOST_ASKED = 3  # while telemetry is fresh and nobody disagrees with it: what a person woken at night looks through


def path(replies: Mapping[Question, Reply], taxonomy: Taxonomy) -> tuple[Question, ...]:
    """The questions that decide the class, in order: what a "yes" settles needs no further one.

    Whether harm is happening comes first; it decides about containment and severity, not about the class.
    """
    walked = [one.id for one in taxonomy.questions.values() if one.role is QuestionRole.HARM]
    asked = taxonomy.order
    while asked:
        yes = next((question for question in asked if replies.get(question) is Reply.YES), None)
        walked += asked if yes is None else asked[: asked.index(yes) + 1]
        asked = taxonomy.asked(yes).then if yes else ()
    return tuple(walked)


def to_ask(tree: Classification, replied: Mapping[Question, Replied], taxonomy: Taxonomy) -> tuple[Question, ...]:
    """The screens of the dialog, answered ones included, in order. ``tree`` already counts what people said.

    What telemetry denies is not asked. While it is fresh and people agree with it, at most three
    questions are; beyond them those it cannot tell stay unanswered.
    """
    answers = {answer.question: answer.reply for answer in tree.answers}
    wanted = {*open_questions(tree, taxonomy), *replied}
    asked = [question for question in path(answers, taxonomy) if question in wanted]
    if not _fresh(answers, taxonomy) or _disagreed(replied, taxonomy):
        return tuple(asked)
    doubtful = [one for one in asked if one not in replied and answers.get(one) is Reply.CANT_TELL]
    kept = max(0, MOST_ASKED - (len(asked) - len(doubtful)))
    left = set(doubtful[kept:])
    return tuple(question for question in asked if question not in left)


def _fresh(answers: Mapping[Question, Reply], taxonomy: Taxonomy) -> bool:
    told = (reply for name, reply in answers.items() if taxonomy.asked(name).role is QuestionRole.FRESHNESS)
    return all(reply is Reply.YES for reply in told)


def _disagreed(replied: Mapping[Question, Replied], taxonomy: Taxonomy) -> bool:
    return any(one.differs for name, one in replied.items() if taxonomy.asked(name).role is not QuestionRole.HARM)


def unanswered(
    asked: Sequence[Question], state: IncidentState, taxonomy: Taxonomy, after: Question | None = None
) -> Question | None:
    """The next question nobody has answered: the first behind ``after``, else the first of all; None when all are."""
    left = [question for question in asked if question not in state.replies]
    place = _places(taxonomy)
    behind = [one for one in left if after is not None and place[one] > place.get(after, -1)]
    return next(iter(behind or left), None)


def before(asked: Sequence[Question], question: Question | None, taxonomy: Taxonomy) -> Question | None:
    """The screen in front of ``question``, or in front of the last screen for None."""
    place = _places(taxonomy)
    earlier = [one for one in asked if question is None or place[one] < place.get(question, -1)]
    return earlier[-1] if earlier else None


def _places(taxonomy: Taxonomy) -> dict[Question, int]:
    return {question: place for place, question in enumerate(taxonomy.questions)}


def said(state: IncidentState, taxonomy: Taxonomy) -> dict[Question, Answer]:
    """What responders answered, as answers of the tree."""
    return {
        question: Answer(question, one.reply, _words(taxonomy.asked(question).title, one), by=one.by.id)
        for question, one in state.replies.items()
    }


def _words(title: str, one: Replied) -> str:
    word = "can't tell" if one.reply is Reply.CANT_TELL else f"says {one.reply.value}"
    return f"{one.by.name} {word}: {title[:1].lower()}{title[1:]}"
