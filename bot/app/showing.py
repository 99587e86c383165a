"""Evidence on one screen of a terminal: worst first, each figure with its doubt and its age."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import fill

from bot.incident.classification import Classification
from bot.incident.environments import LONGEST_NAME, is_named, said_of
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
from bot.incident.quantities import ago, duration, points, signed
from bot.incident.rules import Taxonomy
from bot.incident.summary import ALWAYS, is_part, word, worst_first
from bot.incident.wording import measured, tasks_since, usual

UNSURE = "can't tell"
MOST_SIGNALS = 12
MOST_CHANGES = 4
MOST_FINDINGS = 5

INDENT = 10  # where the words of a line begin
INDENT_OF_SIGNALS = 14
BOUND = "\u00a0%"  # no line begins with the sign of the figure before


def screen(bundle: EvidenceBundle, columns: int | None = None) -> str:
    """The bundle as text; what does not fit is counted. Lines longer than ``columns`` go on below their words."""
    lines = (_plain(line) for line in _lines(bundle))
    return "\n".join(lines if columns is None else (_folded(line, columns) for line in lines))


def _folded(line: str, columns: int) -> str:
    indent = " " * (INDENT_OF_SIGNALS if line.startswith("  ") else INDENT)
    width = max(columns, 2 * len(indent))
    bound = line.replace(" %", BOUND)
    folded = fill(bound, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return folded.replace(BOUND, " %") or line


def ranked(bundle: EvidenceBundle) -> list[Signal]:
    """Signals as Slack and the page order them: moved, worst first, wholes before parts; then unknown; then flat.

    In each of the last two the headlines come first. Not measured ones stand last.
    """
    return sorted(worst_first(bundle), key=_rank)


def _rank(signal: Signal) -> tuple[bool, bool, bool, bool, bool]:
    headline = signal.name in ALWAYS
    return (
        signal.value is None,
        not signal.moved,
        signal.direction is Direction.FLAT,
        is_part(signal),
        not signal.moved and not headline,
    )


def _whose(bundle: EvidenceBundle) -> str:
    """The agent, and the environment where its tasks name that."""
    return f"{bundle.agent} in {bundle.environment[:LONGEST_NAME]}" if is_named(bundle) else bundle.agent


def _lines(bundle: EvidenceBundle) -> Iterator[str]:
    yield (
        f"{_whose(bundle)} at {_clock(bundle.at_ns, '%Y-%m-%d %H:%M')} UTC, "
        f"measured over {duration(bundle.window.seconds)} against {duration(bundle.baseline_window.seconds)} before"
    )
    yield from (f"where     {note}" for note in said_of(bundle))
    yield from _signals(bundle)
    yield _began(bundle, bundle.onset)
    yield from _some([_changed(change) for change in bundle.changes], MOST_CHANGES, "change")
    yield from _some([_found(finding) for finding in _one_of_each_first(bundle.findings)], MOST_FINDINGS, "finding")
    yield from _where(bundle)
    yield from (_source(source) for source in bundle.sources)


def _signals(bundle: EvidenceBundle) -> Iterator[str]:
    order = ranked(bundle)
    shown = [signal for signal in order if signal.value is not None][:MOST_SIGNALS]
    if not shown:
        yield "  nothing is measured; no telemetry of this agent lies in the window"
    for signal in shown:
        parts = (_judged(signal) + _difference(signal), usual(signal), _newest(signal))
        yield f"  {'; '.join(filter(None, parts))}{_trace(signal)}"
    more = len(order) - len(shown)
    if shown and more:
        unknown = sum(signal.value is None for signal in order)
        yield f"  {more} more figures, {unknown} of them not measured; --json has all"


def _newest(signal: Signal) -> str:
    return "never seen" if signal.fresh_seconds is None else f"newest {ago(signal.fresh_seconds)}"


def _judged(signal: Signal) -> str:
    said = word(signal)
    if len(said) <= len(UNSURE):
        return f"{said:<{len(UNSURE)}}  {measured(signal)}"
    return f"{UNSURE}  {measured(signal)}; {said}"


def _difference(signal: Signal) -> str:
    apart, value, base = signal.difference, signal.value, signal.baseline
    if apart is None or value is None or base is None:
        return ""
    if signal.unit is Unit.SHARE:
        return f"; {points(value - base, apart)}"
    return f"; difference {signed(apart.low, signal.unit)} to {signed(apart.high, signal.unit)}"


def _trace(signal: Signal) -> str:
    if signal.direction not in {Direction.UP, Direction.DOWN} or not signal.trace_ids:
        return ""
    return f"; trace {signal.trace_ids[0]}"


def _began(bundle: EvidenceBundle, onset: Onset | None) -> str:
    if onset is None:
        return "onset     none found"
    signal = bundle.signal(onset.signal)
    return (
        f"onset     {_clock(onset.at_ns)} UTC, between {_clock(onset.low_ns)} and {_clock(onset.high_ns)}, "
        f"judged by: {signal.label if signal else onset.signal.replace('_', ' ')}"
    )


def _changed(change: Change) -> str:
    before = f", was {change.before}" if change.before else ""
    return f"change    {change.in_words}{before}, first seen {_clock(change.first_seen_ns)} UTC, {tasks_since(change)}"


def _one_of_each_first(findings: Sequence[Finding]) -> list[Finding]:
    seen: Counter[FindingKind] = Counter()
    turns = []
    for finding in findings:
        turns.append(seen[finding.kind])
        seen[finding.kind] += 1
    return [findings[place] for place in sorted(range(len(findings)), key=lambda place: turns[place])]


def _found(finding: Finding) -> str:
    return f"finding   {finding.kind.value.replace('_', ' ')}: {finding.detail}; trace {finding.trace_id}"


def _where(bundle: EvidenceBundle) -> Iterator[str]:
    """Where the time goes, a bad task beside a good one, and who else is in trouble."""
    if bundle.slow_steps:
        step = bundle.slow_steps[0]
        was = f", was {duration(step.baseline_seconds)}" if step.baseline_seconds is not None else ""
        yield f"slow      {step.name} {duration(step.seconds)} a task{was}, n = {step.n}"
    if bundle.pair:
        yield f"compare   {bundle.pair.bad} ({bundle.pair.why}) with {bundle.pair.good}"
    if bundle.also_affected:
        yield f"also      {', '.join(bundle.also_affected)}: the same trouble on the same provider"


def _source(source: SourceStatus) -> str:
    missing = f"; missing: {source.missing}" if source.missing else ""
    return f"source    {source.name}: {source.traces:,} {'trace' if source.traces == 1 else 'traces'}{source.of_all}, {source.scores:,} scores{missing}"


def _some(lines: list[str], most: int, noun: str) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"          {len(lines) - most} more {noun}{'s' if len(lines) - most > 1 else ''}; --json has all"


def _clock(ns: int, form: str = "%H:%M") -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime(form)


def _plain(line: str) -> str:
    """Without characters that steer a terminal; telemetry may hold them."""
    return "".join(character if character.isprintable() else " " for character in line)


def classification_lines(tree: Classification, bundle: EvidenceBundle, taxonomy: Taxonomy) -> list[str]:
    """A classification: the class, what it rests on, what it is not, and what would change it."""
    named = tree.incident_class
    head = f"{named.value}: {taxonomy.facts(named).name}" if named else "Nothing unusual"
    doubt = f" ({tree.confidence.value} confidence, cause {tree.cause.value})" if named else ""
    lines = [f"{head}{doubt}, {_whose(bundle)} at {_clock(bundle.at_ns, '%Y-%m-%d %H:%M:%S')} UTC"]
    lines += [f"  because  {reason}" for reason in tree.because]
    if onset := tree.onset:
        between = f"between {_clock(onset.low_ns)} and {_clock(onset.high_ns)}"
        lines.append(f"  began    {_clock(onset.at_ns)} UTC, {between}, shown by {onset.signal}")
    lines += [f"  cause    {one.cause.value}: {one.because}" for one in tree.suspects]
    lines += [f"  {reason}" for reason in tree.rules_out]
    lines += [f"  where    {note}" for note in said_of(bundle)]
    lines += [f"  missing  {gap}" for gap in bundle.missing]
    if named:
        lines.append(f"  severity {tree.severity_floor.value} at least: {tree.floor_reason}")
    return lines + [f"  would be {one.text}" for one in tree.would_change]
