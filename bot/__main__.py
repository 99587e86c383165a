"""The command line. Thin: it reads words, calls the composition root, prints the answer.

Exit codes: 0 ok, 1 failed, 2 usage. Errors go to stderr in one line that says what to do.
Imports that cost time happen inside the command that needs them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from bot import __version__
from bot.commands import checking, mitigating, observing, reporting, running
from bot.incident.errors import BadInput, FirstfiveError
from bot.usage import Parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed, rest = parser().parse_known_args(arguments)
    if rest:
        parsed.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except BadInput as error:
        print(f"firstfive: {error}", file=sys.stderr)
        return 2
    except FirstfiveError as error:
        print(f"firstfive: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        said = str(error).partition("\n")[0]
        print(
            f"firstfive: a mistake of its own ({type(error).__name__}: {said}). "
            "Please report it with the output of `python -X dev -m bot` and the same words.",
            file=sys.stderr,
        )
        return 1


def parser() -> argparse.ArgumentParser:
    """Every command with its help and an example."""
    root = Parser(
        prog="firstfive",
        description="Incident response for teams that run LLM agents in production.",
        epilog="Settings come from the environment or firstfive.toml; `firstfive check --settings` lists them.",
    )
    root.add_argument("--version", action="version", version=f"firstfive {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (running, checking, observing, mitigating, reporting):
        group.add(commands)
    return root


if __name__ == "__main__":
    sys.exit(main())
