"""Commands that check and print what is set."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from bot.commands.command import command
from bot.settings.concerns import documented
from bot.settings.reading import read_settings, settings_and_mistakes


def add(commands: Any) -> None:
    """Add them to the parsers of the command line."""
    for one in (_check, _manifest):
        one(commands)


def _check(commands: Any) -> None:
    text = "Validate settings, catalogue, runbooks, templates and database; says file and line."
    added = command(commands, "check", text, "check --slack", _run_check)
    added.add_argument("--slack", action="store_true", help="also ask Slack whether the token works")
    added.add_argument("--settings", action="store_true", help="list every setting with its default and meaning")
    added.add_argument("--json", action="store_true", help="answer as JSON")


def _run_check(args: argparse.Namespace) -> int:
    if args.settings:
        _print_settings(as_json=args.json)
        return 0
    settings, mistaken = settings_and_mistakes(os.environ)
    from bot.app.checking import check  # noqa: PLC0415  start-up time of the other commands

    report = asyncio.run(check(settings, mistaken, slack=args.slack))
    if args.json:
        print(json.dumps({"ok": not report.problems, "checked": report.checked, "problems": report.problems}))
    else:
        for line in report.checked:
            print(f"ok  {line}")
        for line in report.problems:
            print(line, file=sys.stderr)
    return 1 if report.problems else 0


def _print_settings(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"name": n, "default": d, "meaning": m} for n, d, m in documented()]))
        return
    for name, default, meaning in documented():
        print(f"{name} (default {default or 'empty'})\n    {meaning}")


def _manifest(commands: Any) -> None:
    text = "Print the Slack app manifest for these settings."
    added = command(commands, "manifest", text, "manifest --public-url https://firstfive.example.com", _run_manifest)
    added.add_argument(
        "--public-url", help="address under which Slack reaches the bot; without it the app uses Socket Mode"
    )


def _run_manifest(args: argparse.Namespace) -> int:
    from bot.slack.manifest import manifest  # noqa: PLC0415  start-up time of the other commands

    given = {"FIRSTFIVE_PUBLIC_URL": args.public_url or os.environ.get("FIRSTFIVE_PUBLIC_URL", "")}
    url = read_settings(given, Path(os.devnull)).server.public_url.rstrip("/") or None
    print(json.dumps(manifest(url, socket_mode=url is None), indent=2))
    return 0
