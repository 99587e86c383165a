"""The verbs about mitigations, wired together once for every composition root."""

from dataclasses import dataclass

from bot.incident.errors import Unavailable
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import BUILT_IN
from bot.incident.model import Catalogue
from bot.incident.rules import Taxonomy
from bot.ports import Clock, Control, Groups, Records, Traces
from bot.response.carry_out import CarryOut
from bot.response.changes import Changes
from bot.response.driving import Drivers
from bot.response.known import KnownAgent
from bot.response.loosen import Adjust, Extend, PlanExit, Revert
from bot.response.mitigate import Apply, Offers
from bot.response.orders import Order, drafted
from bot.response.preview import PreviewOrder
from bot.response.second_person import Decide


class LateGroups(Groups):
    """Groups of people as whoever keeps them says, once that one is ``connected``."""

    def __init__(self) -> None:
        self.connected: Groups | None = None

    async def members(self, group: str) -> frozenset[str]:
        """The ids of the people in it.

        Raises:
            Unavailable: nobody who keeps groups is connected, or that one cannot tell.
        """
        if self.connected is None:
            raise Unavailable(f"No Slack is connected, so the members of {group} are unknown.")
        return await self.connected.members(group)


@dataclass(frozen=True, slots=True)
class Mitigating:
    """Everything that can be done about mitigations."""

    changes: Changes
    offers: Offers
    preview: PreviewOrder
    apply: Apply
    revert: Revert
    extend: Extend
    adjust: Adjust
    plan_exit: PlanExit
    decide: Decide
    known_agent: KnownAgent


def mitigating(
    records: Records,
    clock: Clock,
    traces: Traces,
    control: Control,
    drivers: Drivers,
    taxonomy: Taxonomy,
    groups: Groups | None = None,
) -> Mitigating:
    """The verbs over these records and control planes; without ``groups`` only people can be approvers."""
    catalogue: Catalogue = drivers.catalogue
    changes = Changes(records, clock, control, CarryOut(records, clock, control, drivers))

    async def connected(agent: str) -> int:
        asked = drafted(agent, Order(MitigationKind.HALT), None, clock.now())
        return (await drivers.connected[BUILT_IN].delivery(asked)).instances

    return Mitigating(
        changes=changes,
        offers=Offers(records, clock, traces, catalogue, taxonomy),
        preview=PreviewOrder(records, clock, traces, catalogue, drivers, taxonomy),
        apply=Apply(records, clock, traces, catalogue, drivers, changes, taxonomy),
        revert=Revert(changes),
        extend=Extend(changes),
        adjust=Adjust(changes),
        plan_exit=PlanExit(changes),
        decide=Decide(changes, clock, catalogue, groups or LateGroups()),
        known_agent=KnownAgent(traces, catalogue, clock, connected),
    )
