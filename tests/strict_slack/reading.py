"""Reading a payload as a person does: its words and what there is to click."""

from collections.abc import Iterable
from typing import Any

from tests.strict_slack.limits import elements_of
from tests.strict_slack.shapes import Json


def all_text(blocks: Iterable[Json]) -> str:
    """Every text of these blocks, labels, options and alt texts included, one a line."""
    return "\n".join(_texts(list(blocks)))


def action_ids(blocks: Iterable[Json]) -> list[str]:
    """What can be clicked or filled, in order."""
    return [element["action_id"] for block in blocks for element in elements_of(block) if "action_id" in element]


def _texts(thing: Any) -> list[str]:
    if isinstance(thing, list):
        return [line for each in thing for line in _texts(each)]
    if not isinstance(thing, dict):
        return []
    found = [str(thing[key]) for key in ("text", "alt_text") if isinstance(thing.get(key), str)]
    return found + [line for value in thing.values() if isinstance(value, (dict, list)) for line in _texts(value)]
