"""Undo: lifting a control is the riskier direction, so it says what returns and asks why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.kinds import LEVERS, figure_of
from bot.incident.mitigation import Mitigation
from bot.incident.timeline import IncidentState
from bot.slack.blocks import View, context, modal, section, text_input
from bot.slack.text import quote_untrusted, who
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, key_of, metadata, text_of, too_long

CALLBACK: Final = "undo"
REASON: Final = "undo_reason"
REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class UndoForm:
    """Which mitigation to undo, and why. The reason may be empty for a second person."""

    key: str
    mitigation: str
    reason: str


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Undo on {key}", key)


def dialog(state: IncidentState, mitigation_id: str, person_id: str = "") -> View:
    """What comes back when this mitigation goes. ``person_id`` is who asks: alone, they need a reason."""
    status = state.mitigations.get(mitigation_id)
    key = state.incident.key
    if status is None or not status.mitigation.state.is_live:
        return notice(f"Undo on {key}", "This mitigation has ended already. Nothing is to be undone.")
    mitigation = status.mitigation
    alone = mitigation.applied_by.id == person_id
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
            hint=_hint(alone=alone),
            optional=not alone,
            limit=REASON_CHARACTERS,
        ),
        context("It takes effect within a second. The card shows the proof."),
    ]
    about = {"k": key, "m": mitigation_id, "a": int(alone)}
    return modal(CALLBACK, f"Undo on {key}", blocks, about, submit="Undo")


def read(view: Mapping[str, Any]) -> UndoForm | InputErrors:
    """What to undo, or why a reason is needed."""
    about, reason = metadata(view), text_of(view, REASON)
    if about.get("a") and not reason:
        return {REASON: "You applied it yourself. Give a reason for undoing it alone, or ask a second person."}
    if said := too_long(reason, REASON_CHARACTERS):
        return {REASON: said}
    return UndoForm(key_of(view), str(about.get("m", "")), reason)


def _returns(mitigation: Mitigation) -> str:
    return LEVERS[mitigation.kind].undone.format(quote_untrusted(figure_of(mitigation.value), 200))


def _hint(*, alone: bool) -> str:
    if alone:
        return "You applied it. Undoing it alone needs a reason; a second person needs none."
    return "You are the second person, so a reason is welcome and not required."
