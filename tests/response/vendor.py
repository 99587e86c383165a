"""A control plane that does as told: what a write raises, whether it works, and what it holds."""

import asyncio
from dataclasses import dataclass, field, replace

from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Catalogue, Wiring
from bot.incident.proof import Delivery, ReadBack
from bot.ports import Driver
from tests.fakes.verbs import HELPDESK
from tests.response.conftest import Office


@dataclass
class Vendor(Driver):
    """A control plane as told: what a write raises, whether it does anything, and what it holds."""

    name: str = "vendor"
    raises: Exception | None = None
    works: bool = True
    hangs: bool = False
    deaf: bool = False  # it cannot be read
    holds: int | None = None
    keys: list[str] = field(default_factory=list)
    asked_by: list[str] = field(default_factory=list)

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        if mitigation.kind is MitigationKind.HALT:
            raise Unsupported("The vendor has no kill switch; use a turn limit.")
        return Plan(mitigation, after, ("Vendor: write it.",), {"limit": after.max_turns})

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        self.keys.append(idem)
        self.asked_by.append(plan.by.name)
        if self.works:
            self.holds = plan.after.max_turns
        if self.hangs:
            await asyncio.sleep(60)
        if self.raises:
            raise self.raises
        return Receipt("done", (f"req-{len(self.keys)}",))

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        return await self.apply(plan, idem)

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        del mitigation
        if self.deaf:
            return ReadBack(confirmed=False, detail="the vendor does not answer")
        same = self.holds == after.max_turns
        return ReadBack(same, f"limit reads {self.holds}", differs=not same)

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        del mitigation
        return Delivery(0, 0)

    async def close(self) -> None:
        pass


def connected(office: Office, vendor: Vendor) -> Vendor:
    """The vendor carries out turn limits and kill switches of the helpdesk."""
    kinds = {kind.value: Wiring("vendor") for kind in (MitigationKind.TURN_LIMIT, MitigationKind.HALT)}
    office.catalogue = Catalogue((replace(HELPDESK.agents[0], controls=kinds),))
    office.others["vendor"] = vendor
    return vendor
