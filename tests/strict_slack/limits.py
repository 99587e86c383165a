"""Slack's payload limits, checked as Slack checks them: unknown types and keys are problems too."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.strict_slack.limits_blocks import IN_MESSAGES, IN_VIEWS
from tests.strict_slack.limits_elements import ID, plain_text
from tests.strict_slack.limits_table import LIMITS
from tests.strict_slack.shapes import Json, Problems, Shape, boolean, by_type, many, repeated, text

FILLABLE = frozenset({"button", "static_select", "overflow", "datepicker", "plain_text_input", "image"})
FILLABLE_IN_INPUTS = FILLABLE | {"radio_buttons", "checkboxes"}
RENDERED = frozenset({"section", "header", "divider", "context", "image", "actions", "input"})

_KEPT = {"private_metadata": text(LIMITS["private_metadata"], 0), "callback_id": ID, "external_id": ID}
_BUTTON = plain_text(LIMITS["view button"])
_BLOCKS = many(IN_VIEWS, LIMITS["view blocks"], 0)
_VIEW = by_type(
    {
        "modal": Shape(
            {"title": plain_text(LIMITS["view title"]), "blocks": _BLOCKS},
            {
                **_KEPT,
                "submit": _BUTTON,
                "close": _BUTTON,
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
        ),
        "home": Shape({"blocks": _BLOCKS}, _KEPT),
    },
    "view",
)


def message_problems(blocks: object, message_text: object = None) -> list[str]:
    """What Slack refuses in a message's blocks and text, each line with its place; empty when all is well.

    `blocks` is a list of block objects or None, `message_text` a string or None.
    """
    problems: Problems = []
    if message_text is not None:
        text(LIMITS["message text"], 0)(message_text, "/text", problems)
    if blocks is not None:
        many(IN_MESSAGES, LIMITS["message blocks"], 0)(blocks, "/blocks", problems)
        problems += _id_problems(blocks)
    return problems


def view_problems(view: object) -> list[str]:
    """What Slack refuses in a modal or App Home view; empty when all is well."""
    problems: Problems = []
    _VIEW(view, "/view", problems)
    if isinstance(view, dict):
        blocks = view.get("blocks")
        problems += [line.replace("/blocks", "/view/blocks", 1) for line in _id_problems(blocks)]
        if view.get("type") == "modal" and "submit" not in view and _has_inputs(blocks):
            problems.append("/view/submit: is missing, and the view has inputs")
    return problems


def unfillable_in_local_workspace(payload: Json) -> list[str]:
    """Block and element types of a view or message that the local workspace's browser cannot show or fill."""
    found: dict[str, None] = {}
    for block in _objects(payload.get("blocks")):
        if block.get("type") not in RENDERED:
            found[str(block.get("type"))] = None
        fillable = FILLABLE_IN_INPUTS if block.get("type") == "input" else FILLABLE
        for element in elements_of(block):
            if element.get("type") not in fillable:
                found[str(element.get("type"))] = None
    return list(found)


def primary_count(payload: Json) -> int:
    """How many primary (coloured) buttons a message or view has; ours have at most one."""
    return sum(
        element.get("style") == "primary" for block in _objects(payload.get("blocks")) for element in elements_of(block)
    )


def elements_of(block: Json) -> list[Json]:
    """The interactive elements and images of one block, wherever they sit in it."""
    found = _objects([block.get("accessory"), block.get("element")])
    if block.get("type") in {"actions", "context_actions"}:
        found += _objects(block.get("elements"))
    found += _objects(block.get("actions"))
    for inner in [*_objects(block.get("child_blocks")), *_cards(block)]:
        found += elements_of(inner)
    return found


def _cards(block: Json) -> list[Json]:
    return _objects(block.get("elements")) if block.get("type") == "carousel" else []


def _id_problems(blocks: object) -> list[str]:
    objects = _objects(blocks)
    problems = [f"/blocks: block_id {name!r} is used twice" for name in repeated(b.get("block_id") for b in objects)]
    for position, block in enumerate(objects):
        twice = repeated(element.get("action_id") for element in elements_of(block))
        problems += [f"/blocks/{position}: action_id {name!r} is used twice in one block" for name in twice]
    focused = sum(element.get("focus_on_load") is True for block in objects for element in elements_of(block))
    if focused > 1:
        problems.append("/blocks: only one element can have focus_on_load")
    return problems


def _has_inputs(blocks: object) -> bool:
    return any(block.get("type") == "input" for block in _objects(blocks))


def _objects(things: object) -> list[Json]:
    return list(_only_objects(things)) if isinstance(things, Sequence) and not isinstance(things, str) else []


def _only_objects(things: Sequence[Any]) -> Iterator[Json]:
    for thing in things:
        if isinstance(thing, dict):
            yield thing
