"""Gather what telemetry says about one agent at one moment into an evidence bundle.

Two steps: find when it began, if anything did; then compare the time since with the time
before. Without a beginning, the last ten minutes are compared with the hour before them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import attrgetter
from typing import TypeVar

from bot.incident.beginning import with_beginning
from bot.incident.detectors.onset import onset_of
from bot.incident.environments import EVERY_ONE, Wanted, kept, others_of, without_scores_of
from bot.incident.evidence import (
    Change,
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
from bot.incident.metrics import Metric
from bot.incident.neighbours import affected, same_provider, since
from bot.incident.pairing import pair_of
from bot.incident.reading import Reading, tool_steps
from bot.incident.rules import Taxonomy
from bot.incident.signals import (
    actions,
    conduct,
    effort,
    evaluators,
    freshness,
    metrics,
    models,
    outcomes,
    quality,
    security,
    shipped,
    tools,
)
from bot.incident.signals.changes import changes_in
from bot.incident.signals.courses import courses, steps_distribution
from bot.incident.signals.scope import Scope
from bot.incident.signals.time_spent import slow_steps
from bot.incident.signals.troubles import GUARDS, troubles
from bot.incident.telemetry import EvalScore
from bot.incident.tool_use import manifest

LOOKBACK = timedelta(minutes=90)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
WINDOW = 10 * MINUTE  # where nothing is known to have begun
LONGEST_WINDOW = 20 * MINUTE
WIDE_GAP = 8 * MINUTE  # the same, where nobody knows when it began: a first sign must not count as known
GAP = MINUTE  # kept out of the baseline, so that a blurred beginning does not spoil it
MOST_FINDINGS = 40
_start = attrgetter("at_ns")
T = TypeVar("T", Reading, EvalScore)
_CONCERNS = (outcomes, models, tools, effort, quality, conduct, actions, security, freshness, evaluators)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read for one look: everything of the last :data:`LOOKBACK`, or of as long as the window needs."""

    readings: Sequence[Reading] = ()  # the agent's tasks
    scores: Sequence[EvalScore] = ()
    others: Mapping[str, Sequence[Reading]] = field(default_factory=dict)  # tasks of other agents, by name
    metrics: Sequence[Metric] = ()
    usual: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # the same hour of the week: signal -> k, n
    sources: Sequence[SourceStatus] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # trace id -> its page in the tool it came from
    announced: Sequence[Change] = ()  # changes that a pipeline told us of
    wanted: Wanted = EVERY_ONE  # the environment whose tasks count
    since_ns: int = 0  # from when on all tasks were read; of a very busy agent that may be less than was asked for


def gather(agent: str, at_ns: int, found: Gathered, taxonomy: Taxonomy, window_ns: int | None = None) -> EvidenceBundle:
    """The bundle for ``agent`` (its name in the catalogue) at ``at_ns`` (nanoseconds since the epoch).

    Nothing that starts later is looked at. With ``window_ns`` the window has that length, and the baseline is
    the same length before the beginning, or before the window where nothing began.
    """
    every = sorted([reading for reading in found.readings if reading.at_ns <= at_ns], key=_start)
    chosen = kept(every, found.wanted)
    readings = tuple(chosen.readings)
    scores = without_scores_of(found.scores, every, chosen.foreign, cut=bool(found.since_ns))
    others = others_of(found.others, chosen.seen, found.wanted)
    told = others_of({agent: found.announced}, chosen.seen, found.wanted).get(agent, ())
    placed = placed_scores(scores, readings, at_ns)
    neighbours = {name: tuple(sorted(theirs, key=_start)) for name, theirs in others.items()}
    alive_ns = max((min(one.end_ns, at_ns) for theirs in (readings, *neighbours.values()) for one in theirs), default=0)
    series = troubles(readings, placed, at_ns, alive_ns)
    onset = onset_of(series, at_ns, GUARDS)
    window, baseline = windows_of(at_ns, onset, window_ns)
    windows = window, replace(baseline, start_ns=min(max(baseline.start_ns, found.since_ns), baseline.end_ns))
    scope = scope_of(agent, at_ns, windows, readings, placed, scores, neighbours, onset)
    measured = voided([signal for concern in _CONCERNS for signal in concern.signals(scope)], scope)
    usual = {} if chosen.left_out else found.usual  # history does not tell environments apart
    peers = same_provider(readings, since(scope.window.start_ns, scope.others))
    bundle = EvidenceBundle(
        agent=agent,
        at_ns=at_ns,
        window=scope.window,
        baseline_window=scope.baseline,
        signals=(*(_with_usual(signal, usual) for signal in measured), *metrics.signals(found.metrics, at_ns)),
        findings=findings(scope),
        changes=tuple(
            sorted((*changes_in(readings), *announced(told, readings)), key=lambda change: change.first_seen_ns)
        ),
        onset=onset,
        sources=tuple(found.sources),
        also_affected=affected(scope, peers),
        same_provider=peers,
        slow_steps=slow_steps(scope),
        pair=pair_of(scope),
        courses=courses(scope, placed, measured),
        steps=steps_distribution(scope),
        environment=found.wanted.name,
        environments=chosen.seen,
        left_out=chosen.left_out,
    )
    bundle = with_beginning(bundle, series, at_ns, taxonomy)
    return replace(bundle, links=linked(bundle, found.links))


def announced(changes: Sequence[Change], readings: Sequence[Reading]) -> list[Change]:
    """Changes that a pipeline told us of, with the number of tasks since: it concerns all of them."""
    return [
        replace(change, k=n, n=n)
        for change in changes
        for n in [sum(reading.at_ns >= change.first_seen_ns for reading in readings)]
    ]


def linked(bundle: EvidenceBundle, links: Mapping[str, str]) -> Mapping[str, str]:
    """The links of those traces that the bundle speaks of."""
    named = {trace_id for signal in bundle.signals for trace_id in signal.trace_ids}
    named |= {finding.trace_id for finding in bundle.findings}
    named |= {trace_id for step in bundle.slow_steps for trace_id in step.trace_ids}
    named |= {bundle.pair.bad, bundle.pair.good} if bundle.pair else set()
    return {trace_id: links[trace_id] for trace_id in sorted(named) if trace_id in links}


def placed_scores(scores: Sequence[EvalScore], readings: Sequence[Reading], at_ns: int) -> tuple[EvalScore, ...]:
    """Scores known at ``at_ns``, moved to the start of the task they judge: verdicts arrive a minute late."""
    starts = {reading.id: reading.at_ns for reading in readings}
    known = [_placed(score, starts.get(score.trace_id or "")) for score in scores if score.at_ns <= at_ns]
    return tuple(sorted(known, key=_start))


def _placed(score: EvalScore, start_ns: int | None) -> EvalScore:
    if start_ns is None:
        return score
    # what _replace does, in a fraction of its time: a look places thousands
    name, _, *rest = score
    return tuple.__new__(EvalScore, (name, start_ns, *rest))


def windows_of(at_ns: int, onset: Onset | None, window_ns: int | None) -> tuple[Window, Window]:
    """The window and its baseline."""
    if window_ns is not None:
        start = at_ns - window_ns
        end = min(start, onset.at_ns - GAP) if onset else start
        return Window(start, at_ns), Window(end - window_ns, end)
    start = max(onset.at_ns, at_ns - LONGEST_WINDOW) if onset else at_ns - WINDOW
    end = onset.at_ns - GAP if onset else start - WIDE_GAP
    return Window(start, at_ns), Window(at_ns - int(LOOKBACK.total_seconds()) * SECOND, end)


def scope_of(
    agent: str,
    at_ns: int,
    windows: tuple[Window, Window],
    readings: Sequence[Reading],
    placed: Sequence[EvalScore],
    scores: Sequence[EvalScore],
    neighbours: Mapping[str, tuple[Reading, ...]],
    onset: Onset | None,
) -> Scope:
    """The two windows and what lies in them."""
    window, baseline = windows
    return Scope(
        agent=agent,
        at_ns=at_ns,
        window=window,
        baseline=baseline,
        now=_within(readings, window.start_ns, None),
        before=_within(readings, baseline.start_ns, baseline.end_ns),
        scores_now=_within(placed, window.start_ns, None),
        scores_before=_within(placed, baseline.start_ns, baseline.end_ns),
        began=onset is not None,
        seen=tuple(readings),
        others=neighbours,
        span_ns=max((min(reading.end_ns, at_ns) for reading in readings), default=None),
        score_ns=max((score.at_ns for score in scores if score.at_ns <= at_ns), default=None),
        fleet_ns=max((min(one.end_ns, at_ns) for found in neighbours.values() for one in found), default=None),
        heard=arrivals(scores, at_ns),
    )


def _within(placed: Sequence[T], start_ns: int, end_ns: int | None) -> tuple[T, ...]:
    """Those that start in [start, end), of a sequence in order of start."""
    low = bisect_left(placed, start_ns, key=_start)
    return tuple(placed[low : None if end_ns is None else max(low, bisect_left(placed, end_ns, key=_start))])


def arrivals(scores: Iterable[EvalScore], at_ns: int) -> Mapping[str, tuple[int, ...]]:
    """When the scores of each evaluator came, in order; by the evaluator's name."""
    found: dict[str, list[int]] = {}
    for score in scores:
        if score.at_ns <= at_ns:
            found.setdefault(score.name, []).append(score.at_ns)
    return {name: tuple(sorted(times)) for name, times in found.items()}


def findings(scope: Scope) -> tuple[Finding, ...]:
    """What detectors find in the window's tasks, newest first, and what was never seen before."""
    inside = [finding for reading in reversed(scope.now) for finding in reading.findings]
    return (*first_seen(scope), *inside)[:MOST_FINDINGS]


def first_seen(scope: Scope) -> tuple[Finding, ...]:
    """Destinations and tool descriptions of the window that neither the baseline nor a new version explains."""
    known = security.targets(scope.before)
    known |= security.innocent(scope.seen, known) if known else frozenset()
    described = {one for reading in scope.before for one in shipped.descriptions(reading)}
    described |= shipped.redescribed(scope.seen, described)
    names = {step.name for _, step in tool_steps(scope.before)}
    found: dict[str, Finding] = {}
    for reading, step in tool_steps(scope.now):
        if known and step.destination and step.destination not in known:
            detail = f"{step.name} sent to {step.destination}, never seen before"
            found.setdefault(detail, Finding(FindingKind.FIRST_SEEN_DESTINATION, reading.id, (step.span_id,), detail))
        if step.manifest and step.name in names and manifest(step.name, step.manifest) not in described:
            detail = f"{step.name} has a description never seen before"
            found.setdefault(detail, Finding(FindingKind.FIRST_SEEN_MANIFEST, reading.id, (step.span_id,), detail))
    return tuple(found.values())


def voided(measured: Sequence[Signal], scope: Scope) -> list[Signal]:
    """The signals, with nothing "flat" that was not observed in the window, or not lately enough: that is unknown."""
    grown = {signal.name for signal in measured if signal.direction is Direction.UP}
    stale: set[float | None] = set()
    if "span_age" in grown:
        stale = {scope.span_age, scope.score_age}
    elif "score_age" in grown:
        stale = {scope.score_age}
    return [
        replace(signal, direction=Direction.UNKNOWN)
        if not (signal.n or signal.unit is Unit.RATE)
        or (signal.direction is Direction.FLAT and signal.fresh_seconds in stale)
        else signal
        for signal in measured
    ]


def _with_usual(signal: Signal, usual: Mapping[str, tuple[int, int]]) -> Signal:
    """The signal with what is usual at this hour of the week, where history knows."""
    k, n = usual.get(signal.name, (0, 0))
    return replace(signal, usual=k / n, usual_n=n) if n else signal
