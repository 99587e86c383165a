"""An office without a database, a Slack or a network: the real verbs over records in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.incident.mitigation import BUILT_IN, Mitigation
from bot.incident.model import Catalogue, IncidentKey, Person
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.timeline import kind_of
from bot.monitors.proof import ProofWatch
from bot.monitors.timers import Timers
from bot.ports import Driver, Groups
from bot.response.choosing import Choice
from bot.response.declare import Declaration
from bot.response.driving import Drivers
from bot.response.exit_plan import TakeStep
from bot.response.freeze import FreezeEvidence
from bot.response.verbs import Verbs
from tests.fakes.clock import FakeClock
from tests.fakes.verbs import HELPDESK, RUNBOOKS, KeptTraces, ObeyedControl, Tasks, verbs_over
from tests.web.memory import MemoryRecords

ANA, BEN = Person("U0ANA", "ana"), Person("U0BEN", "ben")
AGENT = "helpdesk-agent"


@dataclass
class Office:
    """Everything a story needs, and what it looks at afterwards."""

    clock: FakeClock = field(default_factory=FakeClock)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    traces: KeptTraces = field(default_factory=KeptTraces)
    control: ObeyedControl = field(default_factory=ObeyedControl)
    tasks: Tasks = field(default_factory=Tasks)
    catalogue: Catalogue = HELPDESK
    others: dict[str, Driver] = field(default_factory=dict)
    groups: Groups | None = None

    @property
    def verbs(self) -> Verbs:
        return verbs_over(
            self.records,
            self.clock,
            traces=self.traces,
            background=self.tasks,
            control=self.control,
            catalogue=self.catalogue,
            others=self.others,
            groups=self.groups,
        )

    @property
    def timers(self) -> Timers:
        freeze = FreezeEvidence(self.records, self.clock, self.verbs.suggest)
        changes = self.verbs.revert.changes
        exits = TakeStep(self.records, self.clock, changes, self.verbs.suggest, RUNBOOKS)
        return Timers(self.records, self.clock, changes, freeze, exits)

    @property
    def proofs(self) -> ProofWatch:
        return ProofWatch(self.records, self.clock, Drivers({BUILT_IN: self.control}, HELPDESK), self.traces, HELPDESK)

    async def declared(self, title: str = "It loops", idem: str = "click-1", *, harm: bool = False) -> IncidentState:
        state, _ = await self.verbs.declare(Declaration(title, AGENT, harm_now=harm), ANA, idem)
        await self.tasks.settle()
        return state

    async def classified(self, named: IncidentClass, severity: Severity = Severity.SEV2) -> IncidentState:
        state = await self.declared()
        return await self.verbs.classify(state.incident.key, Choice(named, Cause.OUR_PROMPT, severity), ANA, "c1")

    async def undo(self, mitigation: Mitigation, by: Person = ANA, approver: Person = BEN) -> Mitigation:
        """Undone by one person and approved by another."""
        asked = await self.verbs.revert(mitigation.id, "it is over", by, f"undo-{mitigation.id}")
        return await self.verbs.decide(asked.approval, approver, granted=True) if asked.approval else asked

    def told(self, key: str = "INC-1") -> list[str]:
        """The kinds of events on the timeline, in order."""
        return [kind_of(event.fact) for event in self.records.kept.events[IncidentKey(key)]]

    def posted(self) -> Sequence[str]:
        """What the room is to be told."""
        return [task.payload["text"] for task in self.records.kept.tasks if "text" in task.payload]

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by).total_seconds())


@pytest.fixture
def office() -> Office:
    return Office()
