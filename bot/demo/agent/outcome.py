"""How a task ended."""

from dataclasses import dataclass
from enum import StrEnum

from opentelemetry.trace import SpanContext

from bot.demo.agent.planner import Answer, Observation
from bot.demo.agent.tasks import Task


class Outcome(StrEnum):
    """How a task ended."""

    COMPLETED = "completed"
    ESCALATED = "escalated"
    FAILED = "failed"
    STEP_LIMIT = "step_limit"
    HALTED = "halted"


class TaskEndedError(Exception):
    """The task ends here, without an answer."""

    def __init__(self, outcome: Outcome, error_type: str | None = None, *, limited: bool = False) -> None:
        self.outcome = outcome
        self.error_type = error_type
        self.limited = limited
        super().__init__(outcome.value)


@dataclass(frozen=True, slots=True)
class Finished:
    """One task, ended. `about` points at its root span."""

    agent: str
    task: Task
    outcome: Outcome
    about: SpanContext
    end_ns: int
    turns: int
    answer: Answer | None = None
    seen: tuple[Observation, ...] = ()
    unapproved_writes: int = 0
