"""Which control plane carries a mitigation out."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.errors import Misconfigured, Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import BUILT_IN, Mitigation
from bot.incident.model import Catalogue
from bot.ports import Driver


@dataclass(frozen=True, slots=True)
class Drivers:
    """The control planes that are connected, by name; the built-in one is always among them."""

    connected: Mapping[str, Driver]
    catalogue: Catalogue

    def serving(self, agent: str, kind: MitigationKind) -> Driver:
        """The one that carries out this kind for this agent, as its catalogue entry says; default the built-in one.

        Raises:
            Unsupported: the entry names one that is not connected.
        """
        wiring = self.catalogue.agent(agent).controls.get(kind.value)
        name = wiring.driver if wiring else BUILT_IN
        if name not in self.connected:
            raise Unsupported(
                f"{kind.label} of {agent} is carried out by {name}, which is not connected here. "
                "Set its address and token, or leave it out of the catalogue entry's controls."
            )
        return self.connected[name]

    def of(self, mitigation: Mitigation) -> Driver:
        """The one that carries out this mitigation.

        Raises:
            Misconfigured: it was disconnected since.
        """
        if mitigation.driver not in self.connected:
            raise Misconfigured(
                f"{mitigation.label} is carried out by {mitigation.driver}, which is not connected any more."
            )
        return self.connected[mitigation.driver]
