"""The kinds of control there are: their names, what they do, and how their values join.

One table, :data:`LEVERS`, says everything that differs from kind to kind, so that composition,
flags, dialogs and the command line have no list of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | tuple[str, ...]

# An integer limit while none is in force: larger than any task, and safe for a reader that takes the smaller.
UNLIMITED = 2_147_483_647
UNLIMITED_USD = 1e9
HANDOFFS = ("off", "new", "all")  # from narrow to wide: nobody, new tasks, every task


class MitigationKind(StrEnum):
    """The levers. Values are stable names used by the command line, the API and the timeline."""

    HALT = "halt"
    DRAIN = "drain"
    QUEUE_PAUSE = "queue-pause"
    READ_ONLY = "read-only"
    EGRESS_CUT = "egress-cut"
    TURN_LIMIT = "turn-limit"
    STEP_CAP = "step-cap"
    COST_CAP = "cost-cap"
    RATE_CAP = "rate-cap"
    DISABLE_TOOLS = "disable-tools"
    GUARDRAIL_LEVEL = "guardrail-level"
    HANDOFF = "handoff"
    MODEL_PIN = "model-pin"
    PROMPT_PIN = "prompt-pin"
    CANARY_SHARE = "canary-share"

    @property
    def label(self) -> str:
        """The name people read."""
        return LEVERS[self].label

    @property
    def control(self) -> str:
        """Its name among an agent's controls: ``max_turns``."""
        return LEVERS[self].control

    @property
    def flag_key(self) -> str:
        """The key under which agents read it: ``agent.max_turns``."""
        return f"agent.{self.control}"


class Joining(StrEnum):
    """How the values of several live mitigations become one: always the safest."""

    ANY = "any"  # on, as soon as one says so
    LEAST = "least"  # the smallest number
    MOST = "most"  # the largest number
    UNION = "union"  # everything that any of them names
    WIDEST = "widest"  # the one that reaches furthest
    ALONE = "alone"  # no value is safer than another; one has to supersede the other


@dataclass(frozen=True, slots=True)
class Lever:
    """What there is to know about one kind.

    ``at_rest`` is what agents read while nothing is in force, ``phrase`` says it in words (``{}`` is the
    figure), ``does`` and ``undone`` what happens when it is applied and undone. ``least`` and ``most``
    bound the numbers that can be asked for.
    """

    label: str
    control: str
    joining: Joining
    at_rest: Value
    phrase: str
    does: str
    undone: str
    least: float = 1
    most: float = 1

    @property
    def is_switch(self) -> bool:
        """On or off, without a figure."""
        return self.joining is Joining.ANY

    @property
    def is_number(self) -> bool:
        """Its value is a number."""
        return self.joining in {Joining.LEAST, Joining.MOST}

    @property
    def is_whole(self) -> bool:
        """Its value is a whole number."""
        return self.is_number and isinstance(self.at_rest, int)


LEVERS: Mapping[MitigationKind, Lever] = {
    MitigationKind.HALT: Lever(
        "Kill switch",
        "halt",
        Joining.ANY,
        at_rest=False,
        phrase="halted",
        does="The agent takes no further model or tool call until it is undone or expires.",
        undone="The agent takes tasks again.",
    ),
    MitigationKind.DRAIN: Lever(
        "Drain",
        "drain",
        Joining.ANY,
        at_rest=False,
        phrase="draining",
        does="Running tasks finish; no new task starts.",
        undone="The agent takes new tasks again.",
    ),
    MitigationKind.QUEUE_PAUSE: Lever(
        "Queue pause",
        "queue_paused",
        Joining.ANY,
        at_rest=False,
        phrase="queue paused",
        does="New tasks wait in their queue; nothing is lost and nobody is answered.",
        undone="Waiting tasks are taken from the queue again, all at once if nothing caps them.",
    ),
    MitigationKind.READ_ONLY: Lever(
        "Read-only mode",
        "read_only",
        Joining.ANY,
        at_rest=False,
        phrase="read-only",
        does="The agent calls no tool that writes; reading and answering go on.",
        undone="The agent may call tools that write again.",
    ),
    MitigationKind.EGRESS_CUT: Lever(
        "Egress cut",
        "egress_cut",
        Joining.ANY,
        at_rest=False,
        phrase="egress cut",
        does="No tool sends anything outside; what stays inside goes on.",
        undone="Tools may send to outside destinations again.",
    ),
    MitigationKind.TURN_LIMIT: Lever(
        "Turn limit",
        "max_turns",
        Joining.LEAST,
        at_rest=UNLIMITED,
        phrase="turn limit {}",
        does="A task ends once it has used that many model turns.",
        undone="Tasks may take more than {} model turns again.",
        most=1000,
    ),
    MitigationKind.STEP_CAP: Lever(
        "Step cap",
        "max_steps",
        Joining.LEAST,
        at_rest=UNLIMITED,
        phrase="step cap {}",
        does="A task ends once it has made that many tool calls.",
        undone="Tasks may make more than {} tool calls again.",
        most=10_000,
    ),
    MitigationKind.COST_CAP: Lever(
        "Cost cap",
        "max_cost_usd",
        Joining.LEAST,
        at_rest=UNLIMITED_USD,
        phrase="cost cap ${}",
        does="A task ends once it has cost that many US dollars.",
        undone="Tasks may cost more than ${} again.",
        least=0.001,
        most=10_000,
    ),
    MitigationKind.RATE_CAP: Lever(
        "Rate cap",
        "rate_cap_rpm",
        Joining.LEAST,
        at_rest=UNLIMITED,
        phrase="rate cap {} a minute",
        does="At most that many tasks start in a minute; the others wait or are turned away.",
        undone="More than {} tasks a minute may start again.",
        most=100_000,
    ),
    MitigationKind.DISABLE_TOOLS: Lever(
        "Tools off",
        "disabled_tools",
        Joining.UNION,
        at_rest=(),
        phrase="tools off: {}",
        does="The agent does not call these tools; tasks that need none of them go on.",
        undone="The agent may call {} again.",
    ),
    MitigationKind.GUARDRAIL_LEVEL: Lever(
        "Guardrail level",
        "guardrail_level",
        Joining.MOST,
        at_rest=0,
        phrase="guardrail level {}",
        does="Guardrails check more strictly; some good answers may be withheld.",
        undone="Guardrails are back at the level they had before {}.",
        most=3,
    ),
    MitigationKind.HANDOFF: Lever(
        "Human hand-off",
        "handoff",
        Joining.WIDEST,
        at_rest=HANDOFFS[0],
        phrase="hand-off of {} tasks",
        does="People take over these tasks; the agent does not answer them by itself.",
        undone="The agent answers {} tasks by itself again.",
    ),
    MitigationKind.MODEL_PIN: Lever(
        "Model pin",
        "model",
        Joining.ALONE,
        at_rest="",
        phrase="model pinned to {}",
        does="Every model call asks for this model and no other.",
        undone="The agent chooses its model by itself again, instead of {}.",
    ),
    MitigationKind.PROMPT_PIN: Lever(
        "Prompt pin",
        "prompt_version",
        Joining.ALONE,
        at_rest="",
        phrase="prompt pinned to {}",
        does="Every task uses this version of the prompt and no other.",
        undone="The agent uses its released prompt again, instead of {}.",
    ),
    MitigationKind.CANARY_SHARE: Lever(
        "Canary share",
        "canary_percent",
        Joining.LEAST,
        at_rest=100,
        phrase="canary share {} %",
        does="The agent serves that share of the traffic; the rest goes where it went before.",
        undone="The agent serves more than {} % of the traffic again.",
        least=0,
        most=99,
    ),
}
KIND_OF_CONTROL: Mapping[str, MitigationKind] = {lever.control: kind for kind, lever in LEVERS.items()}
