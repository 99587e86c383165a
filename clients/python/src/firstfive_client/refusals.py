"""Why a call may not be made. Every refusal names the control, the incident and what would be over the limit.

Refused
├── Halted             no model call and no tool call
├── HandedOff          people take over (new tasks, or all)
├── TaskRefused        this task may not start
│   ├── Draining       running tasks end, no new ones
│   ├── QueuePaused    nothing is taken from the queue
│   ├── RateCapReached so many tasks a minute
│   └── NotServed      outside the share of traffic this agent may serve
├── LimitReached       this task has used up what it may
│   ├── TurnLimitReached, StepCapReached, CostCapReached
└── ToolRefused        this tool may not be called
    ├── ToolDisabled, ReadOnly, EgressCut
"""

from firstfive_client.controls import Kind, Rule


class Refused(Exception):
    """A control stands against this call. ``str()`` is one sentence for people and for the model.

    ``incident`` and ``mitigation`` are empty when nothing was ever known and the call was refused for that.
    """

    kind: Kind

    def __init__(self, sentence: str, rule: Rule | None = None, *, tool: str = "") -> None:
        self.incident = rule.incident if rule else ""
        self.mitigation = rule.id if rule else ""
        self.limit = None if rule is None or rule.value is True else rule.value
        self.tool = tool
        named = f" ({self.incident})" if self.incident else ""
        super().__init__(f"{sentence}{named}.")


class Halted(Refused):
    """The kill switch is on."""

    kind = Kind.HALT


class HandedOff(Refused):
    """People take over."""

    kind = Kind.HANDOFF


class TaskRefused(Refused):
    """This task may not start."""


class Draining(TaskRefused):
    """Running tasks end; no new ones."""

    kind = Kind.DRAIN


class QueuePaused(TaskRefused):
    """Nothing is taken from the queue."""

    kind = Kind.QUEUE_PAUSE


class RateCapReached(TaskRefused):
    """No more tasks in this minute."""

    kind = Kind.RATE_CAP


class NotServed(TaskRefused):
    """This task is outside the share of traffic that the agent may serve."""

    kind = Kind.CANARY_SHARE


class LimitReached(Refused):
    """This task has used up what it may."""


class TurnLimitReached(LimitReached):
    """As many model calls as allowed were made."""

    kind = Kind.TURN_LIMIT


class StepCapReached(LimitReached):
    """As many tool calls as allowed were made."""

    kind = Kind.STEP_CAP


class CostCapReached(LimitReached):
    """As many dollars as allowed were spent."""

    kind = Kind.COST_CAP


class ToolRefused(Refused):
    """This tool may not be called."""


class ToolDisabled(ToolRefused):
    """It is switched off by name."""

    kind = Kind.DISABLE_TOOLS


class ReadOnly(ToolRefused):
    """It writes, and only reading is allowed."""

    kind = Kind.READ_ONLY


class EgressCut(ToolRefused):
    """It reaches out, and nothing may leave."""

    kind = Kind.EGRESS_CUT
