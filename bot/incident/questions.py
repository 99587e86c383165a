"""Which questions of the tree still need a person."""

from bot.incident.classification import Classification, Question, Reply
from bot.incident.rules import QuestionRole, Taxonomy


def open_questions(tree: Classification, taxonomy: Taxonomy) -> tuple[Question, ...]:
    """The questions worth a person's time, in order: those telemetry cannot tell, and the yes it rests on.

    A question somebody has already answered is not asked again.
    """
    asked = []
    for answer in tree.answers:
        role = taxonomy.asked(answer.question).role
        wanted = answer.reply is Reply.CANT_TELL or role is QuestionRole.HARM
        if answer.by == "telemetry" and (wanted or (answer.reply is Reply.YES and role is QuestionRole.CLASS)):
            asked.append(answer.question)
    return tuple(asked)
