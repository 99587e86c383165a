"""Calls in a row that get nowhere, although no two of them need be alike in what came of them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.incident.detectors.alike import Words, one_form, other_things, shared, without_numbers, words_of
from bot.incident.detectors.standstill import STANDING, standstill_in
from bot.incident.detectors.task_steps import CUT, Step

UNMOVED = 4  # different calls that get the same long result: a page on which nothing has any effect
STUCK = 5  # different calls that get the same shorter result, all with nearly the same thought: a terminal that hangs
SAME_THOUGHT = 0.5  # of the words of two
FEWEST_WORDS = 12  # different words of such a thought
SHORTEST_RESULT = 20  # characters
REFUSED = 4  # failures of one call, whatever the error says
ILL_FORMED = 3  # calls that are all refused for their form, or because there is no such tool
RENUMBERED = 5  # failures of calls that differ only in numbers, with errors that do, too
DETERMINED = 4  # times that one call is made with the same long thought
COUNTING = 6  # the same where its results differ in numbers only, which may be progress
LONG_THOUGHT = 20  # different words
RETRIES = 4  # failures of one call that a success right after excuses

_NUMBERS = re.compile(r"\d{2,}")
# Errors about how a call is written; one about what it is for ("user 17 not found") may be another thing each time
_FORM = re.compile(
    r"\b(?:unknown|invalid|unrecogni[sz]ed|malformed|unsupported) (?:command|action|tool|function|option|syntax|format|json|input)"
    r"|\b(?:could not|cannot|can't|failed to|unable to) parse|\bpars(?:e|ing) error|\bno such (?:command|action|tool|function)"
    r"|\bis not a (?:valid|known|recogni[sz]ed) (?:command|action|tool|function)"
    r"|\b(?:command|action|tool|function)\b.{0,80}?\b(?:not (?:found|exist|available)|(?:doesn|don|isn|wasn)'t (?:exist|available|found))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Row:
    """What the row is, and its calls; ``tool`` where they are all of one."""

    what: str
    steps: Sequence[Step]
    tool: str | None = None


def row_in(steps: Sequence[Step]) -> Row | None:
    """The longest row in a task, or None."""
    calls = [step for step in steps if not step.words]
    idle = _row("calls that bring nothing new", standstill_in(steps), STANDING)
    if not any(_comparable(before, step) for before, step in pairwise(calls)):
        return idle  # as in most tasks
    found = [
        idle,
        _row("other calls with the same result", _longest(calls, _unmoved), UNMOVED),
        _row("other calls with the same thought and result", _longest_of(calls, _same_outcome, _stuck, STUCK), STUCK),
        _row("the same call, which fails every time", _tried_in_vain(calls), REFUSED),
        _row(
            "nearly the same call with the same kind of error",
            _longest_of(calls, _same_tool_fails, _renumbered, RENUMBERED),
            RENUMBERED,
        ),
        _row("calls whose form is refused", _longest(calls, _ill_formed), ILL_FORMED),
        _determined(calls),
    ]
    return max((row for row in found if row), key=lambda row: len(row.steps), default=None)


def _comparable(a: Step, b: Step) -> bool:
    return _same_outcome(a, b) or (a.failing and b.failing) or _one_call(a, b)


def _row(what: str, steps: Sequence[Step], fewest: int) -> Row | None:
    if len(steps) < fewest:
        return None
    return Row(what, steps, steps[0].name if len({step.name for step in steps}) == 1 else None)


def _stretches(calls: Sequence[Step], goes_on: Callable[[Step, Step], bool]) -> Iterator[Sequence[Step]]:
    """The stretches of two and more in which every call goes on with the one before it."""
    begin = 0
    for place in range(1, len(calls) + 1):
        if place == len(calls) or not goes_on(calls[place - 1], calls[place]):
            if place - begin > 1:
                yield calls[begin:place]
            begin = place


def _longest(calls: Sequence[Step], goes_on: Callable[[Step, Step], bool]) -> Sequence[Step]:
    return max(_stretches(calls, goes_on), key=len, default=())


def _longest_of(
    calls: Sequence[Step], alike: Callable[[Step, Step], bool], goes_on: Callable[[Step, Step], bool], fewest: int
) -> Sequence[Step]:
    """As ``_longest``, where ``goes_on`` is slow and holds only for calls that are ``alike``."""
    enough = [stretch for stretch in _stretches(calls, alike) if len(stretch) >= fewest]
    return max((_longest(stretch, goes_on) for stretch in enough), key=len, default=())


def _same_outcome(a: Step, b: Step) -> bool:
    return a.outcome is not None and a.outcome == b.outcome


def _same_tool_fails(a: Step, b: Step) -> bool:
    return a.failing and b.failing and a.name == b.name


def _unmoved(before: Step, step: Step) -> bool:
    return _same_outcome(before, step) and step.outcome_text.endswith(CUT)


def _stuck(before: Step, step: Step) -> bool:
    if not _same_outcome(before, step) or len(step.outcome_text) < SHORTEST_RESULT:
        return False
    one, other = words_of(before.thought), words_of(step.thought)
    if min(len(one), len(other)) < FEWEST_WORDS or shared(one, other, SAME_THOUGHT) < SAME_THOUGHT:
        return False
    return not other_things(one, other) and not one_form(before.thought, step.thought)


def _tried_in_vain(calls: Sequence[Step]) -> Sequence[Step]:
    row = _longest(calls, _refused)
    if 0 < len(row) <= RETRIES:
        after = next((calls[place + 1 :] for place, step in enumerate(calls) if step is row[-1]), ())
        if after and _one_call(row[-1], after[0]):  # and it did not fail
            return ()
    return row


def _refused(before: Step, step: Step) -> bool:
    return before.failing and step.failing and _one_call(before, step)


def _renumbered(before: Step, step: Step) -> bool:
    if not _same_tool_fails(before, step):
        return False
    if not set(_NUMBERS.findall(step.given_text)).isdisjoint(_NUMBERS.findall(step.outcome_text)):
        return False  # the error is about the thing asked for, and each asks for another
    return without_numbers(before.given_text) == without_numbers(step.given_text) and (
        without_numbers(before.outcome_text) == without_numbers(step.outcome_text)
    )


def _ill_formed(before: Step, step: Step) -> bool:
    """Both are refused for their form with the same words, but for those that repeat what was written."""
    if not (before.failing and step.failing):
        return False
    if not (_FORM.search(before.outcome_text) and _FORM.search(step.outcome_text)):
        return False
    return _own_words(before) == _own_words(step)


def _own_words(step: Step) -> Words:
    return words_of(step.outcome_text) - words_of(f"{step.name} {step.given_text}")


def _determined(calls: Sequence[Step]) -> Row | None:
    row = _longest_of(calls, _one_call, _of_one_mind, DETERMINED)
    counting = bool(row) and len({without_numbers(step.outcome_text) for step in row}) == 1
    return _row("the same call with the same thought", row, COUNTING if counting else DETERMINED)


def _of_one_mind(before: Step, step: Step) -> bool:
    if not (before.thought and _one_call(before, step)):
        return False
    thought = without_numbers(step.thought)
    return thought == without_numbers(before.thought) and len(words_of(thought)) >= LONG_THOUGHT


def _one_call(a: Step, b: Step) -> bool:
    return a.given is not None and (a.name, a.given) == (b.name, b.given)
