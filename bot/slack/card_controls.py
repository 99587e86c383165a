"""The middle of the card: which levers are on offer, and which are in force with their proof."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never

from bot.incident.approval import Approval, ApprovalState, Loosening
from bot.incident.fitness import stronger
from bot.incident.kinds import LEVERS, MitigationKind, figure_of
from bot.incident.mitigation import (
    DEFAULT_TTL,
    Delivery,
    Effect,
    Mitigation,
    MitigationState,
    Offer,
    Proof,
    ReadBack,
    Standing,
    Verdict,
)
from bot.incident.state import IncidentState, MitigationStatus
from bot.response.in_force import WARN_AFTER
from bot.slack.blocks import SECTION_LIMIT, Block, actions, button, section
from bot.slack.text import date_token, duration, link, plain_untrusted, quote_untrusted, sentence, shorten, who
from bot.slack.views.mitigate import offer_line

EXTENSION_MINUTES = 60
SHOWN_CONTROLS = 4
SHOWN_STALE = 3
SHORTEST, DECIMALS_BELOW = 0.1, 10  # seconds
AGENT_CHARACTERS = 28  # of its name on a button
BRIEF = 2  # levers offered on the card that are not advised against; the kill switch is always there
LAST = 10_000  # sorts what needs no decision behind what does
LEVER_MINUTES = int(DEFAULT_TTL.total_seconds() // 60)


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
    asked = _questions(state)
    return [*asked, *_in_force(state, public_url, room - len(asked), now)]


def _questions(state: IncidentState) -> list[Block]:
    """The oldest question to a second person with its two answers; the others are counted."""
    pending = state.pending_approvals
    if not pending:
        return []
    more = f" {len(pending) - 1} more wait." if len(pending) > 1 else ""
    return list(question_blocks(pending[0], more))


def question_blocks(asked: Approval, more: str = "") -> tuple[Block, Block]:
    """One question to a second person: who asks for what and why, until when, and buttons that say what happens."""
    done = "did alone" if asked.alone else "asks"
    why = asked.alone or asked.ask.reason
    approve, decline = answers_to(asked)
    lines = [
        f"⚪ *{who(asked.asked_by)} {done}: {quote_untrusted(asked.words, 300)}*",
        sentence(quote_untrusted(asked.riskier, 300)) + (f" Why: {quote_untrusted(why, 300)}" if why else ""),
        f"A second person answers until {date_token(asked.expires_at)}.{more}",
    ]
    about = {"k": str(asked.incident), "a": asked.id}
    row = actions(f"approval-{asked.id}", button(approve, "approve", about), button(decline, "refuse", about))
    return section("\n".join(lines)), row


def answered_blocks(asked: Approval) -> list[Block]:
    """A question that is over: who answered and what, and who had asked for it."""
    note = f" {quote_untrusted(asked.note, 300)}" if asked.note else ""
    when = f" {date_token(asked.decided_at)}" if asked.decided_at else ""
    mark = "🟢" if asked.state is ApprovalState.GRANTED else "⚪"
    asked_by = f"{'Done alone' if asked.alone else 'Asked'} by {who(asked.asked_by)} {date_token(asked.asked_at)}."
    return [section(f"{mark} *{answer_words(asked)}*{when}\n{asked_by}{note}")]


def answer_words(asked: Approval) -> str:
    """What became of the question, in one line."""
    words = quote_untrusted(asked.words, 300)
    match asked.state:
        case ApprovalState.GRANTED if asked.decided_by:
            return f"{who(asked.decided_by)} approved: {words}"
        case ApprovalState.REFUSED if asked.decided_by:
            return f"{who(asked.decided_by)} declined: {words}"
        case _:
            return f"Nobody answered in time: {words}"


def answers_to(asked: Approval) -> tuple[str, str]:
    """What the two buttons say."""
    words = plain_untrusted(asked.words, 60)
    if asked.alone:
        return f"Approve: {words}", "Decline"
    if asked.ask.action is Loosening.REMEDIATE:
        return f"Approve: {words}", "Decline: it stays locked"
    return f"Approve: {words}", "Decline: it stays as it is"


def _in_force(state: IncidentState, public_url: str, room: int, now: datetime) -> list[Block]:
    """What is in force, a paragraph each as far as there is room, and one row of buttons for all of them."""
    live = sorted(state.live_mitigations, key=lambda s: 0 if s.mitigation.state in _NEEDS_SOMEBODY else LAST)
    if not live:
        return [section("No control is in force.")] if state.status.is_open else []
    shown = live[:SHOWN_CONTROLS]
    texts = [_line(status, now, public_url) for status in shown]
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


_NEEDS_SOMEBODY = {MitigationState.HELD, MitigationState.STILL_ON, MitigationState.INEFFECTIVE}


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


def _line(status: MitigationStatus, now: datetime, public_url: str) -> str:
    m = status.mitigation
    by = f"by {who(m.applied_by)} {date_token(m.applied_at)}"
    over = {MitigationState.HELD: "*its time is over*", MitigationState.STILL_ON: "*it was to end*"}
    until = over.get(m.state) or f"expires {date_token(m.expires_at)}"
    where = f" only for {quote_untrusted(m.scope.in_words, 120)}" if m.scope.in_words else ""
    marks = {**_MARKS, MitigationState.APPLIED: _applied_mark(status)}
    lines = [f"{marks[m.state]} *{quote_untrusted(m.label, 200)}*{where} · {by} · {until}"]
    lines.append(_proof(status.proof) if status.proof else "Proof: reading it back …")
    lines += [
        line for line in (_times(status), *_doubts(status, now), _exit(status), _kept(status, public_url)) if line
    ]
    return "\n".join(lines)


def _applied_mark(status: MitigationStatus) -> str:
    if status.proof is not None and not status.proof.read_back.confirmed:
        return "⚪ Uncertain, not read back yet:"
    return "🟡 In force, proof under way:"


_MARKS: Mapping[MitigationState, str] = {
    MitigationState.DRAFT: "⚪ Not in force, a draft:",
    MitigationState.AWAITING_APPROVAL: "⚪ Not in force, waiting for approval:",
    MitigationState.APPLYING: "⚪ Uncertain, being applied:",
    MitigationState.APPLIED: "🟡 In force, proof under way:",
    MitigationState.DELIVERED: "🟡 In force, proof under way:",
    MitigationState.OBSERVED: "🟢 In force, proven:",
    MitigationState.INEFFECTIVE: "🔴 INEFFECTIVE, not obeyed:",
    MitigationState.UNPROVEN: "⚪ UNPROVEN, in force and no effect seen either way:",
    MitigationState.HELD: "🔴 Held:",
    MitigationState.REVERTING: "⚪ Uncertain, being undone:",
    MitigationState.STILL_ON: "🔴 Still in force at its control plane, which declined to lift it:",
    MitigationState.REVERTED: "Ended:",
    MitigationState.EXPIRED: "Ended:",
    MitigationState.REFUSED: "Never in force:",
}


def _doubts(status: MitigationStatus, now: datetime) -> Iterator[str]:
    """What somebody must know: held, uncertain, about to end, and what the next step of its way out waits for."""
    m = status.mitigation
    if m.state is MitigationState.HELD:
        yield "It stays in force until somebody undoes or extends it."
    elif m.state is MitigationState.STILL_ON:
        yield "It is still in force. Try again to undo it, lift it there, or extend it."
    elif now >= m.since + (m.expires_at - m.since) * WARN_AFTER:
        yield f"🟡 *Ends soon*, at {date_token(m.expires_at)}: extend it if it is still needed."
    if m.declined:
        yield f"{quote_untrusted(m.driver, 60)}: {quote_untrusted(m.declined, 300).rstrip('.')}."
    if status.strayed is not None:
        said = f"{quote_untrusted(status.strayed.driver, 60)} says otherwise: {quote_untrusted(status.strayed.detail, 300).rstrip('.')}."
        yield f"🔴 {said} {'It is being told again.' if status.strayed.again else 'It was not told again.'}"
    if m.uncertain:
        yield f"Uncertain: {quote_untrusted(m.uncertain, 300).rstrip('.')}."
    if m.state is MitigationState.INEFFECTIVE:
        levers = status.escalated.stronger if status.escalated else stronger(m.kind)
        offered = " or ".join(lever.label.lower() for lever in levers)
        yield f"*Next stronger lever:* {offered}." if offered else "*Stop the agent where it runs.*"


def _kept(status: MitigationStatus, public_url: str) -> str:
    """The evidence that was exported before it was applied."""
    if status.kept is None:
        return ""
    tasks = "1 task" if status.kept.traces == 1 else f"{status.kept.traces} tasks"
    page = f"{public_url}/incidents/{status.mitigation.incident}/snapshots/{status.kept.snapshot}"
    return f"Kept first: {link(page, tasks) if public_url else tasks}."


def _exit(status: MitigationStatus) -> str:
    """The way out, with the step it is at."""
    plan, m = status.mitigation.exit, status.mitigation
    if plan is None:
        return ""
    ahead = [figure_of(step) for step in plan.steps[plan.done :]]
    course = " → ".join([f"*{quote_untrusted(figure_of(m.value), 60)}*", *ahead, *(["off"] if plan.lift else [])])
    waits = f" Waits: {quote_untrusted(status.waiting, 200).rstrip('.')}." if status.waiting else ""
    return f"Way out: {course}, {plan.minutes} min apart, each behind the recovery gate.{waits}"


def _times(status: MitigationStatus) -> str:
    """Apply → delivered → observed, as far as it got."""
    begun = status.first.get("applied")
    if begun is None:
        return ""
    later = [name for name in ("delivered", "observed") if name in status.first]
    took = {name: (status.first[name] - begun).total_seconds() for name in later}
    if "delivered" in took and status.proof is not None and status.proof.delivery.seconds is not None:
        took["delivered"] = status.proof.delivery.seconds  # measured where it was read, not where we noticed
    parts = [f"{name} after {_took(seconds)}" for name, seconds in took.items()]
    return " → ".join([f"Applied {date_token(begun)}", *parts]) if parts else ""


def _took(seconds: float) -> str:
    """Whole units, with a decimal only where it shows."""
    if seconds < SHORTEST:
        return f"less than {SHORTEST} s"
    return f"{seconds:.1f} s" if seconds < DECIMALS_BELOW else duration(seconds)


def _proof(proof: Proof) -> str:
    return f"Proof: {_read_back(proof.read_back)} · {_delivered(proof.delivery)} · {_effect(proof.effect)}"


def _read_back(read: ReadBack) -> str:
    return "read back ✔ yes" if read.confirmed else f"read back ✖ no: {quote_untrusted(read.detail, 200)}"


def _delivered(delivery: Delivery) -> str:
    if not delivery.instances:
        return "delivered: no instance has asked yet"
    took = f" in {_took(delivery.seconds)}" if delivery.seconds is not None else ""
    all_of_them = " ✔" if delivery.reached >= delivery.instances else ""
    names = [quote_untrusted(name, 40) for name in delivery.stale[:SHOWN_STALE]]
    more = f" and {len(delivery.stale) - SHOWN_STALE} more" if len(delivery.stale) > SHOWN_STALE else ""
    stale = f" (stale: {', '.join(names)}{more})" if names else ""
    return f"delivered{all_of_them} {delivery.reached} of {delivery.instances} instances{took}{stale}"


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
