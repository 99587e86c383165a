"""The shape of a taxonomy file, and its entries as values."""

from typing import Annotated

from pydantic import Field, model_validator

from bot.documents.strict import Strict
from bot.incident.case_rules import BESIDE, CONVINCING, CaseFacts, CaseRule, Sign
from bot.incident.classification import Question
from bot.incident.kinds import MitigationKind
from bot.incident.offer import Standing
from bot.incident.rules import (
    AnswerRule,
    CauseRule,
    ClassFacts,
    Condition,
    Fact,
    LabelNames,
    Labels,
    LeverFit,
    QuestionFacts,
    QuestionRole,
    RemediationKind,
    SeverityRule,
)
from bot.incident.taxonomy import Cause, IncidentClass, Severity

_Text = Annotated[str, Field(min_length=2, max_length=300)]
_Title = Annotated[str, Field(min_length=2, max_length=75)]
_ClassId = Annotated[str, Field(pattern="^[A-Z][A-Z0-9]{1,9}$")]
_QuestionId = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{1,39}$")]
_Nats = Annotated[float, Field(gt=0, le=1000)]


class SignEntry(Strict):
    """One signal that speaks for a class."""

    name: str
    looks: int = Field(default=1, ge=1, le=1000)
    weight: float = Field(default=1.0, ge=0, le=100)
    above: float | None = None
    below: float | None = None
    times: float | None = Field(default=None, gt=0)
    at_least: int = Field(default=5, ge=1)

    def made(self) -> Sign:
        """The value."""
        return Sign(self.name, self.looks, self.weight, self.above, self.below, self.times, self.at_least)


class CaseEntry(Strict):
    """How the case of a class is made."""

    rule: CaseRule = CaseRule.SUM
    signals: tuple[SignEntry, ...] = Field(min_length=1)
    convincing: _Nats = CONVINCING
    alone: _Nats | None = None
    beside: float = Field(default=BESIDE, ge=0, le=1)

    def made(self) -> CaseFacts:
        """The value."""
        facts = CaseFacts(self.rule, tuple(one.made() for one in self.signals), self.convincing, beside=self.beside)
        if self.alone is None:
            return facts
        return CaseFacts(facts.rule, facts.signs, facts.convincing, self.alone, facts.beside)


class CauseEntry(Strict):
    """A fixed cause with its reason, or where it is looked for."""

    cause: Cause | None = Field(default=None, alias="is")
    because: str = ""
    rule: CauseRule | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _one_of_them(self) -> "CauseEntry":
        if (self.cause is None) is (self.rule is None):
            raise ValueError("give either `is`, a fixed cause, or `from`, where it is looked for")
        if self.cause is not None and not self.because.strip():
            raise ValueError("a fixed cause needs `because`, the reason people read")
        return self


class LeverEntry(Strict):
    """How a mitigation stands to the class."""

    standing: Standing
    because: _Text
    allowed_beyond: float | None = Field(default=None, ge=0, le=1)
    allowed_because: str = ""
    moves: tuple[str, ...] = ()
    within: int = Field(default=10, ge=1, le=80)

    def made(self) -> LeverFit:
        """The value."""
        return LeverFit(self.standing, self.because, self.allowed_beyond, self.allowed_because, self.moves, self.within)


class LabelsEntry(Strict):
    """Names in public taxonomies."""

    mast: tuple[str, ...] = ()
    owasp: tuple[int, ...] = ()
    atlas: tuple[str, ...] = ()
    atlas_if_attacked: tuple[str, ...] = ()
    cosai: str = ""
    agentrx: tuple[str, ...] = ()


class ClassEntry(Strict):
    """One class."""

    id: _ClassId
    name: _Title
    meaning: _Text
    first_mitigation: _Text
    do_not: tuple[_Text, ...] = Field(min_length=1, max_length=20)
    floor: Severity
    irreversible: bool = False
    rollback: bool = True
    case: CaseEntry | None = None
    telling: tuple[str, ...] = ()
    onset: tuple[str, ...] = ()
    cause: CauseEntry | None = None
    levers: dict[MitigationKind, LeverEntry] = Field(default_factory=dict)
    remediations: dict[RemediationKind, LeverEntry] = Field(default_factory=dict)
    labels: LabelsEntry = Field(default_factory=LabelsEntry)

    def made(self) -> ClassFacts:
        """The value."""
        cause = self.cause
        return ClassFacts(
            id=IncidentClass(self.id),
            name=self.name,
            meaning=self.meaning,
            first_mitigation=self.first_mitigation,
            do_not=self.do_not,
            floor=self.floor,
            irreversible=self.irreversible,
            rollback=self.rollback,
            case=self.case.made() if self.case else None,
            telling=self.telling,
            onset=self.onset,
            cause=cause.cause if cause else None,
            cause_because=cause.because if cause else "",
            cause_rule=cause.rule if cause and cause.rule else CauseRule.CHANGES,
            levers={kind: one.made() for kind, one in self.levers.items()},
            remediations={kind: one.made() for kind, one in self.remediations.items()},
            labels=Labels(**self.labels.model_dump()),
        )


class QuestionEntry(Strict):
    """One question."""

    id: _QuestionId
    role: QuestionRole = QuestionRole.CLASS
    title: _Title
    ask: _Text
    if_yes: _Text
    leads_to: str | None = None
    then: tuple[str, ...] = ()
    only_when: Condition | None = None
    telemetry: AnswerRule

    def made(self) -> QuestionFacts:
        """The value."""
        return QuestionFacts(
            Question(self.id),
            self.title,
            self.ask,
            self.if_yes,
            self.telemetry,
            IncidentClass(self.leads_to) if self.leads_to else None,
            tuple(Question(one) for one in self.then),
            self.only_when,
            self.role,
        )


class NamesEntry(Strict):
    """What the codes of public taxonomies mean."""

    mast: dict[str, str] = Field(default_factory=dict)
    owasp: dict[int, str] = Field(default_factory=dict)
    atlas: dict[str, str] = Field(default_factory=dict)

    def made(self) -> LabelNames:
        """The value."""
        return LabelNames(self.mast, self.owasp, self.atlas)


class SeverityEntry(Strict):
    """One impact rule."""

    id: _QuestionId
    because: _Text
    at_least: Severity | None = None
    raises: bool = False
    classes: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    signals: tuple[str, ...] = ()
    above: float | None = Field(default=None, ge=0, le=1)
    worse_by: float | None = Field(default=None, gt=0, le=1)
    count: int | None = Field(default=None, ge=1)
    burn: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _says_what(self) -> "SeverityEntry":
        if (self.at_least is None) is not self.raises:
            raise ValueError("say either `at_least:` which severity, or `raises: true`")
        if not self.facts and not self.signals:
            raise ValueError("say by which `facts:` or `signals:` it is seen")
        measures = (self.above, self.worse_by, self.count, self.burn)
        if bool(self.signals) is all(one is None for one in measures):
            raise ValueError("signals need one of above, worse_by, count and burn, and those need signals")
        if self.burn is not None and (
            self.signals != ("task_failures",) or sum(one is not None for one in measures) > 1
        ):
            raise ValueError(
                "burn is taken of the last hour's failed tasks: it goes alone, with `signals: [task_failures]`"
            )
        return self

    def made(self) -> SeverityRule:
        """The value."""
        return SeverityRule(
            self.id,
            self.because,
            self.at_least,
            self.raises,
            tuple(IncidentClass(one) for one in self.classes),
            self.facts,
            self.signals,
            self.above,
            self.worse_by,
            self.count,
            self.burn,
        )


class TaxonomyFile(Strict):
    """A whole taxonomy: ours, with a team's own over it."""

    version: str = Field(min_length=1, max_length=60)
    order: tuple[str, ...] = Field(min_length=1)
    questions: tuple[QuestionEntry, ...]
    classes: tuple[ClassEntry, ...]
    severity: tuple[SeverityEntry, ...] = ()
    label_names: NamesEntry = Field(default_factory=NamesEntry)
