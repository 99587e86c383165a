"""An agent's side of firstfive: obey halts, limits, pins and tool blocks, also when the network is gone.

from firstfive_client import Client, Refused

client = Client(agent="helpdesk-agent", environment="production").start()

with client.task(session_id, tenant="acme") as task:
    with task.turn():
        answer = ask(task.model("gpt-5"), prompt)
    with task.tool("refund"):
        refund(order)
"""

from firstfive_client.aio import AsyncClient
from firstfive_client.client import Client, Standing
from firstfive_client.controls import Controls, Kind, Rule, Scope
from firstfive_client.refusals import (
    CostCapReached,
    Draining,
    EgressCut,
    Halted,
    HandedOff,
    LimitReached,
    NotServed,
    QueuePaused,
    RateCapReached,
    ReadOnly,
    Refused,
    StepCapReached,
    TaskRefused,
    ToolDisabled,
    ToolRefused,
    TurnLimitReached,
)
from firstfive_client.task import Task
from firstfive_client.unknown import Tool, WhenUnknown

__all__ = [
    "AsyncClient",
    "Client",
    "Controls",
    "CostCapReached",
    "Draining",
    "EgressCut",
    "Halted",
    "HandedOff",
    "Kind",
    "LimitReached",
    "NotServed",
    "QueuePaused",
    "RateCapReached",
    "ReadOnly",
    "Refused",
    "Rule",
    "Scope",
    "Standing",
    "StepCapReached",
    "Task",
    "TaskRefused",
    "Tool",
    "ToolDisabled",
    "ToolRefused",
    "TurnLimitReached",
    "WhenUnknown",
]
