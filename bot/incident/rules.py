"""What ``taxonomy.yaml`` says, as values: the classes, the questions that lead to them, and how telemetry answers.

The logic that reads these values is code: how a case is built (``cases.py``), how answers are
compared (``tree.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.incident.case_rules import CaseFacts
from bot.incident.classification import Question
from bot.incident.kinds import MitigationKind
from bot.incident.offer import Standing
from bot.incident.taxonomy import Cause, IncidentClass, Severity

ROLLBACK_CAUSES = frozenset({Cause.OUR_PROMPT, Cause.OUR_CODE_OR_CONFIG, Cause.MODEL_OR_PROVIDER})


class AnswerRule(StrEnum):
    """How telemetry answers a question."""

    CASE = "case"  # yes when the case of the class it leads to stands and no later class explains far more
    PEOPLE = "people"  # telemetry cannot tell
    STRONGEST = "strongest"  # yes when its class explains failures best of those asked about together
    LOUDEST = "loudest"  # yes when one of the classes asked about below it stands
    FRESHNESS = "freshness"  # from here on: one question each, see tree.py
    HARM = "harm"
    SECURITY = "security"
    PROVIDER = "provider"
    REPEATS = "repeats"
    QUALITY = "quality"
    MODEL = "model"


class QuestionRole(StrEnum):
    """What a question is for."""

    CLASS = "class"
    FRESHNESS = "freshness"
    HARM = "harm"


class Condition(StrEnum):
    """What must hold beside a yes for it to count."""

    SHARED_PROVIDER = "shared_provider"  # other agents on the provider have it too, or there are none to compare with


class CauseRule(StrEnum):
    """Where the suspected cause of a class is looked for, when it is no fixed one."""

    CHANGES = "changes"
    TOOL = "tool"
    NOTHING = "nothing"


class RemediationKind(StrEnum):
    """What repairs. Values are stable names used by the API and the timeline."""

    ROLLBACK = "rollback"
    PROMPT_FIX = "prompt-fix"
    RESTART = "restart"

    @property
    def label(self) -> str:
        """The name people read."""
        return {"rollback": "Roll back", "prompt-fix": "Prompt fix", "restart": "Restart"}[self.value]


class Fact(StrEnum):
    """What must be known of the agent or the incident for a severity rule to hold."""

    HARM_NOW = "harm_now"  # a person says that harm is happening
    IRREVERSIBLE = "irreversible"  # the class says that its harm cannot be taken back
    EXTERNAL = "external"  # from here on: the catalogue says so
    REGULATED = "regulated"
    NO_HUMAN = "no_human_in_the_loop"
    SENSITIVE = "sensitive"
    PERSISTENT_MEMORY = "persistent_memory"


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """An impact that sets a worse floor, ``at_least``, or ``raises`` the floor by one level.

    It holds for ``classes`` (empty: for any), where all ``facts`` are known and one of ``signals`` shows it: a share
    ``above`` a figure (0..1), ``worse_by`` so much than before, ``count`` bad ones, or an error budget that burned
    ``burn`` times as fast as it may in the last hour. ``because`` may hold {figure}, {k}, {points}, {burn} and {hour}.
    """

    id: str
    because: str
    at_least: Severity | None = None
    raises: bool = False
    classes: tuple[IncidentClass, ...] = ()
    facts: tuple[Fact, ...] = ()
    signals: tuple[str, ...] = ()
    above: float | None = None
    worse_by: float | None = None
    count: int | None = None
    burn: float | None = None


@dataclass(frozen=True, slots=True)
class LeverFit:
    """How a mitigation, or a remediation, stands to a class, and why.

    Where more than ``allowed_beyond`` (0..1) of outcomes are bad, what is contraindicated is allowed.
    """

    standing: Standing
    because: str
    allowed_beyond: float | None = None
    allowed_because: str = ""
    moves: tuple[str, ...] = ()  # signals that should get better while it is in force
    within: int = 10  # minutes


@dataclass(frozen=True, slots=True)
class Labels:
    """The names of one class in public taxonomies. ``atlas_if_attacked`` counts only where the cause is an adversary."""

    mast: tuple[str, ...] = ()
    owasp: tuple[int, ...] = ()
    atlas: tuple[str, ...] = ()
    atlas_if_attacked: tuple[str, ...] = ()
    cosai: str = ""
    agentrx: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelNames:
    """What the codes of public taxonomies mean."""

    mast: Mapping[str, str] = field(default_factory=dict)
    owasp: Mapping[int, str] = field(default_factory=dict)
    atlas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """One class: what it means for those who respond, and how telemetry tells it.

    ``telling`` are the signals quoted to rule it out, ``onset`` those (or the beginnings of their names) that show
    when it began. ``irreversible``: harm of this class cannot be taken back. ``rollback``: an older version of ours
    may mend it. ``cause`` is fixed, with ``cause_because``; None looks for it by ``cause_rule``.
    """

    id: IncidentClass
    name: str
    meaning: str
    first_mitigation: str
    do_not: tuple[str, ...]
    floor: Severity
    irreversible: bool = False
    rollback: bool = True
    case: CaseFacts | None = None
    telling: tuple[str, ...] = ()
    onset: tuple[str, ...] = ()
    cause: Cause | None = None
    cause_because: str = ""
    cause_rule: CauseRule = CauseRule.CHANGES
    levers: Mapping[MitigationKind, LeverFit] = field(default_factory=dict)
    remediations: Mapping[RemediationKind, LeverFit] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """One question: how it is put to people, how telemetry answers it, and where a yes leads.

    A yes leads to the first of ``then`` that is answered yes too, else to ``leads_to``. ``title`` is for buttons and
    lists, ``if_yes`` says what a yes means.
    """

    id: Question
    title: str
    ask: str
    if_yes: str
    telemetry: AnswerRule
    leads_to: IncidentClass | None = None
    then: tuple[Question, ...] = ()
    only_when: Condition | None = None
    role: QuestionRole = QuestionRole.CLASS


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All classes and questions, each in its order.

    ``questions`` stand as they are asked; ``order`` has those that are not asked below another one.
    """

    version: str = ""
    classes: Mapping[IncidentClass, ClassFacts] = field(default_factory=dict)
    questions: Mapping[Question, QuestionFacts] = field(default_factory=dict)
    order: tuple[Question, ...] = ()
    severity: tuple[SeverityRule, ...] = ()
    label_names: LabelNames = field(default_factory=LabelNames)

    def facts(self, incident_class: IncidentClass) -> ClassFacts:
        """What is known of a class; little of one that an old incident has and the taxonomy no longer does."""
        return self.classes.get(incident_class) or ClassFacts(
            incident_class,
            "a class this taxonomy does not have",
            "",
            "",
            (),
            Severity.SEV3,
            cause_rule=CauseRule.NOTHING,
        )

    def asked(self, question: Question) -> QuestionFacts:
        """How a question is put; by its id where an old incident has it and the taxonomy no longer does."""
        words = question.value.replace("_", " ")
        return self.questions.get(question) or QuestionFacts(question, words, words, "", AnswerRule.PEOPLE)

    def class_named(self, text: str | None) -> IncidentClass | None:
        """The class of that id, or None."""
        return next((one for one in self.classes if one == text), None)

    def question_named(self, text: str | None) -> Question | None:
        """The question of that id, or None."""
        return next((one for one in self.questions if one == text), None)

    def group(self, question: Question) -> tuple[IncidentClass, ...]:
        """The classes asked about together with, or below, ``question``: failures have one of them as explanation."""
        above = next((one for one in self.questions.values() if question in one.then), None)
        top = above or self.asked(question)
        named = [*(self.asked(one).leads_to for one in top.then), top.leads_to]
        return tuple(dict.fromkeys(one for one in named if one is not None))
