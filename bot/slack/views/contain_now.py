"""Containment on the very next screen: harm is happening, so the levers come before the questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.kinds import MitigationKind
from bot.incident.offer import Offer, Standing
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Option, View, context, modal, radio, section
from bot.slack.text import bold_untrusted, quote_untrusted
from bot.slack.views.mitigate import DEFAULT_MINUTES, offer_line
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata

CALLBACK: Final = "contain_now"
LEVER, NOT_NOW = "lever", "not_now"
MOST_LEVERS = 9  # radio buttons hold ten options; the last one is to go on


@dataclass(frozen=True, slots=True)
class Lever:
    """What was chosen: a lever with the value that was shown, or None to go on without."""

    key: str
    kind: MitigationKind | None
    value: object
    declared: bool


def dialog(state: IncidentState, offers: Sequence[Offer], *, declared: bool = False) -> View:
    """The levers that stop harm, each with what it touches; one is pulled by the button, or none."""
    incident = state.incident
    shown = offers[:MOST_LEVERS]
    facts = f"{incident.key} · {quote_untrusted(incident.agent, 200)} · {state.severity.value}"
    lines = "\n".join(f"• {offer_line(offer)}" for offer in shown)
    blocks: list[Block] = [
        section(f"*{facts}*\n{bold_untrusted(incident.title, 1000)}"),
        section(f"🔴 *Harm is happening now: contain first, then classify.*\n{lines}"),
        radio(
            LEVER,
            f"Pull a lever on {incident.agent}, for {DEFAULT_MINUTES} min?",
            [*(_option(at, offer) for at, offer in enumerate(shown)), (NOT_NOW, "None now: go on to the questions")],
            hint="It takes effect at once, is proven on the card, and can be undone there.",
        ),
        context("The evidence of the declaration is being kept. Classification goes on beside it."),
    ]
    levers = [[offer.kind.value, offer.value] for offer in shown]
    about = {"k": str(incident.key), "d": int(declared), "o": levers}
    return modal(CALLBACK, f"Contain {incident.key}", blocks, about, submit="Do it")


def read(view: Mapping[str, Any]) -> Lever | InputErrors:
    """The chosen lever; nothing is chosen beforehand, so that nobody pulls one by leaving it alone."""
    about, chosen = metadata(view), choice_of(view, LEVER)
    key, declared = key_of(view), bool(about.get("d"))
    if chosen == NOT_NOW:
        return Lever(key, None, None, declared)
    levers = list(about.get("o") or ())
    if not chosen.isdigit() or int(chosen) >= len(levers):
        return {LEVER: "Choose a lever, or to go on without one."}
    kind, value = levers[int(chosen)]
    return Lever(key, MitigationKind(kind), value, declared)


def _option(at: int, offer: Offer) -> Option:
    against = " (advised against: asks for a reason)" if offer.standing is Standing.CONTRAINDICATED else ""
    return str(at), f"{offer.label}{against}"
