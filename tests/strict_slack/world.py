"""What exists in the strict Slack: people, channels, messages, files and open views."""

import itertools
import random
from dataclasses import dataclass, field

from tests.strict_slack.clock import MovableClock
from tests.strict_slack.reading import action_ids, all_text
from tests.strict_slack.refusal import Refused
from tests.strict_slack.shapes import Json

BOT_USER, BOT_ID, APP_ID, TEAM_ID = "U0BOT", "B0BOT", "A0APP", "T0TEAM"


@dataclass(slots=True)
class Person:
    id: str
    name: str
    real_name: str
    is_bot: bool = False
    deleted: bool = False
    tz: str = "Europe/Paris"
    email: str = ""

    def as_json(self, *, with_email: bool = False) -> Json:
        profile = {"real_name": self.real_name, "display_name": self.name, "image_48": ""}
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "tz": self.tz,
            "tz_offset": 3600,
            "profile": {**profile, "email": self.email} if with_email else profile,
        }


@dataclass(slots=True)
class Message:
    """One message as it stands now; edits change it in place, `history` keeps the earlier bodies."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    visible_only_to: str | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: str | None = None
    deleted: bool = False
    broadcast: bool = False
    history: list[Json] = field(default_factory=list)

    @property
    def by_bot(self) -> bool:
        return self.user == BOT_USER

    @property
    def shown(self) -> str:
        """All its words as read on screen: those of the blocks where there are any, else the text."""
        return all_text(self.blocks) if self.blocks else self.text

    @property
    def action_ids(self) -> list[str]:
        return action_ids(self.blocks)

    def as_json(self, *, with_metadata: bool = True) -> Json:
        body: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM_ID}
        body["blocks"] = self.blocks
        if self.by_bot:
            body |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if self.thread_ts:
            body["thread_ts"] = self.thread_ts
        if self.edited:
            body["edited"] = {"user": self.user, "ts": self.edited}
        if self.metadata and with_metadata:
            body["metadata"] = self.metadata
        for key in ("attachments", "files"):
            if value := getattr(self, key):
                body[key] = value
        if self.reactions:
            body["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        return body


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    creator: str
    created: int
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    topic: str = ""
    purpose: str = ""
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return "im" if self.is_im else "private" if self.is_private else "public"

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": self.is_private,
            "is_im": self.is_im,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_member": BOT_USER in self.members,
            "creator": self.creator,
            "created": self.created,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }


@dataclass(slots=True)
class Upload:
    id: str
    name: str
    length: int
    title: str = ""
    alt_text: str = ""
    content: bytes | None = None
    completed: bool = False
    shares: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "size": self.length,
            "user": BOT_USER,
            "permalink": f"https://strict.slack.test/files/{BOT_USER}/{self.id}",
            "channels": self.shares,
        }


class World:
    """The state, with lookups that refuse as Slack does."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, list[str]] = {}
        self.uploads: dict[str, Upload] = {}
        self.canvases: dict[str, Json] = {}
        self._numbers = itertools.count(1)
        self._last_moment = 0
        self._chance = random.Random(7)  # noqa: S311 - names for unnamed blocks, the same in each run

    def next_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):08d}"

    def next_moment(self) -> str:
        """A message timestamp: seconds and microseconds, never the same twice."""
        self._last_moment = max(self._last_moment + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_moment // 1_000_000}.{self._last_moment % 1_000_000:06d}"

    def name_blocks(self, blocks: list[Json]) -> list[Json]:
        """The same blocks with block and action ids filled in where the app gave none."""
        return [self._named(block) for block in blocks]

    def _named(self, block: Json) -> Json:
        named = {**block, "block_id": block.get("block_id") or self._short_name()}
        for key in ("element", "accessory"):
            if key in named and named[key].get("type") != "image":
                named[key] = {"action_id": self._short_name(), **named[key]}
        if named["type"] == "actions":
            named["elements"] = [{"action_id": self._short_name(), **each} for each in named["elements"]]
        return named

    def _short_name(self) -> str:
        return "".join(self._chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=5))

    def add_person(self, person: Person) -> Person:
        return self.people.setdefault(person.id, person)

    def add_channel(self, name: str, *, creator: str, private: bool = False, im: bool = False) -> Channel:
        prefix = "D" if im else "C"
        channel = Channel(
            self.next_id(prefix), name, creator, int(self.clock.now()), is_private=private, is_im=im, members=[creator]
        )
        self.channels[channel.id] = channel
        return channel

    def channel(self, channel_id: object) -> Channel:
        """The channel the bot can see under this id.

        Raises:
            Refused: channel_not_found, also for a private channel the bot is not in.
        """
        channel = self.channels.get(str(channel_id))
        if channel is None or (channel.kind != "public" and BOT_USER not in channel.members):
            raise Refused("channel_not_found")
        return channel

    def writable_channel(self, channel_id: object) -> Channel:
        """A channel the bot may write to now.

        Raises:
            Refused: channel_not_found, is_archived, not_in_channel.
        """
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise Refused("is_archived")
        if BOT_USER not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def direct_channel(self, user_id: str) -> Channel:
        """The direct conversation of the bot with this person, opened when there is none."""
        for channel in self.channels.values():
            if channel.is_im and user_id in channel.members:
                return channel
        channel = self.add_channel("", creator=BOT_USER, im=True)
        channel.members.append(user_id)
        return channel

    def person(self, user_id: object) -> Person:
        person = self.people.get(str(user_id))
        if person is None:
            raise Refused("user_not_found")
        return person

    def message(self, channel: Channel, ts: object, *, error: str = "message_not_found") -> Message:
        message = channel.messages.get(str(ts))
        if message is None or message.deleted or message.visible_only_to:
            raise Refused(error)
        return message

    def post(self, message: Message) -> Message:
        self.channels[message.channel].messages[message.ts] = message
        return message
