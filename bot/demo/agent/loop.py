"""The agent loop: model call, tool call, model call … until there is an answer or somebody says stop.

Controls are asked before every model call and every tool call, inside the retry loops too.
"""

from dataclasses import dataclass, field
from random import Random

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from bot.demo.agent.clock import Clock
from bot.demo.agent.controls import DRAIN, EGRESS_CUT, QUEUE_PAUSED, READ_ONLY, Caller, Controls
from bot.demo.agent.faults import Deployment, Fault
from bot.demo.agent.fleet import STEP_LIMIT, TOOLS, Profile
from bot.demo.agent.model import Completion, ModelEndpoint, ProviderRefusedError
from bot.demo.agent.outcome import Finished, Outcome, TaskEndedError
from bot.demo.agent.planner import UNWANTED_PHRASE, Answer, CallTool, Observation, Planner
from bot.demo.agent.span_attributes import (
    answered_attributes,
    asked_attributes,
    guardrail_attributes,
    task_attributes,
    tool_attributes,
)
from bot.demo.agent.tasks import INJECTED_DESTINATION, Task
from bot.demo.agent.telemetry import AttributeValue
from bot.demo.agent.tools import Toolbox, ToolFailedError

_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.1
_HANG_SECONDS = 1.2
_CRASH_SHARE = 0.8
_FALSE_ALARMS = 0.004
_INJECTIONS_CAUGHT = 0.4


@dataclass(slots=True)
class TaskRun:
    """Everything one task is served with. Call `serve` once."""

    profile: Profile
    deployment: Deployment
    fault: Fault
    task: Task
    controls: Controls
    caller: Caller
    clock: Clock
    chance: Random
    tracer: Tracer
    turns: int = 0
    tool_calls: int = 0
    unapproved_writes: int = 0
    planner: Planner = field(init=False)
    _inside: Context = field(init=False, default_factory=Context)

    def __post_init__(self) -> None:
        self.planner = Planner(self.task, self.fault, self.chance)

    def serve(self) -> Finished:
        """Serve the task to its end, whatever that is, inside one root span."""
        root = self.tracer.start_span(
            f"invoke_agent {self.profile.name}",
            context=Context(),
            attributes=task_attributes(self.profile, self.deployment, self.task),
            start_time=self.clock.now_ns(),
        )
        self._inside = set_span_in_context(root, Context())
        answer: Answer | None = None
        ended = TaskEndedError(Outcome.COMPLETED)
        try:
            answer = self._work()
            ended.outcome = Outcome.ESCALATED if answer.handed_off else Outcome.COMPLETED
        except TaskEndedError as why:
            ended = why
        return self._finish(root, ended, answer)

    def _work(self) -> Answer:
        self._stop_if_halted()
        if self.controls.on(DRAIN, self.caller) or self.controls.on(QUEUE_PAUSED, self.caller):
            raise TaskEndedError(Outcome.HALTED)
        if self.controls.handoff(self.caller) != "off":
            raise TaskEndedError(Outcome.ESCALATED)
        if self.fault is Fault.HARD:
            self._crash()
        self._guardrail("prompt_injection", triggered=self.chance.random() < _FALSE_ALARMS)
        while True:
            self._stop_at_step_limit()
            decision = self._ask_model().decision
            if isinstance(decision, Answer):
                return self._checked(decision)
            observation = self._use_tool(decision)
            if observation is not None:
                self.planner.observe(self._screened(observation))

    def _crash(self) -> None:
        """Fail as the bad release does, before anything was asked of a model."""
        draw = self.chance.random()
        if draw < _CRASH_SHARE / 2:
            self.clock.sleep(_HANG_SECONDS)
            raise TaskEndedError(Outcome.FAILED, "timeout")
        if draw < _CRASH_SHARE:
            self.clock.sleep(0.02)
            raise TaskEndedError(Outcome.FAILED, "worker_lost")

    def _ask_model(self) -> Completion:
        endpoint = ModelEndpoint(self.fault, self.clock, self.chance)
        for attempt in range(_ATTEMPTS):
            self._stop_if_halted()
            limit = self.controls.turn_limit(self.caller, STEP_LIMIT)
            if self.turns >= limit:
                raise TaskEndedError(Outcome.ESCALATED, limited=True)
            self.turns += 1
            try:
                return self._model_call(endpoint)
            except ProviderRefusedError:
                self.clock.sleep(_BACKOFF_SECONDS * (attempt + 1))
        raise TaskEndedError(Outcome.FAILED, "llm_unavailable")

    def _model_call(self, endpoint: ModelEndpoint) -> Completion:
        model = self.controls.model(self.caller, self.profile.model)
        span = self._start(f"chat {model}", asked_attributes(self.profile, model), SpanKind.CLIENT)
        try:
            completion = endpoint.complete(self.planner, model, self._available())
        except ProviderRefusedError as refused:
            self._end(span, refused.status)
            raise
        span.set_attributes(answered_attributes(completion))
        self._end(span)
        return completion

    def _available(self) -> frozenset[str]:
        off = self.controls.disabled_tools(self.caller)
        if self.controls.on(READ_ONLY, self.caller):
            off |= {tool.name for tool in TOOLS.values() if tool.writes}
        if self.controls.on(EGRESS_CUT, self.caller):
            off |= {tool.name for tool in TOOLS.values() if tool.destination} | {"export_directory"}
        return frozenset(TOOLS) - off

    def _use_tool(self, call: CallTool) -> Observation | None:
        """Call a tool, again when it fails; None when it was switched off since the model asked for it."""
        answered = frozenset(seen.tool for seen in self.planner.seen)
        toolbox = Toolbox(self.task, self.fault, self.clock, self.chance, answered)
        for attempt in range(_ATTEMPTS):
            self._stop_if_halted()
            if call.tool not in self._available():
                return None
            self._stop_at_step_limit()
            self.tool_calls += 1
            try:
                return self._tool_call(toolbox, call)
            except ToolFailedError:
                self.clock.sleep(_BACKOFF_SECONDS * (attempt + 1))
        raise TaskEndedError(Outcome.FAILED, "tool_unavailable")

    def _tool_call(self, toolbox: Toolbox, call: CallTool) -> Observation:
        call_id = f"call_{self.chance.getrandbits(48):012x}"
        span = self._start(f"execute_tool {call.tool}", tool_attributes(call, call_id), SpanKind.INTERNAL)
        try:
            observation = toolbox.execute(call)
        except ToolFailedError as failed:
            self._end(span, failed.kind)
            raise
        if TOOLS[call.tool].writes and call.approval is None:
            self.unapproved_writes += 1
        span.set_attribute("gen_ai.tool.call.result", observation.result)
        self._end(span)
        return observation

    def _screened(self, observation: Observation) -> Observation:
        """Look for instructions in what came from outside; a caught one is cut out, the rest passes."""
        if not TOOLS[observation.tool].untrusted:
            return observation
        caught = INJECTED_DESTINATION in observation.result and self.chance.random() < _INJECTIONS_CAUGHT
        self._guardrail("prompt_injection", triggered=caught)
        return Observation(observation.tool, '{"text": "removed"}') if caught else observation

    def _checked(self, answer: Answer) -> Answer:
        """Check the answer against the content policy before anybody reads it."""
        self._guardrail("output_policy", triggered=UNWANTED_PHRASE in answer.text)
        return answer

    def _guardrail(self, name: str, *, triggered: bool) -> None:
        span = self._start(f"guardrail {name}", guardrail_attributes(name, triggered=triggered), SpanKind.INTERNAL)
        self.clock.sleep(0.005)
        self._end(span)

    def _stop_if_halted(self) -> None:
        if self.controls.halted(self.caller):
            raise TaskEndedError(Outcome.HALTED)

    def _stop_at_step_limit(self) -> None:
        if self.tool_calls >= STEP_LIMIT:
            raise TaskEndedError(Outcome.STEP_LIMIT, "step_limit")
        if self.tool_calls >= self.controls.step_limit(self.caller, STEP_LIMIT):
            raise TaskEndedError(Outcome.ESCALATED, limited=True)

    def _start(self, name: str, attributes: dict[str, AttributeValue], kind: SpanKind) -> Span:
        attributes["gen_ai.agent.name"] = self.profile.name
        return self.tracer.start_span(
            name, self._inside, kind=kind, attributes=attributes, start_time=self.clock.now_ns()
        )

    def _end(self, span: Span, error_type: str | None = None) -> None:
        if error_type is not None:
            span.set_attribute("error.type", error_type)
            span.set_status(StatusCode.ERROR, error_type)
        span.end(self.clock.now_ns())

    def _finish(self, root: Span, ended: TaskEndedError, answer: Answer | None) -> Finished:
        root.set_attribute("task.outcome", ended.outcome.value)
        if answer is not None:
            root.set_attribute("task.claimed_actions", list(answer.claimed))
        if ended.limited:
            root.set_attribute("task.limited", True)
        self._end(root, ended.error_type)
        return Finished(
            agent=self.profile.name,
            task=self.task,
            outcome=ended.outcome,
            about=root.get_span_context(),
            end_ns=self.clock.now_ns(),
            turns=self.turns,
            answer=answer,
            seen=tuple(self.planner.seen),
            unapproved_writes=self.unapproved_writes,
        )
