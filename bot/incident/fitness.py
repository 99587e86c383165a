"""Which mitigation fits which class, and which would make it worse.

Containment is always open, so nothing here forbids: a contraindicated lever can still be
pulled with a reason, and the reason goes on the timeline. Sources: the class facts in
``taxonomy.py``; the turn limit must not cut below the 95th percentile of passing tasks.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import Offer, Standing, whole
from bot.incident.reading import Reading
from bot.incident.statistics import quantile
from bot.incident.taxonomy import IncidentClass

MIN_PASSING = 20  # passing tasks needed before their 95th percentile sets a limit
CAUTIOUS_LIMIT = 8  # turns, where there is no history to learn from
MIN_LIMIT = 2
MOST_TASKS = 0.5  # a quality drop beyond this share leaves little to protect

_Judgement = tuple[Standing, str]

_HALT: dict[IncidentClass, _Judgement] = {
    IncidentClass.SECU: (Standing.FITS, "stops the attacker's hands; snapshot memory and index before anything else"),
    IncidentClass.ACTN: (Standing.CONTRAINDICATED, "a kill in the middle of a transaction leaves half-done writes"),
    IncidentClass.BEHV: (Standing.ALLOWED, "stops all output; a turn limit keeps the useful part"),
    IncidentClass.HARD: (Standing.ALLOWED, "tasks fail anyway; it stops them from piling up"),
    IncidentClass.PROV: (Standing.ALLOWED, "sheds all load from the provider; users get no answer"),
    IncidentClass.TOOL: (Standing.CONTRAINDICATED, "one tool is broken; the other tasks still work"),
    IncidentClass.LOOP: (Standing.CONTRAINDICATED, "a cap per task ends the loops and keeps the other tasks"),
    IncidentClass.QUAL: (Standing.CONTRAINDICATED, "most answers are still right; cut exposure instead"),
    IncidentClass.UNKN: (Standing.ALLOWED, "stops everything while nobody knows yet"),
}

_TURN_LIMIT: dict[IncidentClass, _Judgement] = {
    IncidentClass.SECU: (Standing.ALLOWED, "shortens an attack, does not stop it"),
    IncidentClass.ACTN: (Standing.ALLOWED, "limits further actions; may end a task between two writes"),
    IncidentClass.BEHV: (Standing.FITS, "trouble that grows with the length of a conversation ends early"),
    IncidentClass.HARD: (Standing.ALLOWED, "does little: tasks fail for another reason"),
    IncidentClass.PROV: (Standing.ALLOWED, "sheds some load from the provider"),
    IncidentClass.TOOL: (Standing.ALLOWED, "ends retries against the broken tool sooner"),
    IncidentClass.LOOP: (Standing.FITS, "looping tasks end at the cap, ordinary ones are not touched"),
    IncidentClass.QUAL: (Standing.ALLOWED, "does little: answers are wrong at any length"),
    IncidentClass.UNKN: (Standing.ALLOWED, "bounds the harm of one task"),
}


def judge(kind: MitigationKind, incident_class: IncidentClass | None, *, harm_now: bool, failing: float) -> _Judgement:
    """How a lever stands to the class responders set; ``failing`` is the share of bad outcomes, 0..1.

    Without a class everything is allowed: containment does not wait for classification.
    """
    if incident_class is None:
        if kind is MitigationKind.HALT and harm_now:
            return Standing.FITS, "harm is happening now and this stops all of it"
        return Standing.ALLOWED, "containment is open before the class is known"
    if kind is MitigationKind.HALT and incident_class is IncidentClass.QUAL and failing > MOST_TASKS:
        return Standing.ALLOWED, f"{failing:.0%} of answers are wrong, so little is lost"
    table = {MitigationKind.HALT: _HALT, MitigationKind.TURN_LIMIT: _TURN_LIMIT}.get(kind)
    return table[incident_class] if table else (Standing.ALLOWED, "nothing is known for or against it here")


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
        standing, why = judge(kind, incident_class, harm_now=harm_now, failing=failing)
        k, n = touched(kind, whole(kind, figure), recent)
        offer = Offer(kind, figure, standing, f"{why}; {note}" if note else why)
        found.append(replace(offer, touches_k=k, touches_n=n) if n else offer)
    order = [Standing.FITS, Standing.ALLOWED, Standing.CONTRAINDICATED]
    return tuple(sorted(found, key=lambda offer: order.index(offer.standing)))
