"""How many spans a second are kept durably, end to end over HTTP: ours on both databases, Phoenix and MLflow beside.

Everybody gets the same protobuf requests of 500 spans over four kept connections from another process. Time ends
when all spans are there to be read: we and MLflow answer after the commit, Phoenix before it, so it is asked until
the last trace shows. Phoenix and MLflow also compute costs and sessions, which we leave to the reader.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from random import Random
from statistics import median

from google.protobuf.json_format import MessageToDict
from measure import Measure, emit, load, say
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from spans import SECOND, Fleet, Task, verdicts
from stores import PEERS_MISSING, Served, asked, mlflow, ours, peak_mb, phoenix

TASKS_EACH, CONNECTIONS = 50, 4
START = 1_793_584_800 * SECOND
HOUR = 3600 * SECOND
OURS, OF_PHOENIX, OF_MLFLOW = 100_000, 5_000, 10_000  # spans
GIVE_UP = 300.0  # seconds for the last trace to show
ASKS = 12


def bodies(spans: int) -> list[tuple[list[Task], bytes]]:
    """Requests of 500 spans each."""
    fleet = Fleet()
    return list(fleet.requests(fleet.tasks(spans // fleet.steps, START, HOUR), TASKS_EACH))


def posted(path: str, body: bytes, more: str = "") -> bytes:
    """The request as bytes on the wire; a body that begins with a brace is JSON."""
    kind = "json" if body.startswith(b"{") else "x-protobuf"
    # MLflow answers only those who call it by its address
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/{kind}\r\n{more}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def in_json(body: bytes) -> bytes:
    """The same request as OTLP writes it in JSON, with hexadecimal ids."""
    request = ExportTraceServiceRequest.FromString(body)
    written = MessageToDict(request)
    for group, told in zip(request.resource_spans, written["resourceSpans"], strict=True):
        for span, said in zip(group.scope_spans[0].spans, told["scopeSpans"][0]["spans"], strict=True):
            said |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
            said["parentSpanId"] = span.parent_span_id.hex()
    return json.dumps(written, separators=(",", ":")).encode()


def rate(served: Served, requests: list[tuple[list[Task], bytes]], more: str = "") -> float:
    """Spans a second until the last request is answered."""
    wires = [posted("/v1/traces", body, more) for _, body in requests]
    spans = sum(len(tasks) for tasks, _ in requests) * Fleet().steps
    begun = time.perf_counter()
    load(served.port, lambda number: wires[number], len(wires), CONNECTIONS)
    return spans / (time.perf_counter() - begun)


def measured(kind: str, spans: int) -> float:
    """Our own figures on one database; returns spans a second."""
    requests = bodies(spans)
    with ours(kind) as served:
        say(f"{kind}: {spans} spans")
        value = rate(served, requests)
        stored = served.counted("spans")
        if stored != spans:
            raise RuntimeError(f"{stored} of {spans} spans are stored")
        goal = "≥ 15,000" if kind == "sqlite" else ""
        met = value >= 15_000 if kind == "sqlite" else None
        emit(Measure(f"spans kept, {kind}", round(value), "spans/s", goal=goal, met=met, n=spans))
        before = served.counted("traces")
        rate(served, requests[:20])
        same = (served.counted("spans"), served.counted("traces")) == (spans, before)
        emit(
            Measure(
                f"counts after a replay, {kind}", served.counted("spans"), "spans", goal="unchanged", met=same, n=20
            )
        )
        _slowed(kind, served, requests)
        peak = peak_mb(served.pid)
        note = "the server and the processes that decode for it, as if all were at their largest at once"
        emit(Measure(f"most memory, {kind}", round(peak), "MB", goal="< 250", met=peak < 250, note=note))
    return value


def measured_in_json(spans: int) -> None:
    """The same in JSON, which some SDKs send."""
    requests = [(tasks, in_json(body)) for tasks, body in bodies(spans)]
    with ours("sqlite") as served:
        say(f"sqlite, in JSON: {spans} spans")
        value = rate(served, requests)
        if served.counted("spans") != spans:
            raise RuntimeError(f"{served.counted('spans')} of {spans} spans are stored")
    emit(Measure("spans kept, sqlite, bodies in JSON", round(value), "spans/s", n=spans, note="no goal"))


def _slowed(kind: str, served: Served, requests: list[tuple[list[Task], bytes]]) -> None:
    """The whole evidence of one agent, at rest and while spans pour in."""
    for tasks, _ in requests:
        asked(served.url("/v1/logs"), verdicts(tasks, 0.6), {"content-type": "application/x-protobuf"})
    numbers = iter(range(1000))
    idle = [_evidence(served, next(numbers)) for _ in range(ASKS)]  # and as many afterwards: machines change their pace
    late = Fleet(chance=Random(6))  # noqa: S311 - chance, not secrets
    fresh = list(late.requests(late.tasks(len(requests) * TASKS_EACH, START + HOUR, HOUR), TASKS_EACH))
    pouring = get_context("fork").Process(target=rate, args=(served, fresh))  # a thread would slow the asker itself
    before, begun = served.counted("spans"), time.perf_counter()
    pouring.start()
    busy: list[float] = []
    while pouring.is_alive() and len(busy) < ASKS * 20:
        busy.append(_evidence(served, next(numbers)))
    pouring.join()
    kept = (served.counted("spans") - before) / (time.perf_counter() - begun)
    idle += [_evidence(served, next(numbers)) for _ in range(ASKS)]
    slowed = median(busy) / median(idle)
    emit(
        Measure(
            f"evidence while spans arrive, {kind}, p50",
            round(1000 * median(busy)),
            "ms",
            "at rest",
            round(1000 * median(idle)),
            round(slowed, 2),
            "≤ 2x at rest",
            slowed <= 2,
            len(busy),
            f"one agent of five, its last 90 minutes, again and again; {kept:.0f} spans/s kept meanwhile; "
            "sender, server and asker share the machine",
        )
    )


def _evidence(served: Served, number: int) -> float:
    at = (START + HOUR) // SECOND - 7 * number % 900
    begun = time.perf_counter()
    asked(served.url(f"/api/v1/agents/agent-{number % 5}/evidence?at={at}"))
    return time.perf_counter() - begun


def beside(name: str, spans: int, run: Callable[[int], float | None], mine: float, goal: float) -> None:
    """One peer's figure and our ratio to it."""
    say(f"{name}: {spans} spans")
    theirs = run(spans)
    if theirs is None:
        emit(
            Measure(f"spans kept, beside {name}", round(mine), "spans/s", name, goal=f"≥ {goal:g}x", note=PEERS_MISSING)
        )
        return
    ratio = mine / theirs
    note = f"{name} on SQLite got {spans} spans"
    emit(
        Measure(
            f"spans kept, beside {name}",
            round(mine),
            "spans/s",
            name,
            round(theirs),
            round(ratio, 1),
            f"≥ {goal:g}x",
            ratio >= goal,
            spans,
            note,
        )
    )


def of_phoenix(spans: int) -> float | None:
    """Spans a second until the last trace shows."""
    requests = bodies(spans)
    with phoenix() as served:
        if served is None:
            return None
        begun = time.perf_counter()
        rate(served, requests)
        waiting = [tasks[-1].trace_id.hex() for tasks, _ in requests[-CONNECTIONS:]]
        while waiting:
            if time.perf_counter() - begun > GIVE_UP:
                raise RuntimeError("Phoenix shows not all spans yet")
            url = served.url(f"/v1/projects/default/spans?limit=100&trace_id={waiting[0]}")
            try:
                found = len(asked(url)["data"])
            except OSError:  # the project is made by the first span
                found = 0
            if found == Fleet().steps:
                waiting.pop(0)
            else:
                time.sleep(0.5)
        return spans / (time.perf_counter() - begun)


def of_mlflow(spans: int) -> float | None:
    """Spans a second until the last request is answered."""
    requests = bodies(spans)
    with mlflow() as served:
        if served is None:
            return None
        return rate(served, requests, "x-mlflow-experiment-id: 0\r\n")


def rounds(quick: bool) -> Iterator[tuple[str, int]]:  # noqa: FBT001 - one switch
    """How many spans each of our databases gets."""
    for kind in ("sqlite", "postgresql"):
        yield kind, OURS // 5 if quick else OURS


def main() -> None:
    """Ours first, then the peers."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer spans")
    options.add_argument("--alone", action="store_true", help="without the peers")
    given = options.parse_args(sys.argv[1:])
    mine = {kind: measured(kind, spans) for kind, spans in rounds(given.quick)}
    measured_in_json(OURS // 20 if given.quick else OURS // 2)
    if not given.alone:
        beside("Phoenix", OF_PHOENIX // 5 if given.quick else OF_PHOENIX, of_phoenix, mine["sqlite"], 20)
        beside("MLflow", OF_MLFLOW // 5 if given.quick else OF_MLFLOW, of_mlflow, mine["sqlite"], 10)


if __name__ == "__main__":
    main()
