"""Evidence in single lines, the same on the card and in the dialog: figure, doubt, word, and a trace to look at."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.incident.evidence import ENOUGH, Change, Direction, EvidenceBundle, Onset, Pair, Signal, SlowStep, Unit
from bot.incident.links import own_tool, pair_page, trace_page
from bot.incident.quantities import ago, duration, percent, points
from bot.incident.summary import word, worse
from bot.incident.wording import measured, usual
from bot.slack.text import date_token, link, quote_untrusted

STALE_SECONDS = 120
SLOWER = 1.5  # times the mean of before, from which a step is worth a line on one screen


def signal_line(signal: Signal, bundle: EvidenceBundle, public_url: str, *, full: bool) -> str:
    """One signal; ``full`` adds the difference, what is usual at this hour, and how old the newest observation is."""
    said = quote_untrusted(measured(signal), 320)
    if signal.value is None:
        return f"• {_mark(signal)} {said}, {_last_seen(signal)}"
    parts = [f"{said}: {_mark(signal)} {word(signal)}"]
    if full:
        parts += _more(signal)
    elif signal.moved and (said_usual := usual(signal)):
        parts.append(said_usual)
    if signal.direction is not Direction.FLAT:
        parts += _traces(signal.trace_ids[:1], bundle, public_url)
    return "• " + " · ".join(parts)


def _mark(signal: Signal) -> str:
    """A second sign beside the word: red for the worse, yellow for the better, which may be a sign of trouble too."""
    if signal.direction is Direction.UNKNOWN:
        return "⚪"
    if signal.direction is Direction.FLAT:
        return "🟢"
    return "🔴" if worse(signal) else "🟡"


def _last_seen(signal: Signal) -> str:
    return "never seen" if signal.fresh_seconds is None else f"last seen {ago(signal.fresh_seconds)}"


def _more(signal: Signal) -> Iterator[str]:
    apart = signal.difference
    if apart and signal.unit is Unit.SHARE and signal.enough and signal.value is not None:
        by = signal.value - (signal.baseline or 0.0)
        yield points(by, apart)
    if said := usual(signal):
        yield said
    if signal.fresh_seconds is not None and signal.fresh_seconds > STALE_SECONDS:
        yield f"newest {ago(signal.fresh_seconds)}"


def _traces(ids: tuple[str, ...], bundle: EvidenceBundle, public_url: str) -> list[str]:
    found = [(page, trace_id) for trace_id in ids if (page := trace_page(bundle, trace_id, public_url))]
    return [link(page, f"trace {trace_id[:8]}") for page, trace_id in found]


def onset_line(onset: Onset, name: str) -> str:
    """When it began, with the interval, and by which signal."""
    low, at, high = (date_token(moment(ns)) for ns in (onset.low_ns, onset.at_ns, onset.high_ns))
    return f"Began about {at} (between {low} and {high}), judged by: {quote_untrusted(name, 100)}"


def onset_name(bundle: EvidenceBundle) -> str:
    """What the signal is called in which the onset was found."""
    onset = bundle.onset
    signal = bundle.signal(onset.signal) if onset else None
    return signal.label if signal else onset.signal.replace("_", " ") if onset else ""


def change_line(change: Change) -> str:
    """What changed, since when, in how many tasks."""
    before = quote_untrusted(change.before, 120) if change.before else "not seen before"
    share = f" = {percent(change.k / change.n)}" if change.n else ""
    reach = f"{change.n} tasks" if change.announced else f"{change.k} of {change.n} tasks{share}"
    since = date_token(moment(change.first_seen_ns))
    where = f" in {quote_untrusted(change.environment, 60)}" if change.environment else ""
    return f"• {change.kind.value}: {before} → {quote_untrusted(change.after, 120)}{where} since {since} ({reach})"


def slow_line(step: SlowStep, bundle: EvidenceBundle, public_url: str) -> str:
    """Seconds that tasks spend in one step."""
    was = "not seen before" if step.baseline_seconds is None else f"was {duration(step.baseline_seconds)}"
    words = f"{quote_untrusted(step.name, 100)} {duration(step.seconds)} a task, {was}"
    words += f" ({percent(step.share)} of all time, n = {step.n})"
    return "• " + " · ".join([words, *_traces(step.trace_ids[:1], bundle, public_url)])


def slowed(bundle: EvidenceBundle) -> SlowStep | None:
    """The step that got so much slower that it belongs on one screen, or None."""
    step = next(iter(bundle.slow_steps), None)
    if step is None or step.n < ENOUGH or step.baseline_seconds is None:
        return None
    return step if step.seconds > SLOWER * step.baseline_seconds else None


def pair_line(pair: Pair, bundle: EvidenceBundle, public_url: str) -> str:
    """The bad task and its nearest good one: the way to the comparison, and each in the team's own tool."""
    page = pair_page(pair, public_url) if public_url else None
    both = link(page, "A bad task beside a good one") if page else "A bad task and a good one"
    theirs = [
        link(address, f"{name} task in your tool")
        for name, trace_id in (("bad", pair.bad), ("good", pair.good))
        if (address := own_tool(bundle, trace_id))
    ]
    why = quote_untrusted(pair.why, 160)
    return " · ".join([f"{both}: {why}; {percent(pair.likeness)} of the steps are alike", *theirs])


def moment(ns: int) -> datetime:
    """The moment ``ns`` nanoseconds after the epoch."""
    return datetime.fromtimestamp(ns / 1e9, UTC)
