"""Which questions people are asked, in the tree's order, and what they have answered so far."""

from collections.abc import Mapping

from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.questions import open_questions
from bot.incident.timeline import IncidentState, Replied

MOST_ASKED = 3  # while telemetry is fresh and nobody disagrees with it: what a person woken at night looks through


def path(replies: Mapping[Question, Reply]) -> tuple[Question, ...]:
    """The questions that decide the class, in order: what a "yes" settles needs no further one.

    Whether harm is happening comes first; it decides about containment and severity, not about the class.
    """

    def yes(question: Question) -> bool:
        return replies.get(question) is Reply.YES

    walked = [Question.HARM_NOW]
    for question in (Question.SECURITY, Question.ACTION, Question.BEHAVIOUR, Question.LOUD):
        walked.append(question)
        if yes(question):
            return (*walked, *_after_loud(replies)) if question is Question.LOUD else tuple(walked)
    walked.append(Question.LOOPING)
    if yes(Question.LOOPING):
        return (*walked, Question.LOOP_BY_TOOL)
    walked.append(Question.QUALITY)
    return (*walked, Question.MODEL_CHANGED) if yes(Question.QUALITY) else tuple(walked)


def _after_loud(replies: Mapping[Question, Reply]) -> tuple[Question, ...]:
    provider = replies.get(Question.PROVIDER) is Reply.YES
    return (Question.PROVIDER,) if provider else (Question.PROVIDER, Question.ONE_TOOL)


def to_ask(tree: Classification, replied: Mapping[Question, Replied]) -> tuple[Question, ...]:
    """The screens of the dialog, answered ones included, in order. ``tree`` already counts what people said.

    What telemetry denies is not asked. While it is fresh and people agree with it, at most three
    questions are; beyond them those it cannot tell stay unanswered.
    """
    answers = {answer.question: answer.reply for answer in tree.answers}
    wanted = {*open_questions(tree), *replied}
    asked = [question for question in path(answers) if question in wanted]
    if answers.get(Question.FRESH) is not Reply.YES or _disagreed(replied):
        return tuple(asked)
    doubtful = [one for one in asked if one not in replied and answers.get(one) is Reply.CANT_TELL]
    kept = max(0, MOST_ASKED - (len(asked) - len(doubtful)))
    left = set(doubtful[kept:])
    return tuple(question for question in asked if question not in left)


def _disagreed(replied: Mapping[Question, Replied]) -> bool:
    return any(one.differs for question, one in replied.items() if question is not Question.HARM_NOW)


def unanswered(asked: tuple[Question, ...], state: IncidentState, after: Question | None = None) -> Question | None:
    """The next question nobody has answered: the first behind ``after``, else the first of all; None when all are."""
    left = [question for question in asked if question not in state.replies]
    order = list(Question)
    behind = [one for one in left if after is not None and order.index(one) > order.index(after)]
    return next(iter(behind or left), None)


def before(asked: tuple[Question, ...], question: Question | None) -> Question | None:
    """The screen in front of ``question``, or in front of the last screen for None."""
    order = list(Question)
    earlier = [one for one in asked if question is None or order.index(one) < order.index(question)]
    return earlier[-1] if earlier else None


def said(state: IncidentState) -> dict[Question, Answer]:
    """What responders answered, as answers of the tree."""
    return {question: Answer(question, one.reply, _words(one), by=one.by.id) for question, one in state.replies.items()}


def _words(one: Replied) -> str:
    match one.reply:
        case Reply.YES:
            return f"{one.by.name} says so"
        case Reply.NO:
            return f"{one.by.name} says no"
        case Reply.CANT_TELL:
            return f"{one.by.name} can't tell"
