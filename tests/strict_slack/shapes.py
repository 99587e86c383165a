"""Small checkers that describe a JSON shape: each notes what is wrong, with the place as a JSON pointer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Problems = list[str]
Check = Callable[[Any, str, Problems], None]


def text(longest: int, shortest: int = 1) -> Check:
    """A string of `shortest` to `longest` characters."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(f"{at}: must be a string")
        elif len(value) > longest:
            problems.append(f"{at}: must be at most {longest} characters, has {len(value)}")
        elif len(value) < shortest:
            problems.append(f"{at}: must be at least {shortest} characters")

    return check


def number(lowest: int, highest: int) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            problems.append(f"{at}: must be a whole number")
        elif not lowest <= value <= highest:
            problems.append(f"{at}: must be from {lowest} to {highest}, is {value}")

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.append(f"{at}: must be true or false")


def anything(value: Any, at: str, problems: Problems) -> None:
    if value is None:
        problems.append(f"{at}: must not be null")


def one_of(*words: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if value not in words:
            problems.append(f"{at}: must be one of {', '.join(words)}")

    return check


def many(item: Check, most: int, fewest: int = 1) -> Check:
    """A list of `fewest` to `most` things, each of them checked with `item`."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.append(f"{at}: must be a list")
            return
        if len(value) > most:
            problems.append(f"{at}: must have at most {most} items, has {len(value)}")
        if len(value) < fewest:
            problems.append(f"{at}: must have at least {fewest} items")
        for position, each in enumerate(value):
            item(each, f"{at}/{position}", problems)

    return check


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with exactly these keys; `rules` look at the whole object after its keys are right."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    rules: tuple[Check, ...] = ()

    def __call__(self, value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.append(f"{at}: must be an object")
            return
        before = len(problems)
        known = {**self.required, **self.optional}
        problems += [f"{at}/{key}: is missing" for key in self.required if key not in value]
        problems += [f"{at}/{key}: unknown key" for key in value if key not in known and key != "type"]
        for key, check in known.items():
            if key in value:
                check(value[key], f"{at}/{key}", problems)
        if len(problems) == before:
            for rule in self.rules:
                rule(value, at, problems)


def by_type(shapes: Mapping[str, Check], noun: str) -> Check:
    """An object whose `type` chooses the shape; a type outside `shapes` is a problem."""

    def check(value: Any, at: str, problems: Problems) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        shape = shapes.get(kind) if isinstance(kind, str) else None
        if shape is None:
            problems.append(f"{at}: unknown or misplaced {noun} type {kind!r}")
            return
        shape(value, at, problems)

    return check


def exactly_one(*keys: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if sum(key in value for key in keys) != 1:
            problems.append(f"{at}: needs exactly one of {', '.join(keys)}")

    return check


def at_least_one(*keys: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not any(key in value for key in keys):
            problems.append(f"{at}: needs one of {', '.join(keys)}")

    return check


def repeated(words: Iterable[Any]) -> list[str]:
    """Those words that occur more than once, each named once."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for word in words:
        if isinstance(word, str):
            if word in seen:
                twice[word] = None
            seen.add(word)
    return list(twice)
