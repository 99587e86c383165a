"""What is wrong among settings that fit one by one."""

from collections.abc import Callable
from dataclasses import fields

from bot.incident.errors import Misconfigured
from bot.settings.server import ServerSettings
from bot.settings.slack import SlackSettings


def mistakes_among(server: ServerSettings, slack: SlackSettings) -> tuple[str, ...]:
    """A sentence for every mistake: entries that are none, open doors that face the network, half of Slack."""
    lists = _wrong(lambda: server.telemetry_keys), _wrong(lambda: server.origins)
    return tuple(filter(None, (*lists, _open_doors(server), _half_of_slack(slack))))


def _wrong(entries: Callable[[], object]) -> str | None:
    try:
        entries()
    except Misconfigured as error:
        return str(error)
    return None


def _open_doors(server: ServerSettings) -> str | None:
    if server.is_loopback:
        return None
    closed = {
        "api_token": server.api_token,
        "telemetry_token": server.telemetry_token or server.telemetry_tokens,
        "control_token": server.control_token,
    }
    names = [f.metadata["env"] for f in fields(server) if f.name in closed and not closed[f.name]]
    if not names:
        return None
    missing = f"{names[0]} is not set. Set it" if len(names) == 1 else f"{', '.join(names)} are not set. Set them"
    return f"FIRSTFIVE_HOST is {server.host}, which others can reach, but {missing}, or listen on 127.0.0.1."


def _half_of_slack(slack: SlackSettings) -> str | None:
    if slack.bot_token and not (slack.app_token or slack.signing_secret):
        return (
            "SLACK_BOT_TOKEN is set, but neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode) is. "
            "Set one of them."
        )
    if (slack.app_token or slack.signing_secret) and not slack.bot_token:
        return "SLACK_BOT_TOKEN is missing. Copy it from the app's OAuth page, or unset the other Slack variables."
    return None
