"""One bundle and the cases it makes: whether the case of a class stands beside what else is wrong."""

from dataclasses import dataclass

from bot.incident.case_rules import CaseFacts, CaseRule
from bot.incident.cases import Case, Cases, cases_of, undeployed_descriptions
from bot.incident.classification import Question, Reply
from bot.incident.evidence import EvidenceBundle
from bot.incident.rules import Taxonomy
from bot.incident.staleness import freshness_of
from bot.incident.taxonomy import IncidentClass

ALARMS_BESIDE = 1.5  # of the strongest rival, for alarms of an attack that did nothing


@dataclass(frozen=True, slots=True)
class Look:
    """One bundle, the cases it makes, and the taxonomy by which questions are answered."""

    bundle: EvidenceBundle
    taxonomy: Taxonomy
    cases: Cases
    stale: bool

    def case(self, name: IncidentClass | None) -> Case:
        """The case for a class; an empty one where telemetry cannot tell it."""
        named = name or IncidentClass.UNKN
        return self.cases.get(named) or Case(named, 0.0, (), (), ())

    def facts(self, name: IncidentClass) -> CaseFacts:
        """When the case of a class stands."""
        return self.taxonomy.facts(name).case or CaseFacts(CaseRule.SUM, ())


def look_at(bundle: EvidenceBundle, taxonomy: Taxonomy) -> Look:
    """The bundle with its cases."""
    return Look(bundle, taxonomy, cases_of(bundle, taxonomy), freshness_of(Question.FRESH, bundle).reply is Reply.NO)


def verdict(look: Look, name: IncidentClass, apart: float = 0.0) -> Reply:
    """Yes, no, or "can't tell" when the case stands but later classes explain far more."""
    case, facts = look.case(name), look.facts(name)
    if not case.stands:
        return Reply.NO
    if name is IncidentClass.SECU and case.nats < apart * look.case(IncidentClass.ACTN).nats:
        return Reply.CANT_TELL
    rivals = [other.nats for other in look.cases.values() if other.stands and _rival(case, other)]
    if name is IncidentClass.SECU and only_alarms(case, look.bundle):
        return Reply.YES if case.nats >= ALARMS_BESIDE * max(rivals, default=0.0) else Reply.CANT_TELL
    enough = case.nats >= facts.alone or case.nats >= facts.beside * max(rivals, default=0.0)
    return Reply.YES if enough else Reply.CANT_TELL


def only_alarms(case: Case, bundle: EvidenceBundle) -> bool:
    """Alarms of an attack that nothing shows to have done anything: they do not explain what else is wrong."""
    return case.signals == ("security_hits",) and not undeployed_descriptions(bundle)


def _rival(case: Case, other: Case) -> bool:
    """Another class explains the signs away, unless it is what an attacker does."""
    attack = case.incident_class is IncidentClass.SECU and other.incident_class is IncidentClass.ACTN
    return other.incident_class is not case.incident_class and not attack
