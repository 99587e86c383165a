"""The Web API methods the strict Slack speaks: arguments, scopes and rate-limit tier of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

MINIMUM_SCOPES: Final = frozenset(
    {"commands", "chat:write", "channels:manage", "channels:read", "channels:history", "users:read"}
)
DEFAULT_SCOPES: Final = MINIMUM_SCOPES | {"pins:write", "bookmarks:write", "files:write", "reactions:read"}


@dataclass(frozen=True, slots=True)
class Method:
    """`scopes` maps a channel kind (public, private, im; any for all) to the scopes one of which is enough."""

    required: frozenset[str]
    optional: frozenset[str]
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    per_minute: int = 50
    app_token: bool = False


def _method(required: str = "", optional: str = "", scopes: dict[str, str] | str = "", per_minute: int = 50) -> Method:
    wanted = scopes if isinstance(scopes, dict) else {"any": scopes} if scopes else {}
    by_kind = {kind: tuple(words.split()) for kind, words in wanted.items()}
    return Method(frozenset(required.split()), frozenset(optional.split()), by_kind, per_minute)


_MANAGE = {"public": "channels:manage", "private": "groups:write", "im": "im:write"}
_READ = {"public": "channels:read", "private": "groups:read", "im": "im:read"}
_HISTORY = {"public": "channels:history", "private": "groups:history", "im": "im:history"}
_TOPIC = {"public": "channels:manage channels:write.topic", "private": "groups:write groups:write.topic"}
_INVITE = {"public": "channels:manage channels:write.invites", "private": "groups:write groups:write.invites"}
_BODY = "text markdown_text blocks attachments metadata unfurl_links unfurl_media parse link_names mrkdwn as_user"
_PAGE = "cursor limit team_id"

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "api.test": _method(per_minute=100),
        "auth.test": _method(per_minute=600),
        "apps.connections.open": Method(frozenset(), frozenset(), per_minute=1000, app_token=True),
        "chat.postMessage": _method(
            "channel",
            f"{_BODY} thread_ts reply_broadcast username icon_emoji icon_url client_msg_id",
            "chat:write",
            1000,
        ),
        "chat.postEphemeral": _method("channel user", f"{_BODY} thread_ts", "chat:write", 100),
        "chat.update": _method("channel ts", f"{_BODY} file_ids reply_broadcast", "chat:write"),
        "chat.delete": _method("channel ts", "as_user", "chat:write"),
        "chat.getPermalink": _method("channel message_ts", per_minute=1000),
        "conversations.create": _method("name", "is_private team_id", _MANAGE, 20),
        "conversations.info": _method("channel", "include_locale include_num_members", _READ),
        "conversations.list": _method("", f"{_PAGE} exclude_archived types", _READ, 20),
        "conversations.members": _method("channel", "cursor limit", _READ, 100),
        "conversations.history": _method(
            "channel", "cursor limit latest oldest inclusive include_all_metadata", _HISTORY
        ),
        "conversations.replies": _method(
            "channel ts", "cursor limit latest oldest inclusive include_all_metadata", _HISTORY
        ),
        "conversations.invite": _method("channel users", "force", _INVITE),
        "conversations.kick": _method("channel user", "", _MANAGE),
        "conversations.setTopic": _method("channel topic", "", _TOPIC, 20),
        "conversations.setPurpose": _method("channel purpose", "", _TOPIC, 20),
        "conversations.rename": _method("channel name", "", _MANAGE, 20),
        "conversations.archive": _method("channel", "", _MANAGE, 20),
        "conversations.unarchive": _method("channel", "", _MANAGE, 20),
        "conversations.join": _method("channel", "", "channels:join"),
        "conversations.open": _method("", "channel users return_im prevent_creation", "im:write"),
        "pins.add": _method("channel timestamp", "", "pins:write", 20),
        "pins.remove": _method("channel timestamp", "", "pins:write", 20),
        "pins.list": _method("channel", "", "pins:read", 20),
        "bookmarks.add": _method("channel_id title type", "link emoji entity_id parent_id", "bookmarks:write", 20),
        "bookmarks.edit": _method("channel_id bookmark_id", "link title emoji", "bookmarks:write", 20),
        "bookmarks.list": _method("channel_id", "", "bookmarks:read"),
        "reactions.add": _method("channel name timestamp", "", "reactions:write"),
        "reactions.get": _method("channel timestamp", "full file", "reactions:read"),
        "users.info": _method("user", "include_locale", "users:read", 100),
        "users.list": _method("", f"{_PAGE} include_locale", "users:read", 20),
        "users.lookupByEmail": _method("email", "", "users:read.email"),
        "usergroups.users.list": _method("usergroup", "include_disabled team_id", "usergroups:read", 20),
        "files.getUploadURLExternal": _method("filename length", "alt_text alt_txt snippet_type", "files:write", 100),
        "files.completeUploadExternal": _method(
            "files", "channel_id channels initial_comment thread_ts blocks", "files:write", 100
        ),
        "files.info": _method("file", "cursor limit count page", "files:read", 100),
        "canvases.create": _method("", "title document_content channel_id", "canvases:write", 20),
        "conversations.canvases.create": _method("channel_id", "title document_content", "canvases:write"),
        "views.open": _method("view", "trigger_id interactivity_pointer", per_minute=100),
        "views.push": _method("view", "trigger_id interactivity_pointer", per_minute=100),
        "views.update": _method("view", "view_id external_id hash", per_minute=100),
        "views.publish": _method("user_id view", "hash", per_minute=100),
    }
)
