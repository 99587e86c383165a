"""Severity: impact judged anew, with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.state import IncidentState
from bot.incident.taxonomy import Severity
from bot.slack.blocks import Block, View, context, modal, select, text_input
from bot.slack.text import quote_untrusted
from bot.slack.views.declare import SEVERITY_WORDS
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choice_of, key_of, text_of, too_long

CALLBACK: Final = "severity"
SEVERITY, REASON = "new_severity", "severity_reason"
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SeverityForm:
    """The new severity and why."""

    key: str
    severity: Severity
    reason: str


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Severity of {key}", key)


def dialog(state: IncidentState) -> View:
    """The severities from the floor upwards; below it there is nothing to choose."""
    key = state.incident.key
    said = state.classified.classification if state.classified else None
    floor = said.severity_floor if said else Severity.SEV4
    options = [(one.value, words) for one, words in SEVERITY_WORDS.items() if one.rank <= floor.rank]
    why = (
        f"Floor {floor.value}: {quote_untrusted(said.floor_reason, 500)}."
        if said
        else "The class sets the floor later."
    )
    blocks: list[Block] = [
        context(f"Now {state.severity.value}. {why}"),
        select(
            SEVERITY, "New severity", options, initial=state.severity.value, placeholder=f"Now {state.severity.value}"
        ),
        text_input(REASON, "Why?", placeholder="12 customers called", optional=True, limit=REASON_CHARACTERS),
    ]
    return modal(CALLBACK, f"Severity of {key}", blocks, {"k": key}, submit="Set severity")


def read(view: Mapping[str, Any]) -> SeverityForm | InputErrors:
    """The severity, or which field needs another look."""
    chosen, reason = choice_of(view, SEVERITY), text_of(view, REASON)
    if chosen not in set(Severity):
        return {SEVERITY: "Choose a severity."}
    if said := too_long(reason, REASON_CHARACTERS):
        return {REASON: said}
    return SeverityForm(key_of(view), Severity(chosen), reason)
