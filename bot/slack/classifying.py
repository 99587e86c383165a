"""The way through the classification dialog: which screen follows which, in Slack."""

from dataclasses import dataclass

from bot.incident.classification import Question, Reply
from bot.incident.errors import Contraindicated, Overtaken
from bot.incident.model import Person
from bot.incident.offer import Offer
from bot.incident.questionnaire import Questionnaire
from bot.incident.rules import QuestionRole
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass, Severity
from bot.response.choosing import Choice, Seen
from bot.response.orders import Order
from bot.slack.blocks import View
from bot.slack.desk import Desk
from bot.slack.levers import Levers
from bot.slack.views import contain_now, question, verdict


@dataclass(frozen=True, slots=True)
class Classifying:
    """Makes the screens of the dialog. Nothing is remembered here: answers are on the timeline, the place in the screen."""

    desk: Desk

    async def start(self, key: str, *, declared: bool = False) -> View:
        """The first question nobody answered, or the last screen; with harm and nothing in force, the levers first.

        Raises:
            NotFound, Closed: no such incident, or it is over.
        """
        asked = await self.desk.verbs.classify.questions(key)
        if declared and asked.state.harm_now:
            return await self._levers(asked, declared=True) or self._screen(asked, asked.first(), declared=True)
        return self._screen(asked, asked.first(), declared=declared)

    async def at(self, key: str, name: str) -> View:
        """The screen of one question, for a button inside the dialog.

        Raises:
            NotFound, Closed: no such incident, or it is over.
        """
        asked = await self.desk.verbs.classify.questions(key)
        wanted = asked.taxonomy.question_named(name)
        return self._screen(asked, wanted)

    async def answered(self, turn: question.Turn, by: Person, idem: str) -> View:
        """The screen after one question.

        Raises:
            NotFound, Closed: no such incident, or it is over.
        """
        asked_of = turn.sent.question
        if turn.then == question.BACK and turn.sent.reply is turn.sent.shown:
            return await self._back(turn)
        answer = await self.desk.verbs.answer(turn.key, turn.sent, by, idem)
        asked, declared = answer.questions, turn.declared
        if answer.meanwhile is not None:
            return self._screen(asked, asked_of, news=question.meanwhile(answer.meanwhile), declared=declared)
        news = question.replaced(asked.words(asked_of).title, answer.replaced) if answer.replaced else ""
        if turn.then == question.BACK:
            return self._screen(asked, asked.back(asked_of) or asked_of, news=news, declared=declared)
        harm = asked.words(asked_of).role is QuestionRole.HARM
        if harm and turn.sent.reply is Reply.YES and not asked.state.live_mitigations:
            levers = await self._levers(asked, declared=declared)
            if levers is not None:
                return levers
        following = None if turn.then == question.END else asked.after(asked_of)
        return self._screen(asked, following, news=news, declared=declared)

    async def _back(self, turn: question.Turn) -> View:
        """The question before; leaving this one untouched answers nothing."""
        asked = await self.desk.verbs.classify.questions(turn.key)
        return self._screen(asked, asked.back(turn.sent.question) or turn.sent.question, declared=turn.declared)

    async def contained(self, lever: contain_now.Lever, by: Person, idem: str) -> View:
        """The next question once the lever is pulled; a lever that is advised against asks for the reason first.

        Raises:
            Refused: it was not pulled; the sentence says why.
        """
        news = ""
        if lever.kind is not None:
            try:
                mitigation = await self.desk.verbs.apply(lever.key, Order(lever.kind, lever.value), by, idem)
            except Contraindicated:
                return await Levers(self.desk).preview(lever.key, Order(lever.kind, lever.value))
            news = f"*{mitigation.label} is on.* Its proof is on the card, and the button to undo it."
        asked = await self.desk.verbs.classify.questions(lever.key)
        return self._screen(asked, asked.first(), news=news, declared=lever.declared)

    async def confirmed(self, said: verdict.Verdict, by: Person, idem: str) -> View | None:
        """The screen that follows the last one: another class, an answer to look at again; None when it is set.

        Raises:
            BadInput: the severity is below its floor, or the reason for a change is missing.
            NotFound, Closed: no such incident, or it is over.
        """
        if said.look is not None:
            asked = await self.desk.verbs.classify.questions(said.key)
            return self._screen(asked, said.look, declared=said.declared)
        if said.incident_class is not said.shown:
            return await self._other_class(said)
        severity = await self._raised(said) if said.raisable else said.severity
        choice = Choice(said.incident_class, said.cause, severity, (), said.comment)
        try:
            state = await self.desk.verbs.classify(said.key, choice, by, idem, Seen.since(said.seen))
        except Overtaken as error:
            return await self._other_class(said, str(error))
        return verdict.confirmed(state) if said.declared else None

    async def _raised(self, said: verdict.Verdict) -> Severity:
        """A severity nobody chose follows its floor, which may have risen since the screen was drawn."""
        asked = await self.desk.verbs.classify.questions(said.key)
        return said.severity.at_least(asked.floor_of(said.incident_class)[0])

    def _screen(self, asked: Questionnaire, wanted: Question | None, *, news: str = "", declared: bool = False) -> View:
        if wanted is not None:
            return question.dialog(asked, wanted, self.desk.public_url, news=news, declared=declared)
        warnings = self._warnings(asked.suggested)
        return verdict.dialog(asked, None, warnings, declared=declared)

    async def _other_class(self, said: verdict.Verdict, news: str = "") -> View:
        """The same screen for the class that was chosen: what speaks against acting on it is seen before it is set."""
        asked = await self.desk.verbs.classify.questions(said.key)
        named = said.incident_class
        warnings = self._warnings(named)
        return verdict.dialog(asked, named, warnings, news=news, comment=said.comment, declared=said.declared)

    async def _levers(self, asked: Questionnaire, *, declared: bool) -> View | None:
        offers = await self._offers(asked.state)
        return contain_now.dialog(asked.state, offers, declared=declared) if offers else None

    async def _offers(self, state: IncidentState) -> tuple[Offer, ...]:
        return () if state.live_mitigations else tuple(await self.desk.verbs.offers(state.incident.key))

    def _warnings(self, named: IncidentClass) -> tuple[str, ...]:
        runbook = self.desk.runbooks.get(named)
        return tuple(one.text for one in runbook.do_not) if runbook else ()
