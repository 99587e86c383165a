"""The case for each class: how strongly the signals of a bundle speak for it, and which ones.

Strength is evidence in nats (see ``statistics``): one signal alone that is worse by chance in
one of a thousand looks reaches about 5. Signals of one class that are independent add up.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.incident.evidence import Direction, EvidenceBundle, Finding, FindingKind, Signal
from bot.incident.statistics import evidence, poisson_evidence
from bot.incident.taxonomy import IncidentClass
from bot.incident.wording import figure

CONVINCING = 5.5  # nats for a class that lives in everyday noise
DEFINITIONAL = 2.6  # nats where the signal is the definition of the class and its noise is almost nothing
STRONG = 10.0  # nats from which an earlier class needs no comparison with later ones
NOTABLE = 1.0  # nats from which a signal is mentioned
FEWEST_BASELINE = 8
FEWEST_ALARMS = 2
FEWEST_EVENTS = 3  # bad outcomes of one kind below which everyday noise explains them
ALARM_NOISE = 1.5  # nats off for alarms: detectors of injection raise false ones, and in bunches
JOINT = 3.0  # nats for a task that shows two different signs of an attack
FEEDBACK_WEIGHT = 0.5  # users rate what they feel, and the same wrong answer a judge has counted
PRIOR = (0.5, 10)  # added to what is known: everyday noise is never quite absent
COLLAPSE = 0.5
FEWEST_EXPECTED = 10  # tasks that should have come before their absence means anything
QUIET_SPELL = 2.5  # nats: tasks bunch more than chance, so a quiet spell must be quieter
MORE_FREEDOM = 1.0  # nats a further series must bring before it counts: more of them fit noise better
NEW_DESCRIPTION = 4.0  # nats for a tool description that changed without a deploy
DEPLOY_NEAR_NS = 15 * 60 * 1_000_000_000

THRESHOLDS: dict[IncidentClass, float] = {
    IncidentClass.SECU: DEFINITIONAL,
    IncidentClass.ACTN: DEFINITIONAL,
    IncidentClass.BEHV: CONVINCING,
    IncidentClass.HARD: CONVINCING,
    IncidentClass.PROV: CONVINCING,
    IncidentClass.TOOL: CONVINCING,
    IncidentClass.LOOP: CONVINCING,
    IncidentClass.QUAL: CONVINCING,
}

_NO_NOISE = frozenset(
    {
        "new_destinations",
        "untrusted_privileged",
        "unapproved_writes",
        "unbacked_claims",
        "many_writes",
        "write_amounts",
        "model_mismatch",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """How strongly telemetry speaks for one class: nats, the sentences, and the signals and traces behind them."""

    incident_class: IncidentClass
    nats: float
    because: tuple[str, ...]
    signals: tuple[str, ...]
    trace_ids: tuple[str, ...]

    @property
    def stands(self) -> bool:
        """It is convincing when seen alone."""
        return self.nats >= THRESHOLDS[self.incident_class]


def cases_of(bundle: EvidenceBundle) -> dict[IncidentClass, Case]:
    """The case for each class but UNKN."""
    return {
        IncidentClass.SECU: _security(bundle),
        IncidentClass.ACTN: _summed(
            bundle, IncidentClass.ACTN, ("unapproved_writes", "unbacked_claims", "many_writes", "write_amounts")
        ),
        IncidentClass.BEHV: _best(bundle, IncidentClass.BEHV, (("breaches",), ("breaches_slice",))),
        IncidentClass.PROV: _best(bundle, IncidentClass.PROV, (("model_errors",), ("slow_models",))),
        IncidentClass.TOOL: _tool(bundle),
        IncidentClass.HARD: _hard(bundle),
        IncidentClass.LOOP: _best(bundle, IncidentClass.LOOP, (("repeats",), ("at_limit",), ("long_tasks",))),
        IncidentClass.QUAL: _quality(bundle),
    }


def strength(signal: Signal | None) -> float:
    """Evidence in nats that a share is worse than before; negative when it is better.

    An agent without a history is compared with a modest assumption, where that makes sense.
    """
    if signal is None or signal.k is None:
        return 0.0
    if signal.name in _NO_NOISE:
        known = signal.baseline_n >= FEWEST_BASELINE
        return evidence(signal.k, signal.n, signal.baseline_k or 0, signal.baseline_n) if known else 0.0
    nats = evidence(signal.k, signal.n, (signal.baseline_k or 0) + PRIOR[0], signal.baseline_n + PRIOR[1])
    few = FEWEST_ALARMS if signal.name == "security_hits" else FEWEST_EVENTS
    return min(nats, NOTABLE) if signal.k < few else nats


def _named(bundle: EvidenceBundle, names: Iterable[str]) -> list[Signal]:
    return [signal for name in names if (signal := bundle.signal(name))]


def _case(incident_class: IncidentClass, nats: float, signals: Iterable[Signal], *more: str) -> Case:
    """A case from the signals that speak for it, the strongest first."""
    speaking = sorted((signal for signal in signals if strength(signal) >= NOTABLE), key=strength, reverse=True)
    traces = dict.fromkeys(trace_id for signal in speaking for trace_id in signal.trace_ids)
    return Case(
        incident_class=incident_class,
        nats=nats,
        because=(*(figure(signal) for signal in speaking), *more),
        signals=tuple(signal.name for signal in speaking),
        trace_ids=tuple(traces)[:5],
    )


def _summed(bundle: EvidenceBundle, incident_class: IncidentClass, names: Iterable[str]) -> Case:
    """Independent signs of one class add up; signs that improved do not count against it."""
    signals = _named(bundle, names)
    return _case(incident_class, sum(max(0.0, strength(signal)) for signal in signals), signals)


def _best(bundle: EvidenceBundle, incident_class: IncidentClass, ways: Iterable[tuple[str, ...]], *adding: str) -> Case:
    """Several ways of seeing the same thing: the best one counts, less the chance that lies in choosing; others add."""
    ways = tuple(ways)
    chosen = [
        sum(max(0.0, strength(signal)) for signal in _named(bundle, way)) - math.log(1 + place)
        for place, way in enumerate(ways)
    ]
    added = _named(bundle, adding)
    nats = max(chosen) + sum(max(0.0, strength(signal)) for signal in added)
    return _case(incident_class, nats, [*_named(bundle, (name for way in ways for name in way)), *added])


def _security(bundle: EvidenceBundle) -> Case:
    base = _summed(bundle, IncidentClass.SECU, ("security_hits", "untrusted_privileged", "new_destinations"))
    described = undeployed_descriptions(bundle)
    alarms = min(ALARM_NOISE, max(0.0, strength(bundle.signal("security_hits"))))
    base = replace(base, nats=base.nats - alarms + JOINT * joint_signs(bundle))
    if not described:
        return base
    details = tuple(f"{finding.detail}, and no deploy explains it" for finding in described)
    return Case(
        IncidentClass.SECU,
        base.nats + NEW_DESCRIPTION,
        (*base.because, *details),
        base.signals,
        tuple(dict.fromkeys((*base.trace_ids, *(finding.trace_id for finding in described))))[:5],
    )


def joint_signs(bundle: EvidenceBundle) -> bool:
    """Some task shows two different signs of an attack."""
    signs = _named(bundle, ("security_hits", "untrusted_privileged", "new_destinations"))
    seen = [trace_id for signal in signs if signal.value != signal.baseline for trace_id in signal.trace_ids]
    return len(seen) > len(set(seen))


def undeployed_descriptions(bundle: EvidenceBundle) -> tuple[Finding, ...]:
    """Tool descriptions never seen before, unless a new version of the agent came with them."""
    found = tuple(finding for finding in bundle.findings if finding.kind is FindingKind.FIRST_SEEN_MANIFEST)
    deploys = [change for change in bundle.changes if change.kind == "agent version"]
    since = bundle.window.start_ns - DEPLOY_NEAR_NS
    return () if any(change.first_seen_ns >= since for change in deploys) else found


def _tool(bundle: EvidenceBundle) -> Case:
    """The worst tool speaks; that it is the worst of several is discounted."""
    tools = [signal for signal in bundle.signals if signal.name.startswith(("tool:", "empty:"))]
    worst = max(tools, key=strength, default=None)
    nats = max(0.0, strength(worst) - math.log(1 + len(tools)))
    spoken = [signal for signal in tools if strength(signal) >= max(NOTABLE, strength(worst) / 2)]
    top = bundle.signal("failing_top2")
    more = (figure(top) + f": {top.note}",) if top and top.k and top.note and spoken else ()
    return _case(IncidentClass.TOOL, nats, spoken, *more)


def _hard(bundle: EvidenceBundle) -> Case:
    """Failures that nothing below explains, or hardly any tasks."""
    failures, pace = bundle.signal("unexplained_failures"), bundle.signal("task_volume")
    missing = 0.0 if silent(bundle) else collapse(pace)
    more = (figure(pace),) if pace and missing >= NOTABLE else ()
    nats = max(0.0, strength(failures)) + missing
    return _case(IncidentClass.HARD, nats, [failures] if failures else [], *more)


def silent(bundle: EvidenceBundle) -> bool:
    """Nothing arrives from this agent nor from any other: then the absence of tasks is no evidence."""
    own, fleet = bundle.signal("span_age"), bundle.signal("fleet_age")
    stale = own is None or own.direction is not Direction.FLAT
    return stale and (fleet is None or fleet.direction is not Direction.FLAT)


def collapse(pace: Signal | None) -> float:
    """Evidence in nats that less than half the usual tasks arrive."""
    if pace is None or pace.value is None or not pace.baseline or pace.value > COLLAPSE * pace.baseline:
        return 0.0
    if pace.baseline * pace.window.seconds / 60 < FEWEST_EXPECTED:
        return 0.0
    before_seconds = pace.baseline_n / pace.baseline * 60
    nats = abs(poisson_evidence(pace.n, pace.window.seconds, pace.baseline_n, before_seconds))
    return max(0.0, nats - QUIET_SPELL)


def _quality(bundle: EvidenceBundle) -> Case:
    """Judges, probes and users together, or one kind of task alone. What improved counts against it."""
    pooled = [signal for signal in _named(bundle, ("quality", "probes", "feedback")) if signal.n]
    weights = {"feedback": FEEDBACK_WEIGHT}
    nats = sum(weights.get(signal.name, 1.0) * strength(signal) for signal in pooled) - MORE_FREEDOM * max(
        0, len(pooled) - 1
    )
    part = bundle.signal("quality_slice")
    nats = max(0.0, nats, strength(part) - math.log(6))
    return _case(IncidentClass.QUAL, nats, [*pooled, *([part] if part else [])])
