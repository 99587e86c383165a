"""Gather what telemetry says about one agent at one moment into an evidence bundle.

Two steps: find when it began, if anything did; then compare the time since with the time
before. Without a beginning, the last ten minutes are compared with the hour before them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from bot.incident.beginning import with_beginning
from bot.incident.detectors.onset import onset_of
from bot.incident.draw import Draw, since
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
)
from bot.incident.metrics import Metric
from bot.incident.neighbours import affected, recent, same_provider
from bot.incident.pairing import pair_of
from bot.incident.quantities import duration
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
from bot.incident.statistics import cut
from bot.incident.telemetry import EvalScore
from bot.incident.tool_use import manifest
from bot.incident.windows import START, placed_scores, scope_of, windows_of

MOST_FINDINGS = 40
_CONCERNS = (outcomes, models, tools, effort, quality, conduct, actions, security, freshness, evaluators)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read for one look: everything of the last :data:`~bot.incident.windows.LOOKBACK`, or of as long as the window needs."""

    readings: Sequence[Reading] = ()  # the agent's tasks
    scores: Sequence[EvalScore] = ()
    others: Mapping[str, Sequence[Reading]] = field(default_factory=dict)  # tasks of other agents, by name
    metrics: Sequence[Metric] = ()
    usual: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # the same hour of the week: signal -> k, n
    sources: Sequence[SourceStatus] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # trace id -> its page in the tool it came from
    announced: Sequence[Change] = ()  # changes that a pipeline told us of
    wanted: Wanted = EVERY_ONE  # the environment whose tasks count
    draw: Draw | None = None  # of a very busy agent not every task was read
    earlier: Collection[str] = frozenset()  # tasks with a score that began before all that was read
    starts_before: Sequence[int] = ()  # when those started, in order, where the agent is quiet: some work once an hour


def gather(agent: str, at_ns: int, found: Gathered, taxonomy: Taxonomy, window_ns: int | None = None) -> EvidenceBundle:
    """The bundle for ``agent`` (its name in the catalogue) at ``at_ns`` (nanoseconds since the epoch).

    Nothing that starts later is looked at. With ``window_ns`` the window has that length, and the baseline is
    the same length before the beginning, or before the window where nothing began.
    """
    counted = _counted(agent, at_ns, found)
    readings = counted.readings
    placed = placed_scores(counted.scores, readings, at_ns, found.earlier)
    alive = (one.end_ns for theirs in (readings, *counted.neighbours.values()) for one in theirs)
    before = () if counted.left_out else found.starts_before  # it is not known of which environment they were
    series = troubles(readings, placed, at_ns, min(at_ns, max(alive, default=0)), counted.draw, before)
    onset = onset_of(series, at_ns, GUARDS)
    windows = windows_of(at_ns, onset, window_ns)
    scope = scope_of(agent, at_ns, windows, readings, placed, counted.scores, counted.neighbours, onset)
    scope = replace(scope, draw=counted.draw, starts_before=before)
    bundle = with_beginning(_measured(scope, counted, found, placed, onset), series, at_ns, taxonomy)
    return replace(bundle, links=linked(bundle, found.links))


@dataclass(frozen=True, slots=True)
class _Counted:
    """What counts of what was read: tasks of the environment that is wanted, in order of time."""

    readings: tuple[Reading, ...]
    scores: Sequence[EvalScore]
    neighbours: Mapping[str, tuple[Reading, ...]]
    told: Sequence[Change]  # by pipelines
    environments: Mapping[str, int]
    left_out: Mapping[str, int]
    draw: Draw | None


def _counted(agent: str, at_ns: int, found: Gathered) -> _Counted:
    every = sorted([reading for reading in found.readings if reading.at_ns <= at_ns], key=START)
    drawn = found.draw and found.draw.of(at_ns, known=True)
    chosen = kept(every, found.wanted, drawn)
    others = others_of(found.others, chosen.seen, found.wanted)
    return _Counted(
        tuple(chosen.readings),
        without_scores_of(found.scores, every, chosen.foreign, cut=found.draw is not None),
        {name: tuple(sorted(theirs, key=START)) for name, theirs in others.items()},
        others_of({agent: found.announced}, chosen.seen, found.wanted).get(agent, ()),
        chosen.seen,
        chosen.left_out,
        drawn and drawn.of(at_ns, known=not chosen.left_out),
    )


def _measured(
    scope: Scope, counted: _Counted, found: Gathered, placed: Sequence[EvalScore], onset: Onset | None
) -> EvidenceBundle:
    """The bundle, as yet without what belongs to the beginning, and without links."""
    readings = counted.readings
    measured = voided([signal for concern in _CONCERNS for signal in concern.signals(scope)], scope)
    usual = {} if counted.left_out else found.usual  # history does not tell environments apart
    peers = same_provider(readings, recent(scope.window.start_ns, scope.others))
    changes = (*changes_in(readings), *announced(counted.told, readings, scope.draw))
    return EvidenceBundle(
        agent=scope.agent,
        at_ns=scope.at_ns,
        window=scope.window,
        baseline_window=scope.baseline,
        signals=(*(_with_usual(signal, usual) for signal in measured), *_figures(scope, counted, found.metrics)),
        findings=findings(scope),
        changes=tuple(sorted(changes, key=attrgetter("first_seen_ns"))),
        onset=onset,
        sources=tuple(found.sources),
        also_affected=affected(scope, peers),
        same_provider=peers,
        slow_steps=slow_steps(scope),
        pair=pair_of(scope),
        courses=courses(scope, placed, measured),
        steps=steps_distribution(scope),
        environment=found.wanted.name,
        environments=counted.environments,
        left_out=counted.left_out,
    )


def _figures(scope: Scope, counted: _Counted, told: Sequence[Metric]) -> list[Signal]:
    """What a metrics store tells of the agent: it was not asked by environment."""
    more = ", all environments together" if counted.left_out else ""
    return [replace(signal, label=signal.label + more) for signal in metrics.signals(told, scope.at_ns)]


def announced(changes: Sequence[Change], readings: Sequence[Reading], draw: Draw | None = None) -> list[Change]:
    """Changes that a pipeline told us of, with the number of tasks since: it concerns all of them."""
    counted = ((change, since(change.first_seen_ns, readings, draw)) for change in changes)
    return [replace(change, k=n, n=n) for change, n in counted]


def linked(bundle: EvidenceBundle, links: Mapping[str, str]) -> Mapping[str, str]:
    """The links of those traces that the bundle speaks of."""
    named = {trace_id for signal in bundle.signals for trace_id in signal.trace_ids}
    named |= {finding.trace_id for finding in bundle.findings}
    named |= {trace_id for step in bundle.slow_steps for trace_id in step.trace_ids}
    named |= {bundle.pair.bad, bundle.pair.good} if bundle.pair else set()
    return {trace_id: links[trace_id] for trace_id in sorted(named) if trace_id in links}


def findings(scope: Scope) -> tuple[Finding, ...]:
    """What detectors find in the window's tasks, newest first, and what was not seen before."""
    inside = [finding for reading in reversed(scope.now) for finding in reading.findings]
    return (*first_seen(scope), *inside)[:MOST_FINDINGS]


def first_seen(scope: Scope) -> tuple[Finding, ...]:
    """Destinations and tool descriptions of the window that neither the baseline nor a new version explains."""
    known = security.targets(scope.before)
    known |= security.innocent(scope.seen, known) if known else frozenset()
    described = {one for reading in scope.before for one in shipped.descriptions(reading)}
    described |= shipped.redescribed(scope.seen, described)
    names = {step.name for _, step in tool_steps(scope.before)}
    unseen = f"not seen in {_tasks_before(scope)}"
    found: dict[str, Finding] = {}
    for reading, step in tool_steps(scope.now):
        if known and step.destination and step.destination not in known:
            detail = f"{step.name} sent to {step.destination}, {unseen}"
            found.setdefault(detail, Finding(FindingKind.FIRST_SEEN_DESTINATION, reading.id, (step.span_id,), detail))
        if step.manifest and step.name in names and manifest(step.name, step.manifest) not in described:
            detail = f"{step.name} has a description {unseen}"
            found.setdefault(detail, Finding(FindingKind.FIRST_SEEN_MANIFEST, reading.id, (step.span_id,), detail))
    return tuple(found.values())


def _tasks_before(scope: Scope) -> str:
    """How far "before" reaches: a look knows the last hour or so, and not what was long ago."""
    all_known = scope.draw is None or (scope.draw.thorough and bool(scope.starts))
    starts = scope.starts if all_known else [reading.at_ns for reading in scope.seen]
    count = cut(starts, scope.baseline.end_ns) - cut(starts, scope.baseline.start_ns)
    tasks = "the task" if count == 1 else f"the {count:,} tasks"
    return f"{tasks}{'' if all_known else ' read'} of {duration(scope.baseline.seconds)} before"


def voided(measured: Sequence[Signal], scope: Scope) -> list[Signal]:
    """The signals, with nothing "flat" that was not observed in the window, or not lately enough: that is unknown."""
    grown = {signal.name for signal in measured if signal.direction is Direction.UP}
    stale: set[float | None] = set()
    if "span_age" in grown:
        stale = {scope.span_age, *freshness.judges_ages(scope)}
    elif "score_age" in grown:
        stale = set(freshness.judges_ages(scope))
    elif "judge_age" in grown:
        stale = set(freshness.silent_ages(scope))
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
