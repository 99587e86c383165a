"""What a fault may do to the simulated fleet, and the misleading signs that may stand beside a real one."""

from collections.abc import Callable, Mapping
from random import Random

from bot.incident.taxonomy import IncidentClass
from tests.incident.agents_at_work import KINDS, MINUTE, START, Fault
from tests.incident.one_task import Draft

ONSET = 61.0  # minute of the simulation
H, B, F = "helpdesk-agent", "billing-agent", "field-agent"
C = IncidentClass


def on(agent: str, share: float = 1.0, **values: object) -> Fault:
    """Set these fields on a share of the agent's tasks."""

    def change(draft: Draft, random: Random) -> None:
        if draft.agent == agent and random.random() < share:
            _set(draft, values)

    return change


def orion(share: float = 1.0, **values: object) -> Fault:
    """Set these fields on tasks of the two agents on the provider orion."""

    def change(draft: Draft, random: Random) -> None:
        if draft.provider == "orion" and random.random() < share:
            _set(draft, values)

    return change


def where(condition: Callable[[Draft], bool], share: float = 1.0, **values: object) -> Fault:
    """Set these fields on a share of the helpdesk's tasks that meet the condition."""

    def change(draft: Draft, random: Random) -> None:
        if draft.agent == H and condition(draft) and random.random() < share:
            _set(draft, values)

    return change


def kind(name: str, share: float = 1.0, **values: object) -> Fault:
    """Set these fields on a share of one kind of the helpdesk's tasks."""
    return where(lambda draft: draft.kind.name == name, share, **values)


def both(*faults: Fault) -> Fault:
    """One after the other."""

    def change(draft: Draft, random: Random) -> None:
        for fault in faults:
            fault(draft, random)

    return change


def ramp(fault: Fault, minutes: float = 6.0) -> Fault:
    """The fault seizes more and more tasks until it has them all."""

    def change(draft: Draft, random: Random) -> None:
        if random.random() < (draft.at_ns - START - ONSET * MINUTE) / (minutes * MINUTE):
            fault(draft, random)

    return change


def healthy(_: Draft, __: Random) -> None:
    """Nothing is wrong with the task itself."""


def thin(share: float, agent: str = H) -> Callable[[float, str], float]:
    """From the onset on, only this share of the agent's tasks arrives."""
    return lambda minute, who: share if minute >= ONSET and who == agent else 1.0


def _set(draft: Draft, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        setattr(draft, name, value)


def resets(draft: Draft, random: Random) -> None:
    """More of the tasks are password resets than usual: more writes, all of them approved."""
    if draft.agent == H and random.random() < 0.35:
        draft.kind = KINDS[H][1]


HERRINGS: Mapping[str, tuple[IncidentClass | None, Fault]] = {
    "injection alarms": (C.SECU, on(H, 0.06, injection=1.0)),
    "policy hits": (C.BEHV, on(H, policy=0.05)),
    "tool noise": (C.TOOL, on(H, tool_noise=0.06)),
    "one tool stumbles": (C.TOOL, on(H, tool_error={"search_kb": 0.1})),
    "provider stumbles": (C.PROV, orion(model_error=0.02, model_error_types=("429",))),
    "slower models": (C.PROV, orion(slow=1.4)),
    "few loops": (C.LOOP, on(H, 0.04, repeats=4)),
    "one more step": (C.LOOP, on(H, 0.5, wanders=1)),
    "few crashes": (C.HARD, on(H, crash=0.04)),
    "grumpy users": (C.QUAL, on(H, unhappy=0.12)),
    "billing answers worse": (C.QUAL, on(B, wrong=0.4)),
    "hand-offs": (None, on(H, escalates=0.25)),
    "more resets": (C.ACTN, resets),
    "new prompt": (None, on(H, prompt="p-119")),
    "new version": (None, on(H, version="4.13.0")),
    "fewer users": (C.HARD, healthy),
}  # "fewer users" thins traffic to 0.7, see troubles
