"""A task as a list of steps, and which of them are alike.

A step is a tool call with its outcome, or words that lead to no call. Alike are calls with the same
arguments and the same result, calls that differ only in what differs between two attempts at one
thing (wording, page number, times in an error), and nearly the same words.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.incident.detectors.alike import (
    Words,
    other_things,
    shared,
    without_clocks,
    without_numbers,
    words_of,
)
from bot.incident.telemetry import CALL_MARK, SideEffect, Span, SpanKind, Trace

BACK = 8  # kinds of steps of one tool to compare a new one with
FEWEST_CALLS = 3  # calls of one tool before near matches are looked for
SAME_WORDS = 0.72  # of two texts; in 150 recorded customer dialogues the third of a kind reaches 0.69
SAME_OUTCOME = 0.8  # of two results
SAME_FAILURE = 0.6  # of two error texts, numbers ignored
SAME_INTENT = 0.5  # of two reworded arguments whose results are alike
SHORTEST_TEXT = 8  # different words; shorter courtesies repeat in every conversation
FEWEST_WORDS = 3
LONG_OUTCOME = 80  # characters; a shorter one ("ok") is the same for different things
CUT = "…"

_ACTION = re.compile(r"(?:^|\n)\s*(?:next )?action:\s*[`*]*\s*(\S.*)", re.IGNORECASE)
_CALL_LINE = re.compile(r"^\W{0,3}(\w+\s?(?:\(.*\)|\[.*\]))\W{0,3}$")
_FENCED = re.compile(r"```(?:\w+\n)?\s*(.+?)\s*```", re.DOTALL)
_NAME = re.compile(r"\w+")
_SMALL_NUMBERS = re.compile(r"(?<![\w-])-?\d{1,4}(?![\w-])")


@dataclass(slots=True, eq=False)
class Step:
    """One step as loops see it. ``name`` is empty for words, ``words`` for calls."""

    span_id: str
    name: str
    given: str | None  # hash or text of the arguments
    given_text: str
    outcome: str | None  # hash of the result
    outcome_text: str
    failing: bool = False
    writes: bool = False
    wrote: bool = False  # a write that succeeded
    words: str = ""
    short: bool = False

    @property
    def known(self) -> bool:
        """How it came out is known; words are their own outcome."""
        return self.outcome is not None or bool(self.words)


def steps_of(trace: Trace) -> list[Step]:
    """The calls of a task in order, and the words that led to no call."""
    spans = [span for span in trace.spans if span.tool is not None or span.model is not None]
    called = any(span.tool is not None for span in spans)
    teams = several_agents(trace)
    found = []
    for place, span in enumerate(spans):
        if span.tool is not None:
            found.append(_call(span))
        elif not teams or not called:
            follows = spans[place + 1].tool is not None if place + 1 < len(spans) else False
            step = None if called and follows else _words(span, called=called, teams=teams)
            if step is not None:
                found.append(step)
    return found


def several_agents(trace: Trace) -> bool:
    """The steps below the root belong to more than one agent."""
    first = None
    for span in trace.spans:
        if span.parent_id is not None and span.agent:
            if first is None:
                first = span.agent
            elif span.agent != first:
                return True
    return False


def text_of(span: Span) -> str:
    """What the step said; of spans that do not carry it, the preview of the model's output."""
    return span.said or (span.model.output_preview if span.model else "")


def action_in(text: str) -> str | None:
    """The one action a text ends in: a tool call, ``Action: …``, a fenced call or a line that is a call."""
    if CALL_MARK in text:
        return text[text.index(CALL_MARK) + len(CALL_MARK) :]
    marked = _ACTION.search(text)
    if marked:
        return marked[1].strip("`* \n")
    fenced = _FENCED.findall(text) if "```" in text else []
    line = (fenced[-1] if fenced else text.rstrip().rsplit("\n", 1)[-1])[:200]
    call = _CALL_LINE.match(line)
    return call[1] if call else None


def _call(span: Span) -> Step:
    tool = span.tool
    if tool is None:
        raise ValueError("only a span that called a tool is a call")
    failing = span.error or tool.empty_result
    writes = tool.side_effect is SideEffect.WRITE
    outcome = tool.result_hash or (f"error {span.error_type}" if span.error else None)
    text = tool.result_preview or span.error_message
    return Step(
        span.span_id,
        tool.name,
        tool.arguments_hash,
        tool.arguments_preview,
        outcome,
        text,
        failing or text[:7].lower().startswith(("error", "traceb")),
        writes,
        writes and not span.error,
    )


def _words(span: Span, *, called: bool, teams: bool) -> Step | None:
    text = text_of(span)
    if not text:
        return None
    action = None if called else action_in(text)
    if action is not None:
        name = _NAME.match(action)
        return Step(span.span_id, name[0] if name else action[:40], action, action, None, "", failing=span.error)
    if teams:
        return None  # who says what to whom is judged agent by agent
    return Step(span.span_id, "", None, "", None, "", failing=span.error, words=text)


def kinds_of(steps: Sequence[Step]) -> list[int]:
    """For each step the number of its kind: the place of the first step that it is like."""
    calls = Counter(step.name for step in steps if step.name)
    seen: dict[object, int] = {}
    recent: dict[str, list[int]] = {}
    found: list[int] = []
    sets = _Sets()
    for place, step in enumerate(steps):
        exact = (step.name, step.given, step.outcome) if step.name else step.words
        kind = seen.get(exact) if step.given is not None or step.words else None
        if kind is None:
            before = recent.setdefault(step.name, [])
            near = step.words or calls[step.name] >= FEWEST_CALLS
            kind = (
                next((other for other in reversed(before) if _alike(step, steps[other], sets)), place)
                if near
                else place
            )
            if kind == place:
                before.append(place)
                del before[:-BACK]
            seen[exact] = kind
        if step.words:
            step.short = len(sets.of(step.words)) < SHORTEST_TEXT
            if len(sets.of(step.words)) < FEWEST_WORDS:
                kind = place
        found.append(kind)
    return found


class _Sets:
    """Words of texts, found once."""

    def __init__(self) -> None:
        self._found: dict[str, Words] = {}

    def of(self, text: str) -> Words:
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = words_of(text)
        return found


def _alike(a: Step, b: Step, sets: _Sets) -> bool:
    if a.words:
        one, other = sets.of(a.words), sets.of(b.words)
        long = min(len(one), len(other)) >= SHORTEST_TEXT
        return long and shared(one, other, SAME_WORDS) >= SAME_WORDS and not other_things(one, other)
    if a.given is None or b.given is None or a.writes != b.writes:
        return False
    if a.given == b.given:
        return _same_outcome(a, b, sets)
    return not a.wrote and _same_intent(a, b, sets)


def _same_outcome(a: Step, b: Step, sets: _Sets) -> bool:
    """Two results of one call differ only in what says nothing: the clock, or where an error is reported from."""
    if a.outcome is None or b.outcome is None or a.failing != b.failing:
        return False
    if a.outcome == b.outcome or (a.outcome_text == b.outcome_text and a.outcome_text.endswith(CUT)):
        return True
    first, second = without_clocks(a.outcome_text), without_clocks(b.outcome_text)
    if a.failing:
        one, other = words_of(without_numbers(first)), words_of(without_numbers(second))
        return shared(one, other, SAME_FAILURE) >= SAME_FAILURE
    if first == second:
        return bool(first.strip())
    one, other = sets.of(first), sets.of(second)
    return shared(one, other, SAME_OUTCOME) >= SAME_OUTCOME and not _moved(one, other)


def _moved(a: Words, b: Words) -> bool:
    """Numbers changed: a counter goes on, so a poll makes progress."""
    return other_things(a, b, 1)


def _same_intent(a: Step, b: Step, sets: _Sets) -> bool:
    """Two calls try for the same thing in other words, or page by page, and get the same."""
    if a.outcome == b.outcome and not a.failing and len(a.outcome_text) >= LONG_OUTCOME and _next_page(a, b):
        return True
    one, other = sets.of(a.given_text), sets.of(b.given_text)
    if min(len(one), len(other)) < FEWEST_WORDS or other_things(one, other):
        return False
    if shared(one, other, SAME_INTENT) < SAME_INTENT:
        return False
    if a.outcome is None or b.outcome is None:
        return a.outcome == b.outcome and shared(one, other, SAME_OUTCOME) >= SAME_OUTCOME
    if a.outcome == b.outcome:
        return a.failing or len(a.outcome_text) >= LONG_OUTCOME
    if a.failing != b.failing:
        return False
    return _same_outcome(a, b, sets)


def _next_page(a: Step, b: Step) -> bool:
    return _SMALL_NUMBERS.sub("0", a.given_text) == _SMALL_NUMBERS.sub("0", b.given_text)


def said_by_agents(trace: Trace) -> Iterator[tuple[Span, str]]:
    """What the agents of a team said, step by step: from agent spans, else from their model calls."""
    teams = several_agents(trace)
    for span in trace.spans:
        if span.parent_id is None:
            continue
        if span.said and (span.kind is SpanKind.AGENT or (teams and span.model is not None)):
            yield span, span.said
