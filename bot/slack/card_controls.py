"""The middle of the card: which levers are on offer, and which are in force with their proof."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.fitness import stronger
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import DEFAULT_TTL, Mitigation, MitigationState
from bot.incident.offer import Offer, Standing
from bot.incident.state import IncidentState, MitigationStatus
from bot.slack.blocks import SECTION_LIMIT, Block, actions, button, section
from bot.slack.card_proof import control_line
from bot.slack.card_questions import open_questions
from bot.slack.text import link, plain_untrusted, shorten
from bot.slack.views.mitigate import offer_line

EXTENSION_MINUTES = 60
SHOWN_CONTROLS = 4
AGENT_CHARACTERS = 28  # of its name on a button
BRIEF = 2  # levers offered on the card that are not advised against; the kill switch is always there
LAST = 10_000  # sorts what needs no decision behind what does
LEVER_MINUTES = int(DEFAULT_TTL.total_seconds() // 60)
_NEEDS_SOMEBODY = {MitigationState.HELD, MitigationState.STILL_ON, MitigationState.INEFFECTIVE}


def brief(offers: Sequence[Offer], state: IncidentState) -> tuple[Offer, ...]:
    """The levers that the card has room for: those that fit and are not in force yet, and the kill switch.

    Where none fits, those that are possible, until something is in force.
    """
    on = {(status.mitigation.kind, status.mitigation.value) for status in state.live_mitigations}
    left = [offer for offer in offers if (offer.kind, offer.value) not in on and len(str(offer.value)) < SECTION_LIMIT]
    fitting = [offer for offer in left if offer.standing is Standing.FITS]
    possible = [] if state.live_mitigations else [offer for offer in left if offer.standing is Standing.ALLOWED]
    best = (fitting or possible)[:BRIEF]
    halt = [offer for offer in left if offer.kind is MitigationKind.HALT and offer not in best]
    return (*best, *halt)


def offered(offers: Sequence[Offer], state: IncidentState) -> str:
    """The best levers in a line each: standing, why, and what it would touch; how many more there are."""
    named = f" for {state.incident_class.value}" if state.incident_class else ""
    shown = brief(offers, state)
    lines = [f"• {offer_line(offer)}" for offer in shown]
    more = len(offers) - len(shown) - len(state.live_mitigations)
    rest = [f"{more} more, each with a preview: *Contain…*"] if more > 0 else []
    return "\n".join([f"*Mitigations{named}*", *(lines or ["All of them are in force."]), *rest])


def lever_text(label: str, agent: str) -> str:
    """What a lever's button says: what it will do, to what, for how long."""
    return f"{plain_untrusted(label, 34)} · {plain_untrusted(agent, AGENT_CHARACTERS)} · {LEVER_MINUTES} min"


def controls(state: IncidentState, public_url: str, room: int, now: datetime) -> list[Block]:
    """What waits for a second person, then what is in force, with proof and undo; at most ``room`` blocks, four at least."""
    asked = open_questions(state)
    return [*asked, *_in_force(state, public_url, room - len(asked), now)]


def _in_force(state: IncidentState, public_url: str, room: int, now: datetime) -> list[Block]:
    """What is in force, a paragraph each as far as there is room, and one row of buttons for all of them."""
    live = sorted(state.live_mitigations, key=lambda s: 0 if s.mitigation.state in _NEEDS_SOMEBODY else LAST)
    if not live:
        return [section(NONE_IN_FORCE)] if state.status.is_open else []
    shown = live[:SHOWN_CONTROLS]
    texts = [control_line(status, now, public_url) for status in shown]
    hidden = len(live) - len(shown)
    if hidden:
        page = f"{public_url}/incidents/{state.incident.key}"
        texts.append(link(page, f"{hidden} more in force") if public_url else f"{hidden} more in force")
    return [*_paragraphs(texts, max(1, room - 1)), _row(state, shown)]


def _paragraphs(texts: Sequence[str], room: int) -> list[Block]:
    """A section each; what finds no room shares the last one, each text with its part of it."""
    alone, together = texts[: room - 1], texts[room - 1 :]
    if not together:
        return [section(text) for text in alone]
    share = (SECTION_LIMIT - 2 * len(together)) // len(together)
    return [*(section(text) for text in alone), section("\n\n".join(shorten(text, share) for text in together))]


def _row(state: IncidentState, shown: Sequence[MitigationStatus]) -> Block:
    """Undo and extend for each, and the next stronger lever for one that does not hold."""
    elements: list[Block] = []
    for status in shown:
        elements += [*_stronger(state, status), *control_buttons(status.mitigation)]
    return actions(f"controls:{state.incident.key}", *elements)


def control_buttons(m: Mitigation) -> tuple[Block, Block]:
    """Undo and extend, saying what."""
    about = {"k": m.incident, "m": m.id}
    name = plain_untrusted(m.label[:1].lower() + m.label[1:], 45)
    return (
        button(f"{'Try again to undo' if m.declined else 'Undo'} {name}…", f"undo:{m.id}", about),
        button(f"Extend {name} by {EXTENSION_MINUTES} min", f"extend:{m.id}", {**about, "minutes": EXTENSION_MINUTES}),
    )


def _stronger(state: IncidentState, status: MitigationStatus) -> Iterator[Block]:
    m = status.mitigation
    if m.state is not MitigationState.INEFFECTIVE or not state.status.is_open:
        return
    on = {other.mitigation.kind for other in state.live_mitigations}
    levers = status.escalated.stronger if status.escalated else stronger(m.kind)
    for kind in [kind for kind in levers if kind not in on][:1]:
        yield stronger_button(m, kind)


def stronger_button(m: Mitigation, kind: MitigationKind) -> Block:
    """Pull the next stronger lever: at once where it is a switch, through its preview where it takes a value."""
    about: dict[str, Any] = {"k": m.incident, "kind": kind.value, "minutes": LEVER_MINUTES}
    if LEVERS[kind].is_switch:
        text, about = f"Stronger: {lever_text(kind.label, m.agent)}", {**about, "v": True}
    else:
        text = f"Stronger: {kind.label}…"
    return button(text, f"apply:{kind.value}:{m.id}", about, "danger")
