"""What the declarer sees right after: it is on record, and the next step is one press away."""

from collections.abc import Mapping
from typing import Any, Final

from bot.incident.state import IncidentState
from bot.slack.blocks import View, context, modal, section
from bot.slack.text import bold_untrusted, quote_untrusted
from bot.slack.views.reading import key_of

CALLBACK: Final = "declared"


def declared(state: IncidentState) -> View:
    """The confirmation; its button goes on to the first question."""
    incident = state.incident
    channel = f"<#{state.channel_id}>" if state.channel_id else "Its channel is being made; you are invited to it."
    facts = f"{incident.key} · {quote_untrusted(incident.agent, 200)} · {state.severity.value}"
    step = "*Next: contain it*" if state.harm_now else "*Next: classify it*"
    blocks = [
        section(f"*{facts}*\n{bold_untrusted(incident.title, 1200)}"),
        section(f"{step}, here or on the card in the channel. Telemetry has answered most questions.\n{channel}"),
        context("The evidence of this moment is being kept. Nothing is lost if you close this."),
    ]
    submit = "Contain" if state.harm_now else "Classify"
    return modal(CALLBACK, f"{incident.key} declared", blocks, {"k": incident.key}, submit=submit, close="Close")


def read(view: Mapping[str, Any]) -> str:
    """The incident to go on with."""
    return key_of(view)
