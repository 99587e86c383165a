"""How fast evidence is read: one question beside Phoenix and MLflow, and the whole bundle over a million spans.

The question is "the last 50 failed tasks of agent X with spans and scores", with the same 50,000 spans in everyone.
The bundle is asked for at distinct moments of a day of five agents, so that hardly anything read before helps, by a
server that has just been started. Phoenix digests its spans for minutes, so ours are loaded meanwhile; nothing is asked
before it is done. All of it takes about ten minutes. ``--quick`` loads a tenth; ``--home DIR`` keeps the loaded SQLite
store for the next run; ``--only question`` or ``--only bundle`` leaves the other part out.
"""

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median

from load import DAY, HOUR, TROUBLE, Day
from measure import Measure, emit, load, say
from peers import Line, line
from question import CONNECTIONS, QUESTION, ask_beside_peers, ask_postgresql, phoenix_with, tasks_of
from spans import AGENTS, SECOND
from stores import Served, database, firstfive, peak_mb

BUNDLE = 1_000_000  # spans
MOMENTS = 60
ROOM = 6_000_000_000  # bytes on disk that a million spans may take with indexes and journals


@contextlib.contextmanager
def filled(kind: str, spans: int, home: Path) -> Iterator[str]:
    """The URL of a database with a day of telemetry that ends in half an hour; one filled before is taken as it is."""
    with database(kind, home) as url:
        if kind == "sqlite" and (home / "firstfive.db").exists():
            say(f"{kind}: taken from {home}")
        else:
            with firstfive(url, home) as served:
                fill(kind, served, Day(spans, time.time_ns() + HOUR // 2))
        yield url


def fill(kind: str, served: Served, day: Day) -> None:
    """Everything over HTTP, in order."""
    say(f"{kind}: loading {day.spans} spans")
    wires = wired(day)
    begun = time.perf_counter()
    # One chunk holds about 2,000 spans and is two requests; one that does not exist would end the load
    chunks = sum(1 for _ in Day(day.spans, day.end_ns).chunks())
    load(served.port, lambda _: next(wires), 2 * chunks, CONNECTIONS)
    seconds = time.perf_counter() - begun
    peak = peak_mb(served.pid)
    say(f"{kind}: loaded at {day.spans / seconds:.0f} spans/s")
    note = "with scores; making the requests, and Phoenix at work on its own, share the machine"
    emit(Measure(f"a day loaded over HTTP, {kind}", round(day.spans / seconds), "spans/s", n=day.spans, note=note))
    emit(Measure(f"most memory while loading, {kind}", round(peak), "MB", goal="< 250 MB", met=peak < 250, n=1))


def wired(day: Day) -> Iterator[bytes]:
    """The day's requests as bytes on the wire."""
    for chunk in day.chunks():
        for path, body in (
            ("/v1/traces", chunk.traces.SerializeToString()),
            ("/v1/logs", chunk.logs.SerializeToString()),
        ):
            head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\n"
            yield f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def latest(url: str) -> int:
    """When the newest task began, in nanoseconds."""
    if url.startswith("sqlite"):
        import sqlite3  # noqa: PLC0415 - only one of the two is needed

        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as found:
            return int(found.execute("SELECT max(start_ns) FROM traces").fetchone()[0])
    import psycopg  # noqa: PLC0415 - as above

    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT max(start_ns) FROM traces").fetchone()
        return int(row[0]) if row else 0


def moments(end_ns: int, count: int) -> list[tuple[str, float]]:
    """An agent and a moment (seconds) each: most at any time of the day, some in the trouble at its end."""
    chance = Random(7)  # noqa: S311 - chance, not secrets
    found = []
    for number in range(count):
        first = end_ns - TROUBLE // 2 if number % 6 == 5 else end_ns - DAY + 3 * HOUR
        found.append((f"agent-{number % AGENTS}", chance.randrange(first, end_ns) / 1e9))
    return found


def looked(to: Line, what: str, wanted: Sequence[tuple[str, float]]) -> list[float]:
    """Milliseconds of each look, sorted."""
    found = []
    for agent, at in wanted:
        begun = time.perf_counter()
        to.get(f"/api/v1/agents/{agent}/{what}", [("at", f"{at:.3f}")] if at else [])
        found.append(1000 * (time.perf_counter() - begun))
    return sorted(found)


def measure_bundle(kind: str, url: str, home: Path) -> None:
    """Bundles at distinct moments, classifications, and the present again and again."""
    with firstfive(url, home) as served, line(served) as to:
        end_ns = latest(url)
        stored = served.counted("spans")
        looked(to, "evidence", [("nobody", 0)])  # code that is loaded when first needed
        wanted = moments(end_ns, 2 * MOMENTS)
        for what, asked_for, goal in (
            ("evidence", wanted[:MOMENTS], 300),
            ("classification", wanted[MOMENTS:], 400),
        ):
            say(f"{kind}: {what} at {MOMENTS} moments, {stored} spans")
            report(f"{what}, {kind}", looked(to, what, asked_for), goal, f"{stored} spans stored; distinct moments")
        last = [("agent-0", (end_ns - SECOND * (20 - second)) / 1e9) for second in range(20)]
        report(
            f"evidence every second of trouble, {kind}", looked(to, "evidence", last), 300, "one agent; as a page does"
        )
        peak = peak_mb(served.pid)
        note = f"{3 * MOMENTS} looks at {stored} spans; the server and what it started"
        emit(
            Measure(f"most memory while reading, {kind}", round(peak), "MB", goal="< 250 MB", met=peak < 250, note=note)
        )


def report(what: str, found: list[float], goal: int, note: str) -> None:
    """The 95th percentile against its goal, with the median in the note."""
    p95 = found[min(len(found) - 1, int(0.95 * len(found)))]
    note = f"p50 {median(found):.0f} ms, slowest {found[-1]:.0f} ms; {note}"
    say(f"  {what}: p95 {p95:.0f} ms, {note}")
    emit(Measure(f"{what}, p95", round(p95, 1), "ms", goal=f"< {goal} ms", met=p95 < goal, n=len(found), note=note))


def main() -> None:
    """Load, let Phoenix digest meanwhile, then ask."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a tenth of the spans")
    options.add_argument("--quick-peers", action="store_true", help="a tenth of the spans for Phoenix and MLflow only")
    options.add_argument("--alone", action="store_true", help="without the peers")
    options.add_argument("--only", choices=("question", "bundle"), help="one part")
    options.add_argument("--database", choices=("sqlite", "postgresql"), help="the bundle on one database only")
    options.add_argument("--home", type=Path, help="where the loaded SQLite store stays for the next run")
    given = options.parse_args(sys.argv[1:])
    part = 10 if given.quick else 1
    spans, peers_spans = QUESTION // part, QUESTION // (10 if given.quick_peers else part)
    questions, bundles = given.only != "bundle", given.only != "question"
    kinds = [kind for kind in ("sqlite", "postgresql") if bundles and given.database in {None, kind}]
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        with_peers = contextlib.ExitStack()
        stack.callback(with_peers.close)
        digesting = None
        if questions:
            ask_postgresql(spans)
            if not given.alone:
                digesting = with_peers.enter_context(phoenix_with(tasks_of(peers_spans)))
        stores = {kind: stack.enter_context(loaded(kind, BUNDLE // part, given.home)) for kind in kinds}
        if questions:
            ask_beside_peers(spans, peers_spans, digesting, alone=given.alone)
        with_peers.close()
        for kind, store in stores.items():
            if store is not None:
                measure_bundle(kind, *store)
    say(f"done after {time.perf_counter() - begun:.0f} s")


@contextlib.contextmanager
def loaded(kind: str, spans: int, home: Path | None) -> Iterator[tuple[str, Path] | None]:
    """The URL of a loaded database and its folder; None, and said so, where there is no room for it."""
    if shutil.disk_usage(home.parent if home else tempfile.gettempdir()).free < ROOM:
        emit(Measure(f"evidence, {kind}, p95", None, "ms", goal="< 300 ms", note="less than 6 GB of disk are free"))
        yield None
        return
    with contextlib.ExitStack() as stack:
        if home is None or kind != "sqlite":
            made = tempfile.TemporaryDirectory(prefix="ff-bench-", ignore_cleanup_errors=True)
            home = Path(stack.enter_context(made))
        home.mkdir(parents=True, exist_ok=True)
        yield stack.enter_context(filled(kind, spans, home)), home


if __name__ == "__main__":
    main()
