"""A person in front of a dialog, as two kinds of browser send what they did."""

from collections.abc import Mapping
from typing import Any


def submitted(
    view: Mapping[str, Any], said: Mapping[str, Any] | None = None, *, initials: bool = True
) -> dict[str, Any]:
    """The view as it comes back. ``said`` maps block ids to a text, an option's value, or a list of values.

    Slack sends what a field was opened with; with ``initials`` false it is sent empty, as the local workspace does.
    """
    answers = dict(said or {})
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element, name = block["element"], block["block_id"]
            given = answers.pop(name, _opened_with(element) if initials else None)
            values[name] = {element["action_id"]: _state(element, given)}
    assert not answers, f"no such field: {sorted(answers)}"
    return {**view, "state": {"values": values}}


def fields(view: Mapping[str, Any]) -> set[str]:
    return {block["block_id"] for block in view["blocks"] if block["type"] == "input"}


def named(view: Mapping[str, Any], name: str) -> str:
    """The whole name of a field that is called ``name:`` and more."""
    return next(field for field in fields(view) if field == name or field.startswith(f"{name}:"))


def _opened_with(element: Mapping[str, Any]) -> Any:
    option = element.get("initial_option") or {}
    return element.get("initial_value") or option.get("value")


def _state(element: Mapping[str, Any], given: Any) -> dict[str, Any]:
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": given}
    options = element["options"]
    if kind == "checkboxes":
        return {"type": kind, "selected_options": [one for one in options if one["value"] in (given or [])]}
    chosen = next((one for one in options if one["value"] == given), None)
    assert given is None or chosen is not None, f"{given!r} is not an option"
    return {"type": kind, "selected_option": chosen}
