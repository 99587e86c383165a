"""The incident card: pinned, edited in place, at most twelve blocks, one obvious next step."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.incident.classification import Classification
from bot.incident.mitigation import MitigationState, Offer, Proof, Standing, Verdict
from bot.incident.model import Role
from bot.incident.runbook import Runbook
from bot.incident.taxonomy import CLASSES, IncidentClass
from bot.incident.timeline import Declared, Event, IncidentState, MitigationStatus
from bot.response.declare import NUDGE_AFTER
from bot.slack.blocks import Block, Card, actions, button, context, header, overflow, section
from bot.slack.text import bold_untrusted, date_token, duration, link, plain_untrusted, quote_untrusted, who

__all__ = ["Card", "incident_card"]

MOST_BLOCKS = 12
MOST_BUTTONS = 4  # of live mitigations, in one row
MINUTES = 60
LINE = 280  # characters of one line of evidence or reason
MORE = (
    ("note", "Add a note"),
    ("role", "Name a commander or scribe"),
    ("severity", "Change the severity"),
    ("timeline", "Show the timeline"),
    ("resolve", "Resolve"),
)
_MARK = {
    MitigationState.OBSERVED: "✔",
    MitigationState.INEFFECTIVE: "✖",
    MitigationState.UNPROVEN: "?",
    MitigationState.HELD: "!",
}
_VERDICT = {
    Verdict.OBSERVED: "observed ✔",
    Verdict.INEFFECTIVE: "INEFFECTIVE ✖",
    Verdict.UNPROVEN: "UNPROVEN",
    Verdict.WAITING: "watching new tasks",
}


def incident_card(
    state: IncidentState,
    events: tuple[Event, ...],
    now: datetime,
    public_url: str,
    runbook: Runbook | None = None,
    offers: Sequence[Offer] = (),
) -> Card:
    """The card as the timeline has it; ``offers`` are best first."""
    del now  # times on the card are Slack's own tokens: a card that ages must not be sent again
    blocks = [*_head(state, events), *_evidence(state, public_url), *_class(state, public_url, runbook)]
    blocks += [*_mitigations(state), *_steps(state, offers, public_url), *_foot(state, public_url)]
    return Card(blocks[:MOST_BLOCKS], _summary(state))


def _summary(state: IncidentState) -> str:
    named = state.incident_class.value if state.incident_class else "not classified"
    title = quote_untrusted(state.incident.title, 200)
    return f"{state.incident.key} {state.severity.value} {state.status.value}, {named}: {title}"


def _head(state: IncidentState, events: Sequence[Event]) -> Iterator[Block]:
    incident = state.incident
    test = "TEST · " if incident.test else ""
    named = state.incident_class.value if state.incident_class else "no class yet"
    if not state.status.is_open:
        named = f"{named} · {state.status.value}"
    agent = plain_untrusted(incident.agent, 60)
    yield header(f"{test}{incident.key} · {agent} · {state.severity.value} · {named}")
    harm = "\n*Harm is happening now.* Contain first." if state.harm_now and state.status.is_open else ""
    yield section(f"{bold_untrusted(incident.title, 600)}{harm}", f"card:{incident.key}")
    yield context(_people(state), _clock(state, events))


def _people(state: IncidentState) -> str:
    named = [f"{role.value.capitalize()} {who(state.roles[role])}" for role in Role if role in state.roles]
    if Role.COMMANDER not in state.roles:
        named.insert(0, "Commander: nobody yet")
    return " · ".join(named)


def _clock(state: IncidentState, events: Sequence[Event]) -> str:
    incident = state.incident
    noticed = next((event.fact.detection for event in events if isinstance(event.fact, Declared)), "")
    said = f"Declared {date_token(incident.declared_at)} by {who(incident.declared_by)}"
    if noticed:
        said += f" ({quote_untrusted(noticed, 120)})"
    if state.resolved_at:
        took = duration((state.resolved_at - incident.declared_at).total_seconds())
        return f"{said} · resolved {date_token(state.resolved_at)} after {took}"
    if state.classified_at:
        took = duration((state.classified_at - incident.declared_at).total_seconds())
        return f"{said} · classified after {took}"
    due = date_token(incident.declared_at + NUDGE_AFTER)
    return f"{said} · {'class overdue since' if state.overdue else 'classify by'} {due}"


def _evidence(state: IncidentState, public_url: str) -> Iterator[Block]:
    if state.snapshot is None:
        yield section("*What telemetry says*\nBeing measured …")
        return
    lines = [f"• {quote_untrusted(line, LINE)}" for line in state.evidence_summary]
    lines += [f"• Missing: {quote_untrusted(line, LINE)}" for line in state.evidence_missing]
    page = link(f"{public_url}/incidents/{state.incident.key}", "figures and charts")
    asof = date_token(state.incident.declared_at)
    yield section(f"*What telemetry says* (as of {asof}, kept; {page})\n" + "\n".join(lines))


def _class(state: IncidentState, public_url: str, runbook: Runbook | None) -> Iterator[Block]:
    if state.classified is not None:
        named = state.classified.incident_class
        head = f"*{named.value}: {CLASSES[named].name}* · suspected cause {state.classified.cause.value}"
        yield section(_reasoned(head, state.classified.classification))
        if state.status.is_open:
            yield context(*_runbook(named, runbook, public_url))
    elif state.suggested is not None:
        yield section(_looks(state.suggested))


def _looks(suggested: Classification) -> str:
    named = suggested.incident_class
    if named is None:
        return "*Telemetry shows nothing unusual.* If people see harm, classify by what they see."
    if named is IncidentClass.UNKN:
        return _reasoned("*Telemetry can't tell what this is*", suggested)
    head = f"*Looks like {named.value}: {CLASSES[named].name}* ({suggested.confidence.value} confidence)"
    return _reasoned(head, suggested)


def _reasoned(head: str, reasons: Classification) -> str:
    because = [f"because {quote_untrusted(text, LINE)}" for text in reasons.because[:3]]
    excluded = [quote_untrusted(text, 140) for text in reasons.rules_out[:3]]
    rest = ["_" + "; ".join(excluded).replace("_", " ") + "_"] if excluded else []
    return "\n".join([head, *because, *rest])


def _runbook(named: IncidentClass, runbook: Runbook | None, public_url: str) -> Iterator[str]:
    if runbook is not None:
        steps = "  ".join(
            f"{number}. {quote_untrusted(step, 160)}" for number, step in enumerate(runbook.first_five, 1)
        )
        yield f"*Runbook: {quote_untrusted(runbook.title, 80)}*  {steps}"
    yield f"*Do not:* {'; '.join(CLASSES[named].do_not)}."
    del public_url


def _mitigations(state: IncidentState) -> Iterator[Block]:
    live = state.live_mitigations
    ended = [status for status in state.mitigations.values() if not status.mitigation.state.is_live]
    if live:
        yield section("\n".join(_live_line(status) for status in live))
        rows = [element for status in live for element in _live_buttons(state, status, len(live) > 1)]
        yield actions(f"live:{state.incident.key}", *rows[:MOST_BUTTONS])
    elif state.status.is_open:
        yield context("Active controls: none", *map(_ended_line, ended[-3:]))
        return
    if ended:
        yield context(*map(_ended_line, ended[-3:]))


def _live_line(status: MitigationStatus) -> str:
    m = status.mitigation
    mark = _MARK.get(m.state, "…")
    until = "its time is over and it *stays on* until somebody decides"
    if m.state is not MitigationState.HELD:
        until = f"expires {date_token(m.expires_at)}"
    head = f"{mark} *{m.label}* on {quote_untrusted(m.agent, 60)} · by {who(m.applied_by)} {date_token(m.applied_at)} · {until}"
    return f"{head}\n     {_proof(status.proof)}"


def _proof(proof: Proof | None) -> str:
    if proof is None:
        return "applied; reading it back …"
    read = (
        "read back ✔" if proof.read_back.confirmed else f"read back ✖ ({quote_untrusted(proof.read_back.detail, 120)})"
    )
    delivery = proof.delivery
    if not delivery.instances:
        delivered = "no instance has asked yet"
    else:
        took = f" in {delivery.seconds:.1f} s" if delivery.seconds is not None else ""
        delivered = f"delivered {delivery.reached} of {delivery.instances} instances{took}"
    return f"{read} · {delivered} · {_VERDICT[proof.effect.verdict]}: {quote_untrusted(proof.effect.detail, 200)}"


def _ended_line(status: MitigationStatus) -> str:
    m = status.mitigation
    by = f" by {who(status.ended_by)}" if status.ended_by else ""
    at = f" {date_token(status.ended_at)}" if status.ended_at else ""
    return f"{m.label}: {m.state.value}{by}{at}"


def _live_buttons(state: IncidentState, status: MitigationStatus, several: bool) -> Iterator[Block]:  # noqa: FBT001
    m = status.mitigation
    about = {"k": state.incident.key, "m": m.id}
    name = f" {m.label.lower()}" if several else ""
    yield button(f"Undo{name}", f"undo:{m.id}" if several else "undo", about)
    yield button(f"Extend{name} {MINUTES} min", f"extend:{m.id}" if several else "extend", about)


def _steps(state: IncidentState, offers: Sequence[Offer], public_url: str) -> Iterator[Block]:
    key = state.incident.key
    about = {"k": key}
    if not state.status.is_open:
        page = link(f"{public_url}/incidents/{key}/postmortem", "Postmortem")
        todos = f", {state.open_todos} gaps left for people" if state.open_todos else ""
        yield section(f"{page}{todos}.")
        style = None if state.status.value == "reviewed" else "primary"
        yield actions(
            f"card:{key}",
            button("Fill the postmortem", "postmortem", about, style),
            button("Evidence", "evidence", about),
        )
        return
    classified = state.classified is not None
    row = [] if classified else [button("Classify", "classify", about, "primary")]
    if Role.COMMANDER not in state.roles:
        row.append(button("Take command", "take_commander", about))
    row += [button("Contain…", "contain", about), button("Evidence", "evidence", about)]
    if classified:
        proven = any(status.mitigation.state is MitigationState.OBSERVED for status in state.live_mitigations)
        row += [button("Update", "update", about), button("Resolve", "resolve", about, "primary" if proven else None)]
        row.append(button("Classify again", "classify", about))
    levers = list(_levers(state, offers))
    if levers:
        yield actions(f"levers:{key}", *levers)
    yield actions(f"card:{key}", *row, overflow("more", [(f"{name}:{key}", text) for name, text in MORE]))


def _levers(state: IncidentState, offers: Sequence[Offer]) -> Iterator[Block]:
    """One click for what fits or is allowed; what is contraindicated is reached through Contain."""
    if state.classified is None and not state.harm_now:
        return
    live = {(status.mitigation.kind, status.mitigation.limit) for status in state.live_mitigations}
    first = state.classified is not None and not live
    for offer in offers:
        if offer.standing is Standing.CONTRAINDICATED or (offer.kind, offer.limit) in live:
            continue
        style = "primary" if first and offer.standing is Standing.FITS else None
        first = first and style is None
        about = {"k": state.incident.key, "kind": offer.kind.value, "limit": offer.limit, "minutes": MINUTES}
        yield button(f"{offer.label} · {MINUTES} min", f"apply:{offer.kind.value}", about, style)


def _foot(state: IncidentState, public_url: str) -> Iterator[Block]:
    failed = [f"{step.step} ({quote_untrusted(step.failed, 60)})" for step in state.room_steps if step.failed]
    page = link(f"{public_url}/incidents/{state.incident.key}", "Timeline and figures")
    yield context(page, f"Not done in Slack: {', '.join(failed)}" if failed else "")
