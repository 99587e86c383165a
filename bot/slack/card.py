"""The incident card: pinned, edited in place, at most twelve blocks, one obvious next step."""

from collections.abc import Sequence
from datetime import datetime

from bot.incident.mitigation import Offer
from bot.incident.runbook import Runbook
from bot.incident.timeline import Event, IncidentState
from bot.slack.blocks import Card, header

__all__ = ["Card", "incident_card"]


def incident_card(
    state: IncidentState,
    events: tuple[Event, ...],
    now: datetime,
    public_url: str,
    runbook: Runbook | None = None,
    offers: Sequence[Offer] = (),
) -> Card:
    """The card."""
    return Card([header(state.incident.key)], state.incident.key)
