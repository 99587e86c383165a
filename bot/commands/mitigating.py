"""Commands that mitigate and remediate when Slack is down."""

import argparse
from typing import Any

from bot.commands.command import command, with_console

MOST_WAIT = 3600.0  # seconds a command waits for proof


def add(commands: Any) -> None:
    """Add them to the parsers of the command line."""
    for one in (_control, _remediate):
        one(commands)


def _control(commands: Any) -> None:
    text = "Mitigate when Slack is down: the same rules, approvals and audit. Works with and without a running server."
    added = command(
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
    from bot.app.controlling import control  # noqa: PLC0415  start-up time of the other commands
    from bot.app.wish import Wish  # noqa: PLC0415  as above
    from bot.incident.mitigation import OnExpiry, Scope  # noqa: PLC0415  as above

    wish = Wish(
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
    return with_console(lambda console: control(console, wish))


def _remediate(commands: Any) -> None:
    text = "Record what repairs an incident: a rollback, prompt fix or restart, behind the same gate and approvals."
    example = 'remediate INC-7 rollback p-118 --reason "p-119 invents prices"'
    added = command(commands, "remediate", text, example, _run_remediate)
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
    return with_console(lambda console: repairing.remediate(console, wanted))
