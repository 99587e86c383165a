"""Commands of a person at a terminal: the same verbs, without servers. For when Slack is down, too."""

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.app.house import House, documents_and_mistakes, house, open_database, upgraded
from bot.app.reading import PublicReads
from bot.app.showing import classification_lines, screen
from bot.documents.postmortems import JinjaRenderer
from bot.documents.runbooks import whose
from bot.engine.jobs import prepare
from bot.incident.codec import encode
from bot.incident.errors import (
    BadInput,
    Contraindicated,
    FirstfiveError,
    Misconfigured,
    NeedsSecondPerson,
    NotFound,
    Unavailable,
)
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Catalogue, Person, Via
from bot.incident.rules import Taxonomy
from bot.response.declare import Declaration
from bot.response.mitigate import Order, checked_order
from bot.settings import Settings
from bot.storage.database import Database


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[House]:
    """The house for one command. A running server sees what is committed within a tenth of a second."""
    reads = PublicReads(settings.server.url, settings.server.control_token)
    try:
        async with house(settings, reads) as home:
            await asyncio.to_thread(prepare, home.database.url)
            yield home
    finally:
        await reads.close()


def me() -> Person:
    """The person at the terminal."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # no login name for this user id
        login = "unknown"
    return Person(f"cli:{login}", login)


@dataclass(frozen=True, slots=True)
class ControlWish:
    """What ``firstfive control`` was asked for."""

    action: str
    agent: str | None
    incident: str | None
    mitigation: str | None
    limit: int | None
    minutes: int
    reason: str
    override: str | None
    as_json: bool


async def control(home: House, wish: ControlWish) -> int:
    """Apply, undo or list mitigations and print the outcome.

    Raises:
        BadInput: something is missing.
        Refused: a verb declined; the sentence says why.
    """
    try:
        found = await _done(home, wish)
    except NeedsSecondPerson as error:
        raise NeedsSecondPerson(f"{error} The reason goes with --reason.") from error
    except Contraindicated as error:
        raise Contraindicated(f"{error} The reason goes with --override.") from error
    _print(found, as_json=wish.as_json)
    return 0


async def _done(home: House, wish: ControlWish) -> list[Mitigation]:
    match wish.action:
        case "list":
            return await live(home, wish)
        case "resume":
            return await resume(home, wish)
        case _:
            return [await pull(home, wish)]


async def live(home: House, wish: ControlWish) -> list[Mitigation]:
    """Mitigations in force: all, or those of the wish's agent and incident.

    Raises:
        NotFound: there is no such incident.
    """
    key = (await home.verbs.look.state(wish.incident)).incident.key if wish.incident else None
    async with home.records.look() as work:
        found, _ = await work.mitigations.live()
    return [
        mitigation
        for mitigation in found
        if wish.agent in {None, mitigation.agent} and key in {None, mitigation.incident}
    ]


async def resume(home: House, wish: ControlWish) -> list[Mitigation]:
    """Undo one mitigation, or all of an agent or an incident. None is undone when one may not be.

    Raises:
        BadInput: none of them is named.
        NotFound: nothing is in force.
        NeedsSecondPerson: one was applied by the same person, and no reason is given.
    """
    if not (wish.mitigation or wish.agent or wish.incident):
        raise BadInput(
            "agent", "Name the --agent, --incident or --mitigation to undo; `firstfive control list` shows them."
        )
    found = await live(home, wish)
    if wish.mitigation:
        found = [mitigation for mitigation in found if mitigation.id == wish.mitigation]
    if not found:
        named = wish.mitigation or wish.agent or wish.incident
        raise NotFound(f"Nothing is in force for {named}; `firstfive control list` shows what is.")
    # What may be refused comes first, so that a refusal leaves nothing half undone.
    own_first = sorted(found, key=lambda mitigation: mitigation.applied_by.id != me().id)
    return [await home.verbs.revert(one.id, wish.reason, me(), home.ids.new()) for one in own_first]


async def pull(home: House, wish: ControlWish) -> Mitigation:
    """Apply a lever; without an incident one is declared, so that the act has its timeline.

    Raises:
        BadInput: neither agent nor incident is named, or limit or minutes cannot be used.
    """
    kind = MitigationKind(wish.action)
    order = Order(kind, wish.limit, wish.minutes, wish.reason, wish.override)
    checked_order(order)  # before an incident is declared for it
    if wish.limit is not None and kind is not MitigationKind.TURN_LIMIT:
        raise BadInput("limit", f"--limit goes with turn-limit, not with {wish.action}; leave it out.")
    key = wish.incident
    if key is None:
        if not wish.agent:
            raise BadInput("agent", "Name the --agent, or the --incident it belongs to.")
        title = f"{kind.label} on {wish.agent} from the command line"
        declaration = Declaration(title, wish.agent, via=Via.CLI, detection=wish.reason)
        state, _ = await home.verbs.declare(declaration, me(), home.ids.new())
        key = state.incident.key
    elif wish.agent:
        await _same_agent(home, key, wish.agent)
    return await home.verbs.apply(key, order, me(), home.ids.new())


async def _same_agent(home: House, key: str, agent: str) -> None:
    state = await home.verbs.look.state(key)
    if state.incident.agent != agent:
        raise BadInput(
            "agent", f"{state.incident.key} is about {state.incident.agent}, not {agent}. Leave one of them out."
        )


def _print(found: list[Mitigation], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "id": m.id,
                "incident": m.incident,
                "agent": m.agent,
                "control": m.kind.value,
                "value": encode(m.value),
                "limit": m.limit,
                "state": m.state.value,
                "applied_by": m.applied_by.name,
                "applied_at": m.applied_at.isoformat(),
                "expires_at": m.expires_at.isoformat(),
            }
            for m in found
        ]
        print(json.dumps(rows))
        return
    for m in found:
        until = f"until {m.expires_at:%Y-%m-%d %H:%M} UTC" if m.state.is_live else ""
        print(f"{m.id}  {m.label} on {m.agent}  {m.state.value} {until}  {m.incident}")
    if not found:
        print("No mitigation is in force.")


async def print_classification(home: House, agent: str, at: datetime | None, *, as_json: bool) -> int:
    """What stored telemetry says about an agent, as people or programs read it."""
    _remark(home, agent, at)
    bundle, tree = await home.verbs.suggest(agent, at)
    if as_json:
        from bot.web.api.shapes import classification  # noqa: PLC0415 - pydantic, only for JSON

        print(classification(tree, bundle).model_dump_json(by_alias=True))
        return 0
    lines = classification_lines(tree, bundle, home.documents.taxonomy)
    print("\n".join(lines))
    return 0


async def print_evidence(
    home: House, agent: str, at: datetime | None, window: timedelta | None, *, as_json: bool
) -> int:
    """What stored telemetry and the sources measure of an agent, as people or programs read it.

    Raises:
        BadInput: the window cannot be measured.
    """
    _remark(home, agent, at)
    gather = home.verbs.gather
    bundle = await (gather(agent, at) if window is None else gather(agent, at, window))
    if as_json:
        from bot.web.api.shapes import evidence  # noqa: PLC0415 - pydantic, only for JSON

        print(evidence(bundle).model_dump_json(by_alias=True))
    else:
        print(screen(bundle))
    return 0


def _remark(home: House, agent: str, at: datetime | None) -> None:
    """Say on standard error what makes an empty answer likely."""
    if not home.documents.catalogue.agent(agent).listed:
        file = home.settings.home.catalogue
        print(f"note: {agent} is not listed in {file}; check the name when nothing is found.", file=sys.stderr)
    if at is not None and at > home.clock.now():
        print(f"note: {at:%Y-%m-%d %H:%M} UTC lies in the future.", file=sys.stderr)


async def migrate(settings: Settings) -> None:
    """Bring our tables and the durable engine's to this version.

    Raises:
        Unavailable: the database does not answer.
    """
    database = open_database(settings)
    try:
        await upgraded(database)
        await asyncio.to_thread(prepare, settings.home.database)
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was looked at, and what is wrong."""

    checked: list[str]
    problems: list[str]


async def check(settings: Settings, mistaken: tuple[str, ...], *, slack: bool) -> CheckReport:
    """Validate everything that can be validated without starting; ``mistaken``: what is wrong in the settings."""
    documents, mistakes = documents_and_mistakes(settings)
    catalogue = documents.catalogue
    templates = JinjaRenderer().mistakes()
    report = CheckReport([] if mistaken else ["settings"], [*mistaken, *(str(m) for m in (*mistakes, *templates))])
    if not mistakes:
        report.checked.append(f"catalogue {settings.home.catalogue}: {_listed(settings, len(catalogue.agents))}")
        report.checked.append(f"taxonomy {documents.taxonomy.version}: {_counted(documents.taxonomy)}")
        report.checked.append(f"runbooks: {whose(documents.runbooks)}")
    connected = [field.name for field in fields(settings.sources) if getattr(settings.sources, field.name).url]
    if not mistaken:
        report.checked.append(f"sources: built-in store{''.join(f', {name}' for name in connected)}")
    if documents.redacted:
        report.checked.append(
            f"redaction {settings.telemetry.redaction}: {len(documents.redacted)} patterns of your own"
        )
    if not mistaken and settings.server.telemetry_tokens:
        report.checked.append(f"telemetry tokens: {_keys(settings, catalogue)}")
    if not templates:
        report.checked.append("postmortem templates")
    for name, look in (("database", _check_database(settings)), ("Slack", _check_slack(settings, ask=slack))):
        try:
            report.checked.append(f"{name}: {await look}")
        except FirstfiveError as error:
            report.problems.append(f"{name}: {error}")
    return report


def _counted(taxonomy: Taxonomy) -> str:
    return f"{len(taxonomy.classes)} classes, {len(taxonomy.questions)} questions"


def _keys(settings: Settings, catalogue: Catalogue) -> str:
    """Whose telemetry tokens there are; a misspelt agent's would take nothing."""
    unlisted = f" (not listed in {settings.home.catalogue})"
    return ", ".join(
        f"{key.kind} {key.name}{unlisted if key.kind == 'agent' and not catalogue.find(key.name) else ''}"
        for key in settings.server.telemetry_keys
    )


def _listed(settings: Settings, agents: int) -> str:
    if agents:
        return "1 agent" if agents == 1 else f"{agents} agents"
    empty = "empty" if Path(settings.home.catalogue).exists() else "no such file"
    return f"{empty}, so every agent is accepted as unlisted"


async def _check_database(settings: Settings) -> str:
    database = open_database(settings)
    try:
        if await database.schema_is_current():
            return "reached, at this version"
        await _reached(database)
        return "reached; the next start, or `firstfive migrate`, brings it to this version"
    finally:
        await database.close()


async def _reached(database: Database) -> None:
    try:
        async with database.read() as connection:
            await connection.execute(text("SELECT 1 FROM sqlite_master" if database.sqlite_path else "SELECT 1"))
    except Unavailable as error:
        said = error.__cause__
        reason = str(said.orig).partition("\n")[0] if isinstance(said, DBAPIError) else "no reason given"
        raise Unavailable(f"It does not answer: {reason}. Check FIRSTFIVE_DATABASE_URL.") from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise Misconfigured(f"It cannot be used ({reason}). Set FIRSTFIVE_DATABASE_URL to another one.") from error


async def _check_slack(settings: Settings, *, ask: bool) -> str:
    if not settings.slack.is_set:
        return "not set, so the bot runs headless"
    if not ask:
        return "set; --slack asks whether the token works"
    from bot.slack.workspace import Workspace  # noqa: PLC0415 - 0.3 s, only when asked

    async with Workspace(settings.slack.bot_token, settings.slack.api_url) as workspace:
        try:
            identity = await workspace.introduce()
        except Unavailable as error:
            raise Unavailable(f"{error} Check the network and SLACK_API_URL ({settings.slack.api_url}).") from error
    return f"the token works ({identity})"
