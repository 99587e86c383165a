"""May this call be made? Pure functions from controls to a refusal, or None."""

import hashlib
from collections.abc import Sequence

from firstfive_client.controls import Controls, Kind
from firstfive_client.refusals import (
    CostCapReached,
    Draining,
    EgressCut,
    Halted,
    HandedOff,
    NotServed,
    QueuePaused,
    RateCapReached,
    ReadOnly,
    Refused,
    StepCapReached,
    ToolDisabled,
    TurnLimitReached,
)
from firstfive_client.unknown import Tool

MINUTE = 60.0
UNDESCRIBED = Tool()


def of_call(controls: Controls, tool: str | None, does: Tool = UNDESCRIBED) -> Refused | None:
    """Whether a model call (``tool`` None) or a call of that tool may be made now."""
    because = controls.because
    if controls.halt:
        return Halted("The agent is halted", because[Kind.HALT])
    if controls.handoff == "all":
        return HandedOff("People have taken over all tasks", because[Kind.HANDOFF])
    if tool is None:
        return None
    if tool in controls.disabled_tools:
        return ToolDisabled(f"The tool {tool} is disabled", because[Kind.DISABLE_TOOLS], tool=tool)
    if controls.read_only and does.writes:
        return ReadOnly(f"Only reading is allowed, and {tool} writes", because[Kind.READ_ONLY], tool=tool)
    if controls.egress_cut and does.egress:
        return EgressCut(f"Nothing may leave, and {tool} reaches out", because[Kind.EGRESS_CUT], tool=tool)
    return None


def of_budget(controls: Controls, turns: int | None, steps: int | None, cost_usd: float) -> Refused | None:
    """Whether a task that has made so many model calls or tool calls (None: not asked) may make one more."""
    because = controls.because
    if turns is not None and controls.max_turns is not None and turns >= controls.max_turns:
        return TurnLimitReached(f"This task has made its {controls.max_turns} model calls", because[Kind.TURN_LIMIT])
    if steps is not None and controls.max_steps is not None and steps >= controls.max_steps:
        return StepCapReached(f"This task has made its {controls.max_steps} tool calls", because[Kind.STEP_CAP])
    if controls.max_cost_usd is not None and cost_usd >= controls.max_cost_usd:
        return CostCapReached(f"This task has spent its {controls.max_cost_usd:g} dollars", because[Kind.COST_CAP])
    return None


def of_task(controls: Controls, key: str, *, queued: bool) -> Refused | None:
    """Whether a task may start; ``queued`` says that it comes from a queue, ``key`` places it in the traffic."""
    because = controls.because
    if controls.halt:
        return Halted("The agent is halted", because[Kind.HALT])
    if controls.handoff != "off":
        return HandedOff("New tasks go to people", because[Kind.HANDOFF])
    if controls.drain:
        return Draining("The agent takes no new tasks", because[Kind.DRAIN])
    if queued and controls.queue_paused:
        return QueuePaused("The queue is paused", because[Kind.QUEUE_PAUSE])
    percent = controls.canary_percent
    if percent is not None and not served(key, percent):
        return NotServed(f"The agent serves {percent} % of the traffic", because[Kind.CANARY_SHARE])
    return None


def served(key: str, percent: int) -> bool:
    """Whether ``key`` lies within that share of the traffic; the same everywhere and every time."""
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return place % 10_000 < percent * 100


def of_rate(controls: Controls, started: Sequence[float], instances: int, now: float) -> Refused | None:
    """Whether one more task may start, given the monotonic times of earlier starts, oldest first.

    The cap is for the whole agent; each of its ``instances`` keeps to an equal share of it.
    """
    if controls.rate_cap_rpm is None:
        return None
    share = controls.rate_cap_rpm / max(1, instances)
    allowed = max(1, int(share))
    window = MINUTE if share >= 1 else MINUTE / share if share else float("inf")
    if share and (len(started) < allowed or now - started[-allowed] >= window):
        return None
    return RateCapReached(
        f"The agent may start {controls.rate_cap_rpm} tasks a minute", controls.because[Kind.RATE_CAP]
    )
