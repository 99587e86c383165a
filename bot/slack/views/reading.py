"""What people answered in a dialog, as plain values.

A field nobody touched may be missing from the submitted state; then what it was opened with
counts. Slack sends the whole view back, so nothing needs to be remembered for that.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

InputErrors: TypeAlias = dict[str, str]  # block id -> one sentence


def metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    """What the dialog was opened about; empty when it cannot be read."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def key_of(view: Mapping[str, Any]) -> str:
    """The incident the dialog is about, or an empty string."""
    return str(metadata(view).get("k", ""))


def text_of(view: Mapping[str, Any], block_id: str) -> str:
    """The text in a field, without surrounding space."""
    answered = _answer(view, block_id).get("value")
    if answered is None:
        answered = _element(view, block_id).get("initial_value")
    return str(answered or "").strip()


def choice_of(view: Mapping[str, Any], block_id: str) -> str:
    """The value of the chosen option, or an empty string. A field may be called ``reply:`` and more."""
    block_id = field_name(view, block_id)
    chosen = _answer(view, block_id).get("selected_option") or _element(view, block_id).get("initial_option") or {}
    return str(chosen.get("value") or "")


def choices_of(view: Mapping[str, Any], block_id: str) -> frozenset[str]:
    """The values of the ticked boxes."""
    ticked = _answer(view, block_id).get("selected_options") or ()
    return frozenset(str(one.get("value")) for one in ticked)


def field_name(view: Mapping[str, Any], block_id: str) -> str:
    """The whole name of a field whose name goes on after a colon; fields of another screen are other fields."""
    names = [str(block.get("block_id", "")) for block in view.get("blocks") or ()]
    return next((name for name in names if name == block_id or name.startswith(f"{block_id}:")), block_id)


def has_block(view: Mapping[str, Any], block_id: str) -> bool:
    """The dialog shows that field, so an error can stand there."""
    return any(block.get("block_id") == block_id for block in view.get("blocks") or ())


def too_long(text: str, limit: int) -> str | None:
    """The sentence for a text that does not fit, or None."""
    if len(text) <= limit:
        return None
    return f"This has {len(text)} characters; {limit} fit. Shorten it and put the rest in a note."


def _answer(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    values = (view.get("state") or {}).get("values") or {}
    answers = values.get(block_id) or {}
    return answers.get(block_id) or {}


def _element(view: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    for block in view.get("blocks") or ():
        if block.get("block_id") == block_id:
            return block.get("element") or {}
    return {}
