"""Standstill: calls in a row that are made again and bring nothing new, in whatever order they come.

Other rules ask whether two steps are alike. This one asks what a step adds: a call adds nothing where it and what came
of it are made of words that stood in the task before. So it sees circles whose turns differ, though some steps later.
"""

import re
from collections.abc import Sequence

from bot.incident.detectors.alike import without_clocks, words_of
from bot.incident.detectors.task_steps import CUT, Step

STANDING = 6  # calls in a row that bring nothing new
DISTINCT = 3  # different calls among them at most; with more, each may be about another thing
NEW_GIVEN, NEW_OUTCOME, NEW_WORDS = 0.15, 0.1, 0.3  # share of new words from which arguments, results and talk are news

_NUMBERS = re.compile(r"\d+")


def standstill_in(steps: Sequence[Step]) -> Sequence[Step]:
    """The longest stretch of calls that brings nothing new, empty where there is none."""
    calls = [step for step in steps if not step.words]
    if not any(_made_again(calls, end) for end in range(STANDING, len(calls) + 1)):
        return ()  # as in most tasks
    longest: Sequence[Step] = ()
    begin, reached = 0, 0
    for end, since in enumerate(_since_news(steps), start=1):
        if since < STANDING or not _made_again(calls, end):
            continue
        if end - STANDING > reached or since < end - begin:
            begin = end - STANDING
        reached = end
        longest = max(longest, calls[begin:end], key=len)
    return longest


def _made_again(calls: Sequence[Step], end: int) -> bool:
    return len({(step.name, step.given) for step in calls[end - STANDING : end]}) <= DISTINCT


def _since_news(steps: Sequence[Step]) -> list[int]:
    """For each call, how many calls up to it have brought nothing new."""
    known: set[str] = set()
    counted: set[tuple[str, ...]] = set()
    outcomes: set[str | None] = {None}
    found: list[int] = []
    since = 0

    def fresh(text: str) -> float:
        words = words_of(without_clocks(text))
        new = words - known
        known.update(new)
        return len(new) / len(words) if words else 0.0

    for step in steps:
        if step.words:
            since = 0 if fresh(step.words) > NEW_WORDS else since
            continue
        given, outcome = fresh(f"{step.name} {step.given_text}"), fresh(step.outcome_text)
        numbers = tuple(_NUMBERS.findall(without_clocks(step.outcome_text)))
        moved = bool(numbers) and numbers not in counted
        counted.add(numbers)
        unseen = step.outcome not in outcomes and (not step.outcome_text or step.outcome_text.endswith(CUT))
        outcomes.add(step.outcome)
        news = given > NEW_GIVEN or outcome > NEW_OUTCOME or moved or unseen
        unknown = step.given is None or step.outcome is None
        since = 0 if news or unknown or step.wrote or step.patient else since + 1
        found.append(since)
    return found
