"""The lowest severity a class and its measured impact allow, with the reason."""

from bot.incident.evidence import EvidenceBundle, Signal
from bot.incident.rules import Taxonomy
from bot.incident.taxonomy import IncidentClass, Severity

MANY_FAIL = 0.25
SOME_FAIL = 0.05
QUALITY_DROP = 0.10
FEWEST_TASKS = 8  # below it a share of failing tasks is no measure of impact

Reasoned = tuple[Severity, str]


def floor(
    incident_class: IncidentClass | None, bundle: EvidenceBundle, taxonomy: Taxonomy, *, harm_now: bool = False
) -> Reasoned:
    """The floor and one sentence that says why. Responders may raise a severity, never go below its floor."""
    reasons = [_class_floor(incident_class, taxonomy), *_impact(incident_class, bundle)]
    if harm_now:
        reasons.append(_harm(incident_class, taxonomy))
    return min(reasons, key=lambda reason: reason[0].rank)


def _class_floor(incident_class: IncidentClass | None, taxonomy: Taxonomy) -> Reasoned:
    if incident_class is None:
        return Severity.SEV4, "nothing unusual is measured"
    lowest = taxonomy.facts(incident_class).floor
    return lowest, f"the floor of {incident_class.value} is {lowest.value}"


def _impact(incident_class: IncidentClass | None, bundle: EvidenceBundle) -> list[Reasoned]:
    failing = _failing(bundle.signal("task_failures"))
    found = [failing] if failing and incident_class is not None else []
    if incident_class is IncidentClass.QUAL:
        found += _drop(bundle)
    if incident_class is IncidentClass.LOOP and (writes := bundle.signal("repeated_writes")) and writes.k:
        found.append((Severity.SEV2, f"{writes.k} looping tasks repeat writes"))
    return found


def _failing(signal: Signal | None) -> Reasoned | None:
    """Impact by the share of tasks that fail beyond what is usual."""
    if signal is None or signal.value is None or signal.n < FEWEST_TASKS:
        return None
    beyond = signal.value - (signal.baseline or 0.0)
    figures = f"{signal.k} of {signal.n} tasks fail ({signal.value:.0%})"
    if signal.value > MANY_FAIL and beyond > SOME_FAIL:
        return Severity.SEV1, f"{figures}, more than a quarter"
    if beyond >= SOME_FAIL:
        return Severity.SEV2, f"{figures}, 5 % or more beyond the usual"
    return None


def _drop(bundle: EvidenceBundle) -> list[Reasoned]:
    """Impact by how far answers got worse."""
    found: list[Reasoned] = []
    for name in ("quality", "probes"):
        signal = bundle.signal(name)
        if signal is None or signal.value is None or signal.baseline is None or signal.n < FEWEST_TASKS:
            continue
        drop = signal.value - signal.baseline
        if drop > QUALITY_DROP:
            figures = f"{signal.k} of {signal.n} {signal.label}"
            found.append((Severity.SEV2, f"{figures}, {drop * 100:.0f} points worse than before"))
    return found


def _harm(incident_class: IncidentClass | None, taxonomy: Taxonomy) -> Reasoned:
    if incident_class is not None and taxonomy.facts(incident_class).irreversible:
        return Severity.SEV1, "irreversible or external harm is happening now"
    return Severity.SEV2, "harm is happening now"
