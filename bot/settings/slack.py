"""Settings of Slack."""

from dataclasses import dataclass

from bot.settings.field import setting


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Slack. With none of them the bot runs headless."""

    bot_token: str = setting("SLACK_BOT_TOKEN", "", "The bot's token, `xoxb-…`.", secret=True)
    app_token: str = setting("SLACK_APP_TOKEN", "", "The app-level token for Socket Mode, `xapp-…`.", secret=True)
    signing_secret: str = setting("SLACK_SIGNING_SECRET", "", "Signs requests in HTTP mode.", secret=True)
    api_url: str = setting(
        "SLACK_API_URL",
        "https://slack.com/api/",
        "Base of Slack's Web API; another one for a local workspace.",
        address=True,
    )

    @property
    def is_set(self) -> bool:
        """Slack is wanted."""
        return bool(self.bot_token)
