"""Classify: responders set class, suspected cause and severity, with the reasons telemetry gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.incident.classification import Answer, Classification
from bot.incident.errors import BadInput
from bot.incident.evidence import EvidenceBundle
from bot.incident.model import Person
from bot.incident.runbook import Runbook
from bot.incident.severity import Reasoned, floor
from bot.incident.taxonomy import Cause, Confidence, IncidentClass, Severity
from bot.incident.timeline import Classified, IncidentState
from bot.ports import Clock, Records
from bot.response.gather import Suggest
from bot.response.recording import open_state_of, record, state_of


@dataclass(frozen=True, slots=True)
class Choice:
    """What responders decided. ``answers`` are those they confirmed or overrode."""

    incident_class: IncidentClass
    cause: Cause
    severity: Severity
    answers: tuple[Answer, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Classify:
    """Set, or change, the class. Every change is an event of its own."""

    records: Records
    clock: Clock
    suggest: Suggest
    runbooks: Mapping[IncidentClass, Runbook] = field(default_factory=dict)

    async def __call__(self, key: str, choice: Choice, by: Person, idem: str) -> IncidentState:
        """The state after classifying.

        Raises:
            NotFound: there is no such incident.
            Closed: it is resolved or reviewed.
            BadInput: the severity is below the floor that the class and the impact set.
        """
        async with self.records.look() as work:
            state = await open_state_of(work, key, "classification")
        replies = {answer.question: answer for answer in choice.answers}
        bundle, tree = await self.suggest(state.incident.agent, None, replies)
        lowest = checked_floor(choice, bundle, harm_now=state.harm_now)
        runbook = self.runbooks.get(choice.incident_class)
        fact = Classified(
            choice.incident_class,
            choice.cause,
            choice.severity,
            reasons(choice, tree, by, lowest),
            runbook.edition if runbook else "",
        )
        async with self.records.begin() as work:
            await open_state_of(work, key, "classification")
            await record(work, state.incident.key, fact, by, self.clock.now(), f"classify:{idem}")
            return await state_of(work, key)


def checked_floor(choice: Choice, bundle: EvidenceBundle, *, harm_now: bool) -> Reasoned:
    """The floor of the chosen class with its reason. Severity may be raised above it, never set below it.

    Raises:
        BadInput: it is below, with the reason of the floor.
    """
    lowest, why = floor(choice.incident_class, bundle, harm_now=harm_now)
    if choice.severity.rank > lowest.rank:
        raise BadInput("severity", f"{choice.severity.value} is below the floor {lowest.value}: {why}.")
    return lowest, why


def reasons(choice: Choice, tree: Classification, by: Person, lowest: Reasoned) -> Classification:
    """The classification to record: the tree's when people agree with it, else theirs beside what telemetry said.

    Either way ``lowest`` is its floor: that of the class people chose.
    """
    severity_floor, floor_reason = lowest
    own = (f"{by.name}: {choice.comment.strip()}",) if choice.comment.strip() else ()
    if tree.incident_class is choice.incident_class:
        return Classification(
            incident_class=choice.incident_class,
            cause=choice.cause,
            confidence=tree.confidence,
            severity_floor=severity_floor,
            floor_reason=floor_reason,
            because=own + tree.because,
            rules_out=tree.rules_out,
            answers=tree.answers,
            contributing=tree.contributing,
            flags=tree.flags,
        )
    said = tree.incident_class.value if tree.incident_class else "nothing unusual"
    return Classification(
        incident_class=choice.incident_class,
        cause=choice.cause,
        confidence=Confidence.LOW,
        severity_floor=severity_floor,
        floor_reason=floor_reason,
        because=(*own, f"set by {by.name}; telemetry suggested {said}"),
        rules_out=(),
        answers=tree.answers,
        contributing=tree.contributing,
        flags=(*tree.flags, "differs from what telemetry suggests"),
    )
