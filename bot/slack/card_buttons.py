"""The buttons of the card: what can be done next. Exactly one is coloured, the obvious next step."""

from collections.abc import Sequence
from typing import Any

from bot.incident.model import Role
from bot.incident.offer import Offer, Standing
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Option, button, overflow
from bot.slack.card_controls import LEVER_MINUTES, brief, lever_text
from bot.slack.text import plain_untrusted
from bot.slack.views.mitigate import payload_value

PRIMARY = "primary"


def next_steps(state: IncidentState, offers: Sequence[Offer]) -> list[Block]:
    """The row of buttons for the incident as it stands."""
    about = {"k": str(state.incident.key)}
    if not state.status.is_open:
        return _after(state, about)
    command = [] if Role.COMMANDER in state.roles else [button("Take command", "take_commander", about)]
    if state.classified is None:
        return [*_before_class(state, offers, about), *command, _more(state)]
    return [*_classified(state, offers, about), *command, _more(state)]


def _before_class(state: IncidentState, offers: Sequence[Offer], about: dict[str, Any]) -> list[Block]:
    contain_first = state.harm_now and not state.live_mitigations and bool(offers)
    levers = _levers(state, offers, primary=contain_first) if state.harm_now else []
    classify = button("Classify", "classify", about, None if contain_first else PRIMARY)
    rest = [classify, button("Contain…", "contain", about), button("Evidence", "evidence", about)]
    return [*levers, *rest] if contain_first else [classify, *levers, *rest[1:]]


def _classified(state: IncidentState, offers: Sequence[Offer], about: dict[str, Any]) -> list[Block]:
    mitigated = bool(state.live_mitigations)
    fits = any(offer.standing is Standing.FITS for offer in brief(offers, state))
    doubted = [button("Look at the class again", "classify", about, PRIMARY)] if state.doubt else []
    levers = _levers(state, offers, primary=fits and not mitigated and not doubted)
    coloured = bool(doubted) or (fits and not mitigated and bool(levers))
    update = button("Update", "update", about, None if coloured else PRIMARY)
    contain = [button("Contain…", "contain", about)]
    return [
        *doubted,
        *levers,
        *contain,
        update,
        button("Resolve", "resolve", about),
        button("Evidence", "evidence", about),
    ]


def _levers(state: IncidentState, offers: Sequence[Offer], *, primary: bool) -> list[Block]:
    """One button for each lever the card has room for. One that is advised against asks for a reason first."""
    return [_lever(state, offer, primary=primary and at == 0) for at, offer in enumerate(brief(offers, state))]


def _lever(state: IncidentState, offer: Offer, *, primary: bool) -> Block:
    about = {
        "k": str(state.incident.key),
        "kind": offer.kind.value,
        "v": payload_value(offer.value),
        "minutes": LEVER_MINUTES,
    }
    against = offer.standing is Standing.CONTRAINDICATED
    text = lever_text(offer.label, state.incident.agent)
    text = f"{plain_untrusted(offer.label, 50)}… needs a reason" if against else text
    return button(text, f"apply:{offer.kind.value}", about, PRIMARY if primary and not against else None)


def _more(state: IncidentState) -> Block:
    key = state.incident.key
    rest: list[Option] = [("note", "Note"), ("role", "Roles"), ("severity", "Severity"), ("timeline", "Timeline")]
    last = ("resolve", "Resolve") if state.classified is None else ("classify", "Change the class")
    return overflow("more", [(f"{step}:{key}", text) for step, text in (*rest, last)])


def _after(state: IncidentState, about: dict[str, Any]) -> list[Block]:
    key = state.incident.key
    more = [(f"note:{key}", "Note"), (f"timeline:{key}", "Timeline")]
    return [
        button("Postmortem", "postmortem", about, PRIMARY),
        button("Evidence", "evidence", about),
        overflow("more", more),
    ]
