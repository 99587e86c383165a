"""What an agent did in a step, by its own account or by the call it made.

Two instructions in nearly the same words may be work on two things or the same thing twice. What tells
them apart is what came of them: another film looked up, or the same page scrolled once more.
"""

import re
from dataclasses import dataclass

from bot.incident.detectors.alike import Words, numbered, other_things, shared, without_clocks, words_of

SAME = 0.75  # of the words of two accounts
OPENING = 240  # characters; two accounts that begin alike for so long are about the same page
SAME_OPENING = 0.5  # of the words of two such accounts
LONGEST = 200  # characters of an account's first paragraph
PLACE = 400  # characters in which an answer says where it is from, in its first line: an address, a title, a place on the page
LEAST_PLACE = 5  # different words; fewer say nothing about where
SERIAL = 12  # characters; so long a word with a digit in it is new in every answer

_OPENING_QUOTES, _CLOSING_QUOTES = "'\"\u2018\u201c", "'\"\u2019\u201d"
_TARGET = re.compile(rf"[{_OPENING_QUOTES}](.+?)[{_CLOSING_QUOTES}](?=\s+in(?:to)?\b|[.,;:]?(?:\s|$))", re.DOTALL)
_FRAGMENT = re.compile(r"#[\w-]*(?=\))")
_QUOTED = re.compile(rf"(?:^|[\s(])[{_OPENING_QUOTES}](.{{2,80}}?)[{_CLOSING_QUOTES}](?=[\s,.;:?!)]|$)")


@dataclass(frozen=True, slots=True)
class Deed:
    """The first paragraph of an account, its words, those of the thing it names in quotes, and where it led."""

    account: str
    words: Words
    target: Words
    place: Words  # the words in which the answer names the address it is from; often empty


def deed_of(text: str, result: str = "") -> Deed:
    """What the beginning of ``text`` says was done. What came of it stands below, unless there is a ``result``."""
    account, _, below = text.strip().partition("\n\n")
    account = account[:LONGEST]
    target = _TARGET.search(account)
    return Deed(account, words_of(account), words_of(target[1]) if target else frozenset(), place_in(result or below))


def place_in(answer: str) -> Words:
    """The words in which an answer names its address, without times and serial numbers; empty where it names none."""
    opening = answer.strip()[:PLACE]
    if "://" not in opening:
        return frozenset()
    opening = _FRAGMENT.sub("", without_clocks(opening))
    for part in (opening.partition("\n")[0], opening):
        words = frozenset(word for word in words_of(part) if len(word) < SERIAL or not any(map(str.isdigit, word)))
        if len(words) >= LEAST_PLACE:
            return words
    return frozenset()


def same_deed(a: Deed | None, b: Deed | None) -> bool:
    """Both are known and did the same: the same words, or nearly the same to nearly the same thing."""
    if a is None or b is None or bool(a.target) != bool(b.target):
        return False
    if a.words == b.words:
        return bool(a.words)
    one, other = (a.target, b.target) if a.target else (a.words, b.words)
    if one == other:
        return shared(a.words, b.words, SAME) >= SAME
    return (
        shared(one, other, SAME) >= SAME
        and shared(a.words, b.words, SAME) >= SAME
        and not other_things(one, other)
        and not (one ^ other) & (names_in(a.account) | names_in(b.account))
    )


def same_place(a: Deed | None, b: Deed | None) -> bool:
    """Both led to the same page, and to the same place on it."""
    return a is not None and b is not None and bool(a.place) and a.place == b.place


def other_place(a: Deed | None, b: Deed | None) -> bool:
    """Both led to a place, and its number is not the same: further down the page, or the next one."""
    return a is not None and b is not None and bool(a.place and b.place) and numbered(a.place ^ b.place, 1)


def other_target(a: Deed, b: Deed) -> bool:
    """Both name in quotes what they did something to, and it is not the same."""
    return bool(a.target and b.target) and not same_deed(a, b)


def names_in(text: str) -> Words:
    """The words of a text that name people, sites and things: capitalised inside a sentence, or in quotes."""
    before = "."
    found: set[str] = set()
    for word in text.split():
        if word.lstrip(f"{_OPENING_QUOTES}([")[:1].isupper() and before[-1] not in ".!?:" and len(word) > 1:
            found |= words_of(word)
        before = word
    for quoted in quoted_in(text):
        found |= words_of(quoted)
    return frozenset(word for word in found if len(word) > 1)


def quoted_in(text: str) -> frozenset[str]:
    """What stands in quotes in it: names of fields, titles, search words."""
    return frozenset(_QUOTED.findall(text))
