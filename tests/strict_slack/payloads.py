"""The payloads Slack sends: commands, interactions, events."""

from typing import Any

from tests.strict_slack.shapes import Json
from tests.strict_slack.world import APP_ID, BOT_USER, TEAM_ID, Channel, Message, Person

VERIFICATION_TOKEN = "legacy-verification-token"
_TEAM = {"id": TEAM_ID, "domain": "strict"}


def command(person: Person, channel: Channel, word: str, text: str, **extra: str) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": "strict",
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": word,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        **extra,
    }


def interaction(kind: str, person: Person, **extra: Any) -> Json:
    """What block_actions, view_submission, view_closed and shortcuts have in common, with `extra`."""
    return {
        "type": kind,
        "token": VERIFICATION_TOKEN,
        "team": _TEAM,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "enterprise": None,
        "is_enterprise_install": False,
        **extra,
    }


def message_surface(channel: Channel, message: Message) -> Json:
    """Container, channel and message of an action in a message; an ephemeral message itself is not sent."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.visible_only_to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    surface: Json = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    if message.visible_only_to is None:
        surface["message"] = message.as_json()
    return surface


def event(body: Json, event_id: str, at: float) -> Json:
    bot = {"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True, "is_enterprise_install": False}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": body,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(at),
        "authorizations": [{"enterprise_id": None, **bot}],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def action(element: Json, block_id: str, answer: Json, at: str) -> Json:
    """One entry of `actions`; `answer` holds value, selected_option and the like."""
    entry: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id, "action_ts": at}
    for key in ("text", "style"):
        if element["type"] == "button" and key in element:
            entry[key] = element[key]
    if element["type"] != "button" and "placeholder" in element:
        entry["placeholder"] = element["placeholder"]
    return entry | answer
