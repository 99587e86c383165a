"""Settings: read once from the environment and ``firstfive.toml``, then passed on as values.

The environment wins over the file. Names in the file are those of the environment in lower
case without the ``FIRSTFIVE_`` prefix (``port = 8080``; Slack's keep theirs: ``slack_bot_token``).
A secret may come from a file: ``FIRSTFIVE_API_TOKEN_FILE`` names it.
"""

import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bot.incident.errors import Misconfigured


def setting(env: str, default: Any, doc: str, *, secret: bool = False) -> Any:
    """A settings field: its environment variable, default, and meaning with unit and reason."""
    return field(default=default, metadata={"env": env, "doc": doc, "secret": secret})


MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Where things are kept."""

    home: str = setting(
        "FIRSTFIVE_HOME",
        ".firstfive",
        "Folder for the embedded database, logs and caches; relative to where it starts.",
    )
    database_url: str = setting(
        "FIRSTFIVE_DATABASE_URL",
        "",
        "Empty: an SQLite file in the home folder, enough for one machine. `postgresql://user:password@host/name` "
        "for several.",
        secret=True,
    )
    catalogue: str = setting(
        "FIRSTFIVE_CATALOGUE",
        "agents.yaml",
        "The agents file. Without it every agent is accepted and shown as unlisted.",
    )
    runbooks: str = setting(
        "FIRSTFIVE_RUNBOOKS",
        "",
        "Folder with your own runbooks, one Markdown file a class; empty: the ones that come along.",
    )

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{Path(self.home).absolute() / 'firstfive.db'}"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The HTTP server."""

    host: str = setting(
        "FIRSTFIVE_HOST", "127.0.0.1", "Address to listen on; loopback by default, so that nothing is open by accident."
    )
    port: int = setting("FIRSTFIVE_PORT", 8080, "Port to listen on.")
    public_url: str = setting(
        "FIRSTFIVE_PUBLIC_URL", "", "How browsers reach the pages; links in Slack use it. Empty: http://host:port."
    )
    api_token: str = setting(
        "FIRSTFIVE_API_TOKEN",
        "",
        "Bearer token of the JSON API and of changes made on pages. Empty means open, allowed on loopback only.",
        secret=True,
    )
    telemetry_token: str = setting(
        "FIRSTFIVE_TELEMETRY_TOKEN",
        "",
        "Bearer token of OTLP (`/v1/*`). Empty means open, allowed on loopback only.",
        secret=True,
    )
    control_token: str = setting(
        "FIRSTFIVE_CONTROL_TOKEN",
        "",
        "Bearer token of OFREP reads. Empty means open, allowed on loopback only.",
        secret=True,
    )

    @property
    def url(self) -> str:
        """The address of the pages."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_loopback(self) -> bool:
        """Only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Slack. With none of them the bot runs headless."""

    bot_token: str = setting("SLACK_BOT_TOKEN", "", "The bot's token, `xoxb-…`.", secret=True)
    app_token: str = setting("SLACK_APP_TOKEN", "", "The app-level token for Socket Mode, `xapp-…`.", secret=True)
    signing_secret: str = setting("SLACK_SIGNING_SECRET", "", "Signs requests in HTTP mode.", secret=True)
    api_url: str = setting(
        "SLACK_API_URL", "https://slack.com/api/", "Base of Slack's Web API; another one for a local workspace."
    )

    @property
    def is_set(self) -> bool:
        """Slack is wanted."""
        return bool(self.bot_token)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Durable jobs."""

    executor: str = setting(
        "FIRSTFIVE_EXECUTOR",
        "firstfive-0",
        "Name of this process among replicas. Keep it stable: it picks up its own work after a crash.",
    )
    poll_seconds: float = setting("FIRSTFIVE_JOB_POLL_SECONDS", 1.0, "Seconds between looks for due jobs.")


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """The built-in telemetry store."""

    retention_hours: int = setting(
        "FIRSTFIVE_RETENTION_HOURS", 72, "Hours that spans and scores are kept, counted from their arrival."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, by concern."""

    home: HomeSettings = field(default_factory=HomeSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)


def read_settings(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from the environment and, beneath it, the TOML file (``firstfive.toml`` where it exists).

    Raises:
        Misconfigured: the file is not TOML, a value does not fit, a secret's file cannot be read,
            Slack is half configured, or an open door would face the network.
    """
    table = _table(file or Path("firstfive.toml"))
    settings = Settings(
        home=_concern(HomeSettings, environment, table),
        server=_concern(ServerSettings, environment, table),
        slack=_concern(SlackSettings, environment, table),
        engine=_concern(EngineSettings, environment, table),
        telemetry=_concern(TelemetrySettings, environment, table),
    )
    _check_doors(settings.server)
    _check_slack(settings.slack)
    return settings


def documented() -> tuple[tuple[str, str, str], ...]:
    """(variable, default, meaning) of every setting, for ``docs`` and ``--help``."""
    concerns = (HomeSettings, ServerSettings, SlackSettings, EngineSettings, TelemetrySettings)
    return tuple(
        (f.metadata["env"], str(f.default), f.metadata["doc"]) for concern in concerns for f in fields(concern)
    )


def _table(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{file}: {error}. Mend the file or remove it.") from error


def _concern(kind: type[Any], environment: Mapping[str, str], table: Mapping[str, Any]) -> Any:
    values = {}
    for f in fields(kind):
        env = f.metadata["env"]
        raw = environment.get(env) or _from_file(env, environment) or table.get(env.removeprefix("FIRSTFIVE_").lower())
        if raw is not None and raw != "":
            values[f.name] = _typed(env, raw, type(f.default))
    return kind(**values)


def _from_file(env: str, environment: Mapping[str, str]) -> str | None:
    path = environment.get(f"{env}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise Misconfigured(f"{env}_FILE names {path}, which cannot be read: {reason}.") from error


def _typed(env: str, raw: Any, wanted: type) -> Any:
    try:
        value = wanted(raw)
    except (TypeError, ValueError) as error:
        raise Misconfigured(f"{env} is {raw!r}; it must be a number.") from error
    if env == "FIRSTFIVE_PORT" and not 0 <= value <= MAX_PORT:
        raise Misconfigured(f"FIRSTFIVE_PORT is {value}; a port lies between 0 and {MAX_PORT}.")
    return value


def _check_doors(server: ServerSettings) -> None:
    if server.is_loopback:
        return
    open_doors = [
        f.metadata["env"] for f in fields(server) if f.name.endswith("_token") and not getattr(server, f.name)
    ]
    if open_doors:
        raise Misconfigured(
            f"FIRSTFIVE_HOST is {server.host}, which others can reach, but {', '.join(open_doors)} is not set. "
            "Set it, or listen on 127.0.0.1."
        )


def _check_slack(slack: SlackSettings) -> None:
    if slack.bot_token and not (slack.app_token or slack.signing_secret):
        raise Misconfigured(
            "SLACK_BOT_TOKEN is set, but neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP mode) is. "
            "Set one of them."
        )
    if (slack.app_token or slack.signing_secret) and not slack.bot_token:
        raise Misconfigured(
            "SLACK_BOT_TOKEN is missing. Copy it from the app's OAuth page, or unset the other Slack variables."
        )
