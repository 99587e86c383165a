"""Commands for those who were not there: the audit, private links for owners, the postmortem."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from bot.commands.command import command, with_console
from bot.incident.errors import Misconfigured


def add(commands: Any) -> None:
    """Add them to the parsers of the command line."""
    for one in (_audit, _link, _postmortem):
        one(commands)


def _audit(commands: Any) -> None:
    text = "Check that the audit of controls is as it was written, or export it."
    added = command(commands, "audit", text, "audit verify --json", _run_audit)
    added.add_argument("action", choices=["verify", "export"])
    added.add_argument("--agent", help="export: whose")
    added.add_argument("-o", "--output", type=Path, help="verify: file for the breaks, one JSON object a line")
    added.add_argument("--json", action="store_true", help="answer as JSON")


def _run_audit(args: argparse.Namespace) -> int:
    from bot.app import auditing  # noqa: PLC0415  start-up time of the other commands

    if args.action == "export":
        return with_console(lambda console: auditing.export(console, args.agent))
    return with_console(lambda console: auditing.verify(console, as_json=args.json, output=args.output))


def _link(commands: Any) -> None:
    text = "Make private links with which an agent's owners classify one incident on a web page, without Slack."
    added = command(commands, "link", text, "link INC-7 --owner dana@example.com --minutes 60", _run_link)
    added.add_argument("incident", help="like INC-7")
    added.add_argument("--owner", default="", help="one of the agent's owners in the agents file (default: all)")
    added.add_argument("--minutes", type=int, default=240, help="how long they are good for (default 240)")
    added.add_argument("--json", action="store_true", help="print JSON")


def _run_link(args: argparse.Namespace) -> int:
    async def make(console: Any) -> int:
        from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

        return await app.print_links(console, args.incident, args.owner, args.minutes, as_json=args.json)

    return with_console(make)


def _postmortem(commands: Any) -> None:
    text = "Write an incident's postmortem as it stands."
    added = command(commands, "postmortem", text, "postmortem INC-7 --format html -o inc-7.html", _run_postmortem)
    added.add_argument("incident", help="like INC-7")
    added.add_argument("--format", choices=["md", "html"], default="md")
    added.add_argument("-o", "--output", type=Path, help="file to write; default: standard output")


def _run_postmortem(args: argparse.Namespace) -> int:
    async def write(console: Any) -> int:
        text = await console.written(args.incident, args.format)
        if args.output is None:
            print(text)
            return 0
        try:
            await asyncio.to_thread(args.output.write_text, text, encoding="utf-8")
        except OSError as error:
            raise Misconfigured(
                f"{args.output} cannot be written: {error.strerror}. Choose another file with -o."
            ) from error
        return 0

    return with_console(write)
