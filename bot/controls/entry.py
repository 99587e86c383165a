"""What a driver's file says of itself: kinds, settings, options. So a catalogue is checked before anything is asked.

A file ends with ``DRIVER = Entry(...)``. Drivers of your own are found through the entry point group
``firstfive.drivers``, or by ``package.module:DRIVER`` in the catalogue; see docs/write-a-driver.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Catalogue, Person
from bot.ports import Clock, Driver

ENTRY_POINTS = "firstfive.drivers"
SCOPES = ("tenant", "channel", "version")  # of a mitigation, beside its environment

Options = Mapping[str, str]
Check = Callable[[MitigationKind, Options], str]


@dataclass(frozen=True, slots=True)
class Given:
    """What a driver is opened with. ``settings`` hold the variables that its entry names, by name; "" where unset."""

    catalogue: Catalogue
    settings: Mapping[str, str] = field(repr=False)
    clock: Clock

    def options(self, mitigation: Mitigation) -> Options:
        """What the catalogue says to the driver about this agent and kind; nothing where it says nothing."""
        wiring = self.catalogue.agent(mitigation.agent).controls.get(mitigation.kind.value)
        return wiring.options if wiring else {}

    def environments(self, mitigation: Mitigation) -> tuple[str, ...]:
        """The environments of ours that it binds: the one it names, else all of the agent's."""
        return (mitigation.environment,) if mitigation.environment else self.environments_of(mitigation.agent)

    def environments_of(self, agent: str) -> tuple[str, ...]:
        """All environments of an agent."""
        return self.catalogue.agent(agent).environments


@dataclass(frozen=True, slots=True)
class Entry:
    """A driver as the catalogue sees it.

    ``settings`` are environment variables it cannot do without (their ``_FILE`` variants count), ``optional``
    those it can. ``options`` are the fields of a ``controls:`` entry with their meaning, ``required`` the ones
    that must be there; ``option.ENVIRONMENT`` says it for one environment. ``check`` gives a sentence about
    options that cannot be used, ``settled`` one about settings, or "".
    """

    name: str
    kinds: frozenset[MitigationKind]
    open: Callable[[Given], Driver]
    settings: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    check: Check = lambda _kind, _options: ""
    settled: Callable[[Mapping[str, str]], str] = lambda _settings: ""

    def lack(self, settings: Mapping[str, str]) -> str:
        """One sentence about settings that are missing or cannot be used; empty when the driver can be opened."""
        missing = next((name for name in self.settings if not settings.get(name)), None)
        if missing:
            return f"{self.name} needs {missing}; set it, or {missing}_FILE to a file that holds it."
        return self.settled(settings)

    def mistake(self, kind: MitigationKind, options: Options) -> str:
        """One sentence about a ``controls:`` entry that this driver cannot serve; empty when it can."""
        if kind not in self.kinds:
            able = ", ".join(sorted(kind.value for kind in self.kinds))
            return f"{self.name} does not do {kind.value}; it does {able}."
        for option in options:
            if option.partition(".")[0] not in self.options:
                known = ", ".join(self.options) or "none"
                return f"{option!r} is no option of {self.name}; use {known}."
        given = {option.partition(".")[0] for option, value in options.items() if value}
        missing = [option for option in self.required if option not in given]
        if missing:
            return f"{self.name} needs {missing[0]}: {self.options[missing[0]]}."
        return self.check(kind, options)


def option(options: Options, name: str, environment: str, default: str = "") -> str:
    """An option for one environment: ``name.ENVIRONMENT`` where it stands, else ``name``, else the default."""
    return options.get(f"{name}.{environment}") or options.get(name) or default


def scope_of(mitigation: Mitigation) -> tuple[str, ...]:
    """Tenant, channel and version that it binds; empty for all."""
    return tuple(getattr(mitigation.scope, name) for name in SCOPES)


def account(mitigation: Mitigation, by: Person, *, lifts: bool) -> str:
    """Who did what and why, for a vendor's comment field: ``INC-7: Turn limit 5 undone by Ana (firstfive 3f2a…)``."""
    done = "undone" if lifts else "applied"
    said = f"{mitigation.incident}: {mitigation.label} {done} by {by.name} (firstfive {mitigation.id})"
    return said if lifts else f"{said}. {mitigation.reason}"
