"""One control in force as a paragraph: what it is, the proof of it, and what somebody must know."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import assert_never

from bot.incident.control_values import figure_of
from bot.incident.fitness import stronger
from bot.incident.mitigation import MitigationState
from bot.incident.proof import Delivery, Effect, Proof, ReadBack, Verdict
from bot.incident.quantities import duration, in_minutes
from bot.incident.state import MitigationStatus
from bot.response.in_force import WARN_AFTER
from bot.slack.text import date_token, link, quote_untrusted, who

SHOWN_STALE = 3


def control_line(status: MitigationStatus, now: datetime, public_url: str) -> str:
    """The paragraph, as Slack's mrkdwn; without ``public_url`` it links to no page of ours."""
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
    return f"Way out: {course}, {in_minutes(plan.minutes)} apart, each behind the recovery gate.{waits}"


def _times(status: MitigationStatus) -> str:
    """Apply → delivered → observed, as far as it got."""
    begun = status.first.get("applied")
    if begun is None:
        return ""
    later = [name for name in ("delivered", "observed") if name in status.first]
    took = {name: (status.first[name] - begun).total_seconds() for name in later}
    if "delivered" in took and status.proof is not None and status.proof.delivery.seconds is not None:
        took["delivered"] = status.proof.delivery.seconds  # measured where it was read, not where we noticed
    parts = [f"{name} after {duration(seconds)}" for name, seconds in took.items()]
    return " → ".join([f"Applied {date_token(begun)}", *parts]) if parts else ""


def _proof(proof: Proof) -> str:
    return f"Proof: {_read_back(proof.read_back)} · {_delivered(proof.delivery)} · {_effect(proof.effect)}"


def _read_back(read: ReadBack) -> str:
    return "read back ✔ yes" if read.confirmed else f"read back ✖ no: {quote_untrusted(read.detail, 200)}"


def _delivered(delivery: Delivery) -> str:
    if not delivery.instances:
        return "delivered: no instance has asked yet"
    took = f" in {duration(delivery.seconds)}" if delivery.seconds is not None else ""
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
