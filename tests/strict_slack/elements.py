"""Finding what a person clicks, and what the click sends."""

from collections.abc import Iterable
from typing import Any

from tests.strict_slack.forms import ANSWER_KEYS, answer
from tests.strict_slack.limits import elements_of
from tests.strict_slack.limits_elements import options_of
from tests.strict_slack.refusal import CannotDo
from tests.strict_slack.shapes import Json


def find(blocks: Iterable[Json], action_id: str, *, value: Any = None, block_id: str | None = None) -> tuple[str, Json]:
    """(block_id, element) with this action id; several buttons with one action id differ by their value.

    Raises:
        CannotDo: no such element here, or more than one.
    """
    here = [
        (block["block_id"], element) for block in blocks for element in elements_of(block) if "action_id" in element
    ]
    found = [
        (name, element)
        for name, element in here
        if element["action_id"] == action_id and block_id in (None, name) and _fits(element, value)
    ]
    if len(found) != 1:
        there = ", ".join(sorted(element["action_id"] for _, element in here)) or "nothing"
        raise CannotDo(f"{len(found)} elements fit {action_id!r} (value {value!r}); here to click: {there}.")
    return found[0]


def _fits(element: Json, value: Any) -> bool:
    return element["type"] != "button" or value is None or element.get("value") == value


def clicked(element: Json, value: Any) -> Json:
    """What this click adds to its action: nothing, a value, or a choice in the element's own shape."""
    if element["type"] == "button":
        return {"value": element["value"]} if "value" in element else {}
    if element["type"] == "overflow":
        for option in options_of(element):
            if option["value"] == value:
                return {"selected_option": option}
        raise CannotDo(f"{element['action_id']} has no option {value!r}.")
    return {ANSWER_KEYS[element["type"]][0]: answer(element, value)}


def place_answers(blocks: list[Json], given: Json) -> dict[tuple[str, str], Any]:
    """A person's answers by (block_id, action_id), from {block: {action: x}}, {action: x} or {block: x}."""
    placed: dict[tuple[str, str], Any] = {}
    for name, value in given.items():
        in_block = {e["action_id"]: e for b in blocks if b["block_id"] == name for e in elements_of(b)}
        if in_block and isinstance(value, dict) and set(value) <= set(in_block):
            placed |= {(name, action): answer(in_block[action], each) for action, each in value.items()}
            continue
        block_id, element = _one_input(blocks, name)
        placed[block_id, element["action_id"]] = answer(element, value)
    return placed


def _one_input(blocks: list[Json], name: str) -> tuple[str, Json]:
    inputs = [(b["block_id"], e) for b in blocks for e in elements_of(b) if e["type"] in ANSWER_KEYS]
    by_action = [found for found in inputs if found[1]["action_id"] == name]
    found = by_action or [pair for pair in inputs if pair[0] == name]
    if len(found) != 1:
        there = ", ".join(f"{block}/{element['action_id']}" for block, element in inputs) or "none"
        raise CannotDo(f"{len(found)} inputs are called {name!r}; inputs here: {there}.")
    return found[0]
