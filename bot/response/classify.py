"""Classify: responders set class, suspected cause and severity, with the reasons telemetry gives."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.incident.answering import answers_from
from bot.incident.classification import Answer, Classification
from bot.incident.errors import BadInput, Overtaken
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import Classified, QuestionAnswered
from bot.incident.look import look_at
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.questionnaire import Questionnaire, counted, questionnaire
from bot.incident.runbook import Runbook
from bot.incident.severity import Reasoned, floor
from bot.incident.state import IncidentState
from bot.incident.taxonomy import IncidentClass
from bot.ports import Clock, Records, RoomTask, RoomTaskKind
from bot.response.choosing import (
    Choice,
    Given,
    Seen,
    answers_with,
    by_this_click,
    is_set,
    named_class,
    named_question,
    overtaken,
    reasons,
    says_harm,
    why_needed,
)
from bot.response.recording import open_state_of, record, state_of
from bot.response.suggest import Suggest


@dataclass(frozen=True, slots=True)
class Classify:
    """Set, or change, the class. Every change is an event of its own."""

    records: Records
    clock: Clock
    suggest: Suggest
    runbooks: Mapping[IncidentClass, Runbook] = field(default_factory=dict)

    async def __call__(
        self, key: str, choice: Choice, by: Person, idem: str, seen: Seen | None = None
    ) -> IncidentState:
        """The state after classifying. What is set already, sent again, changes nothing.

        With ``seen``, a class that somebody else set since then is not replaced unseen.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
            BadInput: the taxonomy has no such class or question, the severity is below the floor that the class
                and the impact set, or a class is set already and the comment, which says why it changes, is empty.
            Overtaken: the class that is set is not the one that was ``seen``.
        """
        self._checked(choice)
        async with self.records.look() as work:
            state = await open_state_of(work, key, "classification")
        bundle, tree = await self.suggested(state, choice.answers)
        lowest = self.checked_floor(choice, bundle, state)
        named = reasons(choice, tree, by, lowest)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "classification")
            if is_set(state, choice):
                return state
            if seen is not None and state.set_at != seen.at and not by_this_click(state, choice, by):
                raise Overtaken(overtaken(state))
            fact = self._fact(state, choice, named)
            for given in answers_with(state, choice, bundle, self.suggest.taxonomy):
                about = f"classify:{idem}:{given.question}"
                await record(work, state.incident.key, given, by, self.clock.now(), about)
            new = await record(work, state.incident.key, fact, by, self.clock.now(), f"classify:{idem}")
            if new and state.classified and not fact.reason:
                raise BadInput("comment", why_needed(state.classified))  # and so nothing is recorded
            if new and state.classified and fact.before is not fact.incident_class:
                await work.outbox.put(_told(state, fact, by, idem))
            return await state_of(work, key)

    async def suggested(
        self, state: IncidentState, more: Sequence[Answer] = ()
    ) -> tuple[EvidenceBundle, Classification]:
        """What telemetry suggests now, with everything responders answered; ``more`` counts before that."""
        replies = counted(state, await self._measured(state), self.suggest.taxonomy)
        replies = {**replies, **{one.question: one for one in more}}
        return await self.suggest(state.incident.agent, None, replies, environment=state.incident.environment)

    async def questions(self, key: str) -> Questionnaire:
        """The dialog as it stands: telemetry's answers, people's, and what is worth asking.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
        """
        async with self.records.look() as work:
            state = await open_state_of(work, key, "classification")
        measured = await self._measured(state)
        replies = counted(state, measured, self.suggest.taxonomy)
        incident = state.incident
        bundle, tree = await self.suggest(incident.agent, None, replies, environment=incident.environment)
        return questionnaire(state, bundle, measured, tree, self.suggest.taxonomy, self.suggest.impact(incident.agent))

    async def _measured(self, state: IncidentState) -> tuple[Answer, ...]:
        """Telemetry's answers, whatever people said."""
        bundle = await self.suggest.gather(state.incident.agent, environment=state.incident.environment)
        return tuple(await asyncio.to_thread(lambda: answers_from(look_at(bundle, self.suggest.taxonomy))))

    async def answer(self, key: str, given: Given, by: Person, idem: str) -> IncidentState:
        """The state with this answer on the timeline at once. The last answer to a question counts.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
            BadInput: the taxonomy has no such question.
        """
        named_question(self.suggest.taxonomy, given.question)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "answer")
            known = state.replies.get(given.question)
            if known and (known.reply, known.by.id) == (given.reply, by.id):
                return state
            fact = QuestionAnswered(
                given.question,
                given.reply,
                given.said,
                given.figure,
                self.suggest.taxonomy.asked(given.question).ask,
            )
            await record(work, state.incident.key, fact, by, self.clock.now(), f"answer:{idem}")
            return await state_of(work, key)

    def checked_floor(self, choice: Choice, bundle: EvidenceBundle, state: IncidentState) -> Reasoned:
        """The floor of the chosen class with its reason. Severity may be raised above it, never set below it.

        Raises:
            BadInput: it is below, with the reason of the floor.
        """
        impact, harm = self.suggest.impact(state.incident.agent), state.harm_now or says_harm(choice)
        lowest, why = floor(choice.incident_class, bundle, self.suggest.taxonomy, impact, harm_now=harm)
        if choice.severity.rank > lowest.rank:
            raise BadInput("severity", f"{choice.severity.value} is below the floor {lowest.value}: {why}.")
        return lowest, why

    def _checked(self, choice: Choice) -> None:
        """What is named must be there: a class or question that nobody defined has no runbook and no floor."""
        named_class(self.suggest.taxonomy, choice.incident_class)
        for answer in choice.answers:
            named_question(self.suggest.taxonomy, answer.question)

    def _fact(self, state: IncidentState, choice: Choice, named: Classification) -> Classified:
        runbook = self.runbooks.get(choice.incident_class)
        return Classified(
            choice.incident_class,
            choice.cause,
            choice.severity,
            named,
            runbook.edition if runbook else "",
            state.incident_class,
            state.cause,
            state.severity if state.classified else None,
            choice.comment.strip() if state.classified else "",
        )


def _told(state: IncidentState, fact: Classified, by: Person, idem: str) -> RoomTask:
    """What the room must know: other steps, other levers, and which controls were set for the earlier class."""
    was = fact.before.value if fact.before else ""
    on = ", ".join(status.mitigation.label for status in state.live_mitigations)
    live = f" Still in force: {on}; look whether it fits." if on else ""
    text = (
        f"{was} → {fact.incident_class.value}, by {by.name}: {fact.reason.rstrip('.')}. "
        f"The card has the new runbook, the do-not list and the mitigations.{live}"
    )
    return RoomTask(RoomTaskKind.POST, state.incident.key, f"reclassified:{idem}", {"text": text, "by": FIRSTFIVE.id})
