"""Postmortem: what only people can add, each question in its own field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.incident.postmortem import REVIEW_QUESTIONS, Section
from bot.incident.state import IncidentState
from bot.slack.blocks import INPUT_LIMIT, Block, View, checkboxes, context, modal, section, text_input
from bot.slack.text import link
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choices_of, has_block, key_of, metadata, text_of, too_long

CALLBACK: Final = "postmortem"
REVIEWED: Final = "mark_reviewed"
SECTIONS: Final = (
    Section.SUMMARY,
    Section.IMPACT,
    Section.CONTRIBUTING_FACTORS,
    Section.MONITORING_GAP,
    Section.ACTIONS,
)


@dataclass(frozen=True, slots=True)
class PostmortemForm:
    """The sections that were filled or changed, and whether the document is accepted."""

    key: str
    sections: Mapping[Section, str] = field(default_factory=dict)
    reviewed: bool = False


def skeleton(key: str) -> View:
    """The dialog until what people wrote is there."""
    return loading(CALLBACK, f"Postmortem {key}", key)


def dialog(state: IncidentState, public_url: str = "") -> View:
    """Every section people can fill, with what they wrote so far."""
    key = state.incident.key
    page = link(f"{public_url}/incidents/{key}/postmortem", "Read the draft") if public_url else "The draft is posted"
    todo = f"{state.open_todos} gaps are left for people." if state.open_todos else "Nothing is left open."
    blocks: list[Block] = [context(f"{page}. {todo} Roles and actions, not names and faults.")]
    for one in SECTIONS:
        written = state.review.get(one.value, "")
        label = one.heading if written else f"{one.heading} (to do)"
        blocks.append(
            text_input(one.value, label, initial=written, hint=REVIEW_QUESTIONS[one], multiline=True, optional=True)
        )
    if state.status.is_open:
        blocks.append(section("It can be marked reviewed once the incident is resolved."))
    else:
        hint = "The monitoring gap must be filled first."
        blocks.append(checkboxes(REVIEWED, "Accept", [("yes", "Mark reviewed")], hint=hint))
    about = {"k": key, "g": int(bool(state.review.get(Section.MONITORING_GAP.value, "").strip()))}
    return modal(CALLBACK, f"Postmortem {key}", blocks, about, submit="Save")


def read(view: Mapping[str, Any]) -> PostmortemForm | InputErrors:
    """The sections that differ from what the dialog opened with, or which one needs another look."""
    written = {one: text_of(view, one.value) for one in SECTIONS if has_block(view, one.value)}
    errors: InputErrors = {}
    for one, text in written.items():
        if said := too_long(text, INPUT_LIMIT):
            errors[one.value] = said
    reviewed = "yes" in choices_of(view, REVIEWED)
    gap = written.get(Section.MONITORING_GAP, "")
    if reviewed and not gap:
        errors[Section.MONITORING_GAP.value] = "Fill the monitoring gap before marking it reviewed."
    if errors:
        return errors
    before = _opened_with(view)
    changed = {one: text for one, text in written.items() if text and text != before.get(one.value, "").strip()}
    return PostmortemForm(str(metadata(view).get("k", "")) or key_of(view), changed, reviewed)


def _opened_with(view: Mapping[str, Any]) -> dict[str, str]:
    return {
        block["block_id"]: str((block.get("element") or {}).get("initial_value") or "")
        for block in view.get("blocks") or ()
        if block.get("type") == "input" and "block_id" in block
    }
