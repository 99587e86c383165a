"""What agents did, in one shape, whatever convention or vendor it came from.

Times are integer nanoseconds since the Unix epoch, as in OTLP. Text fields ending in
``preview`` are short and already redacted; they may still hold hostile text and are
escaped where they are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Attributes = Mapping[str, object]

CALL_MARK = "→ "  # in what a step said, a line that starts so is a tool call: its name and arguments


class SpanKind(StrEnum):
    """What a span is about, after normalisation."""

    AGENT = "agent"
    LLM = "llm"
    TOOL = "tool"
    GUARDRAIL = "guardrail"
    RETRIEVAL = "retrieval"
    EMBEDDING = "embedding"
    OTHER = "other"


class SideEffect(StrEnum):
    """Whether a tool only reads or also changes the world."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Hashes are SHA-256 (first 16 hex digits) of the canonical JSON of arguments and result,
    or of the raw text where it is not JSON; None where the span carried neither.
    """

    name: str
    call_id: str | None = None
    arguments_hash: str | None = None
    result_hash: str | None = None
    arguments_preview: str = ""
    result_preview: str = ""
    empty_result: bool = False
    side_effect: SideEffect | None = None
    privileged: bool = False
    approval_id: str | None = None
    destination: str | None = None
    manifest_hash: str | None = None
    untrusted_content: bool = False
    version: str | None = None


class AskedTool(NamedTuple):
    """A tool call that a model asked for. Where nobody recorded the call itself, this is all there is of it."""

    name: str
    call_id: str | None = None
    arguments_hash: str | None = None
    arguments_preview: str = ""


class ToldResult(NamedTuple):
    """What a model was told of a tool's answer since its last turn."""

    call_id: str | None
    result_hash: str | None = None
    result_preview: str = ""
    empty: bool = False
    error: bool = False


class Heard(NamedTuple):
    """What a person or a program said to a model since its last turn.

    ``times`` counts how often the same stands there in a row, each time with an answer after it that calls no tool; 0 where
    it says too little to be the same again. ``alone`` says that nothing was recorded of the conversation before it, but for
    the model's instructions where it is ``framed``: with them a conversation begins, without them it may go on.
    """

    digest: str  # SHA-256, first 16 hex digits; empty where a tool's result stands alone
    times: int = 1
    alone: bool = False
    framed: bool = False


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a model: which was asked, which answered, and what it cost (USD)."""

    provider: str | None = None
    requested: str | None = None
    answering: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_chunk_seconds: float | None = None
    prompt_version: str | None = None
    output_preview: str = ""
    prompt_name: str | None = None
    cached_tokens: int | None = None  # of the input tokens
    reasoning_tokens: int | None = None  # of the output tokens
    cost: float | None = None
    asked: tuple[AskedTool, ...] = ()
    told: tuple[ToldResult, ...] = ()
    response_id: str | None = None  # the provider's own name for this answer
    instrumentation: str | None = None  # OpenTelemetry's scope: which library tells of the call
    heard: Heard | None = None


@dataclass(frozen=True, slots=True)
class GuardrailCheck:
    """One guardrail's verdict on one input or output."""

    name: str
    triggered: bool


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace. At most one of ``tool``, ``model`` and ``guardrail`` is set."""

    trace_id: str
    span_id: str
    parent_id: str | None
    kind: SpanKind
    name: str
    start_ns: int
    end_ns: int
    error: bool = False
    error_type: str | None = None
    error_message: str = ""
    agent: str | None = None
    tool: ToolCall | None = None
    model: ModelCall | None = None
    guardrail: GuardrailCheck | None = None
    attributes: Attributes = field(default_factory=dict)
    said: str = ""  # the first words of a model's or an agent's step, see bot.sources.said
    inferred: bool = False  # not recorded: a model asked for this tool call

    @property
    def seconds(self) -> float:
        """Duration in seconds, never negative."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Task:
    """What the root span says about the task; every field may be missing in foreign telemetry."""

    type: str | None = None
    outcome: str | None = None  # completed, escalated, failed, step_limit, halted, or a team's own word
    claimed_actions: tuple[str, ...] = ()
    turn: int | None = None
    step_limit: int | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One task of one agent, with its spans in order of start."""

    id: str
    agent: str
    start_ns: int
    end_ns: int
    agent_version: str | None = None
    prompt_version: str | None = None
    environment: str | None = None
    session_id: str | None = None
    tenant: str | None = None
    user: str | None = None
    provider: str | None = None
    error: bool = False
    complete: bool = True  # the root span has arrived, or the agents that speak for it
    task: Task = field(default_factory=Task)
    spans: tuple[Span, ...] = ()

    @property
    def failed(self) -> bool:
        """The task ended in an error, a failure or at its step limit. A hand-off or a halt is not a failure."""
        return self.error or self.task.outcome in {"failed", "step_limit", "timeout", "error"}

    @property
    def tool_spans(self) -> tuple[Span, ...]:
        """The steps that called a tool, in order."""
        return tuple(span for span in self.spans if span.tool is not None)

    @property
    def model_spans(self) -> tuple[Span, ...]:
        """The steps that called a model, in order."""
        return tuple(span for span in self.spans if span.model is not None)


class EvalScore(NamedTuple):
    """One evaluator's verdict. ``passed`` is None where neither label nor score decides it."""

    name: str
    at_ns: int
    agent: str | None = None
    value: float | None = None
    label: str | None = None
    passed: bool | None = None
    trace_id: str | None = None
    span_id: str | None = None
    task_type: str | None = None
    probe_id: str | None = None
    explanation: str = ""
    agent_said: bool = True  # False: nobody named it, and ``agent`` is the service that sent the score

    @property
    def synthetic(self) -> bool:
        """The score is of a probe we sent, not of a user's task."""
        return self.probe_id is not None or self.name.startswith("synthetic")
