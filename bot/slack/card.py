"""The incident card: pinned, edited in place, at most twelve blocks, one obvious next step.

Its blocks, from top to bottom: headline; title; people and clocks; what telemetry says; the
class with its reasons; the runbook's first steps; offers; controls in force; the buttons.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.incident.checklist import checklist_of
from bot.incident.environments import LONGEST_NAME, said_of
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.classifying import ClassDoubted
from bot.incident.facts.declaring import Declared, EvidenceFrozen
from bot.incident.links import pair_page
from bot.incident.model import Role
from bot.incident.offer import Offer
from bot.incident.quantities import duration
from bot.incident.rules import ClassFacts, Taxonomy
from bot.incident.runbook import Runbook
from bot.incident.state import IncidentState
from bot.incident.summary import headlines
from bot.incident.timeline import Event
from bot.response.declare import NUDGE_AFTER
from bot.slack.blocks import FALLBACK_LIMIT, Block, Card, actions, context, header, section
from bot.slack.card_buttons import next_steps
from bot.slack.card_controls import controls, offered
from bot.slack.evidence_lines import change_line, onset_line, onset_name, signal_line, slow_line, slowed
from bot.slack.text import (
    bold_untrusted,
    date_token,
    link,
    plain_untrusted,
    quote_untrusted,
    sentence,
    shorten,
    who,
)
from bot.slack.views.question import answers_so_far
from bot.slack.views.verdict import CAUSE_WORDS

__all__ = ["Card", "incident_card"]

MOST_BLOCKS = 12
SHOWN_FIGURES = 6
SHOWN_CHANGES = 2
SHOWN_REASONS = 3
SHOWN_STEPS = 3


def incident_card(
    state: IncidentState,
    events: tuple[Event, ...],
    now: datetime,
    public_url: str,
    taxonomy: Taxonomy,
    runbook: Runbook | None = None,
    offers: Sequence[Offer] = (),
    bundle: EvidenceBundle | None = None,
) -> Card:
    """The card as of ``now``. ``offers`` come best first; links go to pages under ``public_url``.

    With ``bundle``, the evidence of the declaration, each figure comes with a trace to look at.
    """
    blocks: list[Block] = [header(_headline(state, now)), section(_title(state))]
    asked = answers_so_far(state, taxonomy) if state.classified is None else ""
    blocks.append(context(" · ".join(_people(state, events, now)), asked, _not_done(state)))
    if state.resolution is not None:
        blocks += [section(_resolved(state, public_url)), section(_judged(state, taxonomy))]
    else:
        blocks += [section(_telemetry(state, events, public_url, bundle)), section(_judged(state, taxonomy))]
        blocks += [section(_runbook(state, runbook))] if runbook else []
        blocks += [section(offered(offers, state))] if offers and (state.classified or state.harm_now) else []
    blocks += controls(state, public_url, MOST_BLOCKS - 1 - len(blocks), now)
    blocks.append(actions(f"card:{state.incident.key}", *next_steps(state, offers)))
    return Card(blocks, _in_words(state, now))


def _headline(state: IncidentState, now: datetime) -> str:
    incident = state.incident
    marks = ["TEST"] if incident.test else []
    agent = plain_untrusted(incident.agent, 60)
    return " · ".join([*marks, incident.key, agent, state.severity.value, _stage(state, now)])


def _stage(state: IncidentState, now: datetime) -> str:
    named = state.incident_class
    if not state.status.is_open:
        return f"{named.value}, {state.status.value}" if named else state.status.value
    if named is not None:
        return f"{named.value}, {state.status.value}"
    return "class overdue" if _overdue(state, now) else "to be classified"


def _overdue(state: IncidentState, now: datetime) -> bool:
    return state.overdue or now > state.incident.declared_at + NUDGE_AFTER


def _title(state: IncidentState) -> str:
    title = bold_untrusted(state.incident.title, 2000)
    if state.harm_now and state.status.is_open:
        return f"{title}\n🔴 Harm is happening now: contain first, then classify."
    return title


def _people(state: IncidentState, events: Sequence[Event], now: datetime) -> Iterator[str]:
    incident = state.incident
    commander, scribe = state.roles.get(Role.COMMANDER), state.roles.get(Role.SCRIBE)
    yield f"Commander: {who(commander)}" if commander else "Commander: nobody yet"
    yield f"Scribe: {who(scribe)}" if scribe else "Scribe: nobody yet"
    yield f"Declared {date_token(incident.declared_at)} by {who(incident.declared_by)}"
    if incident.environment:
        yield f"Environment: {quote_untrusted(incident.environment, LONGEST_NAME)}"
    due = incident.declared_at + NUDGE_AFTER
    if state.status.is_open and state.incident_class is None:
        yield (
            f"⏱ Class overdue since {date_token(due)}"
            if _overdue(state, now)
            else f"⏱ Classify by {date_token(due)}, 5 min after the declaration"
        )
    seen = next((event.fact.detection for event in events if isinstance(event.fact, Declared)), "")
    if seen:
        yield f"Noticed: {quote_untrusted(seen, 160)}"
    if incident.private:
        yield "Private"


def _not_done(state: IncidentState) -> str:
    failed = [step for step in state.room_steps if step.failed]
    named = ", ".join(f"{quote_untrusted(s.step, 40)} ({quote_untrusted(s.failed or '', 60)})" for s in failed[:6])
    return f"Not done in Slack: {named}" if named else ""


def _telemetry(state: IncidentState, events: Sequence[Event], public_url: str, bundle: EvidenceBundle | None) -> str:
    frozen = next((event for event in events if isinstance(event.fact, EvidenceFrozen)), None)
    if frozen is None and not state.evidence_summary:
        return "*What telemetry says*\nReading it now; this card is updated in a moment."
    as_of = f" (as of {date_token(frozen.at)})" if frozen else ""
    lines = _measured(bundle, public_url) if bundle else []
    lines = lines or [f"• {quote_untrusted(line, 260)}" for line in state.evidence_summary[:SHOWN_FIGURES]]
    lines = lines or ["can't tell: there are no figures."]
    gaps = "; ".join(quote_untrusted(one, 160) for one in state.evidence_missing[:3])
    missing = [f"Missing: {gaps}"] if gaps else []
    missing += [quote_untrusted(note, 300) for note in said_of(bundle)] if bundle else []
    pages = [link(f"{public_url}/incidents/{state.incident.key}", "Charts and traces")] if public_url else []
    beside = pair_page(bundle.pair, public_url) if public_url and bundle and bundle.pair else None
    pages += [link(beside, "A bad task beside a good one")] if beside else []
    return "\n".join([f"*What telemetry says*{as_of}", *lines, *missing, *([" · ".join(pages)] if pages else [])])


def _measured(bundle: EvidenceBundle, public_url: str) -> list[str]:
    """One screen of evidence, worst first: figures with a trace each, when it began, what changed, what got slow."""
    shown = headlines(bundle, SHOWN_FIGURES)
    lines = [signal_line(signal, bundle, public_url, full=False) for signal in shown if signal.moved]
    lines += [f"• {onset_line(bundle.onset, onset_name(bundle))}"] if bundle.onset else []
    lines += [change_line(change) for change in bundle.changes[:SHOWN_CHANGES]]
    slow = slowed(bundle)
    lines += [slow_line(slow, bundle, public_url)] if slow else []
    return [*lines, *(signal_line(signal, bundle, public_url, full=False) for signal in shown if not signal.moved)]


def _judged(state: IncidentState, taxonomy: Taxonomy) -> str:
    said = state.classified
    reasons = said.classification if said else state.suggested
    named = state.incident_class or (reasons.incident_class if reasons else None)
    if named is None:
        nothing = "Telemetry shows nothing unusual." if reasons else "Telemetry has not said what it looks like yet."
        return f"*No class yet*\n{nothing} People may know better: classify what they see."
    facts = taxonomy.facts(named)
    if said:
        heading = f"*{named.value}: {facts.name}* · suspected cause: {_inside(CAUSE_WORDS[said.cause])}"
    else:
        sure = f" ({reasons.confidence.value} confidence)" if reasons else ""
        heading = f"*Looks like {named.value}: {facts.name}*{sure}"
    because = [f"• {quote_untrusted(one, 260)}" for one in (reasons.because if reasons else ())[:SHOWN_REASONS]]
    ruled = [quote_untrusted(one, 260).rstrip(".") for one in (reasons.rules_out if reasons else ())[:SHOWN_REASONS]]
    dropped = [sentence("; ".join(ruled))] if ruled else []
    doubted = [_doubt(state.doubt)] if state.doubt and state.status.is_open else []
    warned = [_do_not(facts)] if said and state.status.is_open else []
    return "\n".join([*doubted, heading, *because, *dropped, *warned])


def _doubt(doubt: ClassDoubted) -> str:
    detail = quote_untrusted(doubt.detail, 260).rstrip(".")
    return f"⚪ *Is it {doubt.incident_class.value}?* {detail}. Look at the class again: change it, or confirm it."


def _do_not(facts: ClassFacts) -> str:
    return "*Do not*: " + "; ".join(facts.do_not)


def _runbook(state: IncidentState, runbook: Runbook) -> str:
    """How far the checklist below is, and its next steps."""
    checklist = checklist_of(state, runbook)
    done = f" · {checklist.done} of {len(checklist.items)} steps ticked below" if checklist.items else ""
    ticked = {item.step.text for item in checklist.items if item.done}
    left = [step for step in runbook.first_five if step not in ticked]
    steps = [f"• {quote_untrusted(step, 220)}" for step in left[:SHOWN_STEPS]]
    return "\n".join([f"*Runbook: {quote_untrusted(runbook.title, 160)}*{done}", *(["Next:"] if steps else []), *steps])


def _resolved(state: IncidentState, public_url: str) -> str:
    resolution = state.resolution
    if resolution is None:
        return ""
    took = ""
    if state.resolved_at is not None:
        lasted = duration(round((state.resolved_at - state.incident.declared_at).total_seconds()))
        took = f" {date_token(state.resolved_at)}, {lasted} after it was declared"
    lines = [f"🟢 *Resolved*{took}", quote_untrusted(resolution.summary, 1000)]
    lines += [f"• {quote_untrusted(one, 260)}" for one in resolution.recovery[:SHOWN_REASONS]]
    return "\n".join([*lines, _postmortem(state, public_url)])


def _postmortem(state: IncidentState, public_url: str) -> str:
    page = f"{public_url}/incidents/{state.incident.key}/postmortem"
    name = link(page, "Postmortem") if public_url else "Postmortem"
    if state.open_todos is None:
        return f"{name}: the draft is being written."
    if state.open_todos == 0:
        return f"{name}: no gaps are left."
    return f"{name}: {state.open_todos} {'gap is' if state.open_todos == 1 else 'gaps are'} left for people."


def _in_words(state: IncidentState, now: datetime) -> str:
    return shorten(
        f"{quote_untrusted(_headline(state, now), 150)}: {quote_untrusted(state.incident.title, 140)}", FALLBACK_LIMIT
    )


def _inside(words: str) -> str:
    """Words that stood at the beginning, within a sentence: ``a tool or its API``."""
    return words[:1].lower() + words[1:]
