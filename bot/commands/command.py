"""What all commands share: a name with its help and example, the settings, and a house to look into."""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from typing import Any

from bot.settings.concerns import Settings
from bot.settings.reading import read_settings


def command(
    commands: Any, name: str, text: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """The parser of one command, with its help and an example; ``run`` gives its exit code."""
    added: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=f"Example: firstfive {example}"
    )
    added.set_defaults(run=run, parser=added)
    return added


def with_console(use: Callable[[Any], Coroutine[Any, Any, int]]) -> int:
    """The exit code of ``use``, which gets a house with these settings.

    Raises:
        Misconfigured: the settings have a mistake.
    """
    settings = settings_with()
    from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

    async def run() -> int:
        async with app.console(settings) as console:
            return await use(console)

    with contextlib.suppress(asyncio.CancelledError):
        return asyncio.run(run())
    return 1


def settings_with(given: dict[str, str] | None = None) -> Settings:
    """The settings, with those ``given`` on the command line over the environment's.

    Raises:
        Misconfigured: they have a mistake.
    """
    return read_settings({**os.environ, **(given or {})})
