"""The steps of a trace as rows to look at: what each is, how long it took alone, and what is odd about it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from bot.incident.detectors.swap import swapped
from bot.incident.evidence import Finding
from bot.incident.quantities import duration
from bot.incident.step_time import step_name
from bot.incident.telemetry import SideEffect, Span, SpanKind, Trace

WHOLE = 1000  # units across a bar, whatever the task took
SLIVER = 4  # units below which nothing could be seen
DEEPEST = 6
LOOK: Final[Mapping[SpanKind, tuple[str, str]]] = {  # a shape for each kind, and its word
    SpanKind.AGENT: ("●", "agent"),
    SpanKind.LLM: ("◆", "model"),
    SpanKind.TOOL: ("■", "tool"),
    SpanKind.GUARDRAIL: ("▲", "guardrail"),
    SpanKind.RETRIEVAL: ("◎", "retrieval"),
    SpanKind.EMBEDDING: ("◇", "embedding"),
    SpanKind.OTHER: ("○", "step"),
}
LANES: Final = {SpanKind.LLM: 0, SpanKind.TOOL: 1, SpanKind.RETRIEVAL: 1, SpanKind.GUARDRAIL: 2}
THRICE = 3  # the same call again is a retry; once more and it is a repeat
MANY = 24  # steps from which plain stretches are folded
SHOWN = 4  # steps at the beginning of a plain stretch that stay in sight
BRIEF = 100  # characters of a longer text that show while it is folded


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the task's time, in thousandths of it."""

    at: int
    width: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something odd in words. ``tone`` is bad, warn or note, and never the only sign."""

    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class Words:
    """What a step carried: a label and text of strangers."""

    label: str
    text: str

    @property
    def brief(self) -> str:
        """The beginning of a long text on one line; empty where the text is short enough to stand there whole."""
        return " ".join(self.text[: 2 * BRIEF].split())[:BRIEF] if len(self.text) > BRIEF + 10 else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One row. ``alone`` are the stretches in which no step beneath it was under way."""

    span: Span
    depth: int
    icon: str
    kind: str
    name: str
    whole: Bar
    alone: tuple[Bar, ...]
    seconds_alone: float
    marks: tuple[Mark, ...]
    words: tuple[Words, ...]
    repeated: bool
    again: bool  # the same call was shown already
    plain: bool  # nothing about it is odd, or what is odd was shown three times before

    @property
    def spoken(self) -> str:
        """The bar in words."""
        return f"{duration(self.span.seconds)}, of them {duration(self.seconds_alone)} alone"


@dataclass(frozen=True, slots=True)
class Run:
    """Steps that follow one another; folded away where they are many and nothing about them is new."""

    steps: tuple[Step, ...]
    folded: bool

    @property
    def seconds(self) -> float:
        """How long they took without the steps beneath them, all together."""
        return sum(step.seconds_alone for step in self.steps)


@dataclass(frozen=True, slots=True)
class Blip:
    """One step in the strip above the steps; ``lane`` tells models, tools and checks apart."""

    bar: Bar
    lane: int
    error: bool


def steps_of(trace: Trace, findings: Sequence[Finding], most: int) -> list[Step]:
    """The first ``most`` steps as rows."""
    known: dict[str | None, Span] = {span.span_id: span for span in trace.spans}
    beneath: defaultdict[str, list[Span]] = defaultdict(list)
    for span in trace.spans:
        if span.parent_id:
            beneath[span.parent_id].append(span)
    turns = turns_of(trace.spans)
    return [
        _step(trace, span, depth_of(span, known), beneath[span.span_id], turns.get(span.span_id), findings)
        for span in trace.spans[:most]
    ]


def runs_of(steps: Sequence[Step]) -> list[Run]:
    """The steps, with the middle of long plain stretches folded away where there are many steps."""
    if len(steps) <= MANY:
        return [Run(tuple(steps), folded=False)] if steps else []
    found: list[Run] = []
    for _, stretch in groupby(steps, key=lambda step: step.plain):
        part = tuple(stretch)
        middle = part[SHOWN:-1] if part[0].plain and len(part) > 2 * SHOWN else ()
        shown = part[:SHOWN] if middle else part
        found += [
            Run(shown, folded=False),
            *([Run(middle, folded=True), Run(part[-1:], folded=False)] if middle else ()),
        ]
    return found


def strip_of(trace: Trace, most: int) -> list[Blip]:
    """Models, tools and checks over the whole task."""
    return [
        Blip(_bar(trace, span.start_ns, span.end_ns), LANES[span.kind], span.error)
        for span in trace.spans
        if span.kind in LANES
    ][:most]


def _step(
    trace: Trace,
    span: Span,
    depth: int,
    beneath: Sequence[Span],
    turn: tuple[int, int] | None,
    findings: Sequence[Finding],
) -> Step:
    icon, kind = LOOK[span.kind]
    alone = list(_alone(span, beneath))
    marks = (*marks_of(span, turn), *_found(span, findings))
    known = turn is not None and turn[0] > THRICE and not span.error
    return Step(
        span=span,
        depth=depth,
        icon=icon,
        kind=kind,
        name=name_of(span),
        whole=_bar(trace, span.start_ns, span.end_ns),
        alone=tuple(_bar(trace, start, end) for start, end in alone),
        seconds_alone=sum(end - start for start, end in alone) / 1e9,
        marks=marks,
        words=tuple(words_of(span)),
        repeated=turn is not None and turn[1] >= THRICE,
        again=turn is not None and turn[0] > 1,
        plain=known or not marks,
    )


def name_of(span: Span) -> str:
    """What it called, without its kind; where it called nothing, its own name."""
    if span.tool or span.model or span.guardrail:
        return step_name(span).partition(" ")[2] or span.name
    return span.name


def marks_of(span: Span, turn: tuple[int, int] | None = None) -> Iterator[Mark]:
    """What is odd about a step, the worst first."""
    if span.error:
        yield Mark(f"✕ error: {span.error_type}" if span.error_type else "✕ error", "bad")
    if span.guardrail:
        yield Mark("✕ triggered", "bad") if span.guardrail.triggered else Mark("✓ passed", "note")
    if turn is not None:
        yield Mark(f"↻ {ordinal(turn[0])} of {turn[1]} the same", "warn" if turn[1] >= THRICE else "note")
    if span.model and swapped(span):
        yield Mark(f"asked {span.model.requested}, {span.model.answering} answered", "warn")
    if span.inferred:
        yield Mark("inferred from the model's answer", "note")
    yield from _of_tool(span)


def _of_tool(span: Span) -> Iterator[Mark]:
    tool = span.tool
    if tool is None:
        return
    if tool.empty_result and not span.error:
        yield Mark("empty answer", "note")
    if tool.side_effect is SideEffect.WRITE:
        yield Mark("write, approved" if tool.approval_id else "write", "note")
    if tool.privileged:
        yield Mark("privileged", "note")
    if tool.untrusted_content:
        yield Mark("untrusted content", "note")


def _found(span: Span, findings: Sequence[Finding]) -> Iterator[Mark]:
    kinds = dict.fromkeys(found.kind for found in findings if span.span_id in found.span_ids)
    return (Mark(kind.value.replace("_", " "), "warn") for kind in kinds)


def words_of(span: Span) -> Iterator[Words]:
    """Arguments, answers and complaints; foreign text, escaped where it is shown."""
    if span.error_message:
        yield Words("error", span.error_message)
    if span.tool and span.tool.arguments_preview:
        yield Words("arguments", span.tool.arguments_preview)
    if span.tool and span.tool.result_preview:
        yield Words("result", span.tool.result_preview)
    said = (span.model.output_preview if span.model else "") or ("" if span.tool else span.said)
    if said:
        yield Words("said", said)


def turns_of(spans: Sequence[Span]) -> dict[str, tuple[int, int]]:
    """For tool calls made more than once with the same arguments: which one of how many, by span id."""
    calls = [(span.span_id, (span.tool.name, span.tool.arguments_hash)) for span in spans if span.tool]
    total, seen = Counter(call for _, call in calls), Counter[tuple[str, str | None]]()
    turns: dict[str, tuple[int, int]] = {}
    for span_id, call in calls:
        seen[call] += 1
        if total[call] > 1 and call[1] is not None:
            turns[span_id] = seen[call], total[call]
    return turns


def repeats(spans: Sequence[Span]) -> list[tuple[str, int]]:
    """Tools called with the same arguments three times or more, most often first."""
    counted = Counter((span.tool.name, span.tool.arguments_hash) for span in spans if span.tool)
    return [(name, times) for (name, called), times in counted.most_common() if times >= THRICE and called is not None]


def depth_of(span: Span, known: Mapping[str | None, Span]) -> int:
    """How many known ancestors a span has, six at most: deeper is not readable on a phone."""
    depth, parent = 0, span.parent_id
    while parent in known and depth < DEEPEST:
        depth, parent = depth + 1, known[parent].parent_id
    return depth


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _alone(span: Span, beneath: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """The stretches of the span in which nothing beneath it was under way, in nanoseconds."""
    until = span.start_ns
    for start, end in sorted((child.start_ns, child.end_ns) for child in beneath):
        if min(start, span.end_ns) > until:
            yield until, min(start, span.end_ns)
        until = max(until, end)
    if span.end_ns > until:
        yield until, span.end_ns


def _bar(trace: Trace, start_ns: int, end_ns: int) -> Bar:
    """Where the stretch lies; never too thin to be seen, never beyond the end."""
    length = max(1, trace.end_ns - trace.start_ns)
    at = min(WHOLE - SLIVER, max(0, WHOLE * (start_ns - trace.start_ns) // length))
    width = max(SLIVER, WHOLE * (end_ns - start_ns) // length)
    return Bar(at, min(width, WHOLE - at))
