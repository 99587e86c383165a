"""Messages of ours in a channel: at most one a second, and never the same one twice."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.slack.workspace import Declined, Workspace, asked

CARD = "firstfive_card"
CHECKLIST = "firstfive_checklist"
MESSAGE = "firstfive_message"
LOOKED_AT = 50  # newest messages of a channel searched for one of ours


@dataclass(slots=True)
class Pace:
    """Slack takes about one message a second in a channel; ``seconds`` is the gap we keep."""

    seconds: float = 1.0
    _next: dict[str, float] = field(default_factory=dict)

    async def turn(self, channel: str) -> None:
        """Wait until the channel takes another message."""
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._next.get(channel, 0.0))
        self._next[channel] = at + self.seconds
        if len(self._next) > 1000:  # noqa: PLR2004  forgets channels long quiet
            self._next = {name: when for name, when in self._next.items() if when > loop.time()}
        await asyncio.sleep(max(0.0, at - loop.time()))


@dataclass(frozen=True, slots=True)
class Message:
    """What to post, and the mark by which we find it again."""

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    mark: str = MESSAGE  # event type of its metadata
    name: str = ""  # what makes it this message and no other

    def body(self) -> dict[str, Any]:
        """As Slack wants it."""
        metadata = {"event_type": self.mark, "event_payload": {"name": self.name}}
        body: dict[str, Any] = {"text": self.text, "unfurl_links": False, "unfurl_media": False, "metadata": metadata}
        return {**body, "blocks": list(self.blocks)} if self.blocks else body


@dataclass(frozen=True, slots=True)
class Posting:
    """Posts, edits and finds our messages."""

    workspace: Workspace
    pace: Pace = field(default_factory=Pace)

    async def post(self, channel: str, message: Message) -> str:
        """Post it; returns its timestamp, which is its id in the channel.

        Raises:
            Declined, Unavailable: Slack did not take it.
        """
        await self.pace.turn(channel)
        answer = await asked(self.workspace.room.chat_postMessage(channel=channel, **self._body(message)))
        return str(answer["ts"])

    async def edit(self, channel: str, ts: str, message: Message) -> bool:
        """Edit it in place; False when it is gone.

        Raises:
            Declined, Unavailable: Slack did not take it.
        """
        body = {name: value for name, value in self._body(message).items() if not name.startswith("unfurl")}
        try:
            await asked(self.workspace.room.chat_update(channel=channel, ts=ts, **body))
        except Declined as error:
            if error.code in {"message_not_found", "cant_update_message", "edit_window_closed"}:
                return False
            raise
        return True

    async def found(self, channel: str, message: Message) -> str | None:
        """The timestamp of this very message if it was posted before, by its metadata or the ids of its blocks."""
        try:
            answer = await asked(
                self.workspace.room.conversations_history(channel=channel, limit=LOOKED_AT, include_all_metadata=True)
            )
        except Declined:
            return None
        for posted in answer.get("messages", ()):
            if self._is_ours(posted) and _same(posted, message):
                return str(posted["ts"])
        return None

    def _body(self, message: Message) -> dict[str, Any]:
        shown = self.workspace.shown({"text": message.text, "blocks": list(message.blocks)})
        return replace(message, text=shown["text"], blocks=shown["blocks"]).body()

    def _is_ours(self, posted: Mapping[str, Any]) -> bool:
        identity = self.workspace.identity
        return bool(posted.get("bot_id")) or posted.get("user") == identity.user_id


def _same(posted: Mapping[str, Any], message: Message) -> bool:
    metadata = posted.get("metadata") or {}
    if metadata.get("event_type") == message.mark:
        return bool((metadata.get("event_payload") or {}).get("name") == message.name)
    if message.mark not in {CARD, CHECKLIST}:
        return False
    mine = next((str(block["block_id"]) for block in message.blocks if block.get("block_id")), None)
    return mine is not None and any(block.get("block_id") == mine for block in posted.get("blocks") or ())
