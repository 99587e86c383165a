"""What an outbox message says, from its task and the incident as it is now. Pure."""

from datetime import datetime

from bot.incident.model import FIRSTFIVE, Person
from bot.incident.timeline import IncidentState
from bot.ports import RoomTask
from bot.slack import messages
from bot.slack.blocks import Card, section
from bot.slack.text import bold_untrusted, link, quote_untrusted, who

ANNOUNCE = "announce"  # payload: the message tells another channel that there is an incident
PAGE = "<!channel> "  # how a message of ours asks for everybody in the room


def told(task: RoomTask, state: IncidentState, now: datetime, public_url: str) -> Card:
    """The message for a POST task."""
    if task.payload.get(ANNOUNCE):
        return announcement(state, public_url)
    text, by = task.payload["text"], task.payload.get("by", "")
    if by and by != FIRSTFIVE.id:
        return messages.update_posted(state, text, Person(by, by))
    if task.key in {"remind", "nudge"} and state.classified is None:
        return messages.nudge(state, now)
    if task.key == "raise" and state.classified is None:
        return messages.raised(state, state.severity.value)
    card = messages.said_in(state, text.removeprefix(PAGE))
    if not text.startswith(PAGE):
        return card
    # The words are quoted so that nothing in them can call people; this call is ours.
    words = card.blocks[0]["text"]["text"]
    return Card([section(f"{PAGE}{words}"), *card.blocks[1:]], card.text)


def announcement(state: IncidentState, public_url: str) -> Card:
    """One line for a channel that is not the incident's: what, how bad, and where it is worked on."""
    incident = state.incident
    test = "TEST · " if incident.test else ""
    head = f"{test}*{incident.key}* · {quote_untrusted(incident.agent, 200)} · {state.severity.value}"
    room = f"Worked on in <#{state.channel_id}>. " if state.channel_id else ""
    page = link(f"{public_url}/incidents/{incident.key}", "Page") if public_url else ""
    text = (
        f"{head}\n{bold_untrusted(incident.title, 600)}\n{room}Declared by {who(incident.declared_by)}. {page}".rstrip()
    )
    return Card([section(text)], f"{test}{incident.key} · {incident.agent}: {quote_untrusted(incident.title, 200)}")
