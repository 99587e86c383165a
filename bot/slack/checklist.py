"""The runbook in the channel: what not to do, then every step with a button to tick it, edited in place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.incident.checklist import Checklist, Item, groups_of
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import DEFAULT_TTL
from bot.incident.runbook import Deed, Phase
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, Card, actions, button, context, section
from bot.slack.text import date_token, link, plain_untrusted, quote_untrusted, who

MOST_BLOCKS: Final = 50
RESERVED: Final = 2  # for what does not fit, and for steps of a former class
STEP_LIMIT = 300
SHOWN_FORMER = 8
PHASE_WORDS: Final[Mapping[Phase, str]] = {
    Phase.CONTAINMENT: "Contain",
    Phase.DIAGNOSIS: "Find out",
    Phase.REMEDIATION: "Mend",
    Phase.COMMUNICATION: "Tell",
    Phase.RECOVERY: "It is over when",
}


def checklist_message(state: IncidentState, checklist: Checklist, public_url: str = "") -> Card:
    """The checklist of the class that is set. Steps that do not fit are counted and stand on the page."""
    book, key = checklist.runbook, state.incident.key
    progress = f"{checklist.done} of {len(checklist.items)} steps ticked"
    blocks: list[Block] = [section(f"*Runbook: {quote_untrusted(book.title, 160)}* · {progress}", f"checklist:{key}")]
    blocks += [section(_do_not(checklist))] if book.do_not else []
    hidden = 0
    for phase, items, others in groups_of(checklist, state.cause):
        rows = [section(f"*{PHASE_WORDS[phase]}*{_aside(others)}")]
        for item in items:
            rows += _step(state, checklist, item)
            if len(blocks) + len(rows) > MOST_BLOCKS - RESERVED:
                del rows[-len(_step(state, checklist, item)) :]
                hidden += 1
        blocks += rows if len(rows) > 1 or others else []
    blocks += [context(_rest(hidden, key, public_url))] if hidden or public_url else []
    blocks += [context(_former(checklist))] if checklist.former else []
    return Card(blocks, f"{key}: runbook {book.incident_class.value}, {progress}")


def _do_not(checklist: Checklist) -> str:
    lines = [
        f"• *{quote_untrusted(one.text, 200).rstrip('.')}.* {quote_untrusted(one.because, 200).rstrip('.')}."
        for one in checklist.runbook.do_not[:7]
    ]
    return "\n".join(["*Do not*", *lines])


def _aside(others: list[Item]) -> str:
    return f" ({len(others)} more for another cause)" if others else ""


def _step(state: IncidentState, checklist: Checklist, item: Item) -> list[Block]:
    """The step with its button; a lever has a row of its own under the step."""
    key, step = state.incident.key, item.step
    about = {"k": str(key), "s": step.id, "c": checklist.runbook.incident_class.value}
    row = section("\n".join(_lines(item)), f"step-{step.id}:{key}")
    if not state.status.is_open:
        return [row]
    tick = button("Untick", "untick", about) if item.done else button("Tick", "tick", about)
    lever = _lever(state, item, about)
    if lever is None:
        return [{**row, "accessory": tick}]
    return [row, actions(f"lever-{step.id}:{key}", lever, tick)]


def _lines(item: Item) -> Iterator[str]:
    text = quote_untrusted(item.step.text, STEP_LIMIT)
    if item.done and item.by and item.at:
        yield f"✔ Done: {text} · {who(item.by)} {date_token(item.at)}"
        return
    yield f"Open: {text}"
    if item.locked:
        yield f"🔒 {item.locked}"
    if item.step.verify:
        yield f"_Verify_: {quote_untrusted(item.step.verify, STEP_LIMIT).rstrip('.')}. _Undo_: {quote_untrusted(item.step.undo, STEP_LIMIT)}"
    if item.step.action is Deed.SNAPSHOT:
        yield "_Telemetry is frozen since the declaration; memory and index are yours to copy._"


def _lever(state: IncidentState, item: Item, about: Mapping[str, Any]) -> Block | None:
    """The button that pulls the step's lever: which one, on what, for how long."""
    kind = item.step.action
    if item.done or not isinstance(kind, MitigationKind):
        return None
    agent = plain_untrusted(state.incident.agent, 30)
    return button(f"{kind.label} · {agent} · {DEFAULT_TTL.total_seconds() / 60:.0f} min", "pull", about)


def _rest(hidden: int, key: str, public_url: str) -> str:
    page = link(f"{public_url}/incidents/{key}#runbook", "on its page") if public_url else "on its page"
    more = f"{hidden} more steps {page}. " if hidden else f"Also {page}. "
    return f"{more}Evidence: `/incident evidence`. Updates: `/incident update`."


def _former(checklist: Checklist) -> str:
    told = [
        f"{tick.fact.incident_class.value}: {quote_untrusted(tick.fact.text, 120)} ({who(tick.by)} {date_token(tick.at)})"
        for tick in checklist.former[-SHOWN_FORMER:]
    ]
    return f"Ticked under a former class ({len(checklist.former)}): " + " · ".join(told)
