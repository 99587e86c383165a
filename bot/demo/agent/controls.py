"""What the agent is told to do from outside, before every step."""

from dataclasses import dataclass
from typing import Protocol

HALT = "agent.halt"
MAX_TURNS = "agent.max_turns"
DISABLED_TOOLS = "agent.disabled_tools"
MODEL = "agent.model"
PROMPT = "agent.prompt_version"
DRAIN = "agent.drain"
QUEUE_PAUSED = "agent.queue_paused"
READ_ONLY = "agent.read_only"
EGRESS_CUT = "agent.egress_cut"
MAX_STEPS = "agent.max_steps"
HANDOFF = "agent.handoff"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the evaluation context, so that a control can aim at a part of the traffic."""

    session: str
    agent: str
    environment: str
    tenant: str
    version: str
    channel: str
    instance: str


class Controls(Protocol):
    """The orders of the moment."""

    def halted(self, caller: Caller) -> bool:
        """Whether no further step may be taken."""
        ...

    def on(self, switch: str, caller: Caller) -> bool:
        """Whether a switch such as `READ_ONLY` is on."""
        ...

    def turn_limit(self, caller: Caller, default: int) -> int:
        """Model calls that a task may make."""
        ...

    def step_limit(self, caller: Caller, default: int) -> int:
        """Tool calls that a task may make."""
        ...

    def handoff(self, caller: Caller) -> str:
        """Which tasks people take over: off, new or all."""
        ...

    def prompt(self, caller: Caller, default: str) -> str:
        """The version of the prompt to use."""
        ...

    def disabled_tools(self, caller: Caller) -> frozenset[str]:
        """Tools that may not be called."""
        ...

    def model(self, caller: Caller, default: str) -> str:
        """The model to ask."""
        ...


class NoControls:
    """No control plane at all: the agent's own defaults. Histories and tests run on it."""

    def halted(self, caller: Caller) -> bool:  # noqa: ARG002  nobody asks
        """Return False."""
        return False

    def on(self, switch: str, caller: Caller) -> bool:  # noqa: ARG002  nobody asks
        """Return False."""
        return False

    def turn_limit(self, caller: Caller, default: int) -> int:  # noqa: ARG002  nobody asks
        """Return the default."""
        return default

    def step_limit(self, caller: Caller, default: int) -> int:  # noqa: ARG002  nobody asks
        """Return the default."""
        return default

    def handoff(self, caller: Caller) -> str:  # noqa: ARG002  nobody asks
        """Return "off"."""
        return "off"

    def prompt(self, caller: Caller, default: str) -> str:  # noqa: ARG002  nobody asks
        """Return the default."""
        return default

    def disabled_tools(self, caller: Caller) -> frozenset[str]:  # noqa: ARG002  nobody asks
        """Return nothing."""
        return frozenset()

    def model(self, caller: Caller, default: str) -> str:  # noqa: ARG002  nobody asks
        """Return the default."""
        return default
