"""Read the settings once; every mistake gets a sentence."""

from collections.abc import Mapping
from pathlib import Path

from bot.incident.errors import Misconfigured
from bot.settings.concerns import Settings, documented
from bot.settings.controls import CONTROLS, ControlsSettings
from bot.settings.home import EngineSettings, HomeSettings, TelemetrySettings
from bot.settings.mistakes import mistakes_among
from bot.settings.server import ServerSettings
from bot.settings.slack import SlackSettings
from bot.settings.source import Source, table_of
from bot.settings.sources import SOURCES, SourcesSettings


def read_settings(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from the environment and, beneath it, the TOML file (``firstfive.toml`` where it exists).

    Raises:
        Misconfigured: the file is not TOML, a value does not fit, a secret's file cannot be read,
            Slack is half configured, or an open door would face the network. The first is named.
    """
    settings, mistakes = settings_and_mistakes(environment, file)
    if mistakes:
        more = f" ({len(mistakes) - 1} more; `firstfive check` lists them)" if len(mistakes) > 1 else ""
        raise Misconfigured(f"{mistakes[0]}{more}")
    return settings


def settings_and_mistakes(environment: Mapping[str, str], file: Path | None = None) -> tuple[Settings, tuple[str, ...]]:
    """What can be read, with defaults where it cannot, and a sentence for every mistake."""
    mistakes: list[str] = []
    file = file or Path("firstfive.toml")
    source = Source(environment, table_of(file, mistakes), mistakes)
    mistakes += [
        f"{file}: {name} is no setting; check its spelling, `firstfive check --settings` lists them."
        for name in sorted(source.table.keys() - _known_in_files())
    ]
    settings = Settings(
        home=source.concern(HomeSettings),
        server=source.concern(ServerSettings),
        slack=source.concern(SlackSettings),
        engine=source.concern(EngineSettings),
        telemetry=source.concern(TelemetrySettings),
        sources=SourcesSettings(**{name: source.concern(kind) for name, kind in SOURCES.items()}),
        controls=ControlsSettings(**{name: source.concern(kind) for name, kind in CONTROLS.items()}),
        elsewhere=source.elsewhere,
    )
    return settings, (*mistakes, *mistakes_among(settings.server, settings.slack))


def _known_in_files() -> frozenset[str]:
    names = [env.removeprefix("FIRSTFIVE_").lower() for env, _, _ in documented()]
    return frozenset([*names, *(f"{name}_file" for name in names)])
