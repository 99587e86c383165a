"""What the declarer sees right after: it is on record, and where to go next."""

from typing import Final

from bot.incident.timeline import IncidentState
from bot.slack.blocks import View, context, modal, section
from bot.slack.text import bold_untrusted, quote_untrusted

CALLBACK: Final = "declared"


def declared(state: IncidentState, harm: bool | None = None) -> View:  # noqa: FBT001 - the declarer's own yes or no
    """The confirmation. ``harm`` overrides what the state says about harm happening now."""
    incident = state.incident
    harm_now = state.harm_now if harm is None else harm
    channel = f"<#{state.channel_id}>" if state.channel_id else "Its channel is being made; you are invited to it."
    where = "in the channel" if state.channel_id else "in the new channel"
    if harm_now:
        step = f"*Next: contain it.* The card {where} has the kill switch and the turn limit: one click each."
    else:
        step = f"*Next: classify it.* Press *Classify* on the card {where}; it takes two screens."
    facts = f"{incident.key} · {quote_untrusted(incident.agent, 200)} · {state.severity.value}"
    blocks = [
        section(f"*{facts}*\n{bold_untrusted(incident.title, 1200)}"),
        section(f"{channel}\n{step}"),
        context("The evidence of this moment is being kept. Nothing is lost if you close this."),
    ]
    return modal(CALLBACK, f"{incident.key} declared", blocks, {"k": incident.key}, close="Close")
