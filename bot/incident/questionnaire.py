"""The classification dialog as it stands, wherever it is shown: which question comes next, and who answered what."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.asking import before, said, to_ask, unanswered
from bot.incident.causes import suspects_of
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.evidence import EvidenceBundle
from bot.incident.model import Impact
from bot.incident.rules import QuestionFacts, Taxonomy
from bot.incident.severity import UNKNOWN_IMPACT, Reasoned, floor
from bot.incident.state import IncidentState, Replied
from bot.incident.taxonomy import Cause, IncidentClass


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything one screen of the dialog is drawn from.

    ``measured`` are telemetry's own answers; ``tree`` counts what people said before it. ``asked`` are the
    questions worth a person's look, answered ones included, in the order of the tree.
    """

    state: IncidentState
    bundle: EvidenceBundle
    measured: tuple[Answer, ...]
    tree: Classification
    asked: tuple[Question, ...]
    taxonomy: Taxonomy
    impact: Impact = UNKNOWN_IMPACT

    def words(self, question: Question) -> QuestionFacts:
        """How a question is put."""
        return self.taxonomy.asked(question)

    def telemetry(self, question: Question) -> Answer:
        """What telemetry says to a question, with its figure."""
        found = next((one for one in self.measured if one.question == question), None)
        return found or Answer(question, Reply.CANT_TELL, "telemetry does not say")

    def standing(self, question: Question) -> Reply:
        """The reply that counts now: the last person's, else telemetry's."""
        told = next((one.reply for one in self.tree.answers if one.question == question), None)
        replied = self.state.replies.get(question)
        return replied.reply if replied else told or Reply.CANT_TELL

    def place(self, question: Question) -> tuple[int, int]:
        """Which question of how many: (2, 5). One that is looked at out of turn counts among them."""
        order = list(self._with(question))
        return order.index(question) + 1, len(order)

    def first(self) -> Question | None:
        """Where to begin: the first question nobody answered; None when only confirming is left."""
        return unanswered(self.asked, self.state, self.taxonomy)

    def after(self, question: Question) -> Question | None:
        """The next question nobody answered; None when only confirming is left."""
        return unanswered(self.asked, self.state, self.taxonomy, question)

    def back(self, question: Question | None) -> Question | None:
        """The screen in front of a question, or in front of the last screen for None."""
        return before(self.asked, question, self.taxonomy)

    @property
    def unasked(self) -> tuple[Answer, ...]:
        """What telemetry answered without anybody's help: questions that were not asked, in order."""
        known = {*self.asked, *self.state.replies}
        return tuple(one for one in self.measured if one.question not in known)

    @property
    def suggested(self) -> IncidentClass:
        """The class that telemetry and people's answers lead to; UNKN when they lead to none."""
        return self.tree.incident_class or IncidentClass.UNKN

    def floor_of(self, named: IncidentClass) -> Reasoned:
        """The lowest severity that a class may have here, and why."""
        return floor(named, self.bundle, self.taxonomy, self.impact, harm_now=self.state.harm_now)

    def cause_of(self, named: IncidentClass) -> Cause:
        """The cause to suspect for a class: from what changed, whoever chose the class."""
        if named is self.suggested:
            return self.tree.cause
        return next((one.cause for one in suspects_of(named, self.bundle, self.taxonomy)), Cause.UNKNOWN)

    def _with(self, question: Question) -> tuple[Question, ...]:
        order = [*self.taxonomy.questions, question]
        return tuple(sorted({*self.asked, question}, key=order.index))


def questionnaire(
    state: IncidentState,
    bundle: EvidenceBundle,
    measured: tuple[Answer, ...],
    tree: Classification,
    taxonomy: Taxonomy,
    impact: Impact = UNKNOWN_IMPACT,
) -> Questionnaire:
    """The dialog for an incident. ``measured`` are telemetry's answers; ``tree`` counts people's before them."""
    return Questionnaire(state, bundle, measured, tree, to_ask(tree, state.replies, taxonomy), taxonomy, impact)


def counted(state: IncidentState, measured: tuple[Answer, ...], taxonomy: Taxonomy) -> dict[Question, Answer]:
    """People's answers as far as they count against telemetry of now.

    Who only agreed that nothing is seen there, or that nobody can tell, is overtaken when telemetry sees it later.
    """
    seen = {answer.question for answer in measured if answer.reply is Reply.YES}
    return {
        question: answer
        for question, answer in said(state, taxonomy).items()
        if not _overtaken(state.replies, question, seen)
    }


def _overtaken(replies: Mapping[Question, Replied], question: Question, seen: set[Question]) -> bool:
    one = replies[question]
    return question in seen and one.reply is not Reply.YES and one.telemetry is one.reply


def mark_of(replied: Replied | None) -> str:
    """Which answer a screen showed: empty for nobody's."""
    return f"{replied.by.id}@{replied.at.timestamp():.3f}" if replied else ""
