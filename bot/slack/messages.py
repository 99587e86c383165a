"""Messages other than the card: answers to one person, and what the room is told."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.incident.model import Person, Role
from bot.incident.narration import narrate
from bot.incident.postmortem import Section
from bot.incident.quantities import ago, duration
from bot.incident.state import IncidentState
from bot.incident.timeline import Event
from bot.response.declare import NUDGE_AFTER
from bot.slack.blocks import FALLBACK_LIMIT, SECTION_LIMIT, Block, Card, actions, button, context, header, section
from bot.slack.text import bold_untrusted, date_token, link, quote_untrusted, shorten, who

LINES_IN_A_SECTION = 12
LINE_LIMIT = 240
SECTIONS_IN_A_MESSAGE = 40
SHOWN_INCIDENTS = 20

VERBS = (
    ("/incident", "declare an incident; in an incident's channel: its menu"),
    ("/incident declare [what is wrong]", "declare another one"),
    ("/incident classify", "class, suspected cause and severity, with telemetry's answers"),
    ("/incident link [owner]", "a private link to classify on a web page, for an owner without Slack"),
    ("/incident evidence [agent]", "what telemetry says, with figures; of an agent, before anything is declared"),
    ("/incident mitigate", "every lever with what it would touch; proof and undo are on the card"),
    ("/incident update [text]", "tell those who wait"),
    ("/incident note TEXT", "keep something on the timeline; a 📌 on a message does the same"),
    ("/incident role", "who commands, writes, informs"),
    ("/incident severity", "judge the impact anew"),
    ("/incident timeline", "what happened so far"),
    ("/incident resolve", "harm has ended; drafts the postmortem"),
    ("/incident postmortem", "fill its gaps"),
    ("/incident list", "open and recent incidents"),
)


def answer_error(sentence: str) -> Card:
    """One sentence for the person who acted: what failed and what to do."""
    words = quote_untrusted(sentence, 1500, code=True)
    return Card([section(f"⚠️ {words}")], shorten(words, FALLBACK_LIMIT))


def answer(sentence: str) -> Card:
    """One sentence for the person who acted, when it worked."""
    words = quote_untrusted(sentence, 1500, code=True)
    return Card([section(words)], shorten(words, FALLBACK_LIMIT))


def help_text() -> Card:
    """Every verb in one line each."""
    lines = "\n".join(f"`{verb}`  {what}" for verb, what in VERBS)
    more = "Outside an incident's channel, name the incident: `/incident evidence INC-7`."
    return Card([section(f"*What /incident does*\n{lines}"), context(more)], "What /incident does")


def unknown_verb(word: str, nearest: str | None) -> Card:
    """The answer to a word that is none of ours, with the nearest one."""
    said = quote_untrusted(word, 60)
    hint = f"Did you mean `/incident {nearest}`?" if nearest else "`/incident help` shows what there is."
    return Card([section(f"There is no `/incident {said}`. {hint}")], f"There is no /incident {said}.")


def incident_list(states: Sequence[IncidentState], now: datetime, public_url: str = "") -> Card:
    """Open incidents first, then recent ones, newest first."""
    if not states:
        return Card([section("No incidents yet. `/incident` declares one.")], "No incidents yet.")
    still = [state for state in states if state.status.is_open]
    over = [state for state in states if not state.status.is_open]
    blocks: list[Block] = []
    room = SHOWN_INCIDENTS
    for title, group in (("Open", still), ("Recent", over)):
        shown, room = group[:room], max(0, room - len(group))
        lines = "\n".join(_listed(state, now, public_url) for state in shown)
        blocks.append(section(f"*{title}* ({len(group)})\n{lines or 'None.'}"))
    if len(states) > SHOWN_INCIDENTS and public_url:
        blocks.append(context(link(f"{public_url}/", f"All {len(states)} on the pages")))
    return Card(blocks, f"{len(still)} open, {len(over)} recent incidents")


def timeline_messages(state: IncidentState, events: Sequence[Event], public_url: str = "") -> tuple[Card, ...]:
    """The whole timeline, oldest first, in as many messages as it takes."""
    title = f"Timeline of {state.incident.key}"
    sections = [section(text) for text in _pages([_entry(event, state) for event in events])]
    if not sections:
        return (Card([section(f"*{title}*\nNothing yet.")], title),)
    pages = [sections[at : at + SECTIONS_IN_A_MESSAGE] for at in range(0, len(sections), SECTIONS_IN_A_MESSAGE)]
    cards = []
    for number, page in enumerate(pages, 1):
        heading = title if len(pages) == 1 else f"{title} ({number} of {len(pages)})"
        more = [context(link(f"{public_url}/incidents/{state.incident.key}", "On one page"))] if public_url else []
        cards.append(Card([header(heading), *page, *more], heading))
    return tuple(cards)


def nudge(state: IncidentState, now: datetime) -> Card:
    """Time passes without a class: how much is left of it, one question, one button."""
    incident = state.incident
    waited = duration(round((now - incident.declared_at).total_seconds()))
    commander = state.roles.get(Role.COMMANDER, incident.declared_by)
    due = incident.declared_at + NUDGE_AFTER
    left = f"There is time until {date_token(due)}. " if now < due else ""
    said = f"{incident.key} has no class after {waited}. {left}{who(commander)}, which kind of incident is it?"
    unsure = "UNKN is an answer too: it has its own runbook, and the class can be changed."
    step = actions(f"nudge:{incident.key}", button("Classify", "classify", {"k": incident.key}, "primary"))
    return Card([section(said), step, context(unsure)], f"{incident.key} has no class after {waited}.")


def raised(state: IncidentState, severity: str) -> Card:
    """Severity went up because nobody has classified the incident."""
    key = state.incident.key
    said = f"{key} is {quote_untrusted(severity, 40)} now: it has had no class for 30 min."
    step = actions(f"raised:{key}", button("Classify", "classify", {"k": key}, "primary"))
    return Card([section(said), step], said)


def private_links(key: str, agent: str, made: Sequence[tuple[str, str, datetime]]) -> Card:
    """Private links as (owner, address, until), for whoever passes them on."""
    lines = [
        f"• {quote_untrusted(owner, 80)}: {link(url, 'private link')}, until {date_token(until)}"
        for owner, url, until in made[:20]
    ]
    head = f"*Private links to classify {key}* for the owners of {quote_untrusted(agent, 80)}"
    more = "Each opens this one dialog on a page, without Slack, in its owner's name. Give it to nobody else."
    return Card([section("\n".join([head, *lines])), context(more)], f"Private links to classify {key}")


def update_posted(state: IncidentState, text: str, by: Person) -> Card:
    """An update for the room, as edited."""
    incident = state.incident
    words = quote_untrusted(text, SECTION_LIMIT - 200, lines=True)
    heading = f"*Update on {incident.key}* · {state.severity.value} · {state.status.value}"
    brief = quote_untrusted(text, FALLBACK_LIMIT - 40)
    return Card([section(f"{heading}\n{words}"), context(f"By {who(by)}")], f"{incident.key}: {brief}")


def postmortem_posted(state: IncidentState, public_url: str = "", open_todos: int | None = None) -> Card:
    """The draft is there: where to read it, and what only people can add."""
    incident = state.incident
    key = incident.key
    todos = state.open_todos if open_todos is None else open_todos
    page = (
        link(f"{public_url}/incidents/{key}/postmortem", f"Postmortem of {key}")
        if public_url
        else f"Postmortem of {key}"
    )
    left = {None: "", 0: "No gaps are left.", 1: "1 gap is left for people."}.get(
        todos, f"{todos} gaps are left for people."
    )
    said = f"{page} is drafted from the timeline. {left}".rstrip()
    gap = (
        ""
        if state.review.get(Section.MONITORING_GAP.value)
        else "The monitoring gap comes first: what would have found this?"
    )
    step = actions(f"postmortem:{key}", button("Fill the gaps", "postmortem", {"k": key}, "primary"))
    blocks = [section(f"{said}\n{bold_untrusted(incident.title, 400)}"), step, *([context(gap)] if gap else [])]
    return Card(blocks, f"Postmortem of {key} is drafted. {left}".rstrip())


def said_in(state: IncidentState, text: str) -> Card:
    """A plain message in the room, for instance a control that nobody has decided on."""
    words = quote_untrusted(text, SECTION_LIMIT - 200, lines=True)
    return Card([section(words)], f"{state.incident.key}: {quote_untrusted(text, FALLBACK_LIMIT - 40)}")


def _listed(state: IncidentState, now: datetime, public_url: str) -> str:
    incident = state.incident
    key = link(f"{public_url}/incidents/{incident.key}", incident.key) if public_url else incident.key
    named = state.incident_class.value if state.incident_class else "no class yet"
    room = f" <#{state.channel_id}>" if state.channel_id and not incident.private else ""
    title = "private" if incident.private else quote_untrusted(incident.title, 80)
    mark = "TEST · " if incident.test else ""
    age = ago((now - incident.declared_at).total_seconds())
    agent = quote_untrusted(incident.agent, 60)
    return f"• {mark}{key} · {state.severity.value} · {named} · {agent} · {state.status.value} · {age}{room}: {title}"


def _entry(event: Event, state: IncidentState) -> str:
    words = quote_untrusted(narrate(event, state), LINE_LIMIT * 2)
    return f"{date_token(event.at, 'moment')} · {who(event.by)} · {words}"


def _pages(lines: Sequence[str]) -> Iterator[str]:
    """Lines in paragraphs that fit a section."""
    kept: list[str] = []
    for line in lines:
        if kept and (len(kept) >= LINES_IN_A_SECTION or sum(map(len, kept)) + len(kept) + len(line) > SECTION_LIMIT):
            yield "\n".join(kept)
            kept = []
        kept.append(line)
    if kept:
        yield "\n".join(kept)
