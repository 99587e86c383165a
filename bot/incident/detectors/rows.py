"""Calls in a row that get nowhere, although no two of them need be alike in what came of them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bot.incident.detectors.alike import one_form, other_things, shared, without_numbers, words_of
from bot.incident.detectors.failures import about_a_thing
from bot.incident.detectors.likeness import same_call
from bot.incident.detectors.refusals import admitted_in, refusals_in
from bot.incident.detectors.standstill import STANDING, standstill_in
from bot.incident.detectors.stretches import Row, longest, longest_of, row_of, same_outcome
from bot.incident.detectors.task_steps import CUT, Step

UNMOVED = 4  # different calls that get the same long result: a page on which nothing has any effect
STUCK = 5  # different calls that get the same shorter result, all with nearly the same thought: a terminal that hangs
SAME_THOUGHT = 0.5  # of the words of two
FEWEST_WORDS = 12  # different words of such a thought, and of a result that is told again
SOUGHT = (
    3  # other searches that find the same at length, of which the model says each time that it is not what it looks for
)
SHORTEST_RESULT = 20  # characters
DETERMINED = 4  # times that one call is made with the same long thought
COUNTING = 6  # the same where its results differ in numbers only, which may be progress
LONG_THOUGHT = 20  # different words

_SEARCH = re.compile(r"search|quer|retriev|look_?up|find|wiki", re.IGNORECASE)
_NOT_IT = re.compile(
    r"\b(?:search\w*|quer(?:y|ies)|results?)\b[^.!?\n]{0,60}?\b"
    r"(?:(?:did|do|does|has|have)(?: not|n't|n\u2019t) (?:\w+ ){0,3}?"
    r"(?:return|find|found|provid|contain|includ|giv|show|answer|help|mention|yield)"
    r"|no (?:relevant|useful|direct|helpful|new)\b|(?:still|only|again) (?:return|show|g[eo]t|find|found|giv|provid))"
    r"|(?:搜索|查询|检索|结果)[^。\n]{0,20}?(?:没有?|未能?|只|仅)(?:返回|提供|得到|找到|给出|显示|包含)",
    re.IGNORECASE,
)


def row_in(steps: Sequence[Step]) -> Row | None:
    """The longest row in a task, or None."""
    calls = [step for step in steps if not step.words]
    found = [row_of("calls that bring nothing new", standstill_in(steps), STANDING), admitted_in(calls)]
    if any(_comparable(before, step) for before, step in pairwise(calls)):  # in few tasks
        stuck = longest_of(calls, same_outcome, _stuck, STUCK)
        found += [
            row_of("other calls with the same result", longest(calls, _unmoved), UNMOVED),
            row_of("other calls with the same thought and result", stuck, STUCK),
            row_of(
                "other searches with the same result, which is not what was looked for", longest(calls, _sought), SOUGHT
            ),
            _determined(calls),
            *refusals_in(calls),
        ]
    return max((row for row in found if row), key=lambda row: len(row.steps), default=None)


def _comparable(a: Step, b: Step) -> bool:
    return same_outcome(a, b) or (a.failing and b.failing) or same_call(a, b)


def _unmoved(before: Step, step: Step) -> bool:
    return same_outcome(before, step) and step.outcome_text.endswith(CUT)


def _sought(before: Step, step: Step) -> bool:
    """Another search finds the same at length, and the model says in between that this is not what it looks for."""
    if not (same_outcome(before, step) and before.name == step.name and _SEARCH.search(step.name)) or step.failing:
        return False
    long = len(words_of(step.outcome_text)) >= FEWEST_WORDS
    return long and not about_a_thing(step.outcome_text) and _NOT_IT.search(step.thought) is not None


def _stuck(before: Step, step: Step) -> bool:
    if not same_outcome(before, step) or len(step.outcome_text) < SHORTEST_RESULT:
        return False
    one, other = words_of(before.thought), words_of(step.thought)
    if min(len(one), len(other)) < FEWEST_WORDS or shared(one, other, SAME_THOUGHT) < SAME_THOUGHT:
        return False
    return not other_things(one, other) and not one_form(before.thought, step.thought)


def _determined(calls: Sequence[Step]) -> Row | None:
    row = longest_of(calls, same_call, _of_one_mind, DETERMINED)
    counting = bool(row) and len({without_numbers(step.outcome_text) for step in row}) == 1
    return row_of("the same call with the same thought", row, COUNTING if counting else DETERMINED)


def _of_one_mind(before: Step, step: Step) -> bool:
    if before.worked or not (before.thought and same_call(before, step)):
        return False
    thought = without_numbers(step.thought)
    return thought == without_numbers(before.thought) and len(words_of(thought)) >= LONG_THOUGHT
