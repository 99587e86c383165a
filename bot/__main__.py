"""The command line. Thin: it reads words, calls the composition root, prints the answer.

Exit codes: 0 ok, 1 failed, 2 usage. Errors go to stderr in one line that says what to do.
Imports that cost time happen inside the command that needs them.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import __version__
from bot.incident.errors import BadInput, FirstfiveError, Misconfigured
from bot.settings.concerns import Settings, documented
from bot.settings.reading import read_settings, settings_and_mistakes
from bot.settings.server import MAX_PORT
from bot.usage import Parser

EARLIEST, LATEST = 1971, 2200  # years; telemetry counts nanoseconds since 1970 in 64 bits
MOST_WAIT = 3600.0  # seconds a command waits for proof
LEAST_WINDOW, MOST_WINDOW = 1, 24 * 60  # minutes of evidence


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
    for add in (
        _demo,
        _serve,
        _worker,
        _migrate,
        _check,
        _manifest,
        _ingest,
        _evidence,
        _classify,
        _control,
        _remediate,
        _audit,
        _link,
        _postmortem,
    ):
        add(commands)
    return root


def _command(
    commands: Any, name: str, text: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=f"Example: firstfive {example}"
    )
    added.set_defaults(run=run, parser=added)
    return added


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; choose one from 0 to {MAX_PORT}")
    return int(text)


def _demo(commands: Any) -> None:
    text = "Start a local workspace, the bot and a simulated agent; nothing else is needed."
    added = _command(commands, "demo", text, "demo --fault loop", _run_demo)
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
    added = _command(commands, "serve", text, "serve --port 8080", _run_serve)
    added.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    added.add_argument("--port", type=_port, help="port to listen on (default 8080; 0 takes a free one)")
    added.add_argument("--no-jobs", action="store_true", help="leave timers to `firstfive worker`")


def _run_serve(args: argparse.Namespace) -> int:
    given = {"FIRSTFIVE_HOST": args.host, "FIRSTFIVE_PORT": None if args.port is None else str(args.port)}
    settings = _settings({name: value for name, value in given.items() if value is not None})
    from bot.app import serving  # noqa: PLC0415  start-up time of the other commands

    return serving.serve(settings, jobs=not args.no_jobs)


def _worker(commands: Any) -> None:
    _command(
        commands,
        "worker",
        "Run timers and retention only, for scaling out; each one needs a FIRSTFIVE_EXECUTOR of its own.",
        "worker",
        _run_worker,
    )


def _run_worker(_: argparse.Namespace) -> int:
    settings = _settings()
    from bot.app import serving  # noqa: PLC0415  start-up time of the other commands

    return serving.work(settings)


def _migrate(commands: Any) -> None:
    _command(commands, "migrate", "Bring the database to this version.", "migrate", _run_migrate)


def _run_migrate(_: argparse.Namespace) -> int:
    settings = _settings()
    from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

    asyncio.run(app.migrate(settings))
    print("The database is up to date.")
    return 0


def _check(commands: Any) -> None:
    text = "Validate settings, catalogue, runbooks, templates and database; says file and line."
    added = _command(commands, "check", text, "check --slack", _run_check)
    added.add_argument("--slack", action="store_true", help="also ask Slack whether the token works")
    added.add_argument("--settings", action="store_true", help="list every setting with its default and meaning")
    added.add_argument("--json", action="store_true", help="answer as JSON")


def _run_check(args: argparse.Namespace) -> int:
    if args.settings:
        _print_settings(as_json=args.json)
        return 0
    settings, mistaken = settings_and_mistakes(os.environ)
    from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

    report = asyncio.run(app.check(settings, mistaken, slack=args.slack))
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
    added = _command(commands, "manifest", text, "manifest --public-url https://firstfive.example.com", _run_manifest)
    added.add_argument(
        "--public-url", help="address under which Slack reaches the bot; without it the app uses Socket Mode"
    )


def _run_manifest(args: argparse.Namespace) -> int:
    from bot.slack.manifest import manifest  # noqa: PLC0415  start-up time of the other commands

    given = {"FIRSTFIVE_PUBLIC_URL": args.public_url or os.environ.get("FIRSTFIVE_PUBLIC_URL", "")}
    url = read_settings(given, Path(os.devnull)).server.public_url.rstrip("/") or None
    print(json.dumps(manifest(url, socket_mode=url is None), indent=2))
    return 0


def _ingest(commands: Any) -> None:
    text = "Load OTLP files into the built-in store: JSON lines, JSON or protobuf, gzip around any of them."
    added = _command(commands, "ingest", text, "ingest traces.jsonl.gz logs.pb", _run_ingest)
    added.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
    added.add_argument("--json", action="store_true", help="say at the end what is stored as JSON")


def _run_ingest(args: argparse.Namespace) -> int:
    from bot.app import ingesting  # noqa: PLC0415  start-up time of the other commands

    with contextlib.ExitStack() as stack:
        files = ingesting.opened(args.files, stack)
        return _with_console(
            lambda console: ingesting.ingest(console.telemetry, files, console.documents.privacy, as_json=args.json)
        )


def _evidence(commands: Any) -> None:
    text = "Show what telemetry says about an agent, worst first."
    added = _command(
        commands, "evidence", text, "evidence --agent helpdesk-agent --at 2026-11-02T03:12:00Z", _run_evidence
    )
    added.add_argument("--agent", required=True)
    added.add_argument("--at", help="a moment in ISO 8601, default now")
    added.add_argument("--window", type=float, metavar="MINUTES", help="minutes to measure over")
    added.add_argument("--json", action="store_true", help="answer as JSON, the same as the API's")


def _run_evidence(args: argparse.Namespace) -> int:
    agent, at, window = _named(args.agent), _moment_of(args), _minutes(args.window)
    from bot.app import console as app  # noqa: PLC0415  start-up time: of the other commands, and of a wrong word

    return _with_console(lambda console: app.print_evidence(console, agent, at, window, as_json=args.json))


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


def _classify(commands: Any) -> None:
    text = "Classify an agent from stored telemetry."
    added = _command(
        commands, "classify", text, "classify --agent helpdesk-agent --at 2026-11-02T03:12:00Z", _run_classify
    )
    added.add_argument("--agent", required=True)
    added.add_argument("--at", help="a moment in ISO 8601, default now")
    added.add_argument("--json", action="store_true", help="answer as JSON, the same as the API's")


def _run_classify(args: argparse.Namespace) -> int:
    agent, at = _named(args.agent), _moment_of(args)
    from bot.app import console as app  # noqa: PLC0415  start-up time: of the other commands, and of a wrong word

    return _with_console(lambda console: app.print_classification(console, agent, at, as_json=args.json))


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


def _control(commands: Any) -> None:
    text = "Mitigate when Slack is down: the same rules, approvals and audit. Works with and without a running server."
    added = _command(
        commands, "control", text, "control turn-limit --agent helpdesk-agent --value 6 --wait 60", _run_control
    )
    from bot.incident.kinds import MitigationKind  # noqa: PLC0415  start-up time of the other commands

    kinds = [kind.value for kind in MitigationKind]
    changes = ["resume", "revert", "extend", "adjust", "exit-plan", "approve", "refuse"]
    added.add_argument(
        "action",
        choices=[*kinds, *changes, "list", "show"],
        metavar="ACTION",
        help=f"a mitigation to apply ({', '.join(kinds)}), or {', '.join(changes)}, list, show",
    )
    added.add_argument("target", nargs="?", metavar="ID", help="the id of a mitigation or question, as `list` shows it")
    added.add_argument("--agent", help="the agent (declares an incident when none is named)")
    added.add_argument("--incident", help="the incident it belongs to, like INC-7")
    added.add_argument("--mitigation", help="the id, as the second word")
    added.add_argument("--value", "--limit", help="the figure, name or tools: 6, 0.5, gpt-x, search_kb,send_mail")
    added.add_argument(
        "--minutes", type=int, help="how long it lasts or is extended (default 60); exit-plan: pace (20)"
    )
    added.add_argument("--reason", default="", help="why; goes on the timeline")
    added.add_argument("--override", help="why a contraindicated mitigation is applied all the same")
    added.add_argument("--alone", default="", help="why it cannot wait for a second person; falls back after 30 min")
    for name in ("environment", "tenant", "channel", "version"):
        added.add_argument(f"--{name}", default="", help=f"only this {name}")
    added.add_argument("--supersedes", default="", help="the id of the pin in force whose place it takes")
    added.add_argument("--on-expiry", choices=["revert", "hold_and_page"], help="what happens when its time is over")
    added.add_argument("--steps", default="", help="exit-plan: the values to go through, like 8,15; then it is lifted")
    added.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="show the proof as it comes, that long at most"
    )
    added.add_argument("--dry-run", action="store_true", help="only show what it would touch; nothing is changed")
    added.add_argument("--json", action="store_true", help="answer as JSON")


def _run_control(args: argparse.Namespace) -> int:
    from bot.app import controlling  # noqa: PLC0415  start-up time of the other commands
    from bot.incident.mitigation import OnExpiry, Scope  # noqa: PLC0415  as above

    wish = controlling.Wish(
        action=args.action,
        target=args.target or args.mitigation,
        agent=args.agent,
        incident=args.incident,
        value=args.value,
        minutes=args.minutes,
        reason=args.reason,
        override=args.override,
        alone=args.alone,
        scope=Scope(args.environment, args.tenant, args.channel, args.version),
        supersedes=args.supersedes,
        on_expiry=OnExpiry(args.on_expiry) if args.on_expiry else None,
        steps=args.steps,
        dry_run=args.dry_run,
        wait=max(0.0, min(args.wait, MOST_WAIT)),
        as_json=args.json,
    )
    return _with_console(lambda console: controlling.control(console, wish))


def _remediate(commands: Any) -> None:
    text = "Record what repairs an incident: a rollback, prompt fix or restart, behind the same gate and approvals."
    example = 'remediate INC-7 rollback p-118 --reason "p-119 invents prices"'
    added = _command(commands, "remediate", text, example, _run_remediate)
    from bot.incident.remediation import Outcome  # noqa: PLC0415  start-up time of the other commands
    from bot.incident.rules import RemediationKind  # noqa: PLC0415  as above

    kinds, outcomes = [kind.value for kind in RemediationKind], [outcome.value for outcome in Outcome]
    added.add_argument("incident", help="like INC-7")
    added.add_argument(
        "action",
        choices=["list", *kinds, "evaluate", *outcomes],
        metavar="ACTION",
        help=f"list; {', '.join(kinds)} to start one; evaluate a version; {', '.join(outcomes)} for how one ended",
    )
    added.add_argument("target", nargs="?", default="", help="the version; the id of a remediation for its outcome")
    added.add_argument("--reason", default="", help="why, or how it ended; goes on the timeline")
    added.add_argument("--override", help="why in spite of its lock; a second person then has to approve it")
    added.add_argument("--alone", default="", help="why it cannot wait for a second person; it then starts now")
    added.add_argument("--passed", type=int, metavar="N", help="evaluate: verdicts that passed, to report a result")
    added.add_argument("--of", type=int, metavar="N", help="evaluate: of how many")
    added.add_argument("--json", action="store_true", help="answer as JSON, the same as the API's")


def _run_remediate(args: argparse.Namespace) -> int:
    from bot.app import repairing  # noqa: PLC0415  start-up time of the other commands

    wanted = repairing.Repair(
        incident=args.incident,
        action=args.action,
        target=args.target,
        reason=args.reason,
        override=args.override,
        alone=args.alone,
        passed=args.passed,
        of=args.of,
        as_json=args.json,
    )
    return _with_console(lambda console: repairing.remediate(console, wanted))


def _link(commands: Any) -> None:
    text = "Make private links with which an agent's owners classify one incident on a web page, without Slack."
    added = _command(commands, "link", text, "link INC-7 --owner dana@example.com --minutes 60", _run_link)
    added.add_argument("incident", help="like INC-7")
    added.add_argument("--owner", default="", help="one of the agent's owners in the agents file (default: all)")
    added.add_argument("--minutes", type=int, default=240, help="how long they are good for (default 240)")
    added.add_argument("--json", action="store_true", help="print JSON")


def _run_link(args: argparse.Namespace) -> int:
    async def make(console: Any) -> int:
        from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

        return await app.print_links(console, args.incident, args.owner, args.minutes, as_json=args.json)

    return _with_console(make)


def _audit(commands: Any) -> None:
    text = "Check that the audit of controls is as it was written, or export it."
    added = _command(commands, "audit", text, "audit verify --json", _run_audit)
    added.add_argument("action", choices=["verify", "export"])
    added.add_argument("--agent", help="export: whose")
    added.add_argument("-o", "--output", type=Path, help="verify: file for the breaks, one JSON object a line")
    added.add_argument("--json", action="store_true", help="answer as JSON")


def _run_audit(args: argparse.Namespace) -> int:
    from bot.app import auditing  # noqa: PLC0415  start-up time of the other commands

    if args.action == "export":
        return _with_console(lambda console: auditing.export(console, args.agent))
    return _with_console(lambda console: auditing.verify(console, as_json=args.json, output=args.output))


def _postmortem(commands: Any) -> None:
    text = "Write an incident's postmortem as it stands."
    added = _command(commands, "postmortem", text, "postmortem INC-7 --format html -o inc-7.html", _run_postmortem)
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

    return _with_console(write)


def _with_console(use: Callable[[Any], Coroutine[Any, Any, int]]) -> int:
    settings = _settings()
    from bot.app import console as app  # noqa: PLC0415  start-up time of the other commands

    async def run() -> int:
        async with app.console(settings) as console:
            return await use(console)

    with contextlib.suppress(asyncio.CancelledError):
        return asyncio.run(run())
    return 1


def _settings(given: dict[str, str] | None = None) -> Settings:
    return read_settings({**os.environ, **(given or {})})


if __name__ == "__main__":
    sys.exit(main())
