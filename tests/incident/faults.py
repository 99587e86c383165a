"""Troubles for the simulated fleet: each class in a clear, a subtle and some particular shapes."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.incident.taxonomy import IncidentClass
from tests.incident.agents_at_work import Draft, Fault


@dataclass(frozen=True)
class Scenario:
    name: str
    expected: IncidentClass
    fault: Fault
    agent: str = "helpdesk-agent"
    pace: Callable[[float, str], float] | None = None
    from_minute: int = 5


def helpdesk(change: Fault) -> Fault:
    return lambda draft, random: change(draft, random) if draft.agent == "helpdesk-agent" else None


def on(agent: str, share: float = 1.0, **values: object) -> Fault:
    """Set these fields on a share of the agent's tasks."""

    def change(draft: Draft, random: Random) -> None:
        if draft.agent == agent and random.random() < share:
            for name, value in values.items():
                setattr(draft, name, value)

    return change


def orion(**values: object) -> Fault:
    """Set these fields on every task of the two agents on the provider orion."""

    def change(draft: Draft, _: Random) -> None:
        if draft.agent != "field-agent":
            for name, value in values.items():
                setattr(draft, name, value)

    return change


def both(*faults: Fault) -> Fault:
    def change(draft: Draft, random: Random) -> None:
        for fault in faults:
            fault(draft, random)

    return change


def deep(draft: Draft, _: Random) -> None:
    if draft.turn >= 8:
        draft.policy = 0.7


def attachments(draft: Draft, random: Random) -> None:
    if draft.kind.name == "attachment_case" and random.random() < 0.7:
        draft.led_astray, draft.destination = True, "drop.invalid"


def one_type(draft: Draft, _: Random) -> None:
    if draft.kind.name == "how_to":
        draft.wrong = 0.75


def healthy(_: Draft, __: Random) -> None:
    """Nothing is wrong with the task itself."""


def collapsed(minute: float, agent: str) -> float:
    return 0.15 if minute >= 61 and agent == "helpdesk-agent" else 1.0


C = IncidentClass
H = "helpdesk-agent"
HERRING_ALARMS = on(H, 0.05, injection=1.0)
HERRING_TOOLS = on(H, 1.0, tool_error={"search_kb": 0.06, "get_user": 0.06})
HERRING_LOOP = on(H, 0.03, repeats=4)
HERRING_HANDOFF = on(H, 1.0, escalates=0.2)
HERRING_MODEL = on(H, 1.0, model_error=0.015)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("workers die", C.HARD, on(H, 1.0, crash=0.4)),
    Scenario("workers die now and then, beside tool errors", C.HARD, both(on(H, 1.0, crash=0.25), HERRING_TOOLS)),
    Scenario("tasks never end", C.HARD, on(H, 0.4, hangs=True), from_minute=8),
    Scenario("hardly any task arrives", C.HARD, healthy, pace=collapsed),
    Scenario("the provider errs", C.PROV, orion(model_error=0.35)),
    Scenario("the provider errs a little, beside a loop", C.PROV, both(orion(model_error=0.12), HERRING_LOOP)),
    Scenario("the provider is slow", C.PROV, orion(slow=5.0)),
    Scenario("the provider serves another model", C.PROV, orion(answering="orion-mini", wrong=0.45)),
    Scenario("a tool fails", C.TOOL, on(H, 1.0, tool_error={"search_kb": 0.6})),
    Scenario("an index is empty", C.TOOL, on(H, 1.0, tool_empty={"search_kb": 0.7})),
    Scenario("a rare tool fails, beside alarms", C.TOOL, both(on(H, 1.0, tool_error={"get_user": 0.7}), HERRING_ALARMS)),
    Scenario("tasks loop", C.LOOP, on(H, 0.3, repeats=12)),
    Scenario("some tasks loop, beside model errors", C.LOOP, both(on(H, 0.2, repeats=9), HERRING_MODEL)),
    Scenario("tasks wander", C.LOOP, on(H, 0.35, wanders=12)),
    Scenario("tasks loop into their limit", C.LOOP, on(H, 0.35, repeats=25)),
    Scenario("answers get worse", C.QUAL, on(H, 1.0, wrong=0.5, prompt="p-119")),
    Scenario("answers get worse, beside alarms", C.QUAL, both(on(H, 1.0, wrong=0.5), HERRING_ALARMS)),
    Scenario("answers get worse, beside hand-offs and tool errors", C.QUAL, both(on(H, 1.0, wrong=0.45), HERRING_HANDOFF, HERRING_TOOLS)),
    Scenario("answers to one kind of task get worse", C.QUAL, one_type, from_minute=10),
    Scenario("it speaks out of policy", C.BEHV, on(H, 1.0, policy=0.35)),
    Scenario("long talks go out of policy", C.BEHV, helpdesk(deep), from_minute=10),
    Scenario("out of policy, beside tool errors", C.BEHV, both(on(H, 1.0, policy=0.3), HERRING_TOOLS)),
    Scenario("writes without approval", C.ACTN, on(H, 1.0, unapproved=0.35)),
    Scenario("it claims what it did not do", C.ACTN, on(H, 1.0, false_claim=0.3)),
    Scenario("credits are far too large", C.ACTN, on("billing-agent", 1.0, amount=12.0), agent="billing-agent", from_minute=8),
    Scenario("it writes far too much", C.ACTN, on(H, 0.2, extra_writes=6)),
    Scenario("unapproved, beside model errors", C.ACTN, both(on(H, 1.0, unapproved=0.3), HERRING_MODEL)),
    Scenario("an attachment takes over", C.SECU, attachments, from_minute=10),
    Scenario("injection alarms", C.SECU, on(H, 0.25, injection=1.0)),
    Scenario("mail leaves to a new place", C.SECU, on(H, 0.3, destination="drop.invalid")),
    Scenario("a tool's description changes", C.SECU, both(on(H, 1.0, manifest="m2"), on(H, 0.15, destination="drop.invalid"))),
)  # fmt: skip
