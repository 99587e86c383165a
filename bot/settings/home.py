"""Settings of what is kept and worked on here: the home folder, the telemetry store, durable jobs."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.settings.field import setting


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
    taxonomy: str = setting(
        "FIRSTFIVE_TAXONOMY",
        "",
        "File with classes and questions of your own, laid over those that come along; empty: only those.",
    )

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        file = Path(self.home).absolute() / "firstfive.db"
        return self.database_url or f"sqlite:///{quote(str(file))}"


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """The built-in telemetry store."""

    retention_hours: int = setting(
        "FIRSTFIVE_RETENTION_HOURS",
        72,
        "Hours that spans and scores are kept, counted from their arrival.",
        within=(1, 87600),
    )
    retention_megabytes: int = setting(
        "FIRSTFIVE_RETENTION_MEGABYTES",
        8192,
        "Megabytes that traces may take, about; beyond it what arrived first is forgotten. A million spans take about 1,100.",
        within=(10, 100_000_000),
    )
    trace_url: str = setting(
        "FIRSTFIVE_TRACE_URL",
        "",
        "Page of a trace in your own tool, with `{trace_id}` in it; evidence links there. Empty: our own trace page.",
        address=True,
    )
    redaction: str = setting(
        "FIRSTFIVE_REDACTION",
        "",
        "File with further patterns to redact, beside e-mail, phone, card, keys and tokens; see docs/security.md.",
    )
    decoders: int = setting(
        "FIRSTFIVE_DECODERS",
        -1,
        "Processes that decode telemetry when there is much of it, about 35 MB each; 0: none beside the server. "
        "-1: two, or one where there is one processor.",
        within=(-1, 16),
    )


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Durable jobs."""

    executor: str = setting(
        "FIRSTFIVE_EXECUTOR",
        "firstfive-0",
        "Name of this process among replicas. Keep it stable: it picks up its own work after a crash.",
    )
    poll_seconds: float = setting(
        "FIRSTFIVE_JOB_POLL_SECONDS", 1.0, "Seconds between looks for due jobs.", within=(0.05, 60)
    )
