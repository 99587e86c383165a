"""All settings, by concern."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from bot.settings.controls import CONTROLS, ControlsSettings
from bot.settings.home import EngineSettings, HomeSettings, TelemetrySettings
from bot.settings.server import ServerSettings
from bot.settings.slack import SlackSettings
from bot.settings.sources import SOURCES, SourcesSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, by concern."""

    home: HomeSettings = field(default_factory=HomeSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    sources: SourcesSettings = field(default_factory=SourcesSettings)
    controls: ControlsSettings = field(default_factory=ControlsSettings)
    elsewhere: Callable[[str], str] = field(default=lambda _name: "", repr=False, compare=False)

    def named(self, env: str) -> str:
        """The setting of that variable; of a variable that is not ours, for drivers of others. Empty where unset.

        Raises:
            Misconfigured: the file that holds it cannot be read.
        """
        connected = [getattr(group, f.name) for group in (self.controls, self.sources) for f in fields(group)]
        ours = {f.metadata["env"]: getattr(concern, f.name) for concern in connected for f in fields(concern)}
        return str(ours[env]) if env in ours else self.elsewhere(env)


def documented() -> tuple[tuple[str, str, str], ...]:
    """(variable, default, meaning) of every setting, for ``docs`` and ``--help``."""
    own = (HomeSettings, ServerSettings, SlackSettings, EngineSettings, TelemetrySettings)
    concerns = (*own, *SOURCES.values(), *CONTROLS.values())
    return tuple(
        (f.metadata["env"], str(f.default), f.metadata["doc"]) for concern in concerns for f in fields(concern)
    )
