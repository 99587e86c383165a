"""Update: drafted from the timeline, edited by a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.blocks import INPUT_LIMIT, View, context, modal, text_input
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, key_of, text_of, too_long

CALLBACK: Final = "update"
TEXT: Final = "update_text"


@dataclass(frozen=True, slots=True)
class UpdateForm:
    """The update as edited."""

    key: str
    text: str


def skeleton(key: str) -> View:
    """The dialog until the draft is there."""
    return loading(CALLBACK, f"Update {key}", key, "Drafting from the timeline …")


def dialog(key: str, draft: str) -> View:
    """The draft, to be edited."""
    field = text_input(TEXT, "What should everybody know?", initial=draft, multiline=True)
    told = context("Drafted from the timeline. It is posted in the channel and kept on the timeline.")
    return modal(CALLBACK, f"Update {key}", [told, field], {"k": key}, submit="Post update")


def read(view: Mapping[str, Any]) -> UpdateForm | InputErrors:
    """The update, or why it cannot be posted. An untouched draft counts as it stands."""
    text = text_of(view, TEXT)
    if not text:
        return {TEXT: "Write what everybody should know; nothing was posted."}
    if said := too_long(text, INPUT_LIMIT):
        return {TEXT: said}
    return UpdateForm(key_of(view), text)
