"""The manifest of the Slack app: paste it at api.slack.com, and everything we need is switched on."""

from typing import Any

SCOPES = (
    "commands",
    "chat:write",
    "chat:write.public",  # announcements in channels we were not invited to
    "channels:manage",
    "channels:read",
    "channels:history",
    "groups:write",  # private incidents
    "groups:read",
    "groups:history",
    "users:read",
    "users:read.email",  # owners named by e-mail address
    "usergroups:read",  # who is in a group of approvers
    "reactions:read",
    "pins:write",
    "bookmarks:write",
    "files:write",
)
EVENTS = ("reaction_added",)
HINT = "[declare | classify | mitigate | update | resolve | help]"


def manifest(public_url: str | None, *, socket_mode: bool) -> dict[str, Any]:
    """The manifest for these settings; ``public_url`` is where Slack reaches us, and not needed in Socket Mode."""
    endpoint = {} if socket_mode or not public_url else {"url": f"{public_url.rstrip('/')}/slack/events"}
    requests = {"request_url": endpoint["url"]} if endpoint else {}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "firstfive",
            "description": "The first five minutes of an AI agent incident",
            "background_color": "#1d1c1d",
        },
        "features": {
            "bot_user": {"display_name": "firstfive", "always_online": True},
            "slash_commands": [
                {
                    "command": "/incident",
                    "description": "Declare or work on an incident",
                    "usage_hint": HINT,
                    "should_escape": True,
                    **endpoint,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**requests, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **requests},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }
