"""conversations.* and bookmarks.*: channels and who is in them."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from tests.strict_slack.arguments import Arguments
from tests.strict_slack.refusal import Refused
from tests.strict_slack.shapes import Json
from tests.strict_slack.web_api import Perform
from tests.strict_slack.world import BOT_USER, Channel, Message, World

_T = TypeVar("_T")
NAME = re.compile(r"[a-z0-9_-]+")


class ConversationMethods:
    def __init__(self, world: World) -> None:
        self._world = world

    def table(self) -> Mapping[str, Perform]:
        return {
            "conversations.create": self.create,
            "conversations.info": lambda given: {"channel": self._seen(given).as_json()},
            "conversations.list": self.list,
            "conversations.members": self.members,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "conversations.invite": self.invite,
            "conversations.kick": self.kick,
            "conversations.setTopic": self.set_topic,
            "conversations.setPurpose": self.set_purpose,
            "conversations.rename": self.rename,
            "conversations.archive": self.archive,
            "conversations.unarchive": self.unarchive,
            "conversations.join": self.join,
            "conversations.open": self.open,
            "bookmarks.add": self.bookmark,
            "bookmarks.edit": self.edit_bookmark,
            "bookmarks.list": lambda given: {"bookmarks": self._world.channel(given.text("channel_id")).bookmarks},
        }

    def _seen(self, given: Arguments) -> Channel:
        return self._world.channel(given.text("channel"))

    def _writable(self, given: Arguments) -> Channel:
        return self._world.writable_channel(given.text("channel"))

    def create(self, given: Arguments) -> Json:
        name = self._free_name(given.text("name"))
        channel = self._world.add_channel(name, creator=BOT_USER, private=given.flag("is_private"))
        return {"channel": channel.as_json()}

    def _free_name(self, name: str) -> str:
        if len(name) > 80:
            raise Refused("invalid_name_maxlength")
        if not any(character.isalnum() for character in name):
            raise Refused("invalid_name_punctuation")
        if not NAME.fullmatch(name):
            raise Refused("invalid_name_specials")
        if any(channel.name == name for channel in self._world.channels.values()):
            raise Refused("name_taken")
        return name

    def list(self, given: Arguments) -> Json:
        kinds = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
        wanted = {kinds.get(word.strip(), "") for word in given.words("types") or ["public_channel"]}
        seen = [
            channel
            for channel in self._world.channels.values()
            if channel.kind in wanted
            and (channel.kind == "public" or BOT_USER in channel.members)
            and not (given.flag("exclude_archived") and channel.is_archived)
        ]
        page, cursor = _page(seen, given, 100)
        return {"channels": [channel.as_json() for channel in page], "response_metadata": {"next_cursor": cursor}}

    def members(self, given: Arguments) -> Json:
        page, cursor = _page(self._seen(given).members, given, 100)
        return {"members": list(page), "response_metadata": {"next_cursor": cursor}}

    def history(self, given: Arguments) -> Json:
        channel = self._seen(given)
        if BOT_USER not in channel.members:
            raise Refused("not_in_channel")
        messages = [m for m in _kept(channel) if m.thread_ts in (None, m.ts) or m.broadcast]
        return self._messages(messages[::-1], given)

    def replies(self, given: Arguments) -> Json:
        channel = self._seen(given)
        root = self._world.message(channel, given.text("ts"), error="thread_not_found")
        return self._messages([m for m in _kept(channel) if root.ts in (m.ts, m.thread_ts)], given)

    @staticmethod
    def _messages(messages: Sequence[Message], given: Arguments) -> Json:
        oldest, latest = given.text("oldest") or "0", given.text("latest") or "9" * 10
        edge = given.flag("inclusive")
        within = [
            m for m in messages if float(oldest) < float(m.ts) < float(latest) or (edge and m.ts in (oldest, latest))
        ]
        page, cursor = _page(within, given, 100)
        shown = [m.as_json(with_metadata=given.flag("include_all_metadata")) for m in page]
        return {"messages": shown, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}

    def invite(self, given: Arguments) -> Json:
        channel = self._writable(given)
        users = given.words("users")
        if len(users) > 100:
            raise Refused("too_many_users")
        errors = [{"user": user, "ok": False, "error": word} for user in users if (word := self._no(channel, user))]
        if errors and not given.flag("force"):
            raise Refused(str(errors[0]["error"]), errors=errors)
        refused = {error["user"] for error in errors}
        channel.members += [user for user in users if user not in refused]
        return {"channel": channel.as_json(), **({"errors": errors} if errors else {})}

    def _no(self, channel: Channel, user: str) -> str:
        if user == BOT_USER:
            return "cant_invite_self"
        if user not in self._world.people or self._world.people[user].deleted:
            return "user_not_found"
        return "already_in_channel" if user in channel.members else ""

    def kick(self, given: Arguments) -> Json:
        channel = self._writable(given)
        if given.text("user") not in channel.members:
            raise Refused("not_in_channel")
        channel.members.remove(given.text("user"))
        return {}

    def set_topic(self, given: Arguments) -> Json:
        channel = self._writable(given)
        if len(given.text("topic")) > 250:
            raise Refused("too_long")
        channel.topic = given.text("topic")
        return {"channel": channel.as_json()}

    def set_purpose(self, given: Arguments) -> Json:
        channel = self._writable(given)
        if len(given.text("purpose")) > 250:
            raise Refused("too_long")
        channel.purpose = given.text("purpose")
        return {"purpose": channel.purpose, "channel": channel.as_json()}

    def rename(self, given: Arguments) -> Json:
        channel = self._writable(given)
        channel.name = self._free_name(given.text("name"))
        return {"channel": channel.as_json()}

    def archive(self, given: Arguments) -> Json:
        channel = self._seen(given)
        if channel.is_archived:
            raise Refused("already_archived")
        if channel.name == "general":
            raise Refused("cant_archive_general")
        if BOT_USER not in channel.members:
            raise Refused("not_in_channel")
        channel.is_archived = True
        return {}

    def unarchive(self, given: Arguments) -> Json:
        channel = self._seen(given)
        if not channel.is_archived:
            raise Refused("not_archived")
        channel.is_archived = False
        return {}

    def join(self, given: Arguments) -> Json:
        channel = self._seen(given)
        if channel.is_archived:
            raise Refused("is_archived")
        if BOT_USER not in channel.members:
            channel.members.append(BOT_USER)
        return {"channel": channel.as_json()}

    def open(self, given: Arguments) -> Json:
        users = given.words("users")
        if len(users) != 1:
            raise Refused("users_list_not_supplied" if not users else "too_many_users")
        return {"channel": {"id": self._world.direct_channel(self._world.person(users[0]).id).id}}

    def bookmark(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel_id"))
        if given.text("type") != "link":
            raise Refused("invalid_bookmark_type")
        if not given.text("link").startswith(("http://", "https://")):
            raise Refused("invalid_link")
        if len(channel.bookmarks) >= 100:
            raise Refused("too_many_bookmarks")
        bookmark = {"id": self._world.next_id("Bk"), "channel_id": channel.id, "type": "link"}
        bookmark |= {key: given.text(key) for key in ("title", "link", "emoji")}
        channel.bookmarks.append(bookmark)
        return {"bookmark": bookmark}

    def edit_bookmark(self, given: Arguments) -> Json:
        channel = self._world.writable_channel(given.text("channel_id"))
        for bookmark in channel.bookmarks:
            if bookmark["id"] == given.text("bookmark_id"):
                bookmark |= {key: given.text(key) for key in ("title", "link", "emoji") if key in given}
                return {"bookmark": bookmark}
        raise Refused("not_found")


def _kept(channel: Channel) -> Sequence[Message]:
    return [m for m in channel.messages.values() if not m.deleted and m.visible_only_to is None]


def _page(things: Sequence[_T], given: Arguments, usual: int) -> tuple[Sequence[_T], str]:
    """One page of `things` and the cursor of the next, empty after the last."""
    limit = given.whole("limit", usual, 1000)
    try:
        start = int(base64.b64decode(given.text("cursor") or base64.b64encode(b"0"), validate=True))
    except (ValueError, binascii.Error):
        raise Refused("invalid_cursor") from None
    more = start + limit < len(things)
    return things[start : start + limit], base64.b64encode(str(start + limit).encode()).decode() if more else ""
