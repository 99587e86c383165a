"""The preview of one lever, and the order: what is applied is what was shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final

from bot.incident.choices import Choices, full_label
from bot.incident.control_values import figure_of, in_words
from bot.incident.errors import BadInput
from bot.incident.kinds import LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import EVERYWHERE, Mitigation, OnExpiry, Scope
from bot.incident.offer import Standing
from bot.incident.preview import Preview
from bot.incident.state import IncidentState
from bot.incident.wishes import scope_of, value_of
from bot.response.orders import Order
from bot.slack.blocks import Block, View, modal, section, text_input
from bot.slack.text import date_token, plain_untrusted, quote_untrusted, sentence
from bot.slack.views.lever_value import (
    EVERYTHING,
    KEEP,
    MINUTES,
    NAMED,
    SCOPE,
    SCOPE_TYPED,
    SUPERSEDES,
    VALUE,
    minutes_field,
    read_value,
    scope_fields,
    supersedes_field,
    value_fields,
)
from bot.slack.views.mitigate import STANDING_WORDS, payload_value
from bot.slack.views.reading import (
    InputErrors,
    choice_of,
    field_name,
    has_block,
    key_of,
    metadata,
    text_of,
    too_long,
)

CALLBACK: Final = "mitigate_preview"
REASON, OVERRIDE = "order_reason", "order_override"
REASON_CHARACTERS = 500
MOST_MINUTES_DIGITS = 5
SUBMIT_CHARACTERS = 24
VALUE_CHARACTERS, SCOPE_CHARACTERS = 900, 1200  # of the 3000 that a dialog remembers


@dataclass(frozen=True, slots=True)
class Asked:
    """What was submitted. ``shown``: the screen was the preview of this very order; ``since``, ``seen``: of when."""

    key: str
    order: Order
    shown: bool
    seen: str = ""
    since: int = 0


def preview(
    state: IncidentState,
    found: Preview | None,
    order: Order,
    known: Choices,
    live: Sequence[Mitigation] = (),
    *,
    news: str = "",
) -> View:
    """What pulling this lever means, with the fields to change it.

    ``found`` is None while its value is still to be chosen; ``live`` are the agent's mitigations in force.
    """
    key = state.incident.key
    named = [order.scope] if order.scope not in {EVERYWHERE, *known.scopes} else []
    known = replace(known, scopes=_carried([*named, *known.scopes]))
    value = found.wanted.value if found else None
    against = found is not None and found.standing is Standing.CONTRAINDICATED
    agent = quote_untrusted(state.incident.agent, 200)
    blocks: list[Block] = [section(f"🟡 *{quote_untrusted(news, 1500)}*")] if news else []
    name = quote_untrusted(full_label(order.kind, value, order.scope), 300)
    blocks.append(section(f"*{name}* on *{agent}*\n{LEVERS[order.kind].does}"))
    if found is not None:
        blocks += [section("\n".join(lines)) for lines in _facts(found)]
    blocks += [
        *([_override(state, found, order)] if found and against else []),
        *supersedes_field(_pins(live, order), order.supersedes),
        *value_fields(order.kind, known, value),
        minutes_field(order.minutes),
        *scope_fields(known, order.scope),
        _reason(order),
    ]
    about = _about(key, state, order, value, live, known, against=against)
    return modal(CALLBACK, f"Contain {key}", blocks, about, submit=_submit(order.kind, value))


def read(view: Mapping[str, Any]) -> Asked | InputErrors:
    """The order, or what is missing in it. Another value, scope or superseded pin asks for its own preview first."""
    about = metadata(view)
    kind = str(about.get("kind", ""))
    if kind not in set(MitigationKind):
        return {MINUTES: "This dialog is out of date. Close it and open it again from the card."}
    named = MitigationKind(kind)
    override, reason = text_of(view, OVERRIDE), text_of(view, REASON)
    value, scope, supersedes = _value(view, named, about), _scope(view, about), _superseded(view, about)
    if isinstance(value, dict):
        return value
    if isinstance(scope, dict):
        return scope
    same = about.get("v") is not None and value == _known_value(named, about.get("v"))
    shown = same and scope == Scope(**about.get("s", {})) and supersedes == str(about.get("x", ""))
    errors = {one: said for one, text in ((OVERRIDE, override), (REASON, reason)) if (said := _long(text))}
    if shown and about.get("a") and not override:
        errors[OVERRIDE] = "It is advised against for this class. Say why it is right here, or choose another one."
    if errors:
        return errors
    minutes = _minutes(choice_of(view, MINUTES), about.get("min"))
    order = Order(named, value, minutes, reason, override or None, scope, supersedes)
    return Asked(key_of(view), order, shown, str(about.get("f", "")), int(about.get("q") or 0))


def fingerprint(live: Sequence[Mitigation]) -> str:
    """What is in force, in a few characters: it changes when somebody changes a control, not with its proof."""
    facts = sorted((m.id, str(m.value), m.scope.in_words) for m in live if m.state.is_live)
    return sha256(repr(facts).encode()).hexdigest()[:12]


def _facts(found: Preview) -> Iterator[list[str]]:
    """What stands against it first, then what it touches, then how it goes on; a paragraph each."""
    why = quote_untrusted(found.why, 600).rstrip(".")
    if found.standing is Standing.CONTRAINDICATED:
        yield [f"🔴 *Advised against:* {why}."]
    else:
        yield [f"*{STANDING_WORDS[found.standing].capitalize()}:* {why}."]
    yield ["*What it touches*", *(f"• {quote_untrusted(line, 700)}" for line in _touches(found))]
    yield ["*How it goes on*", *_goes_on(found)]


def _touches(found: Preview) -> Iterator[str]:
    told = {(reach.k, reach.n): reach for reach in reversed(found.reaches)}  # a day like the hour is said once
    for reach in reversed(told.values()):
        yield sentence(reach.in_words(found.control))
    yield found.busy
    yield found.connected
    yield f"In force now: {found.before}. Then: {found.after}."
    yield from found.conflicts[:5]
    if found.shared:
        yield f"Shared with: {'; '.join(other.in_words for other in found.shared[:5])}."
    for warning in found.warnings:
        yield f"Careful: {warning}."


def _goes_on(found: Preview) -> Iterator[str]:
    until = date_token(found.wanted.expires_at, "moment")
    held = found.wanted.on_expiry is OnExpiry.HOLD_AND_PAGE
    for line in found.plan[:4]:
        yield f"• {quote_untrusted(line, 400)}"
    yield f"• Proof: {quote_untrusted('; '.join(found.proof), 600)}."
    if held:
        yield f"• At {until} it stays in force and the channel is called."
    else:
        yield f"• Ends by itself at {until}; a warning comes when a fifth of its time is left."
    yield f"• {quote_untrusted(found.undo, 400)}"
    if found.approval:
        yield f"• 🟡 *Needs a second person:* {quote_untrusted(found.approval, 400)}."
    if found.obstacle:
        yield f"• 🔴 *Would be refused as it stands:* {quote_untrusted(found.obstacle, 500)}"


def _override(state: IncidentState, found: Preview, order: Order) -> Block:
    named = state.incident_class.value if state.incident_class else "this class"
    return text_input(
        OVERRIDE,
        f"Advised against for {named}. Why do it anyway?",
        initial=order.override or "",
        placeholder="The loops write to the ticket system",
        hint=f"{sentence(plain_untrusted(found.why, 600))} The reason goes on the timeline.",
        limit=REASON_CHARACTERS,
    )


def _reason(order: Order) -> Block:
    return text_input(
        REASON,
        "Reason",
        initial=order.reason,
        placeholder="contain while we classify",
        optional=True,
        limit=REASON_CHARACTERS,
    )


def _submit(kind: MitigationKind, value: Value | None) -> str:
    """The button says what it does, where that fits."""
    if value is None:
        return "Preview"
    whole = f"Apply {kind.label.lower() if LEVERS[kind].is_switch else in_words(kind, value)}"
    return whole if len(whole) <= SUBMIT_CHARACTERS else "Apply"


def _about(
    key: str,
    state: IncidentState,
    order: Order,
    value: Value | None,
    live: Sequence[Mitigation],
    known: Choices,
    *,
    against: bool,
) -> dict[str, Any]:
    """What the submission needs: the order that was shown, and what was in force then."""
    about: dict[str, Any] = {
        "k": key,
        "kind": order.kind.value,
        "v": None if value is None else payload_value(value),
        "s": _named(order.scope),
        "x": order.supersedes,
        "min": order.minutes,
        "a": int(against),
        "f": fingerprint(live),
        "q": state.last_seq,
    }
    return {**about, "o": [_named(scope) for scope in known.scopes]}


def _carried(scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    """As many as the dialog's own memory holds."""
    room = SCOPE_CHARACTERS
    for at, scope in enumerate(scopes):
        room -= len(str(_named(scope))) + len(", ")
        if room < 0:
            return tuple(scopes[:at])
    return tuple(scopes)


def _named(scope: Scope) -> dict[str, str]:
    return {name: value for name, value in asdict(scope).items() if value}


def _pins(live: Sequence[Mitigation], order: Order) -> list[Mitigation]:
    """Pins of the same kind where this one would be."""
    if LEVERS[order.kind].joining is not Joining.ALONE:
        return []
    return [m for m in live if m.kind is order.kind and m.state.is_live and m.scope.meets(order.scope)]


def _value(view: Mapping[str, Any], kind: MitigationKind, about: Mapping[str, Any]) -> Value | InputErrors:
    try:
        value = value_of(kind, read_value(view, kind, about.get("v")))
    except BadInput as error:
        return {_value_block(view): str(error)}
    if len(figure_of(value)) > VALUE_CHARACTERS:
        return {_value_block(view): "That is more than this dialog holds. Name fewer, or use the incident's page."}
    return value


def _value_block(view: Mapping[str, Any]) -> str:
    names = (field_name(view, VALUE), field_name(view, NAMED))
    return next((one for one in names if has_block(view, one)), MINUTES)


def _known_value(kind: MitigationKind, raw: object) -> Value | None:
    try:
        return value_of(kind, raw)
    except BadInput:
        return None


def _scope(view: Mapping[str, Any], about: Mapping[str, Any]) -> Scope | InputErrors:
    """What was typed, else what was chosen, else what the screen was about."""
    chosen, offered, typed = choice_of(view, SCOPE), about.get("o") or [], text_of(view, SCOPE_TYPED)
    if typed:
        try:
            return scope_of(typed)
        except BadInput as error:
            return {SCOPE_TYPED: str(error)}
    if chosen == EVERYTHING:
        return EVERYWHERE
    if chosen.isascii() and chosen.isdigit() and int(chosen) < len(offered):
        return Scope(**offered[int(chosen)])
    return Scope(**about.get("s", {}))


def _superseded(view: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    chosen = choice_of(view, SUPERSEDES)
    return "" if chosen == KEEP else chosen or str(about.get("x", ""))


def _minutes(chosen: str, otherwise: object) -> int:
    if chosen.isascii() and chosen.isdigit() and len(chosen) <= MOST_MINUTES_DIGITS:
        return int(chosen)
    return otherwise if isinstance(otherwise, int) else 60


def _long(text: str) -> str | None:
    return too_long(text, REASON_CHARACTERS)
