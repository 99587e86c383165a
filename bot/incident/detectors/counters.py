"""Counters: a number in what a tool answers that goes on with every call, whatever is called: moves made, steps left.

It tells the time and no progress: "You see nothing. Moves: 12" is what came of the same look as "You see nothing. Moves: 14".
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bot.incident.detectors.alike import Words, without_numbers, words_of
from bot.incident.detectors.task_steps import CUT, Step

MADE_AGAIN = 3  # times that a call must be made before its answers are looked at
FEWEST = 6  # times that a number must be seen to go on from one call to another one
DIFFERENT = 4  # calls among those
GOES_ON = 0.66  # of the times that another call was made

_LABELLED = re.compile(r"([^\d\s]{0,20}\s?)(\d{1,9})")


def without_counters(steps: Sequence[Step]) -> None:
    """Writes 0 for each counter in what came of the calls that are made again, and takes that text for their outcome."""
    calls = Counter((step.name, step.given) for step in steps if step.given is not None and step.outcome_text)
    again = {call for call, times in calls.items() if times >= MADE_AGAIN}
    for name in {name for name, _ in again}:
        answered = [step for step in steps if step.name == name and step.outcome_text]
        for label in _counters(answered):
            for step in answered:
                if (step.name, step.given) in again:
                    _take_out(step, label)


def _counters(calls: Sequence[Step]) -> Iterator[str]:
    """The labels of the numbers that go on by one with nearly every call of a tool."""
    seen: dict[str, list[tuple[int, int]]] = {}  # by label: place of the call, and the number
    for place, step in enumerate(calls):
        for label, number in _labelled(step.outcome_text).items():
            seen.setdefault(label, []).append((place, number))
    for label, numbers in seen.items():
        steps: Counter[int] = Counter()
        going: set[str | None] = set()
        for (before, number), (place, after) in pairwise(numbers):
            if calls[before].given == calls[place].given:
                continue  # a poll whose number goes on makes progress
            moved = after - number
            way = (moved > 0) - (moved < 0) if abs(moved) <= place - before else 0
            steps[way] += 1
            if way:
                going |= {calls[before].given, calls[place].given}
        if max(steps[1], steps[-1]) < max(FEWEST, GOES_ON * steps.total()) or len(going) < DIFFERENT:
            continue
        if len({_besides(step) for step in calls if step.given in going}) >= DIFFERENT:
            yield label


def _besides(step: Step) -> Words:
    """What is answered besides numbers and what was asked for. Where that is always the same, the number is the answer."""
    return words_of(without_numbers(step.outcome_text)) - words_of(without_numbers(step.given_text))


def _labelled(text: str) -> dict[str, int]:
    """What each number of a text is labelled with, where the label stands there once."""
    found = _LABELLED.findall(text.removesuffix(CUT))
    once = Counter(label for label, _ in found)
    return {label: int(number) for label, number in found if once[label] == 1}


def _take_out(step: Step, label: str) -> None:
    if label not in _labelled(step.outcome_text):
        return
    step.outcome_text = _LABELLED.sub(lambda found: f"{label}0" if found[1] == label else found[0], step.outcome_text)
    if not step.outcome_text.endswith(CUT):
        step.outcome = step.outcome_text
