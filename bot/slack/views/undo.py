"""Undo or loosen: the riskier direction, so it says what returns, asks why, and a second person approves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.choices import UNITS, way_out
from bot.incident.control_values import figure_of
from bot.incident.kinds import LEVERS
from bot.incident.mitigation import Mitigation
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Option, View, modal, radio, section, select, text_input
from bot.slack.text import plain_untrusted, quote_untrusted, who
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata, text_of, too_long

CALLBACK: Final = "undo"
HOW: Final = "undo_how"
VALUES: Final = "undo_values"  # the steps, or the other value
PACE: Final = "undo_pace"
REASON: Final = "undo_reason"
ALONE: Final = "undo_alone"
LIFT, IN_STEPS, ANOTHER = "lift", "steps", "value"
REASON_CHARACTERS = 500
DEFAULT_PACE = 20
PACES: Final[Mapping[int, str]] = {5: "5 min", 10: "10 min", 20: "20 min", 60: "60 min"}


@dataclass(frozen=True, slots=True)
class UndoForm:
    """Which mitigation to undo or loosen, how, and why; ``alone`` is why it cannot wait for a second person."""

    key: str
    mitigation: str
    reason: str
    alone: str = ""
    how: str = LIFT
    steps: tuple[str, ...] = ()
    pace: int = DEFAULT_PACE  # minutes between two steps
    value: str = ""


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Undo on {key}", key)


def dialog(state: IncidentState, mitigation_id: str) -> View:
    """What comes back when this mitigation goes; a second person approves it. Kinds with a figure can go in steps."""
    status = state.mitigations.get(mitigation_id)
    key = state.incident.key
    if status is None or not status.mitigation.state.is_live:
        ended = f" {status.ended_by.name} ended it." if status is not None and status.ended_by else ""
        return notice(f"Undo on {key}", f"This mitigation has ended already.{ended} Nothing is to be undone.")
    mitigation = status.mitigation
    others = [s.mitigation.label for s in state.live_mitigations if s.mitigation.id != mitigation_id]
    remains = (
        f"Still in force: {quote_untrusted(', '.join(others), 800)}."
        if others
        else "This incident then has no control in force."
    )
    name, agent = quote_untrusted(mitigation.label, 300), quote_untrusted(mitigation.agent, 200)
    blocks = [
        section(f"*{name}* on {agent}, applied by {who(mitigation.applied_by)}."),
        section(f"{_returns(mitigation)} {remains}"),
        *_how(mitigation),
        text_input(
            REASON,
            "Why now?",
            placeholder="Pass rate is back: 38 of 40",
            hint="A second person reads it and approves in the channel. It takes effect within a second then.",
            optional=True,
            limit=REASON_CHARACTERS,
        ),
        text_input(
            ALONE,
            "Nobody there, and it cannot wait? Say why.",
            hint="It is done at once, posted to the channel, and falls back after 30 min unless somebody approves.",
            optional=True,
            limit=REASON_CHARACTERS,
        ),
    ]
    steps = [figure_of(step) for step in way_out(mitigation.kind, mitigation.value)]
    about = {"k": key, "m": mitigation_id, "s": ", ".join(steps)}
    return modal(CALLBACK, f"Undo on {key}", blocks, about, submit="Ask for it")


def read(view: Mapping[str, Any]) -> UndoForm | InputErrors:
    """What to undo, or what is missing or too long."""
    about, reason, alone = metadata(view), text_of(view, REASON), text_of(view, ALONE)
    for block_id, text in ((REASON, reason), (ALONE, alone)):
        if said := too_long(text, REASON_CHARACTERS):
            return {block_id: said}
    how, value = choice_of(view, HOW) or LIFT, text_of(view, VALUES)
    if how == ANOTHER and not value:
        return {VALUES: "Type the other value, or choose another way."}
    if how == IN_STEPS and alone:
        return {ALONE: "Steps wait for the recovery gate, so they are planned with a second person. Leave this empty."}
    typed = value or str(about.get("s", ""))
    steps = tuple(step.strip() for step in typed.replace("→", ",").split(",") if step.strip())
    pace = choice_of(view, PACE)
    minutes = int(pace) if pace.isascii() and pace.isdigit() else DEFAULT_PACE
    mitigation = str(about.get("m", ""))
    return UndoForm(key_of(view), mitigation, reason, alone, how, steps if how == IN_STEPS else (), minutes, value)


def _returns(mitigation: Mitigation) -> str:
    return LEVERS[mitigation.kind].undone.format(quote_untrusted(figure_of(mitigation.value), 200))


def _how(mitigation: Mitigation) -> list[Block]:
    """At once, in steps behind the recovery gate, or to another value; a switch only goes off."""
    lever = LEVERS[mitigation.kind]
    if lever.is_switch:
        return []
    steps = way_out(mitigation.kind, mitigation.value)
    now = plain_untrusted(figure_of(mitigation.value), 30)
    options: list[Option] = [(LIFT, "Lift it, once approved")]
    if steps:
        course = " → ".join([now, *(figure_of(step) for step in steps), "off"])
        options.append((IN_STEPS, f"Step by step: {course}"))
    options.append((ANOTHER, "Change it to another value"))
    unit = UNITS[mitigation.kind]
    label = f"Other steps, or the other value: {unit}" if steps else f"The other value: {unit}"
    hint = "Each step waits for the recovery gate. A tighter value takes effect at once." if steps else ""
    placeholder = ", ".join(figure_of(step) for step in steps)
    return [
        radio(HOW, "How? (untouched: lift it)", options, initial=LIFT),
        text_input(VALUES, label, placeholder=placeholder, hint=hint, optional=True, limit=600),
        *([_pace()] if steps else []),
    ]


def _pace() -> Block:
    options = [(str(one), words) for one, words in PACES.items()]
    words = PACES[DEFAULT_PACE]
    return select(PACE, "Between two steps", options, initial=str(DEFAULT_PACE), placeholder=words, optional=True)
