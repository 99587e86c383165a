"""How alike two texts are, cheaply: by the words they share, with an eye on what makes them different things."""

import re
from functools import lru_cache
from operator import add

Words = frozenset[str]

LONG_NUMBER = 3  # from so many characters on, a word with a digit names something: an order, a date, an amount

_SPACES = {code: " " for code in range(0x250) if not chr(code).isalnum()} | dict.fromkeys(
    (*range(8192, 8304), *range(8592, 8704), *range(0x3000, 0x3021), *range(0xFF01, 0xFF10), *range(0xFF1A, 0xFF21)),
    " ",
)
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")  # Thai, Lao, kana, Han
_KEYS = re.compile(r'"[\w .-]{1,60}"\s*:')
_CLOCKS = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*|\b\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\b|\b\d+(?:\.\d+)?\s?(?:ms|µs|s|sec|secs|seconds)\b"
    r"|\b0x[0-9a-fA-F]+\b"
)
_DIGITS = re.compile(r"\d+")
# What is new in every request whatever it asks for; ``time`` alone is not among them, for it may be what is asked for
_STAMPS = re.compile(
    r'"(?:\w*(?:request|correlation|idempotency|trace|span)_?(?:id|key)|nonce|ts|\w*timestamp|took\w*|elapsed\w*|latency\w*)"'
    r'\s*:\s*("[^"]*"|-?[\d.]+)',
    re.IGNORECASE,
)
_SERIALS = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_QUOTES = dict.fromkeys(map(ord, "'\"`\\"))
_SLOT = 3  # words
_BEGINNING = 3  # words in which a sentence says what to do, which is reworded freely
_LONG_END = 6  # words after which the beginning may be one word shorter
_ARTICLES = frozenset(["a", "an", "the"])
_FILLERS = frozenset(["now", "then", "again", "once", "more", "please", "today", "still", "just", "also", "further"])


def words_of(text: str) -> Words:
    """The different words of a text in lower case; of JSON the values only, for all records share their keys.

    Where a script puts no spaces between words, every two characters side by side stand for one.
    """
    if '":' in text or '" :' in text:
        text = without_keys(text)
    text = text.lower().translate(_SPACES)
    unspaced = () if text.isascii() else _UNSPACED.findall(text)
    if not unspaced:
        return frozenset(text.split())
    words = set(_UNSPACED.sub(" ", text).split())
    for run in unspaced:
        words.update(map(add, run, run[1:]) if len(run) > 1 else run)
    return frozenset(words)


def without_keys(text: str) -> str:
    """JSON without the names of its fields."""
    return _KEYS.sub(" ", text)


def without_clocks(text: str) -> str:
    """The text without times of day, durations, addresses and serial numbers, which differ in every run of one command."""
    return _CLOCKS.sub(" ", _SERIALS.sub(" ", without_stamps(text)))


def without_stamps(text: str) -> str:
    """JSON without the ids and times of the request itself."""
    return _STAMPS.sub("", text) if '"' in text else text


def plain(text: str) -> str:
    """The text without regard to case, spaces and quotes."""
    return " ".join(text.casefold().translate(_QUOTES).split())


@lru_cache(maxsize=64)  # each text is held against the few before it
def _in_order(text: str) -> tuple[str, ...]:
    return tuple(text.lower().translate(_SPACES).split())


def one_form(a: str, b: str, beginning: int = _BEGINNING) -> bool:
    """The same sentence with something else in one place: the name asked for, and then the address.

    It has ``beginning`` words in front of that place, one fewer where it goes on for long.
    """
    one, other = _in_order(a), _in_order(b)
    begin = 0
    while begin < min(len(one), len(other)) and one[begin] == other[begin]:
        begin += 1
    end = 0
    while end < min(len(one), len(other)) - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    if begin < (beginning if end < _LONG_END else beginning - 1) or not end:
        return False
    slots = [[word for word in side[begin : len(side) - end] if word not in _ARTICLES] for side in (one, other)]
    return all(
        0 < len(slot) <= _SLOT and _FILLERS.isdisjoint(slot) and any(len(word) >= LONG_NUMBER for word in slot)
        for slot in slots
    )


def other_verb(a: str, b: str) -> bool:
    """The same thing is named, and something else is done to it: "open the fridge", and then "close the fridge"."""
    one, other = _in_order(without_keys(a)), _in_order(without_keys(b))
    return len(one) > 1 and one[0] != other[0] and one[1:] == other[1:]


def without_numbers(text: str) -> str:
    """The text with every number as 0."""
    return _DIGITS.sub("0", text)


def shared(a: Words, b: Words, least: float) -> float:
    """Jaccard similarity of two sets of words, 0 where it cannot reach ``least``."""
    few, many = (len(a), len(b)) if len(a) < len(b) else (len(b), len(a))
    if not few or few < least * many:
        return 0.0
    common = len(a & b)
    return common / (few + many - common)


def other_things(a: Words, b: Words, shortest: int = LONG_NUMBER) -> bool:
    """Each names by number something the other does not: two orders, two dates, two amounts."""
    return numbered(a - b, shortest) and numbered(b - a, shortest)


def numbered(words: Words, shortest: int = LONG_NUMBER) -> bool:
    """At least one of the words holds a digit and has ``shortest`` characters or more."""
    return any(len(word) >= shortest and _DIGITS.search(word) for word in words)


def only_numbers(words: Words) -> bool:
    """There are words, and each of them holds a digit."""
    return bool(words) and all(_DIGITS.search(word) for word in words)
