"""The case for each class: how strongly the signals of a bundle speak for it, and which ones.

Strength is evidence in nats (see ``strength``). Signals of one class that are independent add up.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from bot.incident.case_rules import CONVINCING, CaseFacts, CaseRule, Sign
from bot.incident.detectors.security import is_security
from bot.incident.evidence import Direction, EvidenceBundle, Finding, FindingKind, Signal
from bot.incident.rules import Taxonomy
from bot.incident.strength import ALARM, FEWEST_BASELINE, NOTABLE, QUIET_SPELL, collapse, fewer, speaks, strength
from bot.incident.taxonomy import IncidentClass
from bot.incident.wording import figure

ALARM_NOISE = 1.5  # nats off for alarms: detectors of injection raise false ones, and in bunches
ALARMS_ALONE = 3.0  # the same where nothing shows that an attack did anything
JOINT = 3.0  # nats for a task that shows two different signs of an attack
RUMOUR = 1.0  # nats of a loud class from which failing probes may be its doing
FEWEST_VERDICTS = 8  # judged answers from which judges count as heard
COMPANY = 2.0  # nats for other agents on the provider with the same trouble at the same time
MORE_FREEDOM = 1.0  # nats a further series must bring before it counts: more of them fit noise better
MOSTLY = 0.5  # of all failing calls on the two worst tools: below it no tool stands out
NEW_DESCRIPTION = 4.0  # nats for a tool description that changed without a deploy
LOUD = (IncidentClass.PROV, IncidentClass.TOOL, IncidentClass.HARD, IncidentClass.LOOP)


@dataclass(frozen=True, slots=True)
class Case:
    """How strongly telemetry speaks for one class: nats, the sentences, and the signals and traces behind them."""

    incident_class: IncidentClass
    nats: float
    because: tuple[str, ...]
    signals: tuple[str, ...]
    trace_ids: tuple[str, ...]
    convincing: float = CONVINCING  # nats from which it stands

    @property
    def stands(self) -> bool:
        """It is convincing when seen alone."""
        return self.nats >= self.convincing


Cases = Mapping[IncidentClass, Case]


def cases_of(bundle: EvidenceBundle, taxonomy: Taxonomy) -> Cases:
    """The case for each class that telemetry can tell."""
    told = {name: facts.case for name, facts in taxonomy.classes.items() if facts.case}
    found: dict[IncidentClass, Case] = {}
    for name, case in sorted(told.items(), key=lambda one: one[1].rule is CaseRule.QUALITY):  # the quiet one last
        loudest = max((found[loud].nats for loud in LOUD if loud in found), default=0.0)
        found[name] = replace(_made(bundle, name, case, loudest), convincing=case.convincing)
    return {name: found[name] for name in told}


def _made(bundle: EvidenceBundle, name: IncidentClass, case: CaseFacts, loudest: float) -> Case:
    match case.rule:
        case CaseRule.SUM:
            return _summed(bundle, name, case.signs)
        case CaseRule.BEST:
            return _best(bundle, name, case.signs)
        case CaseRule.SECURITY:
            return _security(bundle, name, case.signs)
        case CaseRule.PROVIDER:
            return _provider(bundle, name)
        case CaseRule.TOOL:
            return _tool(bundle, name)
        case CaseRule.HARD:
            return _hard(bundle, name)
        case CaseRule.QUALITY:
            return _quality(bundle, name, case.signs, loudest)
        case other:
            assert_never(other)


Spoken = tuple[Signal, Sign]


def _named(bundle: EvidenceBundle, signs: Iterable[Sign]) -> list[Spoken]:
    """The signals the signs name, those of a whole family among them."""
    found: list[Spoken] = []
    for sign in signs:
        if sign.name.endswith(":"):
            found += [(signal, sign) for signal in bundle.signals if signal.name.startswith(sign.name)]
        elif signal := bundle.signal(sign.name):
            found.append((signal, sign))
    return found


def _case(incident_class: IncidentClass, nats: float, spoken: Iterable[Spoken], *more: str) -> Case:
    """A case from the signals that speak for it, the strongest first."""
    loud = [(_said(signal, sign), signal) for signal, sign in spoken]
    speaking = [signal for nats_of, signal in sorted(loud, key=lambda one: -one[0]) if nats_of >= NOTABLE]
    traces = dict.fromkeys(trace_id for signal in speaking for trace_id in signal.trace_ids)
    return Case(
        incident_class=incident_class,
        nats=nats,
        because=(*(figure(signal) for signal in speaking), *more),
        signals=tuple(signal.name for signal in speaking),
        trace_ids=tuple(traces)[:5],
    )


def _said(signal: Signal, sign: Sign) -> float:
    return speaks(signal, sign) if sign.bounded else strength(signal)


def _summed(bundle: EvidenceBundle, incident_class: IncidentClass, signs: Iterable[Sign]) -> Case:
    """Independent signs of one class add up; signs that improved do not count against it."""
    spoken = _named(bundle, signs)
    nats = sum(max(0.0, speaks(signal, sign) - sign.cost) for signal, sign in spoken)
    return _case(incident_class, nats, spoken)


def _best(bundle: EvidenceBundle, incident_class: IncidentClass, signs: Iterable[Sign]) -> Case:
    """Several ways of seeing the same thing: the best one counts, less the chance that lies in choosing it."""
    spoken = _named(bundle, signs)
    nats = max((speaks(signal, sign) - sign.cost for signal, sign in spoken), default=0.0)
    return _case(incident_class, max(0.0, nats), spoken)


def _security(bundle: EvidenceBundle, incident_class: IncidentClass, signs: Iterable[Sign]) -> Case:
    base = _summed(bundle, incident_class, signs)
    described = undeployed_descriptions(bundle)
    counted = max(0.0, strength(bundle.signal("security_hits")))
    alarms = max(counted, _loudest_alarm(bundle))
    noise = ALARM_NOISE if described or base.nats >= counted + NOTABLE else ALARMS_ALONE
    nats = base.nats - counted + max(0.0, alarms - noise) + JOINT * joint_signs(bundle)
    base = replace(base, nats=nats)
    if not described:
        return base
    details = tuple(f"{finding.detail}, and no deploy explains it" for finding in described)
    return Case(
        incident_class,
        base.nats + NEW_DESCRIPTION,
        (*base.because, *details),
        base.signals,
        tuple(dict.fromkeys((*base.trace_ids, *(finding.trace_id for finding in described))))[:5],
    )


def _loudest_alarm(bundle: EvidenceBundle) -> float:
    """The security guardrail whose alarms grew most; one that looks at few tasks is lost among all the others."""
    found = [
        strength(signal)
        for signal in bundle.signals
        if signal.name.startswith(ALARM) and is_security(signal.name.removeprefix(ALARM))
    ]
    return max(found) - math.log(1 + len(found)) if found else 0.0


def joint_signs(bundle: EvidenceBundle) -> bool:
    """Some task shows two different signs of an attack."""
    signs = (bundle.signal(name) for name in ("security_hits", "untrusted_privileged", "new_destinations"))
    seen = [trace_id for signal in signs if signal and signal.value != signal.baseline for trace_id in signal.trace_ids]
    return len(seen) > len(set(seen))


def undeployed_descriptions(bundle: EvidenceBundle) -> tuple[Finding, ...]:
    """Tool descriptions never seen before; those that a new version of the agent brought are no finding."""
    return tuple(finding for finding in bundle.findings if finding.kind is FindingKind.FIRST_SEEN_MANIFEST)


def _provider(bundle: EvidenceBundle, incident_class: IncidentClass) -> Case:
    """Errors or waits. Tasks that call more models see more errors, so the calls must show them too; neighbours confirm."""
    tasks, calls = bundle.signal("model_errors"), bundle.signal("model_call_errors")
    erring = min(strength(tasks), strength(calls)) if calls else strength(tasks)
    slow = bundle.signal("slow_models")
    nats = max(0.0, erring, strength(slow) - math.log(2))
    if bundle.also_affected and nats >= COMPANY:
        nats += COMPANY
    return _case(incident_class, nats, [(signal, Sign(signal.name)) for signal in (tasks, slow) if signal])


def _tool(bundle: EvidenceBundle, incident_class: IncidentClass) -> Case:
    """The worst tool speaks; that it is the worst of several is discounted."""
    tools = [signal for signal in bundle.signals if signal.name.startswith(("tool:", "empty:", "slow:"))]
    worst = max(tools, key=strength, default=None)
    nats = max(0.0, strength(worst) - math.log(1 + len(tools)))
    loud = max(NOTABLE, strength(worst) / 2)
    spoken = [(signal, Sign(signal.name)) for signal in tools if strength(signal) >= loud]
    top = bundle.signal("failing_top2")
    more = (figure(top) + f": {top.note}",) if top and top.k and top.note and spoken else ()
    found = _case(incident_class, nats, spoken, *more)
    every = bundle.signal("tool_errors")
    if every and found.because and top and top.k and top.value is not None and top.value < MOSTLY:
        return replace(found, because=(figure(every), *found.because))  # no tool stands out: the whole comes first
    return found


def _hard(bundle: EvidenceBundle, incident_class: IncidentClass) -> Case:
    """Failures that nothing below explains, or hardly any tasks."""
    failures, pace = bundle.signal("unexplained_failures"), bundle.signal("task_volume")
    missing = 0.0 if silent(bundle) else collapse(pace)
    more = (figure(pace),) if pace and missing >= NOTABLE else ()
    nats = max(0.0, strength(failures)) + missing
    return _case(incident_class, nats, [(failures, Sign(failures.name))] if failures else [], *more)


def silent(bundle: EvidenceBundle) -> bool:
    """Nothing arrives from this agent nor from any other: then the absence of tasks is no evidence."""
    own, fleet = bundle.signal("span_age"), bundle.signal("fleet_age")
    stale = own is None or own.direction is not Direction.FLAT
    return stale and (fleet is None or fleet.direction is not Direction.FLAT)


def _quality(bundle: EvidenceBundle, incident_class: IncidentClass, signs: Iterable[Sign], loudest: float) -> Case:
    """Judges, probes and users together, where what improved counts against it; or one of them or of the tasks alone.

    A sign without weight is not added up. A probe also fails where tasks break, turn in circles or stay away. So
    probes speak for worse answers only where judges had the time to say so, and only as far as they agree while
    ``loudest`` (nats of the loud cases) is not silent.
    """
    spoken = _named(bundle, signs)
    judged = strength(bundle.signal("quality"))
    rumour = loudest >= RUMOUR or fewer(bundle.signal("task_volume")) >= QUIET_SPELL
    agreed = max(0.0, judged) if rumour or _unjudged(bundle) else math.inf
    most = {"probes": agreed, "quality_slice": math.inf if agreed > 0 else 0.0}
    nats = {signal.name: min(strength(signal), most.get(signal.name, math.inf)) for signal, _ in spoken}
    if "quality" in nats:  # where one evaluator falls and the others do not, it is diluted among them
        nats["quality"] = max(nats["quality"], strength(bundle.signal("quality_evaluator")) - math.log(2))
    pooled = [(signal, sign) for signal, sign in spoken if signal.n and sign.weight]
    together = sum(sign.weight * nats[signal.name] for signal, sign in pooled)
    together -= MORE_FREEDOM * max(0, len(pooled) - 1)
    alone = max((nats[signal.name] - sign.cost for signal, sign in spoken if signal.n or not sign.weight), default=0.0)
    return _case(incident_class, max(0.0, together, alone), spoken)


def _unjudged(bundle: EvidenceBundle) -> bool:
    """Judges who usually speak have hardly spoken in this window yet."""
    quality = bundle.signal("quality")
    return quality is not None and quality.baseline_n >= FEWEST_BASELINE and quality.n < FEWEST_VERDICTS
