"""Which mitigation fits which class, and which would make it worse.

Containment is always open, so nothing here forbids: a contraindicated lever can still be
pulled with a reason, and the reason goes on the timeline. Sources: the class facts in
``taxonomy.yaml``; the turn limit must not cut below the 95th percentile of passing tasks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.incident.kinds import MitigationKind
from bot.incident.offer import Offer, Standing
from bot.incident.quantities import percent
from bot.incident.reach import reach
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.suggestions import suggestions
from bot.incident.taxonomy import IncidentClass

_Judgement = tuple[Standing, str]
UNCLASSIFIED = "containment is open before the class is known"


def judge(
    kind: MitigationKind, incident_class: IncidentClass | None, taxonomy: Taxonomy, *, harm_now: bool, failing: float
) -> _Judgement:
    """How a lever stands to the class responders set; ``failing`` is the share of bad outcomes, 0..1.

    Without a class everything is allowed: containment does not wait for classification.
    """
    if incident_class is None:
        if kind is MitigationKind.HALT and harm_now:
            return Standing.FITS, "harm is happening now and this stops all of it"
        return Standing.ALLOWED, UNCLASSIFIED
    lever = taxonomy.facts(incident_class).levers.get(kind)
    if lever is None:
        return Standing.ALLOWED, f"nothing is known for or against it in {incident_class.value}"
    if lever.allowed_beyond is not None and failing > lever.allowed_beyond:
        return Standing.ALLOWED, lever.allowed_because.replace("{share}", percent(failing))
    return lever.standing, lever.because


BRIEF = frozenset({MitigationKind.TURN_LIMIT, MitigationKind.HALT})  # those that the card has room for


def offers(
    incident_class: IncidentClass | None,
    taxonomy: Taxonomy,
    baseline: Sequence[Reading],
    recent: Sequence[Reading],
    *,
    harm_now: bool,
    failing: float,
    every: bool = False,
) -> tuple[Offer, ...]:
    """Levers with their standing and reach, best first: the brief ones, or ``every`` kind that has a sensible value.

    ``baseline`` are tasks from before the onset, from which figures are learned; ``recent`` those of
    the last hour, of which the reach is counted.
    """
    found = []
    for kind, value, note in suggestions(baseline, recent):
        if not every and kind not in BRIEF:
            continue
        standing, why = judge(kind, incident_class, taxonomy, harm_now=harm_now, failing=failing)
        seen = reach(kind, value, recent, 1)
        offer = Offer(kind, value, standing, f"{why}; {note}" if note else why)
        found.append(replace(offer, touches_k=seen.k, touches_n=seen.n) if seen.n and seen.k is not None else offer)
    order = [Standing.FITS, Standing.ALLOWED, Standing.CONTRAINDICATED]
    return tuple(sorted(found, key=lambda offer: order.index(offer.standing)))


_STRONGER: Mapping[MitigationKind, tuple[MitigationKind, ...]] = {
    MitigationKind.TURN_LIMIT: (MitigationKind.DRAIN, MitigationKind.HALT),
    MitigationKind.STEP_CAP: (MitigationKind.READ_ONLY, MitigationKind.HALT),
    MitigationKind.COST_CAP: (MitigationKind.RATE_CAP, MitigationKind.HALT),
    MitigationKind.RATE_CAP: (MitigationKind.DRAIN, MitigationKind.HALT),
    MitigationKind.DISABLE_TOOLS: (MitigationKind.READ_ONLY, MitigationKind.HALT),
    MitigationKind.READ_ONLY: (MitigationKind.HALT,),
    MitigationKind.EGRESS_CUT: (MitigationKind.HALT,),
    MitigationKind.GUARDRAIL_LEVEL: (MitigationKind.HANDOFF, MitigationKind.HALT),
    MitigationKind.HANDOFF: (MitigationKind.DRAIN, MitigationKind.HALT),
    MitigationKind.MODEL_PIN: (MitigationKind.CANARY_SHARE, MitigationKind.HANDOFF),
    MitigationKind.PROMPT_PIN: (MitigationKind.CANARY_SHARE, MitigationKind.HANDOFF),
    MitigationKind.CANARY_SHARE: (MitigationKind.DRAIN, MitigationKind.HALT),
    MitigationKind.DRAIN: (MitigationKind.HALT,),
    MitigationKind.QUEUE_PAUSE: (MitigationKind.DRAIN, MitigationKind.HALT),
}


def stronger(kind: MitigationKind) -> tuple[MitigationKind, ...]:
    """The levers that stop more, next one first, for when this one does not hold; empty after the kill switch."""
    return _STRONGER.get(kind, ())
