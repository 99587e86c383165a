"""Commands that run the bot, and bring its database along."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from bot.commands.command import command, settings_with
from bot.settings.server import MAX_PORT


def add(commands: Any) -> None:
    """Add them to the parsers of the command line."""
    for one in (_demo, _serve, _worker, _migrate):
        one(commands)


def _demo(commands: Any) -> None:
    text = "Start a local workspace, the bot and a simulated agent; nothing else is needed."
    added = command(commands, "demo", text, "demo --fault loop", _run_demo)
    added.add_argument("--no-browser", action="store_true", help="do not open a browser")
    added.add_argument(
        "--port", type=_port, default=None, help="port of the bot's pages (default 8080, or the next free one)"
    )
    added.add_argument(
        "--fault", default="none", help="let the agent fail from the start: loop, tool, provider, quality, …"
    )


def _run_demo(args: argparse.Namespace) -> int:
    from bot.demo.run import run_demo  # noqa: PLC0415  start-up time of the other commands

    home = Path(os.environ.get("FIRSTFIVE_HOME", ".firstfive")).absolute()
    return run_demo(home=home, port=args.port, open_browser=not args.no_browser, fault=args.fault)


def _serve(commands: Any) -> None:
    text = "Run the bot: HTTP server, and Socket Mode when an app token is set."
    added = command(commands, "serve", text, "serve --port 8080", _run_serve)
    added.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    added.add_argument("--port", type=_port, help="port to listen on (default 8080; 0 takes a free one)")
    added.add_argument("--no-jobs", action="store_true", help="leave timers to `firstfive worker`")


def _run_serve(args: argparse.Namespace) -> int:
    given = {"FIRSTFIVE_HOST": args.host, "FIRSTFIVE_PORT": None if args.port is None else str(args.port)}
    settings = settings_with({name: value for name, value in given.items() if value is not None})
    from bot.app import serving  # noqa: PLC0415  start-up time of the other commands

    return serving.serve(settings, jobs=not args.no_jobs)


def _worker(commands: Any) -> None:
    command(
        commands,
        "worker",
        "Run timers and retention only, for scaling out; each one needs a FIRSTFIVE_EXECUTOR of its own.",
        "worker",
        _run_worker,
    )


def _run_worker(_: argparse.Namespace) -> int:
    settings = settings_with()
    from bot.app import serving  # noqa: PLC0415  start-up time of the other commands

    return serving.work(settings)


def _migrate(commands: Any) -> None:
    command(commands, "migrate", "Bring the database to this version.", "migrate", _run_migrate)


def _run_migrate(_: argparse.Namespace) -> int:
    settings = settings_with()
    from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

    asyncio.run(app.migrate(settings))
    print("The database is up to date.")
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; choose one from 0 to {MAX_PORT}")
    return int(text)
