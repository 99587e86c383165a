"""The runbook of an incident as a checklist: each step with who ticked it, when, and whether it is open yet."""

from dataclasses import dataclass
from datetime import datetime

from bot.incident.model import Person
from bot.incident.runbook import Phase, Runbook, Step
from bot.incident.state import IncidentState, Tick
from bot.incident.taxonomy import Cause


@dataclass(frozen=True, slots=True)
class Item:
    """One step as it stands. ``by`` and ``at`` are of the last tick or untick; None when nobody touched it.

    ``locked`` says why a remediation step is not open yet; ticking it stays possible, for it records what was done.
    """

    step: Step
    done: bool = False
    by: Person | None = None
    at: datetime | None = None
    locked: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """The steps of the class that is set (of UNKN before), and what was ticked under a former class."""

    runbook: Runbook
    items: tuple[Item, ...]
    former: tuple[Tick, ...] = ()

    @property
    def done(self) -> int:
        """How many are ticked."""
        return sum(item.done for item in self.items)

    def of(self, phase: Phase) -> tuple[Item, ...]:
        """The steps of one phase, in the runbook's order."""
        return tuple(item for item in self.items if item.step.phase is phase)


def checklist_of(state: IncidentState, runbook: Runbook) -> Checklist:
    """The checklist of ``runbook`` as the timeline of the incident fills it."""
    named = runbook.incident_class
    items = tuple(_item(step, state.ticks.get((named, step.id)), state) for step in runbook.steps)
    known = {step.id for step in runbook.steps}
    former = tuple(
        tick
        for (incident_class, step), tick in state.ticks.items()
        if tick.fact.done and (incident_class is not named or step not in known)
    )
    return Checklist(runbook, items, former)


def _item(step: Step, tick: Tick | None, state: IncidentState) -> Item:
    locked = _locked(step, state)
    if tick is None:
        return Item(step, locked=locked)
    return Item(step, tick.fact.done, tick.by, tick.at, "" if tick.fact.done else locked)


def _locked(step: Step, state: IncidentState) -> str:
    if step.phase is not Phase.REMEDIATION:
        return ""
    if not state.remediation_unlocked:
        return "Locked until class and suspected cause are set."
    if step.causes and state.cause not in step.causes:
        return f"For another cause: {causes_in_words(step.causes)}."
    if step.rollback:
        return "Only where the change came before the onset and the older version was evaluated again now."
    return ""


def groups_of(checklist: Checklist, cause: Cause | None) -> list[tuple[Phase, list[Item], list[Item]]]:
    """The steps by phase, in the order in which people work: those of this cause, then open ones of another."""
    found = []
    for phase in Phase:
        items = checklist.of(phase)
        others = [i for i in items if i.step.causes and cause not in {None, Cause.UNKNOWN, *i.step.causes}]
        aside = [item for item in others if not item.done]
        if items:
            found.append((phase, [item for item in items if item not in aside], aside))
    return found


def causes_in_words(causes: tuple[Cause, ...]) -> str:
    """The causes with "or" between them."""
    return " or ".join(cause.value for cause in causes)
