"""The parts of the strict Slack that people's actions need, and how payloads leave it."""

from dataclasses import dataclass
from typing import Any

from tests.strict_slack import payloads
from tests.strict_slack.delivery import Courier, Delivery, Kind, NotAcknowledged
from tests.strict_slack.response_urls import ResponseUrls
from tests.strict_slack.shapes import Json
from tests.strict_slack.views import Triggers, Views
from tests.strict_slack.world import BOT_USER, Channel, Person, World

# The scope an event type needs; by channel kind where that matters.
EVENT_SCOPES = {
    "message": {"public": "channels:history", "private": "groups:history", "im": "im:history"},
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "app_mention": "app_mentions:read",
    "member_joined_channel": "channels:read",
}


@dataclass(slots=True)
class Workspace:
    world: World
    views: Views
    triggers: Triggers
    urls: ResponseUrls
    courier: Courier
    scopes: frozenset[str]

    async def interact(self, kind: Kind, payload: Json, *, must_ack: bool) -> Delivery:
        """Send a command or interaction.

        Raises:
            NotAcknowledged: no acknowledgement in 3 seconds, unless `must_ack` is False.
        """
        delivery = await self.courier.deliver(kind, payload)
        if must_ack and not delivery.acked:
            raise NotAcknowledged(delivery)
        return delivery

    async def tell(self, body: Json, channel: Channel | None = None) -> Delivery:
        """Send an event, if the app's scopes and membership let it see this; else an unsent delivery says why."""
        event_id = self.world.next_id("Ev")
        at = self.world.clock.now()
        payload = payloads.event({**body, "event_ts": body.get("event_ts", f"{at:.6f}")}, event_id, at)
        if reason := self._unseen(body["type"], channel):
            return Delivery(Kind.EVENT, payload, failure=reason)
        return await self.courier.deliver(Kind.EVENT, payload)

    def _unseen(self, event: str, channel: Channel | None) -> str:
        if channel is not None and BOT_USER not in channel.members:
            return "the bot is not in the channel"
        wanted: Any = EVENT_SCOPES.get(event)
        scope = wanted.get(channel.kind if channel else "public") if isinstance(wanted, dict) else wanted
        return f"no scope {scope}" if scope and scope not in self.scopes else ""

    def surface_ids(self, person: Person) -> Json:
        return {"trigger_id": self.triggers.issue(person.id)}
