"""The lowest severity that a class, its measured impact and what is known of the agent allow, with the reason."""

from bot.incident.evidence import EvidenceBundle, Signal
from bot.incident.model import Impact
from bot.incident.rules import Fact, SeverityRule, Taxonomy
from bot.incident.taxonomy import IncidentClass, Severity
from bot.incident.wording import figure

FEWEST_TASKS = 8  # below it a share is no measure of impact
UNKNOWN_IMPACT = Impact()

Reasoned = tuple[Severity, str]


def floor(
    incident_class: IncidentClass | None,
    bundle: EvidenceBundle,
    taxonomy: Taxonomy,
    impact: Impact = UNKNOWN_IMPACT,
    *,
    harm_now: bool = False,
) -> Reasoned:
    """The floor and one sentence that says why. Responders may raise a severity, never go below its floor."""
    facts = _facts(incident_class, taxonomy, impact, harm_now=harm_now)
    rules = [rule for rule in taxonomy.severity if _concerns(rule, incident_class, facts)]
    found = [(rule, said) for rule in rules if (said := _holds(rule, bundle, impact)) is not None]
    lowest, why = min(
        (
            _class_floor(incident_class, taxonomy),
            *((rule.at_least, said) for rule, said in found if rule.at_least),
            *_asked(incident_class, impact),
        ),
        key=lambda reason: reason[0].rank,
    )
    raising = [said for rule, said in found if rule.raises]
    if not raising or lowest.raised() is lowest:
        return lowest, why
    return lowest.raised(), f"{why}; one level more: {', '.join(raising)}"


def _class_floor(incident_class: IncidentClass | None, taxonomy: Taxonomy) -> Reasoned:
    if incident_class is None:
        return Severity.SEV4, "nothing unusual is measured"
    lowest = taxonomy.facts(incident_class).floor
    return lowest, f"the floor of {incident_class.value} is {lowest.value}"


def _asked(incident_class: IncidentClass | None, impact: Impact) -> list[Reasoned]:
    """The floor that the catalogue sets for any incident of the agent."""
    if incident_class is None or impact.severity_floor is None:
        return []
    return [(impact.severity_floor, f"the catalogue asks for {impact.severity_floor.value} at least")]


def _facts(
    incident_class: IncidentClass | None, taxonomy: Taxonomy, impact: Impact, *, harm_now: bool
) -> frozenset[Fact]:
    known = {
        Fact.HARM_NOW: harm_now,
        Fact.IRREVERSIBLE: incident_class is not None and taxonomy.facts(incident_class).irreversible,
        Fact.EXTERNAL: impact.external,
        Fact.REGULATED: impact.regulated,
        Fact.NO_HUMAN: impact.human_in_the_loop is False,
        Fact.SENSITIVE: bool(impact.sensitive),
        Fact.PERSISTENT_MEMORY: impact.persistent_memory,
    }
    return frozenset(fact for fact, holds in known.items() if holds)


def _concerns(rule: SeverityRule, incident_class: IncidentClass | None, facts: frozenset[Fact]) -> bool:
    """Harm that people report counts without a class too; what is measured or known only with one."""
    if incident_class is None and Fact.HARM_NOW not in rule.facts:
        return False
    return facts.issuperset(rule.facts) and (not rule.classes or incident_class in rule.classes)


def _holds(rule: SeverityRule, bundle: EvidenceBundle, impact: Impact) -> str | None:
    """The reason with its figures, or None where no signal shows it."""
    if not rule.signals:
        return rule.because
    signals = (bundle.signal(name) for name in rule.signals)
    return next((_told(rule, one, impact) for one in signals if one and _shows(rule, one, impact)), None)


def _shows(rule: SeverityRule, signal: Signal, impact: Impact) -> bool:
    if rule.count is not None:
        return (signal.k or 0) >= rule.count
    if rule.burn is not None:
        return _burn(signal, impact) >= rule.burn
    if signal.value is None or signal.n < FEWEST_TASKS:
        return False
    if rule.above is not None and signal.value <= rule.above:
        return False
    return rule.worse_by is None or signal.value - (signal.baseline or 0.0) >= rule.worse_by


def _burn(signal: Signal, impact: Impact) -> float:
    """How many times as fast as it may the error budget burned in the last hour; 0 without an objective or tasks."""
    budget = 1 - impact.objective if impact.objective is not None else 0.0
    bad, of = signal.hour or (0, 0)
    return bad / of / budget if budget > 0 and of >= FEWEST_TASKS else 0.0


def _told(rule: SeverityRule, signal: Signal, impact: Impact) -> str:
    worse = (signal.value or 0.0) - (signal.baseline or 0.0)
    words = {
        "{figure}": figure(signal),
        "{k}": str(signal.k or 0),
        "{points}": f"{100 * worse:.0f}",
        "{burn}": f"{_burn(signal, impact):.0f}",
        "{hour}": "{} of {}".format(*(signal.hour or (0, 0))),
    }
    said = rule.because
    for mark, value in words.items():
        said = said.replace(mark, value)
    return said
