"""Agents and their tasks, as they go out."""

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.web.api.models.evidence import FindingShape
from bot.web.api.models.shape import Shape


class AgentShape(Shape):
    """An agent of the catalogue, or one that only telemetry knows (``listed`` false)."""

    name: str
    description: str
    owners: list[str]
    environments: list[str]
    provider: str | None
    listed: bool
    sends_telemetry: bool = Field(description="something arrived within the last hour")
    controls: dict[str, Any] = Field(description="what it has to obey now")


class StepShape(Shape):
    """One span. Previews are redacted, and hostile all the same: escape them where they are shown."""

    span_id: str
    parent_id: str | None
    kind: str
    name: str
    start: datetime
    seconds: float
    error: bool
    error_type: str | None
    error_message: str
    tool: dict[str, Any] | None
    model: dict[str, Any] | None
    guardrail: dict[str, Any] | None
    inferred: bool = Field(default=False, description="a call that no span tells of, read from what the model answered")


class ScoreShape(Shape):
    """One evaluator's verdict."""

    name: str
    at: datetime
    value: float | None
    label: str | None
    passed: bool | None
    span_id: str | None
    explanation: str


class TaskShape(Shape):
    """One task without its steps."""

    trace_id: str
    agent: str
    environment: str | None
    session_id: str | None
    start: datetime
    seconds: float
    error: bool
    failed: bool = Field(default=False, description="it ended in an error, a failure or at its step limit")
    complete: bool
    agent_version: str | None
    prompt_version: str | None
    provider: str | None
    task: dict[str, Any]
    scores: list[ScoreShape] = Field(default_factory=list)
    url: str | None = Field(default=None, description="its page in your own tool")


class TraceShape(TaskShape):
    """One task with its steps and what the detectors find in it."""

    steps: list[StepShape]
    findings: list[FindingShape]


class ListedTraceShape(TaskShape):
    """One task of many; steps and findings where they were asked for."""

    steps: list[StepShape] | None = Field(description="null unless spans=true")
    findings: list[FindingShape] | None = Field(description="null unless findings=true")


class TracesShape(Shape):
    """Traces, newest first; ask again with ``before=next`` until it is null."""

    traces: list[ListedTraceShape]
    next: str | None
