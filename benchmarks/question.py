"""The question: the last 50 failed tasks of an agent with spans and scores, asked of ours beside Phoenix and MLflow."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from load import HOUR
from measure import Measure, emit, load, say
from peers import (
    Ask,
    Line,
    ask_mlflow,
    ask_phoenix,
    ask_phoenix_by_filter,
    ask_us,
    judge_in_mlflow,
    judge_in_phoenix,
    line,
    timed,
)
from spans import AGENTS, SECOND, Fleet, Task, verdicts
from stores import PEERS_MISSING, Served, mlflow, ours, phoenix

QUESTION = 50_000  # spans
TASKS_EACH = 50
CONNECTIONS = 4
TIMES = 11  # each question
FAILED = 60  # tasks of each agent: more than are asked for
GIVE_UP = 900.0  # seconds for the peer to show the last trace
BEGUN = 1_793_584_800 * SECOND
AGENT = "agent-3"
Loaded = list[tuple[list[Task], bytes]]


def tasks_of(spans: int) -> Loaded:
    """The same requests for everybody: five agents, about 60 failed tasks each, however many tasks there are."""
    fleet = Fleet()
    fleet.failing = min(0.6, FAILED * AGENTS * fleet.steps / spans)
    return list(fleet.requests(fleet.tasks(spans // fleet.steps, BEGUN, HOUR), TASKS_EACH))


def send(served: Served, requests: Loaded, more: str = "") -> None:
    """All requests over a few connections."""
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\n{more}content-length: "
    )
    load(
        served.port,
        lambda n: f"{head}{len(requests[n][1])}\r\n\r\n".encode() + requests[n][1],
        len(requests),
        CONNECTIONS,
    )


def failed(requests: Loaded) -> list[Task]:
    """The tasks that failed."""
    return [task for tasks, _ in requests for task in tasks if task.failed]


@dataclass(frozen=True, slots=True)
class Sides:
    """Milliseconds of the same question, asked in turn so that both meet the same noise."""

    ours: list[float]
    theirs: list[float]


@contextlib.contextmanager
def our_store(kind: str, requests: Loaded) -> Iterator[Line]:
    """A connection to our server on one database, with the tasks and a verdict on each failed one."""
    with ours(kind) as served, line(served) as to:
        send(served, requests)
        for task in failed(requests):
            to.post("/v1/logs", verdicts([task]))
        yield to


def answered(ask: Ask, to: Line, requests: Loaded, times: int = TIMES) -> list[float]:
    """Milliseconds of each asking; what came is what was put in."""
    expected = min(50, sum(task.agent == AGENT for task in failed(requests)))
    found, (traces, spans, scores) = timed(ask, to, AGENT, times)
    if (traces, spans, scores) != (expected, expected * Fleet().steps, expected):
        raise RuntimeError(f"{traces} traces, {spans} spans, {scores} scores; expected {expected} traces")
    return found


def in_turn(ask: Ask, to: Line, us: Line, requests: Loaded) -> Sides:
    """Peer, ours, peer, ours."""
    sides = Sides([], [])
    us.close()  # our server hung up while the peer was loaded; the next request calls again
    timed(ask_us, us, AGENT, 1)
    answered(ask, to, requests, 1)  # the first ask does not count, on neither side
    for _ in range(TIMES):
        sides.theirs.extend(answered(ask, to, requests, 1))
        sides.ours.extend(timed(ask_us, us, AGENT, 1)[0])
    say(f"  {ask.__name__}: {median(sides.theirs):.1f} ms; ours {median(sides.ours):.1f} ms")
    return sides


@contextlib.contextmanager
def phoenix_with(requests: Loaded) -> Iterator[Served | None]:
    """A Phoenix that was given the spans and is still at work on them; None where it is not installed."""
    with phoenix() as served:
        if served is not None:
            send(served, requests)
        yield served


def asked_of_phoenix(served: Served, requests: Loaded, us: Line) -> Sides:
    """Milliseconds of the question, asked the quicker of two ways."""
    with line(served) as to:
        until_shown(to, [tasks[-1].trace_id.hex() for tasks, _ in requests[-AGENTS:]])
        judge_in_phoenix(to, failed(requests))
        ways = [in_turn(ask, to, us, requests) for ask in (ask_phoenix, ask_phoenix_by_filter)]
        return min(ways, key=lambda sides: median(sides.theirs))


def until_shown(to: Line, traces: list[str]) -> None:
    """Wait until the last traces are whole: Phoenix answers before it keeps."""
    deadline = time.perf_counter() + GIVE_UP
    while traces:
        if time.perf_counter() > deadline:
            raise RuntimeError(f"Phoenix does not show all spans after {GIVE_UP:g} s")
        try:
            rows = json.loads(to.get("/v1/projects/default/spans", [("trace_id", traces[0]), ("limit", "100")]))
            found = len(rows["data"])
        except RuntimeError:  # the project is made by the first span
            found = 0
        if found == Fleet().steps:
            traces = traces[1:]
        else:
            time.sleep(0.5)


def asked_of_mlflow(requests: Loaded, us: Line) -> Sides | None:
    """Milliseconds of the question; None where MLflow is not installed."""
    with mlflow() as served:
        if served is None:
            return None
        with line(served) as to:
            send(served, requests, "x-mlflow-experiment-id: 0\r\n")
            judge_in_mlflow(to, failed(requests))
            return in_turn(ask_mlflow, to, us, requests)


def ask_postgresql(spans: int) -> None:
    """The question to ours on PostgreSQL."""
    requests = tasks_of(spans)
    say(f"the question: ours on postgresql, {spans} spans")
    with our_store("postgresql", requests) as us:
        told(us, "postgresql", requests)


def told(us: Line, kind: str, requests: Loaded) -> None:
    """Our own answer."""
    found = answered(ask_us, us, requests)
    note = f"first {found[0]:.0f} ms; one request over HTTP"
    emit(Measure(f"the question, {kind}", round(median(found), 2), "ms", n=TIMES, note=note))


def ask_beside_peers(spans: int, peers_spans: int, digesting: Served | None, *, alone: bool) -> None:
    """The question to ours on SQLite, and to the peers in turn with it."""
    requests, theirs = tasks_of(spans), tasks_of(peers_spans)
    say(f"the question: ours on sqlite, {spans} spans")
    with our_store("sqlite", requests) as us:
        told(us, "sqlite", requests)
        if alone:
            return
        say(f"the question: Phoenix, {peers_spans} spans")
        sides = None if digesting is None else asked_of_phoenix(digesting, theirs, us)
        emit(beside("Phoenix", sides, f"ours holds {spans} spans, Phoenix {peers_spans}"))
        say(f"the question: MLflow, {peers_spans} spans")
        sides = asked_of_mlflow(theirs, us)
        emit(beside("MLflow", sides, f"ours holds {spans} spans, MLflow {peers_spans}"))


def beside(name: str, sides: Sides | None, note: str) -> Measure:
    """Our answer beside that of a peer, where it is installed."""
    what, goal = f"the question, sqlite, beside {name}", ">= 20x faster"
    if sides is None:
        return Measure(what, None, "ms", name, goal=goal, note=PEERS_MISSING)
    mine, theirs = median(sides.ours), median(sides.theirs)
    ratio = theirs / mine
    note = f"{note}; asked in turn" + ("; Phoenix the quicker of two ways" if name == "Phoenix" else "")
    return Measure(what, round(mine, 2), "ms", name, round(theirs, 1), round(ratio, 1), goal, ratio >= 20, TIMES, note)
