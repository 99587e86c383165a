"""Answer: what somebody sends from one screen of the dialog, beside what others said meanwhile."""

from dataclasses import dataclass

from bot.incident.classification import Question, Reply
from bot.incident.model import Person
from bot.incident.questionnaire import Questionnaire, mark_of
from bot.incident.state import Replied
from bot.response.choosing import Given
from bot.response.classify import Classify


@dataclass(frozen=True, slots=True)
class Sent:
    """One screen as it came back.

    ``shown`` was chosen beforehand, so ``reply`` alike means that nobody touched it. ``telemetry`` and
    ``figure`` stood beside it; ``seen`` marks the answer of a person that was shown, empty for none.
    """

    question: Question
    reply: Reply
    shown: Reply
    telemetry: Reply
    figure: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The dialog afterwards. ``meanwhile`` is what somebody else answered behind an untouched screen: show it first."""

    questions: Questionnaire
    meanwhile: Replied | None = None
    replaced: Replied | None = None


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """Take one screen's answer. The last deliberate answer counts; an untouched screen never undoes anybody's."""

    classify: Classify

    async def __call__(self, key: str, sent: Sent, by: Person, idem: str) -> Answered:
        """The dialog after it.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
        """
        questions = await self.classify.questions(key)
        standing = questions.state.replies.get(sent.question)
        unseen = standing is not None and standing.by != by and mark_of(standing) != sent.seen
        if standing is not None and standing.reply is sent.reply:
            return Answered(questions)
        if unseen and sent.reply is sent.shown:
            return Answered(questions, meanwhile=standing)
        given = Given(sent.question, sent.reply, sent.telemetry, sent.figure)
        await self.classify.answer(key, given, by, idem)
        replaced = standing if standing is not None and standing.by != by else None
        return Answered(await self.classify.questions(key), replaced=replaced)
