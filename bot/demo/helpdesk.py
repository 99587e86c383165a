"""The simulated helpdesk as a program: `python -m bot.demo.helpdesk --bot http://127.0.0.1:8080`.

It lives through its recent past first, then serves live traffic until it is told to stop.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.trace.export import SpanExporter

from bot.demo.agent.board import Board, BoardView
from bot.demo.agent.clock import WallClock
from bot.demo.agent.evaluation import ScoreQueue
from bot.demo.agent.faults import Fault, FaultSwitch
from bot.demo.agent.history import Past, tell
from bot.demo.agent.remote_controls import RemoteControls, connect
from bot.demo.agent.tally import Tally
from bot.demo.agent.telemetry import live_telemetry, log_exporter, span_exporter
from bot.demo.agent.traffic import Traffic
from bot.demo.agent.world import World


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. Rate in tasks per minute."""

    bot: str
    port: int
    rate: float
    seed: int
    fault: Fault
    backfill_minutes: float
    address_file: Path | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    _never_through_a_proxy()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    instance = f"helpdesk-{uuid.uuid4().hex[:8]}"
    try:
        board, traffic = assemble(options, instance)
    except OSError as why:
        print(f"Port {options.port} cannot be used ({why.strerror}); choose another with --port.", file=sys.stderr)
        return 1
    board.start()
    if options.address_file is not None:
        options.address_file.write_text(board.url, encoding="utf-8")
    print(f"helpdesk {board.url}", flush=True)
    if options.backfill_minutes > 0:
        tell_the_past(options, instance, span_exporter(options.bot), log_exporter(options.bot))
    traffic.start()
    stop.wait()
    board.shutdown()
    traffic.stop()
    traffic.world.telemetry.close()
    return 0


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; exits with code 2 and one sentence on a mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.demo.helpdesk",
        description="A simulated tier-1 helpdesk: three agents with tools, traffic and faults on request.",
        epilog="example: python -m bot.demo.helpdesk --bot http://127.0.0.1:8080 --fault loop",
    )
    parser.add_argument("--bot", required=True, help="base URL of the bot: OTLP goes there, controls come from there")
    parser.add_argument("--port", type=int, default=0, help="port of the agents' own page; 0 takes a free one")
    parser.add_argument("--rate", type=_rate, default=30.0, help="tasks per minute, such as 30 or 30/min")
    parser.add_argument("--seed", type=int, default=7, help="chance of tasks and answers")
    parser.add_argument("--fault", type=Fault, choices=list(Fault), default=Fault.NONE, help="what is wrong at first")
    parser.add_argument("--backfill-minutes", type=float, default=45.0, help="minutes of history told at the start")
    parser.add_argument("--address-file", type=Path, help="write the page's address here once it answers")
    given = parser.parse_args(argv)
    return Options(
        bot=given.bot.rstrip("/"),
        port=given.port,
        rate=given.rate,
        seed=given.seed,
        fault=given.fault,
        backfill_minutes=given.backfill_minutes,
        address_file=given.address_file,
    )


def assemble(options: Options, instance: str) -> tuple[Board, Traffic]:
    """Wire the agents to the bot; nothing runs yet.

    Raises:
        OSError: the page's port is taken.
    """
    clock = WallClock()
    switch = FaultSwitch(options.fault)
    tally = Tally(clock)
    controls = RemoteControls(connect(options.bot), clock)
    telemetry = live_telemetry(options.bot, instance)
    traffic = Traffic(
        world=World(telemetry, controls, instance, options.seed),
        switch=switch,
        clock=clock,
        rate=options.rate,
        tally=tally,
        scores=ScoreQueue(telemetry, clock),
    )
    view = BoardView(switch, tally, controls, instance, lambda: traffic.running)
    return Board(options.port, view), traffic


def tell_the_past(options: Options, instance: str, spans: SpanExporter, logs: LogRecordExporter) -> None:
    """Live through the last minutes and print how it goes."""
    now_ns = WallClock().now_ns()
    past = Past(now_ns, options.backfill_minutes, options.rate, options.seed, instance)
    told = tell(past, spans, logs, lambda line: print(line, flush=True))
    print(f"history: {told.tasks} tasks, {told.spans} steps, {told.scores} scores", flush=True)
    if not told.delivered:
        print(f"The bot at {options.bot} did not take all of the history; there may be no baseline.", flush=True)


def _rate(text: str) -> float:
    rate = float(text.removesuffix("/min"))
    if rate <= 0:
        raise ValueError(text)
    return rate


def _never_through_a_proxy() -> None:
    """The bot is on this machine; a proxy of the environment must not stand between."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name)
        os.environ[name] = f"{known},127.0.0.1,localhost" if known else "127.0.0.1,localhost"


if __name__ == "__main__":
    sys.exit(main())
