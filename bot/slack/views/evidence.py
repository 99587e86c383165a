"""Evidence: what telemetry says, worst first, with figures, doubt and freshness. Nothing to fill in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.incident.evidence import (
    Change,
    Direction,
    EvidenceBundle,
    FindingKind,
    Onset,
    Signal,
    SourceStatus,
    Unit,
)
from bot.incident.timeline import IncidentState
from bot.slack.blocks import Block, View, context, modal, section
from bot.slack.text import date_token, duration, figure, link, percent, quote_untrusted
from bot.slack.views.loading import loading

CALLBACK: Final = "evidence"
SHOWN_SIGNALS = 12
SHOWN_CHANGES = 6
SHOWN_TRACES = 5

DIRECTION_WORDS: Final[Mapping[Direction, str]] = {
    Direction.UP: "🔴 up",
    Direction.DOWN: "🔴 down",
    Direction.FLAT: "🟢 flat",
    Direction.UNKNOWN: "⚪ unknown",
}
FINDING_WORDS: Final[Mapping[FindingKind, str]] = {
    FindingKind.LOOP: "repeats without progress",
    FindingKind.TOOL_ERROR: "tool errors",
    FindingKind.SLOW_STEP: "slow steps",
    FindingKind.UNAPPROVED_WRITE: "writes without approval",
    FindingKind.CLAIMED_WITHOUT_SUCCESS: "claimed actions that no tool call shows",
    FindingKind.UNTRUSTED_THEN_PRIVILEGED: "privileged calls after untrusted content",
    FindingKind.FIRST_SEEN_DESTINATION: "destinations never seen before",
    FindingKind.FIRST_SEEN_MANIFEST: "tool manifests never seen before",
    FindingKind.GUARDRAIL: "guardrail hits",
    FindingKind.MODEL_MISMATCH: "answers by another model than asked for",
    FindingKind.MODEL_ERROR: "model errors",
}


def skeleton(key: str) -> View:
    """The dialog until the evidence is read."""
    return loading(CALLBACK, f"Evidence {key}", key, "Reading the evidence …")


def dialog(
    state: IncidentState, bundle: EvidenceBundle | None, public_url: str = "", now: datetime | None = None
) -> View:
    """Everything measured, as of the moment it was measured. ``now`` lets it say how old that is."""
    key = state.incident.key
    if bundle is None:
        blocks = [context("The evidence of the declaration is still being taken. Open this again in a moment.")]
    else:
        blocks = list(_blocks(state, bundle, public_url, now))
    return modal(CALLBACK, f"Evidence {key}", blocks, {"k": key}, close="Close")


def _blocks(state: IncidentState, bundle: EvidenceBundle, public_url: str, now: datetime | None) -> Iterator[Block]:
    yield context(_as_of(bundle, now))
    signals = worst_first(bundle.signals)
    if signals:
        yield section("*Signals, worst first*\n" + "\n".join(_signal(one) for one in signals[:SHOWN_SIGNALS]))
    else:
        yield section("*Signals*\ncan't tell: nothing was measured.")
    if bundle.onset:
        yield section(_onset(bundle.onset))
    changed = "\n".join(_change(one) for one in bundle.changes[:SHOWN_CHANGES])
    yield section("*Changed against before*\n" + (changed or "Nothing that telemetry shows."))
    if bundle.findings:
        yield section("*Found in traces*\n" + "\n".join(_findings(bundle, public_url)))
    if bundle.also_affected:
        names = ", ".join(quote_untrusted(name, 80) for name in bundle.also_affected[:10])
        yield section(f"*Also affected on the same provider*: {names}")
    yield context(_sources(bundle.sources), *([_page(state, public_url)] if public_url else []))


def worst_first(signals: Sequence[Signal]) -> list[Signal]:
    """Signals in the order of a reader's need: moved far, moved, unknown, flat."""
    order = [Direction.UP, Direction.DOWN, Direction.UNKNOWN, Direction.FLAT]
    moved = {Direction.UP, Direction.DOWN}
    return sorted(signals, key=lambda s: (0 if s.direction in moved else order.index(s.direction), -_moved(s)))


def _moved(signal: Signal) -> float:
    if signal.value is None or signal.baseline is None:
        return 0.0
    smallest = 0.05 if signal.unit is Unit.SHARE else 1.0
    return abs(signal.value - signal.baseline) / max(abs(signal.baseline), smallest)


def _signal(signal: Signal) -> str:
    seen = ""
    if signal.value is not None and signal.fresh_seconds is not None:
        seen = f" · {duration(signal.fresh_seconds)} old"
    label = quote_untrusted(signal.label, 100)
    return f"• {label}: {figure(signal)} · {DIRECTION_WORDS[signal.direction]}{seen}"


def _onset(onset: Onset) -> str:
    low, at, high = (date_token(_moment(ns)) for ns in (onset.low_ns, onset.at_ns, onset.high_ns))
    return f"*Began* about {at} (between {low} and {high}), judged by {quote_untrusted(onset.signal, 100)}"


def _change(change: Change) -> str:
    before = quote_untrusted(change.before, 120) if change.before else "not seen before"
    share = f"{change.k} of {change.n} tasks" + (f" = {percent(change.k / change.n)}" if change.n else "")
    since = date_token(_moment(change.first_seen_ns))
    return f"• {change.kind.value}: {before} → {quote_untrusted(change.after, 120)} since {since} ({share})"


def _findings(bundle: EvidenceBundle, public_url: str) -> Iterator[str]:
    for kind, count in Counter(finding.kind for finding in bundle.findings).most_common():
        these = [finding for finding in bundle.findings if finding.kind is kind]
        traces = [trace for trace in dict.fromkeys(one.trace_id for one in these) if trace.isalnum()]
        links = " ".join(
            link(f"{public_url}/traces/{trace}", f"trace {at}") for at, trace in enumerate(traces[:SHOWN_TRACES], 1)
        )
        example = quote_untrusted(these[0].detail, 200)
        yield f"• {FINDING_WORDS[kind]} ({count}), for example: {example} {links if public_url else ''}".rstrip()


def _sources(sources: Sequence[SourceStatus]) -> str:
    if not sources:
        return "No source was asked."
    parts = [
        f"{quote_untrusted(one.name, 60)}: missing, {quote_untrusted(one.missing, 200)}"
        if one.missing
        else f"{quote_untrusted(one.name, 60)}: {one.traces} traces, {one.scores} scores"
        for one in sources[:10]
    ]
    return "Sources: " + " · ".join(parts)


def _as_of(bundle: EvidenceBundle, now: datetime | None) -> str:
    at = _moment(bundle.at_ns)
    old = f", {duration((now - at).total_seconds())} ago" if now else ""
    return (
        f"As of {date_token(at)}{old}. The last {duration(bundle.window.seconds)} against {_baseline(bundle)} before."
    )


def _baseline(bundle: EvidenceBundle) -> str:
    return duration(bundle.baseline_window.seconds)


def _page(state: IncidentState, public_url: str) -> str:
    return link(f"{public_url}/incidents/{state.incident.key}", "Charts and traces")


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
