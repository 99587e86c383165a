"""chat.*, pins.*, reactions.*: messages and what hangs on them."""

from collections.abc import Mapping
from typing import Any

from tests.strict_slack.arguments import Arguments
from tests.strict_slack.limits import message_problems
from tests.strict_slack.limits_table import LIMITS
from tests.strict_slack.refusal import Refused, invalid
from tests.strict_slack.shapes import Json
from tests.strict_slack.web_api import Perform
from tests.strict_slack.world import BOT_USER, Channel, Message, World


class ChatMethods:
    def __init__(self, world: World, scopes: frozenset[str]) -> None:
        self._world = world
        self._anywhere_public = "chat:write.public" in scopes
        self.warnings: list[str] = []
        self.accepted: list[Json] = []

    def table(self) -> Mapping[str, Perform]:
        return {
            "chat.postMessage": self.post,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.update": self.update,
            "chat.delete": self.delete,
            "chat.getPermalink": self.permalink,
            "pins.add": self.pin,
            "pins.remove": self.unpin,
            "pins.list": self.pinned,
            "reactions.add": self.react,
            "reactions.get": self.reactions,
        }

    def post(self, given: Arguments) -> Json:
        channel = self._target(given)
        body = self.checked_body(given.given)
        thread = given.text("thread_ts") or None
        if thread:
            self._world.message(channel, thread, error="thread_not_found")
        message = Message(channel.id, self._world.next_moment(), BOT_USER, thread_ts=thread, **body)
        message.broadcast = given.flag("reply_broadcast")
        self._world.post(message)
        return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}

    def _target(self, given: Arguments) -> Channel:
        channel_id = given.text("channel")
        if channel_id in self._world.people:
            return self._world.direct_channel(channel_id)
        # This method alone takes a channel's name too, with or without #.
        named = [c.id for c in self._world.channels.values() if c.name and c.name == channel_id.removeprefix("#")]
        found = self._world.channel(named[0] if named else channel_id)
        if self._anywhere_public and found.kind == "public" and not found.is_archived:
            return found
        return self._world.writable_channel(found.id)

    def post_ephemeral(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        body = self.checked_body(given.given)
        user = self._world.person(given.text("user"))
        if user.id not in channel.members:
            raise Refused("user_not_in_channel")
        message = Message(channel.id, self._world.next_moment(), BOT_USER, visible_only_to=user.id, **body)
        message.thread_ts = given.text("thread_ts") or None
        self._world.post(message)
        return {"message_ts": message.ts}

    def update(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        message = self._own(channel, given.text("ts"), "cant_update_message")
        self.rewrite(message, given.given)
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.as_json()}

    def rewrite(self, message: Message, given: Mapping[str, Any]) -> None:
        """Change a message in place; what is not given (blocks, metadata) stays, as in Slack."""
        kept = {"blocks": message.blocks, "attachments": message.attachments}
        body = self.checked_body({**kept, "text": message.text, **given})
        message.history.append(message.as_json())
        message.text, message.blocks, message.attachments = body["text"], body["blocks"], body["attachments"]
        if "metadata" in given:
            message.metadata = body["metadata"]
        message.edited = self._world.next_moment()

    def delete(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        message = self._own(channel, given.text("ts"), "cant_delete_message")
        message.deleted = True
        return {"channel": channel.id, "ts": message.ts}

    def permalink(self, given: Arguments) -> Json:
        channel = self._world.channel(given.text("channel"))
        message = self._world.message(channel, given.text("message_ts"))
        link = f"https://strict.slack.test/archives/{channel.id}/p{message.ts.replace('.', '')}"
        return {"channel": channel.id, "permalink": link}

    def checked_body(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Text, blocks, attachments and metadata of a message, each checked, ids filled in.

        Raises:
            Refused: no_text, msg_too_long, invalid_blocks, markdown_text_conflict, invalid_metadata_format.
        """
        given = _with_markdown(given)
        text, blocks = str(given.get("text") or ""), given.get("blocks") or []
        if not text and not blocks and not given.get("attachments"):
            raise Refused("no_text")
        if len(text) > LIMITS["message text"]:
            raise Refused("msg_too_long")
        if problems := message_problems(blocks, text):
            raise invalid("invalid_blocks", problems)
        self.accepted.append({"text": text, "blocks": blocks})
        if blocks and not text:
            self.warnings.append("missing_text_in_message")
        return {
            "text": text,
            "blocks": self._world.name_blocks(blocks),
            "attachments": given.get("attachments") or [],
            "metadata": _metadata(given.get("metadata")),
        }

    def _own(self, channel: Channel, ts: str, error: str) -> Message:
        message = self._world.message(channel, ts)
        if not message.by_bot:
            raise Refused(error)
        return message

    def pin(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        message = self._world.message(channel, given.text("timestamp"))
        if message.ts in channel.pins:
            raise Refused("already_pinned")
        channel.pins.append(message.ts)
        return {}

    def unpin(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        if given.text("timestamp") not in channel.pins:
            raise Refused("no_pin")
        channel.pins.remove(given.text("timestamp"))
        return {}

    def pinned(self, given: Arguments) -> Json:
        channel = self._world.channel(given.text("channel"))
        items = [{"type": "message", "message": channel.messages[ts].as_json()} for ts in channel.pins]
        return {"items": items}

    def react(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel"))
        message = self._world.message(channel, given.text("timestamp"))
        people = message.reactions.setdefault(given.text("name"), [])
        if BOT_USER in people:
            raise Refused("already_reacted")
        people.append(BOT_USER)
        return {}

    def reactions(self, given: Arguments) -> Json:
        channel = self._world.channel(given.text("channel"))
        message = self._world.message(channel, given.text("timestamp"))
        return {"type": "message", "channel": channel.id, "message": message.as_json()}


def _with_markdown(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """`markdown_text` stands alone: Slack shows it as one markdown block."""
    if not given.get("markdown_text"):
        return given
    if given.get("text") or given.get("blocks"):
        raise Refused("markdown_text_conflict")
    written = given["markdown_text"]
    return {**given, "text": written, "blocks": [{"type": "markdown", "text": written}]}


def _metadata(given: Any) -> Json | None:
    if not given:
        return None
    right = isinstance(given, dict) and set(given) <= {"event_type", "event_payload", "entities"}
    if not right or not isinstance(given.get("event_type"), str) or not isinstance(given.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    return dict(given)
