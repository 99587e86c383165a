"""Telemetry to measure with: tasks of simulated agents as OTLP requests, the same for everybody who is measured."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

SECOND = 1_000_000_000
AGENTS = 5
SAYING = "I will look that up in the knowledge base and come back to you in a moment. "


@dataclass(frozen=True, slots=True)
class Task:
    """One task: which trace, which agent, when, and whether it failed."""

    trace_id: bytes
    agent: str
    start_ns: int
    failed: bool


@dataclass(slots=True)
class Fleet:
    """Makes tasks of ``steps`` spans each; the same seed makes the same tasks."""

    steps: int = 10
    failing: float = 0.05
    chance: random.Random = field(default_factory=lambda: random.Random(5))  # noqa: S311 - chance, not secrets

    def request(self, tasks: list[Task]) -> bytes:
        """The tasks of one agent as an ExportTraceServiceRequest in protobuf."""
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        put(group.resource.attributes, {"service.name": tasks[0].agent})
        spans = group.scope_spans.add().spans
        for task in tasks:
            self._root(spans.add(), task)
            for place in range(self.steps - 1):
                self._step(spans.add(), task, place)
        return bytes(request.SerializeToString())

    def _root(self, span: object, task: Task) -> None:
        fill(span, task, root_id(task), b"", "invoke_agent", (0, self.steps), failed=task.failed)
        put(
            span.attributes,  # type: ignore[attr-defined]  # protobuf's generated class
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": task.agent,
                "gen_ai.agent.version": "4.2.0",
                "agent.prompt.version": "p-118",
                "agent.step.limit": 25,
                "task.type": "how_to",
                "task.outcome": "failed" if task.failed else "completed",
                "gen_ai.conversation.id": task.trace_id.hex()[:12],
                "session.turn": self.chance.randint(1, 9),
            },
        )

    def _step(self, span: object, task: Task, place: int) -> None:
        is_model = place % 2 == 0
        name = "chat orion-large" if is_model else f"execute_tool search_{place % 3}"
        fill(span, task, self.chance.randbytes(8), root_id(task), name, (place, place + 1))
        put(span.attributes, self._chat() if is_model else self._tool(place))  # type: ignore[attr-defined]  # as above

    def _chat(self) -> dict[str, object]:
        said = [{"role": "assistant", "parts": [{"type": "text", "content": SAYING * 3}]}]
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "orion",
            "gen_ai.request.model": "orion-large",
            "gen_ai.response.model": "orion-large-2026-05",
            "gen_ai.usage.input_tokens": self.chance.randint(500, 2000),
            "gen_ai.usage.output_tokens": self.chance.randint(40, 200),
            "gen_ai.response.time_to_first_chunk": round(self.chance.uniform(0.2, 0.6), 3),
            "gen_ai.output.messages": json.dumps(said),
        }

    def _tool(self, place: int) -> dict[str, object]:
        return {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": f"search_{place % 3}",
            "gen_ai.tool.call.id": f"call_{place}",
            "gen_ai.tool.call.arguments": json.dumps({"query": f"reset {self.chance.randrange(10**6)}", "limit": 5}),
            "gen_ai.tool.call.result": json.dumps({"hits": [f"article {number}, part two" for number in range(8)]}),
            "tool.side_effect": "read",
            "tool.manifest.hash": "1f2e3d",
        }

    def tasks(self, count: int, start_ns: int, length_ns: int) -> Iterator[Task]:
        """So many tasks spread over that time, of one agent after the other."""
        for number in range(count):
            at = start_ns + number * length_ns // count
            failed = self.chance.random() < self.failing
            yield Task(self.chance.randbytes(16), f"agent-{number % AGENTS}", at, failed)

    def requests(self, tasks: Iterator[Task], tasks_each: int) -> Iterator[tuple[list[Task], bytes]]:
        """The tasks in requests of one agent each, about ``tasks_each`` to a request."""
        waiting: dict[str, list[Task]] = {}
        for task in tasks:
            mine = waiting.setdefault(task.agent, [])
            mine.append(task)
            if len(mine) == tasks_each:
                yield mine, self.request(mine)
                waiting[task.agent] = []
        for mine in waiting.values():
            if mine:
                yield mine, self.request(mine)


def verdicts(tasks: list[Task], share: float = 1.0) -> bytes:
    """A verdict on that share of the tasks as an ExportLogsServiceRequest; failed ones are judged wrong."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    put(group.resource.attributes, {"service.name": tasks[0].agent})
    records = group.scope_logs.add().log_records
    for number, task in enumerate(tasks):
        if number >= share * len(tasks):
            break
        record = records.add()
        record.event_name = "gen_ai.evaluation.result"
        record.time_unix_nano = task.start_ns + 40 * SECOND
        record.trace_id, record.span_id = task.trace_id, root_id(task)
        put(
            record.attributes,
            {
                "gen_ai.evaluation.name": "answer_correctness",
                "gen_ai.evaluation.score.value": 0.0 if task.failed else 1.0,
                "gen_ai.evaluation.score.label": "fail" if task.failed else "pass",
                "gen_ai.agent.name": task.agent,
            },
        )
    return bytes(request.SerializeToString())


def root_id(task: Task) -> bytes:
    """The id of a task's root span."""
    return task.trace_id[:8]


def fill(
    span: object,
    task: Task,
    span_id: bytes,
    parent: bytes,
    name: str,
    between: tuple[int, int],
    *,
    failed: bool = False,
) -> None:
    """The parts that every span has; times are seconds after the task began."""
    found: dict[str, object] = {
        "trace_id": task.trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "start_time_unix_nano": task.start_ns + between[0] * SECOND,
        "end_time_unix_nano": task.start_ns + between[1] * SECOND,
    }
    for part, value in found.items():
        setattr(span, part, value)
    if failed:
        span.status.code = 2  # type: ignore[attr-defined]  # protobuf's generated class
        span.status.message = "the task failed"  # type: ignore[attr-defined]  # as above


def put(attributes: object, values: dict[str, object]) -> None:
    """Attributes of any type."""
    for name, value in values.items():
        pair = KeyValue(key=name)
        match value:
            case bool():
                pair.value.bool_value = value
            case int():
                pair.value.int_value = value
            case float():
                pair.value.double_value = value
            case _:
                pair.value.string_value = str(value)
        attributes.append(pair)  # type: ignore[attr-defined]  # a repeated field
