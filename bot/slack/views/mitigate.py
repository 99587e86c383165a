"""Mitigate: every lever for this class and agent, best first; picking one shows its preview."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.kinds import LEVERS, MitigationKind, Value
from bot.incident.offer import Offer, Standing
from bot.incident.quantities import percent
from bot.incident.remediation import RemediationOffer
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Option, View, context, modal, section, select
from bot.slack.text import link, plain_untrusted, quote_untrusted
from bot.slack.views.loading import loading, notice
from bot.slack.views.reading import InputErrors, choice_of, key_of, metadata

LIST_CALLBACK: Final = "mitigate_list"
KIND: Final = "kind"
DEFAULT_MINUTES: Final = 60
MOST_VALUE = 60  # characters of a value that the dialog carries; longer ones are chosen on the next screen
SHOWN_REPAIRS = 4
STANDING_WORDS: Final[Mapping[Standing, str]] = {
    Standing.FITS: "fits",
    Standing.ALLOWED: "possible",
    Standing.CONTRAINDICATED: "advised against",
}
_HEADS: Final[Mapping[Standing, str]] = {
    Standing.FITS: "*Fits*",
    Standing.ALLOWED: "*Possible*",
    Standing.CONTRAINDICATED: "🔴 *Advised against: asks for a reason first*",
}


@dataclass(frozen=True, slots=True)
class Pick:
    """The lever somebody wants to see closer, with the value that was on offer; None: still to be chosen."""

    key: str
    kind: MitigationKind
    value: object = None


def skeleton(key: str) -> View:
    """The dialog until the offers are there."""
    return loading(LIST_CALLBACK, f"Contain {key}", key, "Counting what each mitigation would touch …")


def list_view(
    state: IncidentState, offers: Sequence[Offer], repairs: Sequence[RemediationOffer] = (), public_url: str = ""
) -> View:
    """Every lever, best first, with its standing and reach; one is picked for a preview.

    Kinds without an offer can be picked, too: their value is chosen on the next screen. ``repairs`` are shown
    with what they wait for; they are started on the page.
    """
    key = state.incident.key
    if not offers:
        return notice(f"Contain {key}", "No mitigation is on offer for this agent.")
    blocks: list[Block] = [section(f"*Mitigations for {quote_untrusted(state.incident.agent, 200)}*")]
    blocks += [section("\n".join(lines)) for lines in _groups(offers)]
    options = [*_options(offers), *_rest(offers)]
    live = ", ".join(status.mitigation.label for status in state.live_mitigations)
    in_force = f"In force already: {quote_untrusted(live, 600)}. The safer value wins." if live else ""
    blocks += [
        *([context(in_force)] if in_force else []),
        select(
            KIND,
            "Which one?",
            options,
            initial=options[0][0],
            placeholder=options[0][1],
            hint="The next screen shows what it touches, whom else, and how to undo it. Nothing happens before that.",
        ),
        *_repairs(state, repairs, public_url),
    ]
    return modal(LIST_CALLBACK, f"Contain {key}", blocks, {"k": key, "o": _values(offers)}, submit="Preview")


def read_list(view: Mapping[str, Any]) -> Pick | InputErrors:
    """The picked lever; untouched, the first one."""
    chosen = choice_of(view, KIND)
    if chosen not in set(MitigationKind):
        return {KIND: "Choose a mitigation."}
    values = metadata(view).get("o")
    value = values.get(chosen) if isinstance(values, dict) else None
    return Pick(key_of(view), MitigationKind(chosen), value)


def offer_line(offer: Offer) -> str:
    """One lever in one line: name, standing, why, reach."""
    name = f"*{_label(offer)}*, {STANDING_WORDS[offer.standing]}: {quote_untrusted(offer.why, 400).rstrip('.')}."
    return f"{name} {reach(offer)}"


def reach(offer: Offer) -> str:
    """What the lever would have touched in the last hour."""
    if offer.touches_n is None or offer.touches_k is None:
        return "No tasks in the last hour to count from."
    share = percent(offer.touches_k / offer.touches_n) if offer.touches_n else "0 %"
    return f"Touches {offer.touches_k} of {offer.touches_n} tasks of the last hour ({share})."


def _label(offer: Offer) -> str:
    return quote_untrusted(offer.label, 120)


def _groups(offers: Sequence[Offer]) -> Iterator[list[str]]:
    """One paragraph for each standing; the possible ones share their reason, so only their reach is said."""
    for standing, head in _HEADS.items():
        group = [offer for offer in offers if offer.standing is standing]
        if not group:
            continue
        if standing is Standing.ALLOWED:
            yield [head, *(f"• {_label(offer)} · {reach(offer)}" for offer in group)]
        else:
            yield [head, *(f"• *{_label(offer)}* · {_why(offer)}. {reach(offer)}" for offer in group)]


def _why(offer: Offer) -> str:
    return quote_untrusted(offer.why, 240).rstrip(".")


def _options(offers: Sequence[Offer]) -> list[Option]:
    return [
        (offer.kind.value, f"{plain_untrusted(offer.label, 50)} · {STANDING_WORDS[offer.standing]}") for offer in offers
    ]


def _rest(offers: Sequence[Offer]) -> list[Option]:
    """Kinds for which nothing could be suggested."""
    offered = {offer.kind for offer in offers}
    return [(kind.value, f"{kind.label} … choose the value") for kind in LEVERS if kind not in offered]


def _values(offers: Sequence[Offer]) -> dict[str, Value | list[str]]:
    """The values on offer, carried along; those that are too long for that are chosen on the next screen."""
    return {offer.kind.value: payload_value(offer.value) for offer in offers if len(str(offer.value)) <= MOST_VALUE}


def payload_value(value: Value) -> Value | list[str]:
    """A value as a button or a dialog keeps it in its JSON."""
    return list(value) if isinstance(value, tuple) else value


def _repairs(state: IncidentState, repairs: Sequence[RemediationOffer], public_url: str) -> list[Block]:
    if not repairs:
        return []
    lines = []
    for one in repairs[:SHOWN_REPAIRS]:
        mark = "✔ allowed" if one.permission.granted else "🔒 locked"
        why = quote_untrusted(one.permission.because[0], 220).rstrip(".") if one.permission.because else ""
        lines.append(f"• {mark}: {quote_untrusted(one.wish.label, 120)} · {why}.")
    page = f"{public_url}/incidents/{state.incident.key}/remediation"
    more = f" or {link(page, 'its page')}" if public_url else ""
    more = f" `/incident remediate`{more} starts one."
    return [section("\n".join([f"*What repairs waits for its reasons.*{more}", *lines]))]
