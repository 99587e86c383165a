"""The agents' recent past, lived through on a simulated clock, so that a baseline exists at once.

It is the same loop with the same latencies; only the waiting is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from bot.demo.agent.clock import NANOSECONDS, SimulatedClock
from bot.demo.agent.controls import NoControls
from bot.demo.agent.evaluation import Score, evaluate, probe_score
from bot.demo.agent.faults import Fault
from bot.demo.agent.fleet import FLEET, HELPDESK
from bot.demo.agent.telemetry import Telemetry
from bot.demo.agent.world import World

PROBES = 10
PROBE_EVERY_SECONDS = 30

_BATCH = 1024
Progress = Callable[[str], None]


class KeptSpans(SpanProcessor):
    """Keeps finished spans until they are taken."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep one span."""
        self._spans.append(span)

    def __len__(self) -> int:
        return len(self._spans)

    def take(self) -> list[ReadableSpan]:
        """Return what was kept and forget it."""
        taken, self._spans = self._spans, []
        return taken


class KeptRecords(LogRecordProcessor):
    """Keeps log records until they are taken."""

    def __init__(self) -> None:
        self._records: list[ReadableLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep one record."""
        resource = log_record.resource or Resource.get_empty()
        scope = log_record.instrumentation_scope
        self._records.append(ReadableLogRecord(log_record.log_record, resource, scope))

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002  nothing is ever on its way
        """Nothing to send."""
        return True

    def __len__(self) -> int:
        return len(self._records)

    def take(self) -> list[ReadableLogRecord]:
        """Return what was kept and forget it."""
        taken, self._records = self._records, []
        return taken


@dataclass(frozen=True, slots=True)
class Past:
    """A stretch of history to live through. Rate in tasks per minute; times in nanoseconds since the epoch."""

    end_ns: int
    minutes: float
    rate: float
    seed: int
    instance: str
    fault: Fault = Fault.NONE

    @property
    def start_ns(self) -> int:
        """Where it begins."""
        return self.end_ns - int(self.minutes * 60 * NANOSECONDS)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling a history: what was sent, and whether all of it was taken."""

    tasks: int
    spans: int
    scores: int
    delivered: bool


def live_through(past: Past, telemetry: Telemetry) -> Iterator[int]:
    """Serve every task of `past` in order of arrival and yield the number served so far.

    Spans and scores go to `telemetry` as they come; each task runs on a clock of its own.
    """
    world = World(telemetry, NoControls(), past.instance, past.seed)
    waiting: list[Score] = []
    served = 0
    for start_ns in _arrivals(past, world):
        chance = world.chance(f"past {served}")
        profile = chance.choices(FLEET, [profile.rate for profile in FLEET])[0]
        finished = world.serve(profile, f"past-{served}", past.fault, SimulatedClock(start_ns))
        waiting += evaluate(finished, chance)
        served += 1
        yield served
    waiting += _probes(past, world)
    for score in sorted(waiting):
        if score.at_ns <= past.end_ns:
            score.emit(telemetry)
    yield served


def tell(past: Past, spans: SpanExporter, logs: LogRecordExporter, progress: Progress) -> Told:
    """Live through `past` and export it; stop early when the receiver does not take it."""
    kept_spans, kept_records = KeptSpans(), KeptRecords()
    telemetry = Telemetry(kept_spans, kept_records, past.instance, {"demo.history": "lived through at once"})
    sent: list[Future[bool]] = []
    tasks = n_spans = 0
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="history") as sender:
        for tasks in live_through(past, telemetry):
            if len(kept_spans) < _BATCH:
                continue
            if any(future.done() and not future.result() for future in sent):
                break
            batch = kept_spans.take()
            n_spans += len(batch)
            sent.append(sender.submit(_export_spans, spans, batch))
            progress(f"history: {tasks} tasks, {n_spans} steps")
        rest, records = kept_spans.take(), kept_records.take()
        sent.append(sender.submit(_export_spans, spans, rest))
        sent += [
            sender.submit(_export_records, logs, records[at : at + _BATCH]) for at in range(0, len(records), _BATCH)
        ]
    delivered = all(future.result() for future in sent)
    return Told(tasks, n_spans + len(rest), len(records), delivered)


def _export_spans(exporter: SpanExporter, batch: Sequence[ReadableSpan]) -> bool:
    return exporter.export(batch) is SpanExportResult.SUCCESS


def _export_records(exporter: LogRecordExporter, batch: Sequence[ReadableLogRecord]) -> bool:
    return exporter.export(batch) is LogRecordExportResult.SUCCESS


def _arrivals(past: Past, world: World) -> Iterator[int]:
    chance = world.chance("arrivals")
    at = past.start_ns
    while True:
        at += int(chance.uniform(0.5, 1.5) * 60 / past.rate * NANOSECONDS)
        if at > past.end_ns - 3 * NANOSECONDS:  # a task takes up to three seconds and ends in the past too
            return
        yield at


def _probes(past: Past, world: World) -> Iterator[Score]:
    rounds = int(past.minutes * 60 / PROBE_EVERY_SECONDS)
    for number in range(rounds):
        at_ns = past.end_ns - (rounds - number) * PROBE_EVERY_SECONDS * NANOSECONDS
        for probe in range(PROBES):
            clock = SimulatedClock(at_ns)
            finished = world.probe(HELPDESK, probe, -1 - number, past.fault, clock)
            score = probe_score(finished, probe, clock.now_ns())
            if score is not None:
                yield score
