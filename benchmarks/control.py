"""How fast a lever reaches agents: from asking for it to the first changed answer of another process's OFREP read.

Each round declares nothing anew: a turn limit is applied through the JSON API, read every 2 ms over OFREP until it
shows, then undone and read until it is gone.
"""

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from measure import Measure, child, emit, free_port, say

ROUNDS = 60
READ_EVERY = 0.002
GIVE_UP = 5.0


def asked(port: int, path: str, body: dict[str, Any]) -> Any:
    """One JSON request to the server."""
    url = f"http://127.0.0.1:{port}{path}"
    headers = {"content-type": "application/json", "Firstfive-Actor": "bench"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
        return json.load(answer)


def limit(port: int) -> int:
    """The turn limit as an agent reads it."""
    context = {"targetingKey": "bench", "agent": "bench-agent", "instance": "bench-0"}
    value: int = asked(port, "/ofrep/v1/evaluate/flags/agent.max_turns", {"context": context})["value"]
    return value


def until(true: Callable[[], bool], begun: float) -> float:
    """Seconds from ``begun`` until it is true."""
    while not true():
        if time.perf_counter() - begun > GIVE_UP:
            raise RuntimeError(f"not within {GIVE_UP} s")
        time.sleep(READ_EVERY)
    return time.perf_counter() - begun


def main() -> None:
    """Apply and undo again and again."""
    port = free_port()
    applied, undone = [], []
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "bot", "serve", "--port", str(port)]
        with child(command, port, {"FIRSTFIVE_HOME": home}):
            key = asked(port, "/api/v1/incidents", {"title": "measuring", "agent": "bench-agent"})["key"]
            for number in range(ROUNDS):
                if number % 20 == 0:
                    say(f"{number} of {ROUNDS}")
                begun = time.perf_counter()
                order = {"kind": "turn-limit", "limit": 3 + number % 7, "minutes": 5}
                lever = asked(port, f"/api/v1/incidents/{key}/mitigations", order)["id"]
                applied.append(until(lambda: limit(port) < 100, begun))
                begun = time.perf_counter()
                asked(port, f"/api/v1/mitigations/{lever}/revert", {"reason": "measured"})
                undone.append(until(lambda: limit(port) > 100, begun))
    for name, seconds in (("applied", applied), ("undone", undone)):
        ordered = sorted(seconds)
        p50, p99 = ordered[len(ordered) // 2], ordered[-1]
        note = f"slowest {p99 * 1000:.0f} ms; commit, timeline, expiry job and audit included"
        emit(
            Measure(
                f"a turn limit is {name} until an agent reads it, p50",
                round(p50 * 1000, 1),
                "ms",
                goal="< 1000 ms",
                met=p99 < 1.0,
                n=len(ordered),
                note=note,
            )
        )


if __name__ == "__main__":
    main()
