"""Gather what telemetry says about one agent at one moment into an evidence bundle.

Two steps: find when it began, if anything did; then compare the time since with the time
before. Without a beginning, the last ten minutes are compared with the hour before them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.incident.detectors.change import changes_in, manifest
from bot.incident.detectors.findings import findings_of
from bot.incident.detectors.onset import onset_of
from bot.incident.evidence import (
    Direction,
    EvidenceBundle,
    Finding,
    FindingKind,
    Onset,
    Signal,
    SourceStatus,
    Unit,
    Window,
)
from bot.incident.signals import actions, conduct, effort, freshness, models, outcomes, quality, security, tools
from bot.incident.signals.reading import Reading, read
from bot.incident.signals.scope import Scope
from bot.incident.signals.troubles import GUARDS, troubles
from bot.incident.statistics import evidence
from bot.incident.telemetry import EvalScore, Span, Trace

LOOKBACK = timedelta(minutes=90)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
WINDOW = 10 * MINUTE  # where nothing is known to have begun
LONGEST_WINDOW = 20 * MINUTE
WIDE_GAP = 8 * MINUTE  # the same, where nobody knows when it began: a first sign must not count as known
GAP = MINUTE  # kept out of the baseline, so that a blurred beginning does not spoil it
SHARED_TROUBLE = 2.0  # nats at which a neighbour on the same provider counts as affected
MOST_FINDINGS = 40
_CONCERNS = (outcomes, models, tools, effort, quality, conduct, actions, security, freshness)


def gather(
    agent: str,
    at_ns: int,
    traces: Sequence[Trace],
    scores: Sequence[EvalScore],
    others: Mapping[str, tuple[Trace, ...]],
    sources: Sequence[SourceStatus] = (),
) -> EvidenceBundle:
    """The bundle for ``agent`` at ``at_ns`` (nanoseconds since the epoch).

    Args:
        agent: the agent's name in the catalogue.
        at_ns: the moment; nothing that starts later is looked at.
        traces: the agent's traces of the last :data:`LOOKBACK`.
        scores: its scores of the same time.
        others: traces of other agents of the same time, by name, to see what is shared.
        sources: what each source gave or why it gave nothing.
    """
    readings = tuple(read(trace) for trace in sorted(traces, key=_start) if trace.start_ns <= at_ns)
    placed = placed_scores(scores, readings, at_ns)
    neighbours = {name: tuple(read(trace) for trace in sorted(found, key=_start)) for name, found in others.items()}
    alive_ns = max(
        (min(one.trace.end_ns, at_ns) for found in (readings, *neighbours.values()) for one in found), default=0
    )
    onset = onset_of(troubles(readings, placed, at_ns, alive_ns), at_ns, GUARDS)
    scope = scope_of(agent, at_ns, readings, placed, scores, neighbours, onset)
    signals = tuple(_voided(signal) for concern in _CONCERNS for signal in concern.signals(scope))
    peers = same_provider(readings, scope.others)
    return EvidenceBundle(
        agent=agent,
        at_ns=at_ns,
        window=scope.window,
        baseline_window=scope.baseline,
        signals=signals,
        findings=findings(scope),
        changes=changes_in([reading.trace for reading in readings]),
        onset=onset,
        sources=tuple(sources),
        also_affected=tuple(name for name in peers if affected(scope, scope.others[name])),
        same_provider=peers,
    )


def placed_scores(scores: Sequence[EvalScore], readings: Sequence[Reading], at_ns: int) -> tuple[EvalScore, ...]:
    """Scores known at ``at_ns``, moved to the start of the task they judge: verdicts arrive a minute late."""
    starts = {reading.id: reading.at_ns for reading in readings}
    known = (
        replace(score, at_ns=starts.get(score.trace_id or "", score.at_ns)) for score in scores if score.at_ns <= at_ns
    )
    return tuple(sorted(known, key=lambda score: score.at_ns))


def scope_of(
    agent: str,
    at_ns: int,
    readings: Sequence[Reading],
    placed: Sequence[EvalScore],
    scores: Sequence[EvalScore],
    neighbours: Mapping[str, tuple[Reading, ...]],
    onset: Onset | None,
) -> Scope:
    """The two windows and what lies in them."""
    start = max(onset.at_ns, at_ns - LONGEST_WINDOW) if onset else at_ns - WINDOW
    end = onset.at_ns - GAP if onset else start - WIDE_GAP
    first = at_ns - int(LOOKBACK.total_seconds()) * SECOND
    return Scope(
        agent=agent,
        at_ns=at_ns,
        window=Window(start, at_ns),
        baseline=Window(first, end),
        now=tuple(reading for reading in readings if reading.at_ns >= start),
        before=tuple(reading for reading in readings if reading.at_ns < end),
        scores_now=tuple(score for score in placed if score.at_ns >= start),
        scores_before=tuple(score for score in placed if score.at_ns < end),
        began=onset is not None,
        seen=tuple(readings),
        others=neighbours,
        span_ns=max((min(reading.trace.end_ns, at_ns) for reading in readings), default=None),
        score_ns=max((score.at_ns for score in scores if score.at_ns <= at_ns), default=None),
        fleet_ns=max((min(one.trace.end_ns, at_ns) for found in neighbours.values() for one in found), default=None),
    )


def same_provider(readings: Sequence[Reading], others: Mapping[str, Sequence[Reading]]) -> tuple[str, ...]:
    """Other agents that use a provider of this one, by name."""
    mine = providers(readings)
    return tuple(sorted(name for name, found in others.items() if mine & providers(found)))


def providers(readings: Sequence[Reading]) -> frozenset[str]:
    """The providers that the tasks' model calls name."""
    named = {span.model.provider for reading in readings for span in reading.models if span.model}
    return frozenset(name for name in (*named, *(reading.trace.provider for reading in readings)) if name)


def affected(scope: Scope, neighbour: Sequence[Reading]) -> bool:
    """The neighbour has model errors, long waits or swapped models in the same window, unlike before."""
    now = [one for one in neighbour if one.models and scope.window.start_ns <= one.at_ns < scope.at_ns]
    before = [one for one in neighbour if one.models and one.at_ns < scope.baseline.end_ns]
    limit = models.slow_limit(before)
    pairs = (
        ([models.erring(one) for one in now], [models.erring(one) for one in before]),
        ([one.mismatched for one in now], [one.mismatched for one in before]),
        ([seen.bad for seen in models.slow_tasks(now, limit)], [seen.bad for seen in models.slow_tasks(before, limit)]),
    )
    return any(evidence(sum(a), len(a), sum(b), len(b)) > SHARED_TROUBLE for a, b in pairs)


def findings(scope: Scope) -> tuple[Finding, ...]:
    """What detectors find in the window's tasks, newest first, and what was never seen before."""
    inside = [finding for reading in reversed(scope.now) for finding in findings_of(reading.trace)]
    return (*first_seen(scope), *inside)[:MOST_FINDINGS]


def first_seen(scope: Scope) -> tuple[Finding, ...]:
    """Destinations and tool descriptions of the window that the baseline does not have."""
    known = security.targets(scope.before)
    described = {manifest(span.tool.name, span.tool.manifest_hash) for span in _tools(scope.before) if span.tool}
    names = {span.tool.name for span in _tools(scope.before) if span.tool}
    found: dict[str, Finding] = {}
    for span in _tools(scope.now):
        tool = span.tool
        if tool is None:
            continue
        if known and tool.destination and tool.destination not in known:
            detail = f"{tool.name} sent to {tool.destination}, never seen before"
            found.setdefault(
                detail, Finding(FindingKind.FIRST_SEEN_DESTINATION, span.trace_id, (span.span_id,), detail)
            )
        if tool.manifest_hash and tool.name in names and manifest(tool.name, tool.manifest_hash) not in described:
            detail = f"{tool.name} has a description never seen before"
            found.setdefault(detail, Finding(FindingKind.FIRST_SEEN_MANIFEST, span.trace_id, (span.span_id,), detail))
    return tuple(found.values())


def _tools(readings: Sequence[Reading]) -> Iterator[Span]:
    for reading in readings:
        yield from reading.tools


def _voided(signal: Signal) -> Signal:
    """Nothing observed in the window is not "flat": it is unknown."""
    return signal if signal.n or signal.unit is Unit.RATE else replace(signal, direction=Direction.UNKNOWN)


def _start(trace: Trace) -> int:
    return trace.start_ns
