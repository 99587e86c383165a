"""How fast a click reaches agents, how many of them, and what asking costs.

"Click to effect" begins when the transaction of the write API call is committed in firstfive and ends when the
new value answers in the client's process, both on the machine's monotonic clock. For Unleash it begins when its
admin API has answered, which favours it.
"""

import json
import os
import random
import sys
import tempfile
import time
import timeit
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

from controls_measures import AGENT, PAUSE, Server, asked, client, effects, firstfive, program, quantile
from measure import ROOT, Measure, emit, load, say

sys.path.insert(0, str(ROOT))  # the servers and Node packages are shared with the tests
from tests.integration.unleash_server import Unleash, unleash
from tests.node_programs import NodeMissing, installed

NODE = ROOT / "tests" / "conformance" / "node"
UNLEASH_PYTHON = ROOT / ".venv-unleash" / "bin" / "python"
COMMITTED = "from the commit of the write API call until the new value answers in another process"
DEFAULT_SECONDS, FAST_SECONDS = 15, 1


def told(name: str, found: Sequence[float], note: str, goals: tuple[float, float] | None = None) -> float:
    """Emit median and p99 of what was found, in milliseconds; returns the median."""
    for label, share, place in (("p50", 0.5, 0), ("p99", 0.99, 1)):
        value, goal = quantile(found, share), goals[place] if goals else None
        emit(
            Measure(
                f"click to effect, {name}, {label}",
                round(value, 2),
                "ms",
                goal=f"< {goal} ms" if goal else "",
                met=value < goal if goal else None,
                n=len(found),
                note=f"{note}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
            )
        )
    return quantile(found, 0.5)


def to_one(server: Server) -> float:
    """Each kind of client by itself; returns the median of our own in milliseconds."""
    say("click to effect: firstfive-client")
    with program(client("own", server.url)) as listener:
        listener.next()  # it is connected
        own = told("firstfive-client", _all(effects(server, listener, 150)), COMMITTED, (5, 50))
    say("click to effect: flagd provider")
    with program(client("flagd", f"127.0.0.1:{server.flagd_port}")) as listener:
        listener.next()
        told("flagd provider (gRPC stream)", _all(effects(server, listener, 100)), COMMITTED)
    try:
        node = installed(NODE)
    except NodeMissing as error:
        for name in ("OFREP web provider (event stream)", "OFREP web provider (polling, 1 s)"):
            emit(Measure(f"click to effect, {name}", None, "ms", note=str(error)))
        return own
    for name, poll, rounds in (("event stream", 0, 80), ("polling, 1 s", 1000, 30)):
        say(f"click to effect: OFREP web provider, {name}")
        context = json.dumps({"targetingKey": "s", "agent": AGENT})
        with program([node, str(NODE / "web.mjs"), server.url, "", str(poll), context]) as listener:
            listener.next()
            told(f"OFREP web provider ({name})", _all(effects(server, listener, rounds, 0.15)), COMMITTED)
    return own


def _all(changes: Sequence[Sequence[float]]) -> list[float]:
    return [sample for change in changes for sample in change]


def to_many(server: Server) -> None:
    """One change, many clients."""
    for count, rounds, pause, goal in ((1, 60, PAUSE, 50), (100, 30, 0.2, None), (1000, 20, 1.2, 500)):
        say(f"fan-out to {count}")
        with program(client("many", server.url, str(count))) as listener:
            listener.next(120)
            found = effects(server, listener, rounds, pause)
        samples, p99 = _all(found), quantile(_all(found), 0.99)
        last = quantile([max(change) for change in found], 0.5)
        emit(
            Measure(
                f"fan-out to {count} clients, p99",
                round(p99, 1),
                "ms",
                goal=f"< {goal} ms" if goal else "",
                met=p99 < goal if goal else None,
                n=len(samples),
                note=f"p50 {quantile(samples, 0.5):.1f} ms; the slowest client of a change, median {last:.1f} ms; clients, "
                f"their heartbeats and the server on one machine, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
            )
        )


def evaluations(server: Server) -> None:
    """Evaluations over kept connections, with two controls in force."""
    server.apply("turn-limit", value=5)
    server.apply("read-only")
    context = {"agent": AGENT, "env": "production", "version": "7", "channel": "email"}
    pid, port = server.child.process.pid, urlsplit(server.url).port or 0
    for name, key, goal in (("single", "/agent.max_turns", 8000), ("bulk of all keys", "", None)):
        say(f"evaluations: {name}")
        requests = [_evaluation(key, context, session) for session in range(100)]
        load(port, lambda number, asks=requests: asks[number % 100], 2000, 16)  # type: ignore[misc]
        rates, walls = [], []
        for _ in range(5):
            before = _cpu_seconds(pid)
            seen = load(port, lambda number, asks=requests: asks[number % 100], 8000, 16)  # type: ignore[misc]
            rates.append(8000 / (_cpu_seconds(pid) - before))
            walls.append(seen.rate)
        rate, wall = quantile(rates, 0.5), quantile(walls, 0.5)
        emit(
            Measure(
                f"OFREP evaluations per second of one core, {name}",
                round(rate),
                "/s",
                goal=f">= {goal}/s" if goal else "",
                met=rate >= goal if goal else None,
                n=5 * 8000,
                note="requests per processor second of the server, median of 5 rounds; by the wall clock, beside the load "
                f"generator on the same machine, {wall:.0f}/s",
            )
        )


def _evaluation(key: str, context: dict[str, str], session: int) -> bytes:
    said = {"targetingKey": f"session-{session}", "tenant": f"t{session % 10}", "instance": f"i{session % 20}"}
    body = json.dumps({"context": {**context, **said}}).encode()
    head = f"POST /ofrep/v1/evaluate/flags{key} HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def checks() -> None:
    """What asking costs inside an agent."""
    from firstfive_client import Client  # noqa: PLC0415 - this part only

    rules = [
        {"id": "m1", "incident": "INC-1", "kind": "turn-limit", "value": 5},
        {"id": "m2", "incident": "INC-1", "kind": "disable-tools", "value": ["refund"]},
        {"id": "m3", "incident": "INC-2", "kind": "halt", "value": True, "scope": {"tenant": "acme"}},
    ]
    for name, live in (("nothing in force", []), ("three mitigations in force", rules)):
        agent = Client(agent=AGENT, tenant="other", keep=None)
        agent._core.received(json.dumps({"revision": 1, "rules": live}), 0.0)  # noqa: SLF001 - without a server
        count = 100_000
        best = min(timeit.repeat(lambda one=agent: one.check("search"), number=count, repeat=7))  # type: ignore[misc]
        micros = best / count * 1e6
        emit(
            Measure(
                f"check() of a tool call, {name}",
                round(micros, 2),
                "us",
                goal="< 2 us",
                met=micros < 2,
                n=7 * count,
                note="best of 7 rounds",
            )
        )


def against_unleash(own: float) -> None:
    """Unleash's official Python client at its default and at its fastest, beside our own."""
    goal = "ours >= 500 times as fast"
    if not UNLEASH_PYTHON.exists():
        note = "could not be run: `make bench NAME=controls` installs Unleash's client"
        emit(Measure("click to effect, Unleash client", None, "ms", goal=goal, note=note))
        return
    try:
        say("starting Unleash with PostgreSQL")
        with tempfile.TemporaryDirectory() as home, unleash(Path(home)) as server:
            admin = {"authorization": server.admin}
            flag = {"name": "bench", "type": "kill-switch"}
            asked(f"{server.url}/api/admin/projects/default/features", flag, **admin)
            for seconds, clicks in ((FAST_SECONDS, 12), (DEFAULT_SECONDS, 4)):
                say(f"click to effect: Unleash client, {seconds} s")
                found = _unleash_effects(server, home, seconds, clicks)
                note = "from the answer of its admin API; 6 clients that ask at different moments"
                name = f"Unleash client ({'default, ' if seconds == DEFAULT_SECONDS else ''}{seconds} s)"
                p50 = told(name, found, note)
                emit(
                    Measure(
                        f"click to effect, firstfive-client against {name}, p50",
                        round(own, 2),
                        "ms",
                        peer=name,
                        peer_value=round(p50, 1),
                        ratio=round(p50 / own, 1),
                        goal=goal if seconds == DEFAULT_SECONDS else "",
                        met=p50 / own >= 500 if seconds == DEFAULT_SECONDS else None,
                        n=len(found),
                        note=note,
                    )
                )
    except (NodeMissing, RuntimeError, URLError) as error:
        emit(Measure("click to effect, Unleash client", None, "ms", goal=goal, note=f"could not be run: {error}"))


def _unleash_effects(server: Unleash, home: str, seconds: int, clicks: int, clients: int = 6) -> list[float]:
    """Milliseconds from each click until each client answers otherwise."""
    found: list[float] = []
    command = client("unleash", server.url, server.backend, str(seconds), str(clients), python=str(UNLEASH_PYTHON))
    toggle = f"{server.url}/api/admin/projects/default/features/bench/environments/development"
    with program(command, BENCH_CACHE=home) as listener:
        listener.next(120)
        for number in range(clicks):
            asked(f"{toggle}/{'on' if number % 2 == 0 else 'off'}", {}, authorization=server.admin)
            at = time.monotonic_ns()
            for _ in range(clients):
                found += [max(0.0, (moment - at) / 1e6) for moment in listener.next(60)["at"]]
            time.sleep(seconds * random.random())  # noqa: S311 - not in step with their asking
    return found


def main() -> None:
    """Everything in one run."""
    begun = time.monotonic()
    checks()
    with firstfive() as server:
        own = to_one(server)
        to_many(server)
        evaluations(server)
    against_unleash(own)
    say(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
