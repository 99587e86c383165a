"""A 📌 on a message in an incident's channel puts that message on the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.incident.errors import FirstfiveError
from bot.incident.model import Person
from bot.slack.answers import failed
from bot.slack.desk import Desk
from bot.slack.phrase import unescaped
from bot.slack.requests import Payload
from bot.slack.workspace import Declined, asked

PIN = "pushpin"


@dataclass(frozen=True, slots=True)
class Reactions:
    """Notes by reaction. Other reactions, and other channels, are nobody's business."""

    desk: Desk

    async def __call__(self, payload: Payload) -> None:
        """One ``reaction_added`` event. Two pins on a message make one note; failures are told to who pinned."""
        event = payload.get("event") or {}
        item = event.get("item") or {}
        if event.get("reaction") != PIN or item.get("type") != "message":
            return
        channel, ts = str(item.get("channel", "")), str(item.get("ts", ""))
        state = await self.desk.verbs.look.in_channel(channel)
        if state is None:
            return
        try:
            await self._note(state.incident.key, event, channel, ts)
        except FirstfiveError as error:
            await self.desk.answers.tell_person(str(event.get("user", "")), channel, failed(f"Not noted: {error}"))
        self.desk.wake()

    async def _note(self, key: str, event: Mapping[str, Any], channel: str, ts: str) -> None:
        message = await self._message(channel, ts)
        if message is None:
            raise Declined("message_not_found")
        pinned_by = await self.desk.people.person(str(event.get("user", "")))
        author = await self._author(message)
        link = await self._permalink(channel, ts)
        text = unescaped(str(message.get("text") or "")) or "(a message without text)"
        await self.desk.verbs.note(key, text, "pin", author, pinned_by, f"pin:{channel}:{ts}", link)

    async def _message(self, channel: str, ts: str) -> Mapping[str, Any] | None:
        """The message, from the channel or from the thread it stands in."""
        client = self.desk.workspace.client
        answer = await asked(client.conversations_history(channel=channel, latest=ts, inclusive=True, limit=1))
        found = _at(answer, ts)
        if found is None:
            answer = await asked(
                client.conversations_replies(channel=channel, ts=ts, latest=ts, inclusive=True, limit=1)
            )
            found = _at(answer, ts)
        return found

    async def _author(self, message: Mapping[str, Any]) -> Person:
        if message.get("user"):
            return await self.desk.people.person(str(message["user"]))
        name = str(message.get("username") or message.get("bot_id") or "an app")
        return Person(str(message.get("bot_id") or name), name)

    async def _permalink(self, channel: str, ts: str) -> str | None:
        try:
            answer = await asked(self.desk.workspace.client.chat_getPermalink(channel=channel, message_ts=ts))
        except FirstfiveError:
            return None
        return str(answer.get("permalink") or "") or None


def _at(answer: Mapping[str, Any], ts: str) -> Mapping[str, Any] | None:
    return next((message for message in answer.get("messages") or () if message.get("ts") == ts), None)
