"""A long day of five agents for the built-in store: recorded tasks of normal work, stamped anew until they are enough.

The tasks are those of ``tests/data/scenarios``; two agents have trouble in the last quarter of an hour.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from google.protobuf.json_format import ParseDict
from measure import ROOT
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from spans import AGENTS, SECOND, put

RECORDED = ROOT / "tests" / "data" / "scenarios"
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TROUBLE = 15 * MINUTE  # how long the trouble at the end of the day lasts
SHORTEST, LONGEST = 8, 17  # spans of a normal task
LOOPING, DECLINING = "agent-0", "agent-1"  # who has trouble
JUDGED = {"answer_correctness": 0.6, "groundedness": 0.5, "policy_adherence": 0.5, "user_feedback": 0.3}


@dataclass(frozen=True, slots=True)
class Recording:
    """One task as it was recorded: its spans without ids, and whose child each is (-1: nobody's)."""

    spans: tuple[Span, ...]
    parents: tuple[int, ...]

    @property
    def start_ns(self) -> int:
        """When it began."""
        return min(span.start_time_unix_nano for span in self.spans)


@cache
def recordings(scenario: str, agent: str, *, after_onset: bool) -> tuple[Recording, ...]:
    """The helpdesk's tasks of a scenario, before or after its onset, under another agent's name."""
    folder = RECORDED / scenario
    onset = int(json.loads((folder / "truth.json").read_text())["onset_unix_nano"])
    found = [_recording(spans, agent) for spans in _tasks(folder / "traces.otlp.jsonl.gz")]
    return tuple(
        one
        for one in found
        if (one.start_ns >= onset) == after_onset and (after_onset or SHORTEST <= len(one.spans) <= LONGEST)
    )


def _tasks(file: Path) -> Iterator[list[dict[str, Any]]]:
    with gzip.open(file) as lines:
        for line in lines:
            (resource,) = json.loads(line)["resourceSpans"]
            if "helpdesk-agent" in line.decode():
                yield [span for scope in resource["scopeSpans"] for span in scope["spans"]]


def _recording(spans: list[dict[str, Any]], agent: str) -> Recording:
    places = {span["spanId"]: place for place, span in enumerate(spans)}
    parents = tuple(places.get(span.get("parentSpanId", ""), -1) for span in spans)
    ids = {"traceId", "spanId", "parentSpanId"}
    bare = [ParseDict({name: part for name, part in span.items() if name not in ids}, Span()) for span in spans]
    for span in bare:
        for pair in span.attributes:
            if pair.key == "gen_ai.agent.name":
                pair.value.string_value = agent
    return Recording(tuple(bare), parents)


@dataclass(slots=True)
class Chunk:
    """Requests of one stretch of time: the tasks of all agents, and the verdicts on them."""

    traces: ExportTraceServiceRequest = field(default_factory=ExportTraceServiceRequest)
    logs: ExportLogsServiceRequest = field(default_factory=ExportLogsServiceRequest)
    spans: int = 0


@dataclass(slots=True)
class Day:
    """Tasks of all agents from ``end_ns`` minus a day to ``end_ns``, evenly."""

    spans: int
    end_ns: int
    chance: Random = field(default_factory=lambda: Random(11))  # noqa: S311 - chance, not secrets

    def chunks(self, spans_each: int = 2000) -> Iterator[Chunk]:
        """The day in order, about ``spans_each`` spans at a time."""
        made, number = 0, 0
        tasks = self.spans // 10  # about; the pace, not the number
        chunk = self._chunk()
        while made < self.spans:
            at_ns = self.end_ns - DAY + DAY * made // self.spans + self.chance.randrange(DAY // tasks)
            added = self._task(chunk, number % AGENTS, at_ns)
            made, number = made + added, number + 1
            chunk.spans += added
            if chunk.spans >= spans_each:
                yield chunk
                chunk = self._chunk()
        if chunk.spans:
            yield chunk

    def _chunk(self) -> Chunk:
        chunk = Chunk()
        for number in range(AGENTS):
            names: dict[str, object] = {"service.name": f"agent-{number}", "service.version": "4.12.0"}
            of_agent = chunk.traces.resource_spans.add()
            put(of_agent.resource.attributes, names)
            of_agent.scope_spans.add()
            judged = chunk.logs.resource_logs.add()
            put(judged.resource.attributes, names)
            judged.scope_logs.add()
        return chunk

    def _task(self, chunk: Chunk, number: int, at_ns: int) -> int:
        agent = f"agent-{number}"
        in_trouble = at_ns >= self.end_ns - TROUBLE
        looping = in_trouble and agent == LOOPING
        task = self.chance.choice(recordings("sample_loop" if looping else "sample_qual", agent, after_onset=looping))
        trace_id = self.chance.randbytes(16)
        ids = [self.chance.randbytes(8) for _ in task.spans]
        shift = at_ns - task.start_ns
        into = chunk.traces.resource_spans[number].scope_spans[0].spans
        for place, recorded in enumerate(task.spans):
            span = into.add()
            span.CopyFrom(recorded)
            span.trace_id, span.span_id = trace_id, ids[place]
            span.parent_span_id = ids[task.parents[place]] if task.parents[place] >= 0 else b""
            span.start_time_unix_nano += shift
            span.end_time_unix_nano += shift
        wrong = 0.5 if in_trouble and agent == DECLINING else 0.07
        self._judge(chunk, number, trace_id, ids[0], at_ns, wrong)
        return len(ids)

    def _judge(self, chunk: Chunk, number: int, trace_id: bytes, root: bytes, at_ns: int, wrong: float) -> None:
        for name, share in JUDGED.items():
            if self.chance.random() >= share:
                continue
            passed = self.chance.random() >= wrong
            record = chunk.logs.resource_logs[number].scope_logs[0].log_records.add()
            record.event_name = "gen_ai.evaluation.result"
            record.time_unix_nano = at_ns + self.chance.randrange(20, 70) * SECOND
            record.trace_id, record.span_id = trace_id, root
            put(
                record.attributes,
                {
                    "gen_ai.evaluation.name": name,
                    "gen_ai.evaluation.score.value": 1.0 if passed else 0.0,
                    "gen_ai.evaluation.score.label": "pass" if passed else "fail",
                    "gen_ai.agent.name": f"agent-{number}",
                },
            )
