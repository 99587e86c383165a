"""Histories lived through on a simulated clock, as plain dictionaries a story can read."""

from collections import defaultdict
from dataclasses import dataclass, field

from bot.demo.agent.faults import Fault
from bot.demo.agent.history import KeptRecords, KeptSpans, Past, live_through
from bot.demo.agent.telemetry import Telemetry

END_NS = 1_800_000_000_000_000_000


@dataclass
class Step:
    name: str
    attributes: dict[str, object]
    seconds: float

    @property
    def operation(self) -> object:
        return self.attributes["gen_ai.operation.name"]

    @property
    def error(self) -> object:
        return self.attributes.get("error.type")


@dataclass
class TaskTrace:
    root: Step
    steps: list[Step] = field(default_factory=list)

    @property
    def outcome(self) -> object:
        return self.root.attributes["task.outcome"]

    def of(self, operation: str) -> list[Step]:
        return [step for step in self.steps if step.operation == operation]

    @property
    def tools(self) -> list[Step]:
        return self.of("execute_tool")

    @property
    def calls(self) -> list[Step]:
        return self.of("chat")

    def longest_repetition(self) -> int:
        seen: dict[tuple[object, ...], int] = defaultdict(int)
        for step in self.tools:
            key = ("gen_ai.tool.name", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
            seen[tuple(step.attributes.get(name) for name in key)] += 1
        return max(seen.values(), default=0)


@dataclass
class Lived:
    traces: list[TaskTrace]
    scores: dict[str, list[bool]]

    def of(self, agent: str) -> list[TaskTrace]:
        return [trace for trace in self.traces if trace.root.attributes["gen_ai.agent.name"] == agent]

    @property
    def helpdesk(self) -> list[TaskTrace]:
        return self.of("helpdesk-agent")

    def passed(self, evaluation: str) -> float:
        return share(self.scores[evaluation])


def lived(fault: Fault, minutes: float = 8.0) -> Lived:
    spans, records = KeptSpans(), KeptRecords()
    past = Past(END_NS, minutes, rate=40.0, seed=7, instance="helpdesk-test", fault=fault)
    for _ in live_through(past, Telemetry(spans, records, "helpdesk-test")):
        pass
    by_trace: dict[int, TaskTrace] = {}
    children: dict[int, list[Step]] = defaultdict(list)
    for span in spans.take():
        step = Step(span.name, dict(span.attributes or {}), ((span.end_time or 0) - (span.start_time or 0)) / 1e9)
        if span.parent is None:
            by_trace[span.context.trace_id] = TaskTrace(step)
        else:
            children[span.context.trace_id].append(step)
    for trace_id, trace in by_trace.items():
        trace.steps = children[trace_id]
    scores: dict[str, list[bool]] = defaultdict(list)
    for record in records.take():
        assert record.log_record.event_name == "gen_ai.evaluation.result"
        attributes = record.log_record.attributes or {}
        label = attributes["gen_ai.evaluation.score.label"]
        scores[str(attributes["gen_ai.evaluation.name"])].append(label == "pass")
    return Lived(list(by_trace.values()), scores)


def share(truths: list[bool]) -> float:
    return sum(truths) / len(truths) if truths else 0.0
