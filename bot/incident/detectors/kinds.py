"""Kinds: the steps of a task sorted by what they are like."""

import re
from collections import Counter
from collections.abc import Sequence

from bot.incident.detectors.alike import words_of
from bot.incident.detectors.likeness import SHORTEST_TEXT, about_others, alike, other_subjects, same_call
from bot.incident.detectors.masks import masked
from bot.incident.detectors.task_steps import CUT, Step
from bot.incident.detectors.word_sets import FEWEST_WORDS, WordSets

_HANDS_IN = re.compile(r"return|done|finish|complete|answer|end", re.IGNORECASE)

BACK = 8  # kinds of steps of one tool to compare a new one with
FEWEST_CALLS = 3  # calls of one tool before near matches are looked for


def kinds_of(steps: Sequence[Step]) -> list[int]:
    """For each step the number of its kind: the place of the first step that it is like."""
    calls = Counter(step.name.casefold() for step in steps if step.name)
    seen: dict[object, int] = {}
    recent: dict[str, list[int]] = {}
    found: list[int] = []
    sets = WordSets()
    for place, step in enumerate(steps):
        tool = step.name.casefold()
        exact = (step.agent, step.name, step.given, step.outcome) if step.name else step.words
        kind = seen.get(exact) if step.given is not None or step.words else None
        if kind is not None and other_subjects(steps[kind], step):
            kind = None
        if (
            step.worked
            or (_hands_in(step) and not (place and same_call(steps[place - 1], step)))
            or (kind is not None and step.outcome is None and about_others(steps[kind], step))
        ):
            kind = place
        if kind is None:
            before = recent.setdefault(tool, [])
            near = reversed(before) if step.words or calls[tool] >= FEWEST_CALLS else ()
            kind = next((other for other in near if alike(step, steps[other], sets)), place)
            if kind == place:
                before.append(place)
                del before[:-BACK]
            seen[exact] = kind
        if step.words:
            step.short = len(sets.of(step.words)) < SHORTEST_TEXT
            if _says_little(step, sets):
                kind = place
            elif kind != place:
                step.guessed = steps[kind].guessed = masked(step.words)
        elif place == len(steps) - 1 and step.outcome is None:  # it has not come back yet
            kind = next((found[at] for at in reversed(range(place)) if _seems_the_same(steps[at], step)), kind)
        found.append(kind)
    return found


def _seems_the_same(a: Step, b: Step) -> bool:
    """The same call; of a long one that is written as text all is known only once its result is told."""
    cut = b.given is not None and CUT in b.given
    return same_call(a, b) or (cut and a.name == b.name and a.given_text == b.given_text)


def _hands_in(step: Step) -> bool:
    """A word or none is handed in, and nobody recorded for what: one thing was asked for, and then another.

    That does not hold for the same once more right behind it: it is handed in again.
    """
    return (
        step.outcome is None and bool(_HANDS_IN.fullmatch(step.name)) and len(words_of(step.given_text)) < FEWEST_WORDS
    )


def _says_little(step: Step, sets: WordSets) -> bool:
    """A word or two, or one short verdict in JSON, which comes back for each of many texts."""
    return len(sets.of(step.words)) < FEWEST_WORDS or (step.short and step.words.startswith(("{", "[")))
