"""Undo: lifting a control is the riskier direction, so it says what returns and asks why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.kinds import LEVERS, figure_of
from bot.incident.mitigation import Mitigation
from bot.incident.timeline import IncidentState
from bot.slack.blocks import View, modal, section, text_input
from bot.slack.text import quote_untrusted, who
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, key_of, metadata, text_of, too_long

CALLBACK: Final = "undo"
REASON: Final = "undo_reason"
ALONE: Final = "undo_alone"
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class UndoForm:
    """Which mitigation to undo, and why; ``alone`` is why it cannot wait for a second person, else empty."""

    key: str
    mitigation: str
    reason: str
    alone: str = ""


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Undo on {key}", key)


def dialog(state: IncidentState, mitigation_id: str) -> View:
    """What comes back when this mitigation goes; a second person approves it."""
    status = state.mitigations.get(mitigation_id)
    key = state.incident.key
    if status is None or not status.mitigation.state.is_live:
        return notice(f"Undo on {key}", "This mitigation has ended already. Nothing is to be undone.")
    mitigation = status.mitigation
    others = [s.mitigation.label for s in state.live_mitigations if s.mitigation.id != mitigation_id]
    remains = f"Still in force: {', '.join(others)}." if others else "No control remains in force."
    blocks = [
        section(
            f"*{mitigation.label}* on {quote_untrusted(mitigation.agent, 200)}, applied by {who(mitigation.applied_by)}."
        ),
        section(f"{_returns(mitigation)} {remains}"),
        text_input(
            REASON,
            "Why now?",
            placeholder="Pass rate is back: 38 of 40",
            hint="A second person reads it and approves on the card. It takes effect within a second then.",
            optional=True,
            limit=REASON_CHARACTERS,
        ),
        text_input(
            ALONE,
            "Nobody there, and it cannot wait? Say why.",
            hint="It is undone at once, posted to the channel, and falls back after 30 min unless somebody approves.",
            optional=True,
            limit=REASON_CHARACTERS,
        ),
    ]
    about = {"k": key, "m": mitigation_id}
    return modal(CALLBACK, f"Undo on {key}", blocks, about, submit="Undo")


def read(view: Mapping[str, Any]) -> UndoForm | InputErrors:
    """What to undo, or which text is too long."""
    about, reason, alone = metadata(view), text_of(view, REASON), text_of(view, ALONE)
    for block_id, text in ((REASON, reason), (ALONE, alone)):
        if said := too_long(text, REASON_CHARACTERS):
            return {block_id: said}
    return UndoForm(key_of(view), str(about.get("m", "")), reason, alone)


def _returns(mitigation: Mitigation) -> str:
    return LEVERS[mitigation.kind].undone.format(quote_untrusted(figure_of(mitigation.value), 200))
