"""Block Kit as plain dictionaries. Every builder keeps Slack's limits, whatever text it is given."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.slack.text import shorten

Block: TypeAlias = dict[str, Any]
View: TypeAlias = dict[str, Any]
Option: TypeAlias = tuple[str, str]  # (value, text to read)

SECTION_LIMIT = 3000
HEADER_LIMIT = 150
CONTEXT_ELEMENTS = 10
BUTTON_LIMIT = 75
OPTION_LIMIT = 75
OPTIONS_LIMIT = 100
PLACEHOLDER_LIMIT = 150
LABEL_LIMIT = 2000
TITLE_LIMIT = 24
INPUT_LIMIT = 3000
FALLBACK_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Card:
    """A message: its blocks, and the words for notifications and screen readers."""

    blocks: list[Block]
    text: str


def plain(text: str, limit: int) -> Block:
    """Text that Slack shows as it is: no mentions, no links, no formatting."""
    return {"type": "plain_text", "text": shorten(text, limit) or " ", "emoji": True}


def mrkdwn(text: str, limit: int = SECTION_LIMIT) -> Block:
    """Formatted text; whoever calls has escaped what is not ours. Bare addresses stay text."""
    return {"type": "mrkdwn", "text": shorten(text, limit) or " ", "verbatim": True}


def header(text: str) -> Block:
    """The headline of a message."""
    return {"type": "header", "text": plain(text, HEADER_LIMIT)}


def section(text: str, block_id: str | None = None) -> Block:
    """A paragraph."""
    block: Block = {"type": "section", "text": mrkdwn(text)}
    return {**block, "block_id": block_id} if block_id else block


def context(*texts: str) -> Block:
    """A small grey line; empty texts are left out, of more than ten the first ten are shown."""
    shown = [text for text in texts if text][:CONTEXT_ELEMENTS]
    return {"type": "context", "elements": [mrkdwn(text) for text in shown or [" "]]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def actions(block_id: str, *elements: Block) -> Block:
    """A row of buttons and menus."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def button(text: str, action_id: str, value: Mapping[str, Any], style: str | None = None) -> Block:
    """A button whose value is JSON, so that it says by itself what it is about."""
    block: Block = {
        "type": "button",
        "text": plain(text, BUTTON_LIMIT),
        "action_id": action_id,
        "value": compact(value),
    }
    return {**block, "style": style} if style else block


def overflow(action_id: str, options: Sequence[Option]) -> Block:
    """A menu of two to five further steps."""
    return {"type": "overflow", "action_id": action_id, "options": [option(*one) for one in options]}


def option(value: str, text: str) -> Block:
    """One choice."""
    return {"text": plain(text, OPTION_LIMIT), "value": value}


def text_input(
    block_id: str,
    label: str,
    *,
    initial: str = "",
    placeholder: str = "",
    hint: str = "",
    optional: bool = False,
    multiline: bool = False,
    limit: int = INPUT_LIMIT,
) -> Block:
    """A line or field of text; block and action share ``block_id``."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": block_id,
        "multiline": multiline,
        "max_length": min(limit, INPUT_LIMIT),
    }
    if initial:
        element["initial_value"] = shorten(initial, min(limit, INPUT_LIMIT))
    if placeholder:
        element["placeholder"] = plain(placeholder, PLACEHOLDER_LIMIT)
    return _input(block_id, label, element, hint, optional=optional)


def select(
    block_id: str,
    label: str,
    options: Sequence[Option],
    *,
    initial: str | None = None,
    placeholder: str = "",
    hint: str = "",
    optional: bool = False,
) -> Block:
    """One of up to 100 options. The placeholder should name the default: some clients show it instead."""
    made = [option(*one) for one in options[:OPTIONS_LIMIT]]
    element: Block = {"type": "static_select", "action_id": block_id, "options": made}
    if placeholder:
        element["placeholder"] = plain(placeholder, PLACEHOLDER_LIMIT)
    return _input(block_id, label, _preset(element, initial), hint, optional=optional)


def radio(block_id: str, label: str, options: Sequence[Option], *, initial: str | None = None, hint: str = "") -> Block:
    """One of a few options, all visible. With an ``initial`` one, leaving it alone is an answer too."""
    element: Block = {
        "type": "radio_buttons",
        "action_id": block_id,
        "options": [option(*one) for one in options[:CONTEXT_ELEMENTS]],
    }
    return _input(block_id, label, _preset(element, initial), hint, optional=False)


def checkboxes(block_id: str, label: str, options: Sequence[Option], *, hint: str = "") -> Block:
    """Any of a few options; none is ticked at first, so that an empty answer means one thing only."""
    element: Block = {
        "type": "checkboxes",
        "action_id": block_id,
        "options": [option(*one) for one in options[:CONTEXT_ELEMENTS]],
    }
    return _input(block_id, label, element, hint, optional=True)


def modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    metadata: Mapping[str, Any],
    *,
    submit: str | None = None,
    close: str = "Cancel",
) -> View:
    """A dialog. ``metadata`` is small: a key and what was answered so far."""
    view: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, TITLE_LIMIT),
        "close": plain(close, TITLE_LIMIT),
        "blocks": list(blocks)[:OPTIONS_LIMIT],
        "private_metadata": compact(metadata),
    }
    return {**view, "submit": plain(submit, TITLE_LIMIT)} if submit else view


def compact(value: Mapping[str, Any]) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _preset(element: Block, initial: str | None) -> Block:
    found = next((one for one in element["options"] if one["value"] == initial), None)
    return {**element, "initial_option": found} if found else element


def _input(block_id: str, label: str, element: Block, hint: str, *, optional: bool) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, LABEL_LIMIT),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": plain(hint, LABEL_LIMIT)} if hint else block
