"""Loops: the same step again with the same outcome.

A tool's name alone proves nothing: ordinary tasks of tau-bench call one tool many times with
other arguments. Only a repeated (tool, arguments, result), a repeated short cycle of such
calls, or the same text said again counts.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bot.incident.telemetry import Span, Trace

REPEATS = 3  # identical calls with identical results
BLIND_REPEATS = 4  # identical calls where the telemetry carries no results
CYCLE_LENGTHS = (2, 3, 4)
CYCLE_TURNS = 3
SAME_TEXT_RUN = 3
SAME_TEXT = 0.9  # share of words in common, in order
SHORTEST_TEXT = 8  # words; short courtesies repeat in every conversation

Step = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Loop:
    """One repetition: what repeats, how often, and the spans that show it."""

    what: str
    times: int
    span_ids: tuple[str, ...]
    tool: str | None = None
    failing: bool = False  # the repeated call errs or answers nothing: the tool is the cause
    writes: bool = False


def loop_in(trace: Trace) -> Loop | None:
    """The longest repetition in one task, or None."""
    calls = [span for span in trace.spans if span.tool is not None]
    found = [_repeated(calls), _cycle(calls)] if len(calls) >= REPEATS else []
    found.append(_same_text(trace.spans))
    return max((loop for loop in found if loop), key=lambda loop: len(loop.span_ids), default=None)


def _repeated(calls: Sequence[Span]) -> Loop | None:
    groups: dict[Step, list[Span]] = {}
    for span in calls:
        groups.setdefault(_step(span), []).append(span)
    step, spans = max(groups.items(), key=lambda item: len(item[1]))
    if step[1] is None or len(spans) < (REPEATS if step[2] is not None else BLIND_REPEATS):
        return None
    what = f"{step[0]} with the same arguments" + (" and the same result" if step[2] is not None else "")
    return _loop(what, len(spans), spans, step[0])


def _cycle(calls: Sequence[Span]) -> Loop | None:
    """A block of two to four calls that follows itself at least twice, with the same arguments each time."""
    steps = [_step(span) for span in calls]
    for length in CYCLE_LENGTHS:
        run = _longest_run(steps, length)
        start, turns = run
        block = steps[start : start + length]
        if turns >= CYCLE_TURNS and len(set(block)) > 1 and all(step[1] is not None for step in block):
            spans = calls[start : start + length * turns]
            return _loop(" → ".join(step[0] for step in block), turns, spans, None)
    return None


def _longest_run(steps: Sequence[Hashable], length: int) -> tuple[int, int]:
    """Where the longest self-repeating block of that length starts, and how many times it stands there."""
    best, start = (0, 1), 0
    for place in range(length, len(steps) + 1):
        if place == len(steps) or steps[place] != steps[place - length]:
            turns = (place - start) // length
            best = max(best, (start, turns), key=lambda run: run[1])
            start = place - length + 1
    return best


def _same_text(spans: Sequence[Span]) -> Loop | None:
    """The model says (nearly) the same several times in a row."""
    run: list[Span] = []
    last: list[str] = []
    for span in spans:
        if span.model is None:
            continue
        words = re.findall(r"\w+", span.model.output_preview.lower())
        alike = len(words) >= SHORTEST_TEXT and _alike(words, last)
        run = [*run, span] if alike else [span]
        last = words
        if len(run) >= SAME_TEXT_RUN:
            return Loop("nearly the same text", len(run), tuple(item.span_id for item in run))
    return None


def _alike(words: list[str], last: list[str]) -> bool:
    if words == last:
        return True
    matcher = SequenceMatcher(None, last, words, autojunk=False)
    return matcher.real_quick_ratio() >= SAME_TEXT and matcher.ratio() >= SAME_TEXT


def _step(span: Span) -> Step:
    if span.tool is None:
        return "", None, None
    return span.tool.name, span.tool.arguments_hash, span.tool.result_hash or ("error" if span.error else None)


def _loop(what: str, times: int, spans: Sequence[Span], tool: str | None) -> Loop:
    failing = sum(span.error or bool(span.tool and span.tool.empty_result) for span in spans) * 2 > len(spans)
    writes = any(span.tool is not None and span.tool.side_effect == "write" for span in spans)
    return Loop(what, times, tuple(span.span_id for span in spans), tool, failing, writes)
