"""What likeness is judged by, read once for each text of a task."""

import json
from functools import cache

from bot.incident.detectors.alike import Words, without_clocks, without_numbers, without_stamps, words_of
from bot.incident.detectors.deeds import deed_of, place_in
from bot.incident.detectors.task_steps import CUT

FEWEST_WORDS = 3  # different words; of fewer nothing is judged


class WordSets:
    """What is read from the texts of one task, each read once.

    ``of`` are the different words of a text; ``shape`` is it with every number as 0, ``timeless`` without clock times
    and their like, ``stampless`` without the ids and times of the request; ``place`` is where an answer is from, ``deed`` what it
    says was done; ``free`` is what arguments hold of free text.
    """

    def __init__(self) -> None:
        self.of = cache(words_of)
        self.shape = cache(without_numbers)
        self.timeless = cache(without_clocks)
        self.stampless = cache(without_stamps)
        self.place = cache(place_in)
        self.deed = cache(deed_of)
        self.free = cache(_free_words)


def _free_words(given: str) -> tuple[str, Words, str] | None:
    """The arguments without their free text, the words of that, and the text; None where they hold none."""
    fixed, text = _free_text(given)
    words = words_of(text)
    return (fixed, words, text) if len(words) >= FEWEST_WORDS else None


def _free_text(given: str) -> tuple[str, str]:
    if given.endswith(CUT) or not given.startswith("{"):
        return "", given
    try:
        values = json.loads(given)
    except (ValueError, RecursionError):
        return "", ""
    free = {name: value for name, value in values.items() if isinstance(value, str) and " " in value.strip()}
    return str([(name, value) for name, value in values.items() if name not in free]), " ".join(free.values())
