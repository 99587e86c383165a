"""Which mitigation fits which class, and which would make it worse.

Containment is always open, so nothing here forbids: a contraindicated lever can still be
pulled with a reason, and the reason goes on the timeline. Sources: the class facts in
``taxonomy.yaml``; the turn limit must not cut below the 95th percentile of passing tasks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import Offer, Standing, whole
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.statistics import quantile
from bot.incident.taxonomy import IncidentClass

MIN_PASSING = 20  # passing tasks needed before their 95th percentile sets a limit
CAUTIOUS_LIMIT = 8  # turns, where there is no history to learn from
MIN_LIMIT = 2
_Judgement = tuple[Standing, str]


def judge(
    kind: MitigationKind, incident_class: IncidentClass | None, taxonomy: Taxonomy, *, harm_now: bool, failing: float
) -> _Judgement:
    """How a lever stands to the class responders set; ``failing`` is the share of bad outcomes, 0..1.

    Without a class everything is allowed: containment does not wait for classification.
    """
    if incident_class is None:
        if kind is MitigationKind.HALT and harm_now:
            return Standing.FITS, "harm is happening now and this stops all of it"
        return Standing.ALLOWED, "containment is open before the class is known"
    lever = taxonomy.facts(incident_class).levers.get(kind)
    if lever is None:
        return Standing.ALLOWED, f"nothing is known for or against it in {incident_class.value}"
    if lever.allowed_beyond is not None and failing > lever.allowed_beyond:
        return Standing.ALLOWED, lever.allowed_because.replace("{share}", f"{failing:.0%}")
    return lever.standing, lever.because


def turns(task: Reading) -> int:
    """Model calls in one task."""
    return len(task.models)


def turn_limit_from(tasks: Sequence[Reading]) -> tuple[int, str]:
    """The smallest turn limit that spares passing tasks, and the sentence that says where it comes from."""
    passing = [turns(task) for task in tasks if task.finished and not task.failed and turns(task)]
    if len(passing) < MIN_PASSING:
        return CAUTIOUS_LIMIT, f"only {len(passing)} passing tasks to learn from, so a cautious {CAUTIOUS_LIMIT}"
    p95 = quantile([float(count) for count in passing], 0.95)
    limit = max(MIN_LIMIT, math.ceil(p95) + 1)
    return limit, f"95 % of {len(passing)} passing tasks need at most {p95:.0f} turns"


def touched(kind: MitigationKind, limit: int | None, tasks: Sequence[Reading]) -> tuple[int, int]:
    """How many of the given tasks the lever would have touched, and of how many."""
    if kind is MitigationKind.HALT or limit is None:
        return len(tasks), len(tasks)
    return sum(turns(task) > limit for task in tasks), len(tasks)


def offers(
    incident_class: IncidentClass | None,
    taxonomy: Taxonomy,
    baseline: Sequence[Reading],
    recent: Sequence[Reading],
    *,
    harm_now: bool,
    failing: float,
) -> tuple[Offer, ...]:
    """Every lever with its standing and reach, best first.

    ``baseline`` are tasks from before the onset, from which limits are learned; ``recent``
    those of the last hour, of which the reach is counted.
    """
    limit, source = turn_limit_from(baseline)
    found = []
    choices: tuple[tuple[MitigationKind, Value, str], ...] = (
        (MitigationKind.TURN_LIMIT, limit, source),
        (MitigationKind.HALT, True, ""),
    )
    for kind, figure, note in choices:
        standing, why = judge(kind, incident_class, taxonomy, harm_now=harm_now, failing=failing)
        k, n = touched(kind, whole(kind, figure), recent)
        offer = Offer(kind, figure, standing, f"{why}; {note}" if note else why)
        found.append(replace(offer, touches_k=k, touches_n=n) if n else offer)
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
