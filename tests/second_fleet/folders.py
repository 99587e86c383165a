"""A simulated hour as a scenario folder: traces, evaluations and the truth, in the format of the sample scenarios."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.second_fleet.tasks import Step, Task, Value, token

KIND = {"chat": 3}
PROBES = (
    ("how_to",) * 3 + ("password_reset",) * 2 + ("ticket_status",) * 2 + ("access_request",) * 2 + ("attachment_case",)
)


@dataclass(frozen=True)
class Score:
    agent: str
    name: str
    passed: bool
    value: float
    at: datetime
    kind: str
    trace: str = ""
    span: str = ""
    probe: str = ""


@dataclass
class Hour:
    """What a simulation leaves behind. `probe_passes(minute)` is the chance of a probe; `judged(minute)` whether judges work."""

    onset: datetime
    tasks: list[Task]
    until: float
    since: float
    probe_passes: dict[str, float] = field(default_factory=dict)
    blind_judges: tuple[float, float] = (0.0, 0.0)


def value_of(value: Value) -> dict[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [{"stringValue": item} for item in value]}}
        case _:
            return {"stringValue": value}


def attributes(values: Mapping[str, Value]) -> list[dict[str, object]]:
    return [{"key": key, "value": value_of(value)} for key, value in values.items()]


def nanos(moment: datetime) -> str:
    whole = int(moment.timestamp())
    return str(whole * 10**9 + moment.microsecond * 1000)


def root(task: Task, chance: Random) -> dict[str, Value]:
    values: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": task.agent.name,
        "gen_ai.agent.version": task.version,
        "gen_ai.conversation.id": f"conv-{token(chance, 10)}",
        "gen_ai.provider.name": task.agent.provider,
        "agent.prompt.version": task.prompt,
        "agent.step.limit": 25,
        "task.type": task.kind,
        "task.outcome": task.outcome,
        "task.claimed_actions": list(task.claimed),
        "session.turn": task.turn,
        "user.locale": task.locale,
    }
    return values | ({"error.type": task.error} if task.error else {})


def status(error: str) -> dict[str, object]:
    return {"code": 2, "message": error} if error else {}


def span(trace: str, parent: str, step: Step, begins: datetime, agent: str, chance: Random) -> dict[str, object]:
    values: dict[str, Value] = {"gen_ai.operation.name": step.kind, **step.attributes, "gen_ai.agent.name": agent}
    if step.error:
        values["error.type"] = step.error
    return {
        "traceId": trace,
        "spanId": token(chance, 16),
        "parentSpanId": parent,
        "name": f"{step.kind} {step.name}",
        "kind": KIND.get(step.kind, 1),
        "startTimeUnixNano": nanos(begins),
        "endTimeUnixNano": nanos(begins + timedelta(seconds=step.seconds)),
        "attributes": attributes(values),
        "status": status(step.error),
    }


def request(task: Task, onset: datetime, chance: Random) -> tuple[dict[str, object], str, str, datetime]:
    """The OTLP request of one task, its trace and root span, and when it ended."""
    trace, head, begins = token(chance, 32), token(chance, 16), onset + timedelta(minutes=task.minute)
    moment, spans = begins + timedelta(milliseconds=3), []
    for step in task.steps:
        if step.kind != "silence":  # nobody records a span for waiting
            spans.append(span(trace, head, step, moment, task.agent.name, chance))
        moment += timedelta(seconds=step.seconds, milliseconds=2)
    first: dict[str, object] = {
        "traceId": trace,
        "spanId": head,
        "name": f"invoke_agent {task.agent.name}",
        "kind": 1,
        "startTimeUnixNano": nanos(begins),
        "endTimeUnixNano": nanos(moment),
        "attributes": attributes(root(task, chance)),
        "status": status(task.error),
    }
    resource: dict[str, Value] = {
        "service.name": task.agent.name,
        "service.version": task.version,
        "deployment.environment.name": "simulated",
    }
    scope = {"scope": {"name": "second-fleet", "version": "1.0.0"}, "spans": [first, *spans]}
    return (
        {"resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [scope]}]},
        trace,
        head,
        moment,
    )


def judged(task: Task, trace: str, head: str, ended: datetime, chance: Random) -> Iterator[Score]:
    """What the judges and the user say about a finished task; a failed one is not evaluated."""
    if task.outcome in {"failed", "step_limit"}:
        return
    soon = ended + timedelta(seconds=chance.uniform(20, 70))
    wrong = chance.random() < task.wrong
    verdicts = (
        ("answer_correctness", 0.6, wrong != (chance.random() < 0.04)),
        ("groundedness", 0.5, chance.random() < task.ungrounded),
        ("policy_adherence", 0.5, chance.random() < task.off_policy),
        ("user_feedback", 0.3, chance.random() < (max(task.unhappy, 0.6) if wrong else task.unhappy)),
    )
    for name, share, bad in verdicts:
        if chance.random() >= share:
            continue
        value = round(chance.uniform(0.1, 0.55) if bad else chance.uniform(0.74, 1.0), 3)
        if name in {"policy_adherence", "user_feedback"}:
            value = 0.0 if bad else 1.0
        late = 60 if name == "user_feedback" else 0
        yield Score(task.agent.name, name, not bad, value, soon + timedelta(seconds=late), task.kind, trace, head)


def probes(hour: Hour, chance: Random) -> Iterator[Score]:
    minute = hour.since + chance.uniform(0, 5)
    while minute < hour.until:
        for number, kind in enumerate(PROBES, 1):
            share = hour.probe_passes.get(kind, 0.95) if minute >= 0 else 0.95
            passed = chance.random() < share
            at = hour.onset + timedelta(minutes=minute, seconds=chance.uniform(0, 20))
            yield Score(
                "helpdesk-agent", "synthetic_task_success", passed, float(passed), at, kind, probe=f"probe-{number:02}"
            )
        minute += 5


def log_record(score: Score) -> dict[str, object]:
    values: dict[str, Value] = {
        "gen_ai.evaluation.name": score.name,
        "gen_ai.evaluation.score.value": score.value,
        "gen_ai.evaluation.score.label": "pass" if score.passed else "fail",
        **({"probe.id": score.probe} if score.probe else {}),
        "gen_ai.agent.name": score.agent,
        "task.type": score.kind,
    }
    record: dict[str, object] = {
        "timeUnixNano": nanos(score.at),
        "observedTimeUnixNano": nanos(score.at),
        "severityNumber": 9,
        "eventName": "gen_ai.evaluation.result",
        "attributes": attributes(values),
    }
    return record | ({"traceId": score.trace, "spanId": score.span} if score.trace else {})


def log_requests(scores: list[Score]) -> Iterator[dict[str, object]]:
    """One request per agent and minute, in order of time."""
    minutes: dict[tuple[datetime, str], list[Score]] = defaultdict(list)
    for score in sorted(scores, key=lambda score: score.at):
        minutes[score.at.replace(second=0, microsecond=0), score.agent].append(score)
    for (_, agent), batch in sorted(minutes.items()):
        scope = {
            "scope": {"name": "second-fleet", "version": "1.0.0"},
            "logRecords": [log_record(score) for score in batch],
        }
        yield {
            "resourceLogs": [{"resource": {"attributes": attributes({"service.name": agent})}, "scopeLogs": [scope]}]
        }


def requests(hour: Hour, chance: Random) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """The trace requests and the log requests of an hour."""
    traces, scores = [], list(probes(hour, chance))
    for task in sorted(hour.tasks, key=lambda task: task.minute):
        sent, trace, head, ended = request(task, hour.onset, chance)
        traces.append(sent)
        if not hour.blind_judges[0] <= task.minute < hour.blind_judges[1]:
            scores += judged(task, trace, head, ended, chance)
    return traces, list(log_requests(scores))


def write(folder: Path, hour: Hour, truth: Mapping[str, object], chance: Random) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in zip(("traces", "evals"), requests(hour, chance), strict=True):
        with gzip.open(folder / f"{name}.otlp.jsonl.gz", "wt", compresslevel=1) as file:
            file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def onset_of(day: int) -> datetime:
    """A different morning per seed; telemetry is judged by its own time."""
    return datetime(2026, 11, 2, 3, 7, 11, 312_647, tzinfo=UTC) + timedelta(days=day % 20, minutes=37 * day % 600)
