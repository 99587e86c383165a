"""Elements of a screen: when two clicks, or their like, are on one thing."""

import re
from collections.abc import Sequence

from bot.incident.detectors.task_steps import Step

SPOT = 20  # pixels between two clicks on one thing, across or down

_ELEMENT = re.compile(
    r"\W*(?:\w+\W+){0,2}?(?:\w+_|(?-i:[a-z]+(?=[A-Z])))?(?:click|type|fill|press|select|hover|tap|input)(?![a-z])",
    re.IGNORECASE,
)
_BOX = re.compile(r"\b(\d+(?:\.\d+)?)[\s,;]+(\d+(?:\.\d+)?)[\s,;\]\[()]+(\d+(?:\.\d+)?)[\s,;]+(\d+(?:\.\d+)?)\b")
_SMALL_NUMBERS = re.compile(r"(?<![\w-])-?\d{1,4}(?![\w-])")


def on_element(step: Step) -> bool:
    """The call clicks, types or does the like, by its name or by how its arguments begin."""
    return bool(_ELEMENT.match(step.name) or _ELEMENT.match(step.given_text[:40]))


def same_spot(a: Step, b: Step) -> bool:
    """Two clicks or their like, a few pixels apart."""
    if not on_element(a) or not next_page(a, b):
        return False
    one, other = (list(map(int, _SMALL_NUMBERS.findall(step.given_text))) for step in (a, b))
    return len(one) > 1 and all(abs(x - y) <= SPOT for x, y in zip(one, other, strict=True))


def same_box(a: Step, b: Step) -> bool:
    """Two clicks or their like on one element, as each saw its edges: the middle of either box lies in the other."""
    if not (on_element(a) and on_element(b)):
        return False
    one, other = _BOX.search(a.given_text), _BOX.search(b.given_text)
    if one is None or other is None:
        return False
    if _BOX.sub("", a.given_text) != _BOX.sub("", b.given_text):
        return False
    return _holds_middle(one.groups(), other.groups()) and _holds_middle(other.groups(), one.groups())


def _holds_middle(box: Sequence[str], other: Sequence[str]) -> bool:
    """Of two boxes, each as left, top, right and bottom or as top, left, bottom and right."""
    edges, others = [float(edge) for edge in box], [float(edge) for edge in other]
    return all(
        edges[side] < edges[side + 2] and edges[side] <= (others[side] + others[side + 2]) / 2 <= edges[side + 2]
        for side in (0, 1)
    )


def next_page(a: Step, b: Step) -> bool:
    """The arguments differ in small numbers only: pages, coordinates, numbers of elements."""
    return bool(a.given_text) and _SMALL_NUMBERS.sub("0", a.given_text) == _SMALL_NUMBERS.sub("0", b.given_text)
