"""The way to Slack: connect, stay connected, and work off what an earlier process left."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.app.house import House
from bot.incident.errors import FirstfiveError, Unavailable
from bot.storage.deliveries import GroupedDeliveries
from bot.storage.delivery_ledgers import open_deliveries
from bot.storage.outbox import SqlOutboxQueue
from bot.storage.rooms import SqlRoomRecords
from bot.web.doors import Answer

if TYPE_CHECKING:
    from bot.slack.edge import Given, SlackEdge

log = logging.getLogger("firstfive")

SLACK_AGAIN = (1.0, 2.0, 5.0, 15.0, 30.0)  # seconds between attempts to reach Slack
REPLAY_AFTER = 2.0  # seconds after the start; Slack's own repeats come first
REPLAY_BESIDE_OTHERS_AFTER = 30.0
OFFICIAL_SLACK = "https://slack.com/"


@dataclass(slots=True)
class SlackDoor:
    """Where Slack's requests go; closed while Slack cannot be reached."""

    edge: "SlackEdge | None" = None

    async def http(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """As the edge's intake.

        Raises:
            Unavailable: the edge is not connected yet; Slack repeats the request.
        """
        if self.edge is None:
            raise Unavailable("Slack is not connected yet; the request may be sent again.")
        return await self.edge.intake.http(body, headers)


@dataclass(slots=True)
class Health:
    """What stands between us and being ready."""

    waiting: dict[str, str] = field(default_factory=dict)  # part -> what it waits for

    def first(self) -> str | None:
        """The first thing that is missing, or None."""
        return next(iter(self.waiting.values()), None)


async def to_slack(home: House, public_url: str, door: SlackDoor, health: Health) -> None:
    """Connect, and stay connected; Slack being away at the start is no reason not to serve agents."""
    for attempt in range(1_000_000):
        try:
            await _connected(home, public_url, door, health)
        except Unavailable as error:
            wait = SLACK_AGAIN[min(attempt, len(SLACK_AGAIN) - 1)]
            health.waiting["slack"] = f"Slack cannot be reached: {error}"
            log.warning("Slack cannot be reached (%s); trying again in %g s.", error, wait)
            await asyncio.sleep(wait)


async def _connected(home: House, public_url: str, door: SlackDoor, health: Health) -> None:
    from bot.slack.edge import slack_edge  # noqa: PLC0415 - 0.3 s, only with Slack
    from bot.slack.groups import SlackGroups  # noqa: PLC0415 - as above
    from bot.slack.socket import connected  # noqa: PLC0415 - as above

    started = home.clock.now()
    opened = open_deliveries(home.database)
    queue = SqlOutboxQueue(home.database)
    if home.database.sqlite_path:  # one process only, so whatever is leased was leased by one that is gone
        await queue.release()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(opened.close)
        edge = await stack.enter_async_context(slack_edge(_given(home, public_url, queue, opened)))
        home.records.wake = edge.convergence.wake
        if token := home.settings.slack.app_token:
            await stack.enter_async_context(connected(edge.workspace, token, edge.intake))
        door.edge = edge
        stack.callback(setattr, door, "edge", None)
        home.groups.connected = SlackGroups(edge.workspace)
        stack.callback(setattr, home.groups, "connected", None)
        health.waiting.pop("slack", None)
        async with asyncio.TaskGroup() as group:
            group.create_task(edge.convergence.run())
            group.create_task(_replayed(edge, home, started))


def _given(home: House, public_url: str, queue: SqlOutboxQueue, deliveries: GroupedDeliveries) -> "Given":
    from bot.slack.edge import Given  # noqa: PLC0415 - 0.3 s, only with Slack

    slack = home.settings.slack
    return Given(
        verbs=home.verbs,
        records=home.records,
        rooms=SqlRoomRecords(home.database),
        queue=queue,
        deliveries=deliveries,
        traces=home.telemetry,
        clock=home.clock,
        ids=home.ids,
        catalogue=home.documents.catalogue,
        runbooks=home.documents.runbooks,
        postmortem_file=home.postmortem_file,
        public_url=public_url,
        bot_token=slack.bot_token,
        signing_secret=slack.signing_secret,
        api_url=slack.api_url,
        draw=home.pictures,
        plain=not slack.api_url.startswith(OFFICIAL_SLACK),
    )


async def _replayed(edge: "SlackEdge", home: House, started: datetime) -> None:
    """What an earlier process acknowledged and never finished; on PostgreSQL another one may still be at it."""
    await asyncio.sleep(REPLAY_AFTER if home.database.sqlite_path else REPLAY_BESIDE_OTHERS_AFTER)
    try:
        count = await edge.intake.replay(started)
    except FirstfiveError as error:  # the next start looks again; what is new must be served meanwhile
        log.warning("What earlier processes left could not be read: %s", error)
        return
    if count:
        log.info("%d requests from before the start are worked off.", count)
