"""What an outbox message says, from its task and the incident as it is now. Pure."""

from datetime import datetime

from bot.incident.approval import Approval
from bot.incident.fitness import stronger
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.state import IncidentState
from bot.ports import RoomTask
from bot.slack import messages
from bot.slack.blocks import Block, Card, actions, section
from bot.slack.card_controls import control_buttons, stronger_button
from bot.slack.card_questions import answer_words, answered_blocks, question_blocks
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
    return _said(task, state, text)


def _said(task: RoomTask, state: IncidentState, text: str) -> Card:
    """A plain message, with buttons for what can be done about the control it is about."""
    card = messages.said_in(state, text.removeprefix(PAGE))
    if (asked := open_question(task, state)) is not None:
        return Card(list(question_blocks(asked)), card.text)
    card = Card([*card.blocks, *_buttons(task, state)], card.text)
    if not text.startswith(PAGE):
        return card
    # The words are quoted so that nothing in them can call people; this call is ours.
    words = card.blocks[0]["text"]["text"]
    return Card([section(f"{PAGE}{words}"), *card.blocks[1:]], card.text)


def open_question(task: RoomTask, state: IncidentState) -> Approval | None:
    """The question to a second person that a message puts, as long as nobody has answered it."""
    asked = state.approvals.get(task.key.partition(":")[2]) if task.key.startswith(("ask:", "glass:")) else None
    return asked if asked is not None and asked.is_pending else None


def answered(asked: Approval, key: str) -> Card:
    """The message of a question that is answered or has run out: what became of it, and no buttons."""
    blocks = answered_blocks(asked)
    return Card(blocks, f"{key}: {answer_words(asked)}")


def _buttons(task: RoomTask, state: IncidentState) -> list[Block]:
    """What can be done about a control right where the room is told of it."""
    about, _, rest = task.key.partition(":")
    status = state.mitigations.get(rest.partition(":")[0])
    if status is None or not status.mitigation.state.is_live:
        return []
    m = status.mitigation
    if about in {"warned", "held", "not-lifted", "unheard", "strayed"}:
        return [actions(f"{about}:{m.incident}", *control_buttons(m))]
    if about == "escalated" and (levers := stronger(m.kind)):
        return [actions(f"{about}:{m.incident}", stronger_button(m, levers[0]), *control_buttons(m)[:1])]
    return []


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
