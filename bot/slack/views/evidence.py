"""Evidence: what telemetry says, worst first, with figures, doubt and freshness. Nothing to fill in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.incident.environments import said_of
from bot.incident.evidence import EvidenceBundle, FindingKind, Signal, SourceStatus
from bot.incident.links import agent_page, trace_page
from bot.incident.quantities import ago, duration
from bot.incident.state import IncidentState
from bot.incident.summary import headlines
from bot.slack.blocks import Block, View, context, modal, section
from bot.slack.evidence_lines import (
    change_line,
    moment,
    onset_line,
    onset_name,
    pair_line,
    signal_line,
    slow_line,
)
from bot.slack.text import date_token, link, quote_untrusted
from bot.slack.views.loading import loading

CALLBACK: Final = "evidence"
SHOWN_SIGNALS = 8
SHOWN_CHANGES = 4
SHOWN_STEPS = 2
SHOWN_FINDINGS = 4
SHOWN_TRACES = 3
SHOWN_GAPS = 5
MOST_OF_A_NOTE = 400  # characters

FINDING_WORDS: Final[Mapping[FindingKind, str]] = {
    FindingKind.LOOP: "repeats without progress",
    FindingKind.TOOL_ERROR: "tool errors",
    FindingKind.SLOW_STEP: "slow steps",
    FindingKind.UNAPPROVED_WRITE: "writes without approval",
    FindingKind.CLAIMED_WITHOUT_SUCCESS: "claimed actions that no tool call shows",
    FindingKind.UNTRUSTED_THEN_PRIVILEGED: "privileged calls after untrusted content",
    FindingKind.FIRST_SEEN_DESTINATION: "destinations not seen before",
    FindingKind.FIRST_SEEN_MANIFEST: "tool manifests not seen before",
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
        blocks = list(_blocks(bundle, public_url, now, _page(state, public_url) if public_url else ""))
    return modal(CALLBACK, f"Evidence {key}", blocks, {"k": key}, close="Close")


def of_agent(bundle: EvidenceBundle, public_url: str = "", now: datetime | None = None) -> View:
    """The same of an agent, before anybody declared anything."""
    page = link(agent_page(bundle.agent, public_url), "Charts and traces") if public_url else ""
    headline = section(f"*{quote_untrusted(bundle.agent, 200)}*")
    return modal(CALLBACK, "Evidence", [headline, *_blocks(bundle, public_url, now, page)], {}, close="Close")


def _blocks(bundle: EvidenceBundle, public_url: str, now: datetime | None, page: str) -> Iterator[Block]:
    yield context(_as_of(bundle, now), *(quote_untrusted(note, MOST_OF_A_NOTE) for note in said_of(bundle)))
    shown = headlines(bundle, SHOWN_SIGNALS)
    if shown:
        lines = [signal_line(one, bundle, public_url, full=True) for one in shown]
        yield section("*Signals, worst first*\n" + "\n".join([*lines, *_left(bundle, shown)]))
    else:
        yield section("*Signals*\ncan't tell: nothing was measured.")
    if bundle.onset:
        yield section(onset_line(bundle.onset, onset_name(bundle)))
    changed = "\n".join(change_line(one) for one in bundle.changes[:SHOWN_CHANGES])
    yield section("*Changed against before*\n" + (changed or "Nothing that telemetry shows."))
    if bundle.slow_steps:
        slow = "\n".join(slow_line(step, bundle, public_url) for step in bundle.slow_steps[:SHOWN_STEPS])
        yield section(f"*Where the time goes*\n{slow}")
    if bundle.pair:
        yield section(pair_line(bundle.pair, bundle, public_url))
    if bundle.findings:
        yield section("*Found in traces*\n" + "\n".join(_findings(bundle, public_url)))
    if bundle.also_affected:
        names = ", ".join(quote_untrusted(name, 80) for name in bundle.also_affected[:10])
        yield section(f"*Also affected on the same provider*: {names}")
    yield context(*_sources(bundle.sources), *([page] if page else []))


def _left(bundle: EvidenceBundle, shown: Sequence[Signal]) -> list[str]:
    """How many signals this screen leaves out."""
    left = len(bundle.signals) - len(shown)
    moved = sum(signal.moved for signal in bundle.signals) - sum(signal.moved for signal in shown)
    also = f", {moved} of them moved too" if moved else ""
    return [f"{left} more on the page{also}."] if left > 0 else []


def _findings(bundle: EvidenceBundle, public_url: str) -> Iterator[str]:
    for kind, count in Counter(finding.kind for finding in bundle.findings).most_common(SHOWN_FINDINGS):
        these = [finding for finding in bundle.findings if finding.kind is kind]
        pages = [trace_page(bundle, trace, public_url) for trace in dict.fromkeys(one.trace_id for one in these)]
        links = " ".join(link(page, f"trace {at}") for at, page in enumerate([p for p in pages if p][:SHOWN_TRACES], 1))
        example = quote_untrusted(these[0].detail, 160)
        yield f"• {FINDING_WORDS[kind]} ({count}), for example: {example} {links}".rstrip()


def _sources(sources: Sequence[SourceStatus]) -> Iterator[str]:
    """Who was asked, and what is missing of whom."""
    if not sources:
        yield "No source was asked."
        return
    yield "Sources: " + " · ".join(f"{quote_untrusted(one.name, 60)} {_gave(one)}" for one in sources[:10])
    for one in [one for one in sources if one.missing][:SHOWN_GAPS]:
        yield f"⚠️ Missing from {quote_untrusted(one.name, 60)}: {quote_untrusted(one.missing or '', 200)}"


def _gave(source: SourceStatus) -> str:
    counts = ((source.traces, f"traces{source.of_all}"), (source.scores, "scores"), (source.metrics, "figures"))
    return ", ".join(f"{count:,} {what}" for count, what in counts if count) or "nothing"


def _as_of(bundle: EvidenceBundle, now: datetime | None) -> str:
    at = moment(bundle.at_ns)
    old = f", {ago((now - at).total_seconds())}" if now else ""
    return (
        f"As of {date_token(at)}{old}. The last {duration(bundle.window.seconds)} against {_baseline(bundle)} before."
    )


def _baseline(bundle: EvidenceBundle) -> str:
    return duration(bundle.baseline_window.seconds)


def _page(state: IncidentState, public_url: str) -> str:
    return link(f"{public_url}/incidents/{state.incident.key}", "Charts and traces")
