"""The middle of the card: which levers are on offer, and which are in force with their proof."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from bot.incident.mitigation import Delivery, Effect, MitigationState, Offer, Proof, ReadBack, Verdict
from bot.incident.timeline import IncidentState, MitigationStatus
from bot.slack.blocks import Block, actions, button, section
from bot.slack.text import date_token, link, quote_untrusted, who
from bot.slack.views.mitigate import offer_line

EXTENSION_MINUTES = 60
WITH_ROWS_OF_BUTTONS = 2  # more controls than this share the room: one line and one button each
SHOWN_CONTROLS = 4
LAST = 10_000  # sorts what needs no decision behind what does


def offered(offers: Sequence[Offer], state: IncidentState) -> str:
    """Every lever in a line: standing, why, and what it would touch."""
    named = f" for {state.incident_class.value}" if state.incident_class else ""
    on = {(status.mitigation.kind, status.mitigation.limit) for status in state.live_mitigations}
    lines = [f"• {offer_line(offer)}" for offer in offers if (offer.kind, offer.limit) not in on]
    return "\n".join([f"*Mitigations{named}*", *(lines[:4] or ["All of them are in force."])])


def controls(state: IncidentState, public_url: str) -> list[Block]:
    """What waits for a second person, then what is in force, with proof and undo; at most six blocks."""
    return [*_questions(state), *_in_force(state, public_url)]


def _questions(state: IncidentState) -> list[Block]:
    """The oldest question to a second person with its two answers; the others are counted."""
    pending = state.pending_approvals
    if not pending:
        return []
    asked = pending[0]
    done = "did alone" if asked.alone else "asks"
    why = asked.alone or asked.ask.reason
    lines = [
        f"⚪ *{who(asked.asked_by)} {done}: {quote_untrusted(asked.words, 300)}*",
        f"{quote_untrusted(asked.riskier, 300)}." + (f" Why: {quote_untrusted(why, 300)}" if why else ""),
        f"A second person answers until {date_token(asked.expires_at)}."
        + (f" {len(pending) - 1} more wait." if len(pending) > 1 else ""),
    ]
    about = {"k": str(asked.incident), "a": asked.id}
    return [
        section("\n".join(lines)),
        actions(f"approval-{asked.id}", button("Approve", "approve", about), button("Refuse", "refuse", about)),
    ]


def _in_force(state: IncidentState, public_url: str) -> list[Block]:
    """What is in force, with proof and undo; at most four blocks. One line when nothing is."""
    live = sorted(state.live_mitigations, key=lambda s: 0 if s.mitigation.state in _NEEDS_SOMEBODY else LAST)
    if not live:
        return [section("No control is in force.")] if state.status.is_open else []
    if len(live) <= WITH_ROWS_OF_BUTTONS:
        return [block for status in live for block in _with_row(status)]
    shown = live[:SHOWN_CONTROLS]
    blocks = [_with_undo(status) for status in shown]
    hidden = len(live) - len(shown)
    if hidden:
        page = f"{public_url}/incidents/{state.incident.key}"
        where = link(page, f"{hidden} more in force") if public_url else f"{hidden} more in force"
        blocks[-1] = {**blocks[-1], **section(f"{_line(shown[-1])}\n{where}")}
    return blocks


_NEEDS_SOMEBODY = {MitigationState.HELD, MitigationState.INEFFECTIVE}


def _with_row(status: MitigationStatus) -> Iterator[Block]:
    mitigation = status.mitigation
    yield section(_line(status))
    yield actions(
        f"control-{mitigation.id}:{mitigation.incident}",
        button(f"Undo {mitigation.label.lower()}", "undo", _about(status)),
        button(f"Extend by {EXTENSION_MINUTES} min", "extend", {**_about(status), "minutes": EXTENSION_MINUTES}),
    )


def _with_undo(status: MitigationStatus) -> Block:
    block = section(_line(status), f"control-{status.mitigation.id}:{status.mitigation.incident}")
    return {**block, "accessory": button("Undo", "undo", _about(status))}


def _about(status: MitigationStatus) -> dict[str, Any]:
    return {"k": status.mitigation.incident, "m": status.mitigation.id}


def _line(status: MitigationStatus) -> str:
    m = status.mitigation
    by = f"by {who(m.applied_by)} {date_token(m.applied_at)}"
    until = f"until {date_token(m.expires_at)}" if m.state is not MitigationState.HELD else "*its time is over*"
    where = f" in {quote_untrusted(m.environment, 60)}" if m.environment else ""
    first = f"{_MARKS[m.state]} *{m.label}*{where} · {by} · {until}"
    lines = [first, _proof(status.proof) if status.proof else "Proof: reading it back …"]
    if m.state is MitigationState.HELD:
        lines.append("It stays in force until somebody undoes or extends it.")
    return "\n".join(lines)


_MARKS: Mapping[MitigationState, str] = {
    MitigationState.DRAFT: "⚪ Not in force, a draft:",
    MitigationState.AWAITING_APPROVAL: "⚪ Not in force, waiting for approval:",
    MitigationState.APPLYING: "⚪ Uncertain, being applied:",
    MitigationState.APPLIED: "🟡 In force, proof under way:",
    MitigationState.DELIVERED: "🟡 In force, proof under way:",
    MitigationState.OBSERVED: "🟢 In force, proven:",
    MitigationState.INEFFECTIVE: "🔴 In force, not obeyed:",
    MitigationState.UNPROVEN: "⚪ In force, unproven:",
    MitigationState.HELD: "🔴 Held:",
    MitigationState.REVERTING: "⚪ Uncertain, being undone:",
    MitigationState.REVERTED: "Ended:",
    MitigationState.EXPIRED: "Ended:",
    MitigationState.REFUSED: "Never in force:",
}


def _proof(proof: Proof) -> str:
    return f"Proof: {_read_back(proof.read_back)} · {_delivered(proof.delivery)} · {_effect(proof.effect)}"


def _read_back(read: ReadBack) -> str:
    return "read back ✔ yes" if read.confirmed else f"read back ✖ no: {quote_untrusted(read.detail, 200)}"


def _delivered(delivery: Delivery) -> str:
    if not delivery.instances:
        return "delivered: no instance has asked yet"
    took = f" in {delivery.seconds:.1f} s" if delivery.seconds is not None else ""
    all_of_them = " ✔" if delivery.reached >= delivery.instances else ""
    return f"delivered{all_of_them} {delivery.reached} of {delivery.instances} instances{took}"


def _effect(effect: Effect) -> str:
    detail = quote_untrusted(effect.detail, 260)
    match effect.verdict:
        case Verdict.OBSERVED:
            return f"observed ✔ {detail}"
        case Verdict.WAITING:
            return f"waiting for tasks: {detail}"
        case Verdict.INEFFECTIVE:
            return f"not obeyed ✖ {detail}"
        case Verdict.UNPROVEN:
            return f"can't tell: {detail}"
        case other:
            assert_never(other)
