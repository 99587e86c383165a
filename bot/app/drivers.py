"""The control planes of others that the catalogue names: found, checked, opened."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from bot.documents.yaml_lines import Mistake
from bot.incident.errors import Misconfigured
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import BUILT_IN
from bot.incident.model import Catalogue, Wiring
from bot.ports import Clock, Driver
from bot.settings.concerns import Settings

if TYPE_CHECKING:
    from bot.controls.entry import Entry

OURS = {
    "unleash": "bot.controls.unleash:DRIVER",
    "litellm": "bot.controls.litellm:DRIVER",
    "launchdarkly": "bot.controls.launchdarkly:DRIVER",
    "langfuse": "bot.controls.langfuse_prompts:DRIVER",
    "webhook": "bot.controls.webhook:DRIVER",
}


@dataclass(frozen=True, slots=True)
class Wired:
    """One entry of an agent's ``controls``."""

    agent: str
    kind: MitigationKind
    wiring: Wiring


def wired(catalogue: Catalogue) -> Iterator[Wired]:
    """Every kind of every agent that another control plane than the built-in one carries out."""
    for agent in catalogue.agents:
        for kind, wiring in agent.controls.items():
            if wiring.driver != BUILT_IN:
                yield Wired(agent.name, MitigationKind(kind), wiring)


def entry_of(name: str) -> "Entry":
    """The driver of that name: ours, one of an entry point, or ``module:NAME``.

    Raises:
        Misconfigured: there is none, or it cannot be loaded.
    """
    from bot.controls.entry import ENTRY_POINTS, Entry  # noqa: PLC0415 - only where the catalogue names a driver

    others = {found.name: found.value for found in entry_points(group=ENTRY_POINTS)}
    path = OURS.get(name) or others.get(name) or name
    module, _, attribute = path.partition(":")
    if not attribute:
        known = ", ".join(sorted({BUILT_IN, *OURS, *others}))
        raise Misconfigured(f"there is no driver {name!r}; use {known}, or module:NAME of your own.")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # whatever a module of somebody else raises while it is imported
        raise Misconfigured(f"the driver {path} cannot be loaded ({type(error).__name__}: {error}).") from error
    if not isinstance(found, Entry):
        raise Misconfigured(f"{path} is no driver; it must be an Entry, see docs/write-a-driver.md.")
    return found


def mistakes_in(settings: Settings, catalogue: Catalogue) -> tuple[Mistake, ...]:
    """What is wrong with the agents' ``controls``: an unknown driver, an option or a setting that is missing or odd."""
    file = Path(settings.home.catalogue)
    found = []
    for one in wired(catalogue):
        try:
            entry = entry_of(one.wiring.driver)
            values = _settings_of(entry, settings)
            sentence = entry.mistake(one.kind, one.wiring.options) or entry.lack(values)
        except Misconfigured as error:
            sentence = str(error)
        if sentence:
            found.append(Mistake(file, one.wiring.line, f"{one.kind.value} of {one.agent}: {sentence}"))
    return tuple(found)


def open_drivers(settings: Settings, catalogue: Catalogue, clock: Clock) -> dict[str, Driver]:
    """Every driver that the catalogue names, by the name that stands there and by its own.

    Raises:
        Misconfigured: one cannot be loaded or opened.
    """
    opened: dict[str, Driver] = {}
    for name in dict.fromkeys(one.wiring.driver for one in wired(catalogue)):
        from bot.controls.entry import Given  # noqa: PLC0415 - as above

        entry = entry_of(name)
        opened[name] = entry.open(Given(catalogue, _settings_of(entry, settings), clock))
        opened.setdefault(opened[name].name, opened[name])
    return opened


def _settings_of(entry: "Entry", settings: Settings) -> dict[str, str]:
    return {name: settings.named(name) for name in (*entry.settings, *entry.optional)}
