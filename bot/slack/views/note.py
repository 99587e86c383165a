"""Note: one thing worth keeping on the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.blocks import INPUT_LIMIT, View, modal, text_input
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, key_of, text_of, too_long

CALLBACK: Final = "note"
TEXT: Final = "note_text"


@dataclass(frozen=True, slots=True)
class NoteForm:
    """The note."""

    key: str
    text: str


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Note on {key}", key)


def dialog(key: str, prefill: str = "") -> View:
    """One field."""
    field = text_input(
        TEXT,
        "What should the timeline remember?",
        initial=prefill,
        placeholder="Rolled the index back by hand at 14:10",
        hint="What you saw or did, and when. The postmortem quotes it.",
        multiline=True,
    )
    return modal(CALLBACK, f"Note on {key}", [field], {"k": key}, submit="Add note")


def read(view: Mapping[str, Any]) -> NoteForm | InputErrors:
    """The note, or why it cannot be kept."""
    text = text_of(view, TEXT)
    if not text:
        return {TEXT: "Write the note first; nothing was recorded."}
    if said := too_long(text, INPUT_LIMIT):
        return {TEXT: said}
    return NoteForm(key_of(view), text)
