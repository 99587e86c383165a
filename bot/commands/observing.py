"""Commands that load telemetry, and say what it tells."""

import argparse
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.commands.command import command, with_console
from bot.incident.errors import BadInput

EARLIEST, LATEST = 1971, 2200  # years; telemetry counts nanoseconds since 1970 in 64 bits
ENVIRONMENT = "whose tasks to count, or all; default the first one that the catalogue lists"
LEAST_WINDOW, MOST_WINDOW = 1, 24 * 60  # minutes of evidence


def add(commands: Any) -> None:
    """Add them to the parsers of the command line."""
    for one in (_ingest, _evidence, _classify):
        one(commands)


def _ingest(commands: Any) -> None:
    text = "Load OTLP files into the built-in store: JSON lines, JSON or protobuf, gzip around any of them."
    added = command(commands, "ingest", text, "ingest traces.jsonl.gz logs.pb", _run_ingest)
    added.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
    added.add_argument("--json", action="store_true", help="say at the end what is stored as JSON")


def _run_ingest(args: argparse.Namespace) -> int:
    from bot.app import ingesting  # noqa: PLC0415  start-up time of the other commands

    with contextlib.ExitStack() as stack:
        files = ingesting.opened(args.files, stack)
        return with_console(
            lambda console: ingesting.ingest(console.telemetry, files, console.documents.privacy, as_json=args.json)
        )


def _evidence(commands: Any) -> None:
    text = "Show what telemetry says about an agent, worst first."
    added = command(
        commands, "evidence", text, "evidence --agent helpdesk-agent --at 2026-11-02T03:12:00Z", _run_evidence
    )
    added.add_argument("--agent", required=True)
    added.add_argument("--at", help="a moment in ISO 8601, default now")
    added.add_argument("--window", type=float, metavar="MINUTES", help="minutes to measure over")
    added.add_argument("--environment", default="", help=ENVIRONMENT)
    added.add_argument("--json", action="store_true", help="answer as JSON, the same as the API's")


def _run_evidence(args: argparse.Namespace) -> int:
    agent, at, window = _named(args.agent), _moment_of(args), _minutes(args.window)
    from bot.app import console as app  # noqa: PLC0415  start-up time: of the other commands, and of a wrong word

    return with_console(
        lambda console: app.print_evidence(console, agent, at, window, args.environment, as_json=args.json)
    )


def _classify(commands: Any) -> None:
    text = "Classify an agent from stored telemetry."
    added = command(
        commands, "classify", text, "classify --agent helpdesk-agent --at 2026-11-02T03:12:00Z", _run_classify
    )
    added.add_argument("--agent", required=True)
    added.add_argument("--at", help="a moment in ISO 8601, default now")
    added.add_argument("--environment", default="", help=ENVIRONMENT)
    added.add_argument("--json", action="store_true", help="answer as JSON, the same as the API's")


def _run_classify(args: argparse.Namespace) -> int:
    agent, at = _named(args.agent), _moment_of(args)
    from bot.app import console as app  # noqa: PLC0415  start-up time: of the other commands, and of a wrong word

    return with_console(
        lambda console: app.print_classification(console, agent, at, args.environment, as_json=args.json)
    )


def _named(agent: str) -> str:
    if not agent.strip():
        raise BadInput("agent", "Name the agent, as agents.yaml or its telemetry does.")
    return agent


def _moment_of(args: argparse.Namespace) -> datetime | None:
    return moment(args.at) if args.at is not None else None


def _minutes(given: float | None) -> timedelta | None:
    if given is None:
        return None
    if not LEAST_WINDOW <= given <= MOST_WINDOW:
        raise BadInput("window", f"--window is in minutes; give from {LEAST_WINDOW} to {MOST_WINDOW}.")
    return timedelta(minutes=given)


def moment(text: str) -> datetime:
    """A moment in ISO 8601; without an offset it is UTC.

    Raises:
        BadInput: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("at", f"{text!r} is no moment; write it like 2026-11-02T03:12:00Z.") from error
    if not EARLIEST <= at.year <= LATEST:
        raise BadInput("at", f"{text!r} is out of reach; give a moment between {EARLIEST} and {LATEST}.")
    return at
