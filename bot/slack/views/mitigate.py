"""Mitigate: which levers there are, what one of them would touch, and the order for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import Offer, Standing
from bot.incident.timeline import IncidentState
from bot.slack.blocks import Block, View, modal, radio, section, select, text_input
from bot.slack.text import date_token, percent, plain_untrusted, quote_untrusted, sentence
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata, text_of, too_long

LIST_CALLBACK: Final = "mitigate_list"
PREVIEW_CALLBACK: Final = "mitigate_preview"
KIND, LIMIT, MINUTES, REASON, OVERRIDE = "kind", "limit", "minutes", "order_reason", "order_override"
DEFAULT_MINUTES = 60
MINUTES_WORDS: Final[Mapping[int, str]] = {15: "15 min", 30: "30 min", 60: "60 min", 240: "4 h"}
LIMITS: Final = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50)
REASON_CHARACTERS = 500
MOST_LIMIT = 1000
STANDING_WORDS: Final[Mapping[Standing, str]] = {
    Standing.FITS: "fits",
    Standing.ALLOWED: "possible",
    Standing.CONTRAINDICATED: "advised against",
}


@dataclass(frozen=True, slots=True)
class Pick:
    """The lever somebody wants to see closer."""

    key: str
    kind: MitigationKind


@dataclass(frozen=True, slots=True)
class OrderForm:
    """The order. ``override`` is the reason for a lever that is advised against, else None."""

    key: str
    kind: MitigationKind
    limit: int | None
    minutes: int
    reason: str
    override: str | None


def skeleton(key: str) -> View:
    """The dialog until the offers are there."""
    return loading(LIST_CALLBACK, f"Contain {key}", key, "Counting what each mitigation would touch …")


def list_view(state: IncidentState, offers: Sequence[Offer]) -> View:
    """Every lever, best first, with its standing and reach; one is picked for a preview."""
    key = state.incident.key
    if not offers:
        return notice(f"Contain {key}", "No mitigation is on offer for this agent.")
    lines = [f"{at}. {offer_line(offer)}" for at, offer in enumerate(offers, 1)]
    options = [(offer.kind.value, f"{offer.label} ({STANDING_WORDS[offer.standing]})") for offer in offers]
    blocks: list[Block] = [
        section(f"*Mitigations for {quote_untrusted(state.incident.agent, 200)}*\n" + "\n".join(lines)),
        radio(
            KIND,
            f"Which one? (untouched: {offers[0].label})",
            options,
            initial=options[0][0],
            hint="The next screen shows what it touches. Nothing happens before you confirm there.",
        ),
    ]
    return modal(LIST_CALLBACK, f"Contain {key}", blocks, {"k": key}, submit="Preview")


def read_list(view: Mapping[str, Any]) -> Pick | InputErrors:
    """The picked lever; untouched, the first one."""
    chosen = choice_of(view, KIND)
    if chosen not in set(MitigationKind):
        return {KIND: "Choose a mitigation."}
    return Pick(key_of(view), MitigationKind(chosen))


def preview(
    state: IncidentState,
    offer: Offer,
    now: datetime,
    instances: int | None = None,
    minutes: int = DEFAULT_MINUTES,
) -> View:
    """What pulling this lever means. ``instances`` is how many of the agent's instances read controls, if known."""
    key = state.incident.key
    against = offer.standing is Standing.CONTRAINDICATED
    blocks: list[Block] = [
        section(f"*{offer.label}* on *{quote_untrusted(state.incident.agent, 200)}*\n{_does(offer)}"),
        section(_facts(state, offer, now, instances, minutes)),
        *([_override_input(state, offer)] if against else []),
        *([_limit_input(offer.limit)] if offer.kind is MitigationKind.TURN_LIMIT else []),
        select(
            MINUTES,
            "For how long?",
            [(str(one), words) for one, words in MINUTES_WORDS.items()],
            initial=str(minutes),
            placeholder=MINUTES_WORDS.get(minutes, f"{minutes} min"),
        ),
        text_input(REASON, "Reason", placeholder="contain while we classify", optional=True, limit=REASON_CHARACTERS),
    ]
    about = {"k": key, "kind": offer.kind.value, "l": offer.limit, "min": minutes, "a": int(against)}
    return modal(PREVIEW_CALLBACK, f"Contain {key}", blocks, about, submit="Apply")


def read_preview(view: Mapping[str, Any]) -> OrderForm | InputErrors:
    """The order, or what is missing in it."""
    about = metadata(view)
    kind = str(about.get("kind", ""))
    errors: InputErrors = {}
    if kind not in set(MitigationKind):
        return {MINUTES: "This dialog is out of date. Close it and open it again from the card."}
    override, reason = text_of(view, OVERRIDE), text_of(view, REASON)
    if about.get("a") and not override:
        errors[OVERRIDE] = "It is advised against for this class. Say why it is right here, or choose another one."
    for block_id, text in ((OVERRIDE, override), (REASON, reason)):
        if said := too_long(text, REASON_CHARACTERS):
            errors[block_id] = said
    if errors:
        return errors
    limit = _number(choice_of(view, LIMIT), about.get("l")) if kind == MitigationKind.TURN_LIMIT.value else None
    minutes = _number(choice_of(view, MINUTES), about.get("min")) or DEFAULT_MINUTES
    return OrderForm(key_of(view), MitigationKind(kind), limit, minutes, reason, override or None)


def offer_line(offer: Offer) -> str:
    """One lever in one line: name, standing, why, reach."""
    name = f"*{offer.label}*, {STANDING_WORDS[offer.standing]}: {quote_untrusted(offer.why, 400).rstrip('.')}."
    return f"{name} {reach(offer)}"


def reach(offer: Offer) -> str:
    """What the lever would have touched in the last hour."""
    if offer.touches_n is None or offer.touches_k is None:
        return "No tasks in the last hour to count from."
    share = percent(offer.touches_k / offer.touches_n) if offer.touches_n else "0 %"
    return f"Touches {offer.touches_k} of {offer.touches_n} tasks of the last hour ({share})."


def _does(offer: Offer) -> str:
    return LEVERS[offer.kind].does


def _facts(state: IncidentState, offer: Offer, now: datetime, instances: int | None, minutes: int) -> str:
    live = ", ".join(status.mitigation.label for status in state.live_mitigations)
    to = "no instance has asked for its controls yet" if not instances else f"{instances} instances"
    until = date_token(now + timedelta(minutes=minutes))
    lines = [
        f"• {STANDING_WORDS[offer.standing].capitalize()}: {quote_untrusted(offer.why, 600).rstrip('.')}.",
        f"• {reach(offer)}",
        *([f"• Goes to {to}."] if instances is not None else []),
        f"• In force already: {live}. The safer value wins." if live else "• No other control is in force.",
        "• Proof: read back at once, delivery counted, then tasks that start afterwards are checked.",
        f"• With {MINUTES_WORDS.get(minutes, f'{minutes} min')} it ends at {until}. *Undo* on the card ends it earlier.",
    ]
    return "\n".join(lines)


def _override_input(state: IncidentState, offer: Offer) -> Block:
    named = state.incident_class.value if state.incident_class else "this class"
    return text_input(
        OVERRIDE,
        f"Advised against for {named}. Why do it anyway?",
        placeholder="The loops write to the ticket system",
        hint=f"{sentence(plain_untrusted(offer.why, 600))} The reason goes on the timeline.",
        limit=REASON_CHARACTERS,
    )


def _limit_input(limit: int | None) -> Block:
    wanted = limit or LIMITS[3]
    values = sorted({*LIMITS, wanted})
    options = [(str(one), f"{one} turns" + (" (suggested)" if one == limit else "")) for one in values]
    return select(LIMIT, "Turns per task", options, initial=str(wanted), placeholder=f"{wanted} turns")


def _number(chosen: str, otherwise: object) -> int | None:
    if chosen.isascii() and chosen.isdigit():
        return min(int(chosen), MOST_LIMIT)
    return otherwise if isinstance(otherwise, int) else None
