"""How fast Slack is acknowledged: signed ``/incident`` POSTs against ours, default Bolt, and a signature-only floor.

Ours and Bolt do the same work after the acknowledgement: one answer to the command's response_url. Ours also
remembers each request durably before it acknowledges, and lets work wait up to a second while requests keep coming;
with ``--sustained`` a longer load shows the rate once that work runs beside the acknowledgements. Then: seconds to ready and memory of ``firstfive serve``.
"""

import hashlib
import hmac
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable

from ack_servers import SECRET
from measure import ROOT, Load, Measure, child, emit, free_port, load, median, resident_mb, say

ROUNDS = 3
SINGLE, MANY = 600, 3000
AT_ONCE = 16
SUSTAINED = 15_000
START_ROUNDS = 5


def signed(response_url: str, run: str) -> Callable[[int], bytes]:
    """A maker of raw signed slash command requests; each has a trigger of its own."""
    now = str(int(time.time()))

    def make(number: int) -> bytes:
        body = urllib.parse.urlencode(
            {
                "command": "/incident",
                "text": "help",
                "trigger_id": f"{run}.{number}",
                "response_url": response_url,
                "user_id": "U2",
                "user_name": "ana",
                "channel_id": "C1",
                "channel_name": "general",
                "team_id": "T1",
                "api_app_id": "A1",
                "is_enterprise_install": "false",
            }
        ).encode()
        digest = hmac.new(SECRET.encode(), b"v0:" + now.encode() + b":" + body, hashlib.sha256).hexdigest()
        head = (
            f"POST /slack/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            f"x-slack-request-timestamp: {now}\r\nx-slack-signature: v0={digest}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return make


def one_round(name: str, port: int, stub: str, round_number: int) -> tuple[Load, Load]:
    """The same load on one server: first one connection, then sixteen."""
    load(port, signed(stub, f"warm-{name}-{round_number}"), 100, 4)
    time.sleep(1)
    single = load(port, signed(stub, f"single-{name}-{round_number}"), SINGLE, 1)
    time.sleep(2)
    many = load(port, signed(stub, f"many-{name}-{round_number}"), MANY, AT_ONCE)
    time.sleep(3)
    return single, many


def ours(home: str, api: str) -> dict[str, str]:
    """The environment of ``firstfive serve`` in HTTP mode."""
    return {
        "FIRSTFIVE_HOME": home,
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": api,
    }


def measure_acks() -> None:
    """The three servers in alternating rounds."""
    stub_port = free_port()
    api = f"http://127.0.0.1:{stub_port}/api/"
    servers = str(ROOT / "benchmarks" / "ack_servers.py")
    results: dict[str, list[tuple[Load, Load]]] = {"floor": [], "bolt": [], "ours": []}
    with tempfile.TemporaryDirectory() as home, child([sys.executable, servers, "slack", str(stub_port)], stub_port):
        for round_number in range(ROUNDS):
            for name, found in results.items():
                say(f"round {round_number + 1} of {ROUNDS}: {name}")
                port = free_port()
                command = [sys.executable, servers, name, str(port), api]
                env: dict[str, str] = {}
                if name == "ours":
                    command, env = [sys.executable, "-m", "bot", "serve", "--port", str(port)], ours(home, api)
                with child(command, port, env):
                    wait_ready(port, name)
                    found.append(one_round(name, port, f"{api}respond", round_number))
    report_acks(results)


def measure_sustained() -> None:
    """A load long enough that the work of its first requests runs beside the acknowledgement of the later ones."""
    stub_port = free_port()
    api = f"http://127.0.0.1:{stub_port}/api/"
    servers = str(ROOT / "benchmarks" / "ack_servers.py")
    rate = {}
    with tempfile.TemporaryDirectory() as home, child([sys.executable, servers, "slack", str(stub_port)], stub_port):
        for name in ("bolt", "ours"):
            say(f"sustained: {name}")
            port = free_port()
            command, env = [sys.executable, servers, name, str(port), api], {}
            if name == "ours":
                command, env = [sys.executable, "-m", "bot", "serve", "--port", str(port)], ours(home, api)
            with child(command, port, env):
                wait_ready(port, name)
                rate[name] = load(port, signed(f"{api}respond", f"sustained-{name}"), SUSTAINED, AT_ONCE).rate
    ratio = round(rate["ours"] / rate["bolt"], 2)
    emit(
        Measure(
            "acks per second at c=16, sustained",
            round(rate["ours"], 1),
            "1/s",
            "default Bolt AsyncApp",
            round(rate["bolt"], 1),
            ratio,
            n=SUSTAINED,
            note="work after the acknowledgement included; no goal",
        )
    )


def wait_ready(port: int, name: str) -> None:
    """Ours says when it is ready; the others are once they listen."""
    deadline = time.perf_counter() + 20
    while name == "ours" and time.perf_counter() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.02)


def report_acks(results: dict[str, list[tuple[Load, Load]]]) -> None:
    """Medians over the rounds."""
    p50 = {name: median([single.quantile(0.5) for single, _ in found]) for name, found in results.items()}
    p99 = {name: median([many.quantile(0.99) for _, many in found]) for name, found in results.items()}
    rate = {name: median([many.rate for _, many in found]) for name, found in results.items()}
    above = p50["ours"] - p50["floor"]
    note = f"ours {p50['ours']:.2f} ms, default Bolt {p50['bolt']:.2f} ms; durable dedupe included"
    emit(
        Measure(
            "ack p50 at c=1 above the signature-only floor",
            round(above, 3),
            "ms",
            "signature-only ASGI floor",
            round(p50["floor"], 3),
            round(p50["ours"] / p50["floor"], 2),
            "<= 1 ms above the floor",
            above <= 1.0,
            SINGLE * ROUNDS,
            note,
        )
    )
    ratio = rate["ours"] / rate["bolt"]
    emit(
        Measure(
            "acks per second at c=16",
            round(rate["ours"], 1),
            "1/s",
            "default Bolt AsyncApp",
            round(rate["bolt"], 1),
            round(ratio, 2),
            ">= 2x default Bolt",
            ratio >= 2.0,
            MANY * ROUNDS,
            f"floor {rate['floor']:.0f}/s; p99 ours {p99['ours']:.1f} ms, Bolt {p99['bolt']:.1f} ms, floor {p99['floor']:.1f} ms",
        )
    )


def measure_start() -> None:
    """Seconds from the start of the process to a ready answer, and memory then."""
    stub_port = free_port()
    api = f"http://127.0.0.1:{stub_port}/api/"
    servers = str(ROOT / "benchmarks" / "ack_servers.py")
    seconds, memory = [], []
    with tempfile.TemporaryDirectory() as home, child([sys.executable, servers, "slack", str(stub_port)], stub_port):
        for number in range(START_ROUNDS + 1):
            say(f"start {number} of {START_ROUNDS}" + (" (makes the database, not counted)" if number == 0 else ""))
            port = free_port()
            begun = time.perf_counter()
            with child([sys.executable, "-m", "bot", "serve", "--port", str(port)], port, ours(home, api)) as pid:
                wait_ready(port, "ours")
                took = time.perf_counter() - begun
                if number:
                    seconds.append(took)
                    memory.append(resident_mb(pid))
    ready, resident = median(seconds), median(memory)
    emit(Measure("serve: start to ready", round(ready, 2), "s", goal="< 1.5 s", met=ready < 1.5, n=START_ROUNDS))
    emit(
        Measure("serve: resident memory", round(resident, 1), "MB", goal="< 150 MB", met=resident < 150, n=START_ROUNDS)
    )


def main() -> None:
    """Both parts; with ``--start`` or ``--acks`` only one."""
    only = set(sys.argv[1:])
    if "--start" not in only:
        measure_acks()
    if "--sustained" in only:
        measure_sustained()
    if "--acks" not in only:
        measure_start()


if __name__ == "__main__":
    main()
